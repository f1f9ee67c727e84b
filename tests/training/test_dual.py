from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rrgraph.errors import ConfigError
from rrgraph.nn import DualEncoder
from rrgraph.training import (
    CANDIDATE_ENCODERS,
    OBJECTIVES,
    ContrastiveConfig,
    ContrastiveTask,
    Links,
    RankingConfig,
    RankingTask,
    listwise_cross_entropy,
    train,
)

from ..separate_device import DEVICE

LEFT, RIGHT, WIDTH = 24, 12, 8


def links(*, eligible=None, seed=0):
    """Left nodes whose features say to which right node they are linked; the first have two."""
    generator = torch.Generator().manual_seed(seed)
    wanted = torch.arange(LEFT) % RIGHT
    pairs = sorted({(place, int(wanted[place])) for place in range(LEFT)} | {(place, place + 1) for place in range(4)})
    features = nn.functional.one_hot(wanted, RIGHT).float() + 0.1 * torch.randn(LEFT, RIGHT, generator=generator)
    edges = torch.tensor(pairs).T.contiguous()
    return Links(
        queries=(features,),
        candidates=(torch.eye(RIGHT),),
        edges=edges,
        count=torch.ones(edges.shape[1]).long(),
        eligible=eligible,
    )


def encoder(seed=0):
    torch.manual_seed(seed)
    return DualEncoder(nn.Linear(RIGHT, WIDTH), nn.Linear(RIGHT, WIDTH))


def contrastive(**changes):
    return replace(ContrastiveConfig(epochs=30, batch_size=8, learning_rate=0.02), **changes)


def ranking(**changes):
    return replace(
        RankingConfig(epochs=2, batch_size=8, learning_rate=0.01, candidate_learning_rate=0.01, candidates=6, hard=3),
        **changes,
    )


def top_1(module, found):
    scores = module.embed_queries(*found.queries) @ module.embed_candidates(*found.candidates).T
    linked = found.positives(torch.arange(LEFT))
    return float(linked[torch.arange(LEFT), scores.argmax(1)].float().mean())


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(1, 4),
    st.integers(2, 6),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from([0, 0.05]),
)
def test_the_listwise_loss_is_its_definition(seed, lists, candidates, smoothing, bonus):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(lists, candidates, generator=generator)
    positive = torch.rand(lists, candidates, generator=generator) < 0.4
    positive[:, 0] = True
    wanted = []
    for row, right in zip(scores, positive, strict=True):
        p = row.softmax(0)
        q = (1 - smoothing) * right / right.sum() + smoothing / candidates
        wanted.append(-(q * p.log()).sum() - bonus * -(p * p.log()).sum())
    found = listwise_cross_entropy(scores, positive, smoothing=smoothing, entropy_bonus=bonus)
    torch.testing.assert_close(found, torch.stack(wanted).mean())


def test_candidates_left_out_of_a_list_count_for_nothing():
    scores = torch.tensor([[1.0, 0.5, -0.3]])
    positive = torch.tensor([[True, False, False]])
    shut = torch.cat([scores, torch.full((1, 2), -torch.inf)], dim=1).requires_grad_()
    options = {"smoothing": 0.1, "entropy_bonus": 0.02}
    loss = listwise_cross_entropy(shut, nn.functional.pad(positive, (0, 2)), **options)
    torch.testing.assert_close(loss, listwise_cross_entropy(scores, positive, **options))
    loss.backward()
    assert bool(torch.isfinite(shut.grad).all())


def test_marked_pairs_are_the_edges():
    found = links()
    nodes = torch.tensor([5, 0, 23])
    naive = torch.zeros(3, RIGHT, dtype=torch.bool)
    for left, right in found.edges.T.tolist():
        naive[nodes == left, right] = True
    assert torch.equal(found.positives(nodes), naive)
    assert bool(found.feasible(nodes).all())


