from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rrgraph.errors import ConfigError
from rrgraph.graph import EDGE, FrequencyFeatures, TrainingFeatures, TrainingFolds, build_graph
from rrgraph.links import DECODERS, SAMPLERS, LinkModel, LinkTask, TrainingConfig
from rrgraph.models import LinkCheckpoint, Model
from rrgraph.nn import ENCODERS, ModelConfig
from rrgraph.training import LOSSES, OPTIMIZERS, train

MODEL = ModelConfig(width=16, layers=1, heads=2, dropout=0.0, decoder_dropout=0.0)
CONFIG = TrainingConfig(
    epochs=30, patience=0, batch_size=8, negatives_per_positive=3, learning_rate=1e-2, encoder_learning_rate=1e-2
)


@pytest.fixture(scope="module")
def graph(small_table):
    return build_graph(small_table)


def build(graph, table, *, statistics=False, model=MODEL, config=CONFIG):
    torch.manual_seed(0)
    folds = TrainingFolds.divide(table, graph)
    return LinkTask(
        LinkModel(replace(model, statistics=statistics)),
        graph,
        config,
        statistics=TrainingFeatures.fit(graph, folds) if statistics else None,
        folds=folds.targets,
    )


@pytest.mark.parametrize("statistics", [False, True])
def test_training_separates_links_from_the_rest(graph, small_table, statistics):
    task = build(graph, small_table, statistics=statistics)
    history = train(task, CONFIG, seed=1)
    assert history[-1]["loss"] < 0.75 * history[0]["loss"]
    counted = FrequencyFeatures.fit(small_table, graph.precursors) if statistics else None
    scores = Model(LinkCheckpoint(task.module, graph.precursors, np.ones(len(graph.precursors)), counted)).logits(
        graph.targets, graph.precursors
    )
    linked = np.zeros(scores.shape, dtype=bool)
    linked[tuple(graph.data[EDGE].edge_index.numpy())] = True
    assert scores[linked].mean() > scores[~linked].mean() + 1


@pytest.mark.parametrize("sampler", list(SAMPLERS))
@pytest.mark.parametrize("loss", list(LOSSES))
def test_every_sampler_and_loss_trains(graph, small_table, sampler, loss):
    config = replace(CONFIG, epochs=1, sampler=sampler, loss=loss)
    assert np.isfinite(train(build(graph, small_table, config=config), config, seed=0)[0]["loss"])


