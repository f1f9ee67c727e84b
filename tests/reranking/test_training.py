from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rrgraph.reranking import (
    ListwiseNetwork,
    ListwiseNetworkConfig,
    RerankingConfig,
    RerankingTask,
    TrainingLists,
    list_log_softmax,
    recorded_log_probability,
)
from rrgraph.reranking.features import SET_FEATURES
from rrgraph.training import STATE_FILE, train

CONFIG = RerankingConfig(epochs=4, batch_size=16, learning_rate=3e-3, ema_decay=0.9)


def plant(lists, *, none=0.0):
    """Return which sets are recorded: the one of its list that a rule of set and member features puts first.

    In a share of the lists, those whose best set is worst, none is recorded.
    """
    first = torch.where(lists.members >= 0, lists.links[lists.members.clamp_min(0), 2], 0.0).sum(1)
    value = lists.sets[:, 4] - 2 * lists.sets[:, 7] + first
    best = torch.full((len(lists),), -torch.inf).scatter_reduce(0, lists.list_index, value, "amax")
    recorded = value == best[lists.list_index]
    return recorded & (best >= best[best.isfinite()].quantile(none))[lists.list_index]


def build(lists, recorded, weights=None, *, members=1, config=CONFIG):
    torch.manual_seed(0)
    weights = weights or [torch.ones(len(each)) for each in lists]
    return RerankingTask(
        ListwiseNetwork(ListwiseNetworkConfig(width=32, dropout=0.0, n_networks=members)),
        [TrainingLists(*each) for each in zip(lists, recorded, weights, strict=True)],
        config,
    )


def accuracy(scorer, lists, recorded):
    """Share of lists whose answer, one of the sets or none, is the recorded one."""
    with torch.no_grad():
        scores, none = scorer(lists)
    hits = 0
    for number in range(len(lists)):
        part = slice(int(lists.offsets[number]), int(lists.offsets[number + 1]))
        own, answer = (
            torch.cat([scores[part], none[[number]]]),
            torch.cat([recorded[part], ~recorded[part].any()[None]]),
        )
        hits += bool(answer[own.argmax()])
    return hits / len(lists)


@pytest.mark.slow
def test_a_planted_rule_is_learned_and_holds_for_other_lists(invent_lists):
    lists = [invent_lists([7] * 300, seed=seed, links=500) for seed in (1, 2)]
    task = build(lists, [plant(each, none=0.3) for each in lists])
    other = invent_lists([7] * 200, seed=3, links=500)
    before = accuracy(task.module.eval(), other, plant(other, none=0.3))
    history = train(task, replace(CONFIG, epochs=12), seed=0)
    assert history[-1]["loss"] < 0.4 * history[0]["loss"]
    assert before < 0.4
    assert accuracy(task.module, other, plant(other, none=0.3)) > 0.75


def test_several_recorded_sets_share_their_part(invent_lists):
    """The objective does not ask for one of them more than for another."""
    lists = invent_lists([4])
    task = build([lists], [torch.tensor([True, False, True, False])])
    task.module.eval()
    loss = task.loss((0, torch.tensor([0])), torch.Generator())
    with torch.no_grad():
        of_set, _ = list_log_softmax(*task.module(lists), lists.list_index)
    assert loss.item() == pytest.approx(-float((of_set[0].exp() + of_set[2].exp()).log()), abs=1e-5)


def test_a_list_without_a_recorded_set_teaches_that_another_set_is(invent_lists):
    lists = invent_lists([4])
    task = build([lists], [torch.zeros(4, dtype=torch.bool)])
    train(task, replace(CONFIG, epochs=60, ema_decay=0.0), seed=0)
    with torch.no_grad():
        _, none = list_log_softmax(*task.module(lists), lists.list_index)
    assert none.exp().item() > 0.9