def test_recorded_links_are_always_eligible():
    found = links(eligible=torch.tensor([[0, 0, 7], [3, 4, 9]]))
    assert found.feasible(torch.tensor([7]))[0].nonzero().flatten().tolist() == [7, 9]
    assert found.feasible(torch.tensor([1]))[0].nonzero().flatten().tolist() == [1, 2]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_contrast_learns_the_links(objective):
    found, module = links(), encoder()
    train(ContrastiveTask(module, found, contrastive(objective=objective)), contrastive(objective=objective))
    assert top_1(module, found) == 1


def test_a_shared_right_node_is_no_negative_unless_asked_for():
    found, module = links(), encoder()
    batch = torch.tensor([[0, 12], [0, 0]])
    merged = ContrastiveTask(module, found, contrastive()).loss(batch, torch.Generator())
    diagonal = ContrastiveTask(module, found, contrastive(diagonal=True)).loss(batch, torch.Generator())
    # One right node alone cannot be confused with another; that both left nodes are wanted for it costs ln 2 at least.
    scores = module.similarities(
        module.embed_queries(found.queries[0][[0, 12]]), module.embed_candidates(found.candidates[0][[0]])
    )
    assert merged.item() == pytest.approx(-scores.T.log_softmax(1).mean().item() / 2)
    assert diagonal.item() > merged.item()


def test_a_choice_among_all_ignores_what_is_not_eligible():
    found = links(eligible=torch.empty(2, 0, dtype=torch.int64))
    module = encoder()
    batch = torch.tensor([[20], [8]])
    loss = ContrastiveTask(module, found, contrastive(objective="all")).loss(batch, torch.Generator())
    assert loss.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("right", CANDIDATE_ENCODERS)
class TestRanking:
    def test_lists_hold_the_recorded_and_the_nearest(self, right):
        found, module = links(), encoder()
        task = RankingTask(module, found, ranking(candidate_encoder=right))
        module.eval()
        task.start_epoch(1)
        nodes = torch.arange(LEFT)
        with torch.no_grad():
            left = task.embed_queries(nodes)
            candidates, positive = task.candidates(nodes, left, torch.Generator().manual_seed(1))
            near = (left @ task.index.T).masked_fill(found.positives(nodes), -torch.inf).topk(3, dim=1).indices
        for row, (listed, right_ones) in enumerate(zip(candidates.tolist(), positive.tolist(), strict=True)):
            assert len(set(listed)) == 6
            linked = set(found.positives(torch.tensor([row]))[0].nonzero().flatten().tolist())
            assert {place for place, yes in zip(listed, right_ones, strict=True) if yes} == linked
            assert set(near[row].tolist()) <= set(listed)

    def test_only_what_may_change_changes(self, right):
        found, module = links(), encoder()
        before = module.right.weight.clone()
        left = module.left.weight.clone()
        train(RankingTask(module, found, ranking(candidate_encoder=right)), ranking(candidate_encoder=right))
        assert torch.equal(module.right.weight, before) == (right == "frozen")
        assert not torch.equal(module.left.weight, left)

    def test_ranking_improves_what_contrast_began(self, right):
        found, module = links(), encoder()
        config = ranking(candidate_encoder=right, epochs=20)
        before = top_1(module, found)
        train(RankingTask(module, found, config), config)
        assert top_1(module, found) > max(before, 0.8)

    def test_resuming_gives_the_numbers_of_one_run(self, right, tmp_path):
        whole, parts = encoder(), encoder()
        config = ranking(candidate_encoder=right, epochs=4, schedule="constant", warmup=0.0)
        train(RankingTask(whole, links(), config), config)
        train(RankingTask(parts, links(), config), replace(config, epochs=2), state_folder=tmp_path)
        again = encoder(seed=5)
        train(RankingTask(again, links(), config), config, state_folder=tmp_path, resume=True)
        for name, tensor in whole.state_dict().items():
            assert torch.equal(again.state_dict()[name], tensor), name