@pytest.mark.parametrize("decoder", list(DECODERS))
def test_every_decoder_trains(graph, small_table, decoder):
    task = build(graph, small_table, statistics=True, model=replace(MODEL, decoder=decoder))
    history = train(task, replace(CONFIG, epochs=6), seed=0)
    assert history[-1]["loss"] < history[0]["loss"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("encoder", list(ENCODERS))
def test_every_encoder_trains(graph, small_table, encoder, optimizer):
    config = replace(CONFIG, epochs=6, optimizer=optimizer)
    task = build(graph, small_table, statistics=True, model=replace(MODEL, encoder=encoder), config=config)
    groups = task.parameter_groups()
    assert sum(len(group["params"]) for group in groups) == len(list(task.module.parameters()))
    history = train(task, config, seed=0)
    assert history[-1]["loss"] < history[0]["loss"]


def test_options_reach_sampler_and_loss(graph, small_table, monkeypatch):
    monkeypatch.setitem(LOSSES._entries, "scaled", lambda logits, *, factor=1.0: factor * logits.sum())
    options = {"sampler_options": {"power": 0.25}, "loss": "scaled", "loss_options": {"factor": 3.0}}
    task = build(graph, small_table, config=replace(CONFIG, sampler="popularity", **options))
    degrees = torch.bincount(graph.data[EDGE].edge_index[1], minlength=len(graph.precursors)).float()
    assert torch.allclose(task.sampler.weights(torch.tensor([0]))[0], degrees**0.25)
    assert task.criterion(torch.ones(2, 2)).item() == 12.0


def test_every_link_is_a_positive_once_an_epoch(graph, small_table):
    batches = build(graph, small_table).batches(1, torch.Generator().manual_seed(0))
    links = [torch.stack([batch.targets, batch.candidates[:, 0]]) for batch in batches]
    seen = sorted(map(tuple, torch.cat(links, dim=1).t().tolist()))
    assert seen == sorted(map(tuple, graph.data[EDGE].edge_index.t().tolist()))


class Noting(LinkModel):
    """A link model that notes what it is asked."""

    asked: list

    def distinct_logits(self, targets, precursors, rows, columns, statistics=None):
        self.asked = [*getattr(self, "asked", []), (targets[rows], precursors[columns], statistics)]
        return super().distinct_logits(targets, precursors, rows, columns, statistics)


def test_each_link_of_a_batch_comes_with_its_own_statistics(graph, small_table):
    torch.manual_seed(0)
    folds = TrainingFolds.divide(small_table, graph)
    statistics = TrainingFeatures.fit(graph, folds)
    module = Noting(replace(MODEL, statistics=True))
    task = LinkTask(module, graph, CONFIG, statistics=statistics)
    batch = graph.data[EDGE].edge_index[:, [0, 5, 9]]
    (examples,) = task.examples(batch, [3], 3)
    task.loss(examples, torch.Generator())
    candidates = examples.candidates
    assert torch.equal(examples.targets, batch[0])
    assert torch.equal(candidates[:, 0], batch[1])
    assert not task.sampler.positives(batch[0]).gather(1, candidates[:, 1:]).any()
    ((targets, precursors, given),) = module.asked
    assert torch.equal(given, statistics.lookup(batch[0], candidates).flatten(0, 1))
    store = graph.data["target"]
    own = module.encode(store.elements[batch[0]], store.fractions[batch[0]])
    assert torch.allclose(targets.view(3, -1, 16), own[:, None].expand(-1, candidates.shape[1], -1), atol=1e-5)
    store = graph.data["precursor"]
    those = module.encode(store.elements[candidates.flatten()], store.fractions[candidates.flatten()])
    assert torch.allclose(precursors, those, atol=1e-5)


def test_statistics_are_scaled_by_those_of_the_training_links(graph, small_table):
    task = build(graph, small_table, statistics=True)
    features = task._statistics.features.float()
    assert torch.allclose(task.module.shift, features.mean(0))
    assert torch.allclose(task.module.scale, features.std(0, correction=0).clamp_min(1e-3))


def gradients(task, targets):
    """Return whether each decoder gets a gradient from the links of these targets."""
    edges = task.graph.data[EDGE].edge_index
    batch = edges[:, torch.isin(edges[0], targets)]
    task.module.zero_grad(set_to_none=True)
    sum(task.loss(each, torch.Generator()) for each in task.examples(batch, [batch.shape[1]], 0)).backward()
    return [any(p.grad is not None and bool(p.grad.any()) for p in each.parameters()) for each in task.module.decoders]


@pytest.mark.parametrize("encoder_rate", [0.0, 1e-2], ids=["fixed encoder", "learned encoder"])
@pytest.mark.parametrize("members", [2, 3])
def test_a_decoder_learns_nothing_from_its_held_out_targets(graph, small_table, members, encoder_rate):
    config = replace(CONFIG, encoder_learning_rate=encoder_rate)
    task = build(graph, small_table, statistics=True, model=replace(MODEL, n_decoders=members), config=config)
    folds = TrainingFolds.divide(small_table, graph).targets
    assert set(folds % members) == set(range(members))
    for held_out in range(members):
        own = torch.from_numpy(np.flatnonzero(folds % members == held_out))
        assert gradients(task, own) == [decoder != held_out for decoder in range(members)]
    assert gradients(task, torch.arange(len(folds))) == [True] * members


def test_a_decoder_is_the_same_whatever_its_held_out_targets_are_made_of(graph, small_table):
    """Over a whole training with fixed embeddings, where decoders share nothing."""
    config = replace(CONFIG, epochs=3, encoder_learning_rate=0.0, gradient_clip=0.0)
    model = replace(MODEL, n_decoders=2)
    first, second = (build(graph, small_table, model=model, config=config) for _ in range(2))
    edges = graph.data[EDGE].edge_index
    folds = torch.from_numpy(TrainingFolds.divide(small_table, graph).targets)
    held_out = (folds % 2 == 0)[edges[0]]
    loss = second.loss

    def mislead(batch, generator):
        own = (folds % 2 == 0)[batch.targets]
        precursors = batch.distinct["precursor"]
        index = precursors.index.clone()
        index[own, 0] = 0
        distinct = {**batch.distinct, "precursor": replace(precursors, index=index)}
        return loss(replace(batch, candidates=precursors.nodes[index], distinct=distinct), generator)

    second.loss = mislead
    assert 0 < held_out.sum() < len(held_out)
    for task in (first, second):
        train(task, config, seed=0)
    for name in ("decoders.0.", "decoders.1."):
        weights, others = (
            [tensor for key, tensor in task.module.state_dict().items() if key.startswith(name)]
            for task in (first, second)
        )
        same = all(torch.equal(a, b) for a, b in zip(weights, others, strict=True))
        assert same == (name == "decoders.0.")


def test_several_decoders_need_folds(graph):
    with pytest.raises(ConfigError, match=r"model\.n_decoders=2 needs the folds"):
        LinkTask(LinkModel(replace(MODEL, n_decoders=2)), graph, CONFIG)


@pytest.mark.parametrize("members", [1, 3])
def test_the_loss_is_the_sum_over_the_decoders_of_what_they_learn_from(graph, small_table, members):
    task = build(graph, small_table, model=replace(MODEL, n_decoders=members))
    folds = TrainingFolds.divide(small_table, graph).targets
    batch = graph.data[EDGE].edge_index[:, ::2]
    (examples,) = task.examples(batch, [batch.shape[1]], 5)
    candidates = examples.candidates
    with torch.no_grad():
        total = task.loss(examples, torch.Generator())
        checkpoint = LinkCheckpoint(task.module, graph.precursors, np.ones(len(graph.precursors)))
        embedded = [Model(checkpoint).embeddings(side) for side in (graph.targets, graph.precursors)]
        expected = 0.0
        for number, decoder in enumerate(task.module.decoders):
            rows = [r for r, t in enumerate(batch[0].tolist()) if members == 1 or folds[t] % members != number]
            logits = [decoder(embedded[0][batch[0][[r] * 4]], embedded[1][candidates[r]]) for r in rows]
            expected += task.criterion(torch.stack(logits))
    assert total.item() == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize("sampler", ["mixed", "hard"])
def test_a_training_that_is_resumed_within_a_group_of_batches_draws_the_same(
    graph, small_table, tmp_path, monkeypatch, sampler, after
):
    """Batches are prepared two at a time; the run is interrupted after one, two or three of an epoch's four."""
    monkeypatch.setattr("rrgraph.links.examples._BATCHES", 2)
    config = replace(CONFIG, epochs=3, sampler=sampler)
    model = replace(MODEL, n_decoders=2, dropout=0.2)
    straight, broken, resumed = (build(graph, small_table, model=model, config=config) for _ in range(3))
    expected = train(straight, config, seed=5)
    loss, steps = broken.loss, []

    def interrupted(batch, generator):
        steps.append(batch)
        if len(steps) == 4 + after + 1:
            raise KeyboardInterrupt
        return loss(batch, generator)

    broken.loss = interrupted
    with pytest.raises(KeyboardInterrupt):
        train(broken, config, seed=5, state_folder=tmp_path, checkpoint_minutes=0)
    history = train(resumed, config, seed=5, state_folder=tmp_path, resume=True)
    assert [row["loss"] for row in history] == [row["loss"] for row in expected]
    tensors, others = straight.module.state_dict(), resumed.module.state_dict()
    assert all(torch.equal(tensor, others[name]) for name, tensor in tensors.items())