def test_lists_count_by_their_weight(invent_lists):
    lists = invent_lists([3, 5, 2])
    recorded = plant(lists)
    each = [build([lists], [recorded]).loss((0, torch.tensor([number])), None).item() for number in range(3)]
    weights = torch.tensor([1.0, 0.25, 3.0])
    total = build([lists], [recorded], [weights]).loss((0, torch.arange(3)), None).item()
    assert total == pytest.approx(sum(w * x for w, x in zip(weights.tolist(), each, strict=True)) / 4.25, rel=1e-4)


def test_each_network_learns_by_itself(invent_lists):
    """The loss is the sum of those of the networks, not the loss of their mean."""
    lists = invent_lists([3, 5, 2])
    recorded = plant(lists)
    task = build([lists], [recorded], members=2)
    task.module.eval()
    total = 0.0
    with torch.no_grad():
        for scores, none in task.module.member_scores(lists):
            logs = list_log_softmax(scores, none, lists.list_index)
            total -= recorded_log_probability(*logs, lists.list_index, recorded).mean()
        assert task.loss((0, torch.arange(3)), None).item() == pytest.approx(total.item(), abs=1e-5)


def test_lists_of_half_precision_give_nearly_the_same_loss(invent_lists):
    lists = invent_lists([3, 5, 2])
    recorded = plant(lists)
    full, half = (build([each], [recorded]).loss((0, torch.arange(3)), None).item() for each in (lists, lists.half()))
    assert half == pytest.approx(full, abs=2e-2)


def test_every_list_of_every_collection_is_seen_once_an_epoch(invent_lists):
    lists = [invent_lists([2] * 21, seed=1), invent_lists([3] * 9, seed=2)]
    task = build(lists, [plant(each) for each in lists], config=replace(CONFIG, batch_size=4))
    batches = task.batches(1, torch.Generator().manual_seed(0))
    seen = sorted((number, each) for number, part in batches for each in part.tolist())
    assert seen == [(0, each) for each in range(21)] + [(1, each) for each in range(9)]
    assert max(len(part) for _, part in batches) == 4
    # The collections are mixed.
    assert sorted({number for number, _ in batches[:4]}) == [0, 1]
    other = task.batches(2, torch.Generator().manual_seed(1))
    assert [part.tolist() for _, part in other] != [part.tolist() for _, part in batches]


def test_features_are_scaled_over_all_collections(invent_lists):
    lists = [invent_lists([4] * 5, seed=1), invent_lists([2] * 8, seed=2)]
    lists[1] = replace(lists[1], sets=lists[1].sets * 5 + 3)
    task = build(lists, [plant(each) for each in lists])
    together = torch.cat([each.sets for each in lists])
    assert torch.allclose(task.module.numbers_shift, together.mean(0), atol=1e-5)
    assert torch.allclose(task.module.numbers_scale, together.std(0, correction=0), atol=1e-4)
    assert len(task.module.numbers_scale) == len(SET_FEATURES)


class Interrupted(RerankingTask):
    """A task that is interrupted in its third epoch."""

    def batches(self, epoch, generator):
        if epoch == 3:
            raise KeyboardInterrupt
        return super().batches(epoch, generator)


def test_a_resumed_training_equals_the_uninterrupted_one(invent_lists, tmp_path: Path):
    lists = [invent_lists([5] * 40, seed=1), invent_lists([3] * 20, seed=2)]
    recorded = [plant(each) for each in lists]
    straight = build(lists, recorded)
    expected = train(straight, CONFIG, seed=3)
    broken = build(lists, recorded)
    broken.__class__ = Interrupted
    with pytest.raises(KeyboardInterrupt):
        train(broken, CONFIG, seed=3, state_folder=tmp_path)
    assert (tmp_path / STATE_FILE).is_file()
    resumed = build(lists, recorded)
    torch.manual_seed(99)
    history = train(resumed, CONFIG, seed=3, state_folder=tmp_path, resume=True)
    assert [row["loss"] for row in history] == [row["loss"] for row in expected]
    for name, weights in straight.module.state_dict().items():
        assert torch.equal(resumed.module.state_dict()[name], weights), name