@pytest.mark.parametrize("right", CANDIDATE_ENCODERS)
def test_ranking_goes_on_from_the_weights_alone(right):
    # A resumed run loads them, one that goes on still has the gradients of the last contrast.
    here, there = encoder(), encoder()
    first, second = contrastive(epochs=1), ranking(candidate_encoder=right, gradient_clip=0.01)
    train(ContrastiveTask(here, links(), first), first)
    there.load_state_dict(here.state_dict())
    histories = [train(RankingTask(module, links(), second), second) for module in (here, there)]
    assert [row["loss"] for row in histories[0]] == [row["loss"] for row in histories[1]]
    for one, other in zip(here.parameters(), there.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_the_moving_average_follows_slowly():
    module = encoder()
    task = RankingTask(module, links(), ranking(candidate_encoder="ema", decay=0.9))
    start = task.shadow.weight.clone()
    with torch.no_grad():
        module.right.weight += 1
    task.stepped()
    torch.testing.assert_close(task.shadow.weight, start + 0.1)
    assert not any(parameter.requires_grad for parameter in task.shadow.parameters())


def test_the_index_of_a_moving_average_is_not_that_of_the_encoder():
    module = encoder()
    task = RankingTask(module, links(), ranking(candidate_encoder="ema", decay=0.9))
    task.start_epoch(1)
    before = task.index
    with torch.no_grad():
        module.right.weight.mul_(-1)
    task.start_epoch(2)
    assert torch.equal(task.index, before)


def test_lists_are_no_longer_than_there_are_right_nodes():
    found, module = links(), encoder()
    task = RankingTask(module, found, ranking(candidates=50, hard=40))
    task.start_epoch(1)
    nodes = torch.arange(3)
    candidates, _ = task.candidates(nodes, task.embed_queries(nodes).detach(), torch.Generator())
    assert candidates.shape == (3, RIGHT)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": "batch"}, "contrastive.objective is 'batch'"),
        ({"objective": "all", "diagonal": True}, "diagonal=true needs"),
    ],
)
def test_contrasts_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        ContrastiveTask(encoder(), links(), contrastive(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"candidate_encoder": "emma"}, "ranking.candidate_encoder is 'emma'.*Did you mean 'ema'"),
        ({"hard": 6}, "ranking.hard=6 must be below ranking.candidates=6"),
    ],
)
def test_rankings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        RankingTask(encoder(), links(), ranking(**changes))


def test_a_temperature_must_be_positive():
    with pytest.raises(ConfigError, match=r"model\.temperature=0 must be above 0"):
        DualEncoder(nn.Identity(), nn.Identity(), temperature=0)


@pytest.mark.parametrize("what", [*OBJECTIVES, "diagonal", *CANDIDATE_ENCODERS])
def test_it_learns_the_same_on_the_device_and_no_step_waits_for_it(what, waits_of_steps):
    eligible = torch.stack([torch.arange(LEFT).repeat_interleave(9), torch.arange(9).repeat(LEFT)])
    histories = []
    for device in ("cpu", DEVICE):
        found, module = links(eligible=eligible), encoder().to(device)
        if what in CANDIDATE_ENCODERS:
            config = ranking(candidate_encoder=what)
            task = RankingTask(module, found, config)
        else:
            changes = {"diagonal": True} if what == "diagonal" else {"objective": what}
            config = contrastive(**changes, epochs=2)
            task = ContrastiveTask(module, found, config)
        histories.append([row["loss"] for row in train(task, config)])
    assert histories[0] == pytest.approx(histories[1], rel=1e-4)
    assert waits_of_steps and not any(waits_of_steps)


def test_half_precision_changes_embeddings_but_not_the_type_of_scores(monkeypatch):
    asked = []

    def spy(device, precision):
        asked.append((device.type, precision))
        return torch.autocast("cpu", torch.bfloat16) if precision == "auto" else nullcontext()

    monkeypatch.setattr("rrgraph.training.dual.half_precision", spy)
    nodes = torch.arange(4)
    full, half = (
        ContrastiveTask(encoder(), links(), contrastive(precision=precision)).embed_queries(nodes)
        for precision in ("full", "auto")
    )
    assert asked == [("cpu", "full"), ("cpu", "auto")]
    assert half.dtype == full.dtype == torch.float32
    assert not torch.equal(half, full)
    torch.testing.assert_close(half, full, atol=0.05, rtol=0.05)
