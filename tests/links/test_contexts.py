from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from rrgraph.chem import parse_formula
from rrgraph.errors import ConfigError
from rrgraph.graph import (
    EDGE,
    KNOWN_EDGES,
    RECEIVED_EDGES,
    TrainingContexts,
    TrainingFeatures,
    TrainingFolds,
    build_graph,
)
from rrgraph.links import CONTEXTS, NO_CONTEXT, FoldContexts, LinkModel, LinkTask, TrainingConfig
from rrgraph.models import LinkCheckpoint, Model, load_checkpoint, save_checkpoint
from rrgraph.reranking import held_out_logits
from rrgraph.training import train

from .message_passing import MODEL, PASSING, TARGETS, checkpoint_of

CONFIG = TrainingConfig(epochs=12, patience=0, batch_size=8, negatives_per_positive=3, learning_rate=1e-2)
SIZES = {"system": 7, "precursor": 9, "target": 4, "candidate": 5}


def build(name, **options):
    torch.manual_seed(0)
    return LinkModel(replace(MODEL, context=name, context_options=options)).eval()


def inputs(sizes=SIZES):
    """Return embeddings and edges, some receivers without any."""
    torch.manual_seed(1)
    x = {kind: torch.randn(size, 16) for kind, size in sizes.items()}
    index, weight = {}, {}
    for edge in (*KNOWN_EDGES, *RECEIVED_EDGES):
        number = 6 if sizes[edge[2]] else 0
        sources = torch.randint(sizes[edge[0]], (number,))
        receivers = torch.randint(max(sizes[edge[2]] - 1, 1), (number,)).sort().values
        index[edge], weight[edge] = torch.stack([sources, receivers]), torch.rand(number)
    return x, index, weight


def states(context, x, index, weight):
    known = {kind: x[kind] for kind in ("system", "precursor")}
    known = context.known(known, *({e: given[e] for e in KNOWN_EDGES} for given in (index, weight)))
    query = {kind: x[kind] for kind in ("target", "candidate")}
    return context({**known, **query}, *({e: given[e] for e in RECEIVED_EDGES} for given in (index, weight)))


@pytest.mark.parametrize("name", list(CONTEXTS))
class TestContract:
    def test_a_finite_state_for_each_node_and_always_the_same(self, name):
        given = inputs()
        (context,) = build(name).contexts
        found = states(context, *given)
        for kind in ("target", "candidate"):
            assert found[kind].shape == (SIZES[kind], 16)
            assert torch.isfinite(found[kind]).all()
            assert torch.equal(states(context, *given)[kind], found[kind])
            assert torch.equal(states(build(name).contexts[0], *given)[kind], found[kind])

    @pytest.mark.parametrize("empty", ["target", "candidate"])
    def test_either_side_may_be_empty(self, name, empty):
        (context,) = build(name).contexts
        found = states(context, *inputs({**SIZES, empty: 0}))
        assert found[empty].shape == (0, 16)
        assert torch.isfinite(found["candidate" if empty == "target" else "target"]).all()

    def test_nodes_only_receive(self, name):
        """What is asked beside a node changes nothing, not even another node of its own type."""
        (context,) = build(name).contexts
        x, index, weight = inputs()
        before = states(context, x, index, weight)
        for kind in ("target", "candidate"):
            changed = x | {kind: torch.cat([x[kind][:1] + 1, x[kind][1:], x[kind][:1]])}
            after = states(context, changed, index, weight)
            other = "candidate" if kind == "target" else "target"
            assert torch.allclose(after[kind][1 : SIZES[kind]], before[kind][1:], atol=1e-6)
            assert not torch.allclose(after[kind][0], before[kind][0])
            assert torch.allclose(after[other], before[other], atol=1e-6)

    def test_gradients_reach_weights_and_embeddings(self, name):
        (context,) = build(name).contexts
        x, index, weight = inputs()
        x = {kind: values.requires_grad_() for kind, values in x.items()}
        found = states(context, x, index, weight)
        sum((found[kind] ** 2).sum() for kind in ("target", "candidate")).backward()
        sent = ("system", "precursor") if name != NO_CONTEXT else ()
        assert all(bool(x[kind].grad.abs().sum() > 0) for kind in ("target", "candidate", *sent))
        own = list(context.parameters())
        assert sum(p.grad is not None and bool(p.grad.any()) for p in own) >= len(own) / 2

    def test_messages_carry_what_is_known(self, name):
        (context,) = build(name).contexts
        x, index, weight = inputs()
        before = states(context, x, index, weight)
        after = states(context, x | {"precursor": x["precursor"] + 1}, index, weight)
        for kind in ("target", "candidate"):
            assert torch.equal(after[kind], before[kind]) == (name == NO_CONTEXT)

    def test_a_saved_model_predicts_equally_after_loading(self, name, small_table, tmp_path, monkeypatch):
        if name in (NO_CONTEXT, "sage", "hops"):
            monkeypatch.setitem(sys.modules, "torch_geometric", None)  # which takes a second to import
        checkpoint = checkpoint_of(build(name), small_table)
        save_checkpoint(checkpoint, tmp_path)
        candidates = [*checkpoint.vocabulary, parse_formula("CrB"), parse_formula("SrO")]
        before, after = (Model(each).logits(TARGETS, candidates) for each in (checkpoint, load_checkpoint(tmp_path)))
        assert np.array_equal(before, after)
        assert before.std() > 0

    def test_no_query_changes_the_score_of_another(self, name, small_table):
        checkpoint = checkpoint_of(build(name), small_table)
        candidates = [*checkpoint.vocabulary, parse_formula("CrB")]
        together = Model(checkpoint).logits(TARGETS, candidates)
        for row, target in enumerate(TARGETS):
            for column in (0, 3, len(candidates) - 1):
                alone = Model(checkpoint).logits([target], [candidates[column]])
                assert alone[0, 0] == pytest.approx(together[row, column], abs=1e-5)


def task_of(table, name, *, model=MODEL, config=CONFIG, statistics=False):
    graph = build_graph(table)
    folds = TrainingFolds.divide(table, graph, folds=4)
    torch.manual_seed(0)
    return LinkTask(
        LinkModel(replace(model, context=name, statistics=statistics)),
        graph,
        config,
        statistics=TrainingFeatures.fit(graph, folds) if statistics else None,
        folds=folds.targets,
        contexts=None if name == NO_CONTEXT else TrainingContexts.fit(graph, folds),
    )


@pytest.mark.parametrize(("name", "rate"), [*((name, 0.0) for name in CONTEXTS), ("sage", 1e-2), ("hops", 1e-2)])
def test_every_context_trains(small_table, name, rate):
    task = task_of(small_table, name, config=replace(CONFIG, epochs=3, encoder_learning_rate=rate))
    groups = task.parameter_groups()
    learned = (
        task.module.parameters() if rate else [*task.module.decoders.parameters(), *task.module.contexts.parameters()]
    )
    assert sum(len(group["params"]) for group in groups) == len(list(learned))
    history = train(task, task.config, seed=0)
    assert history[-1]["loss"] < history[0]["loss"]


def test_a_batch_is_of_one_fold_and_every_link_comes_once(small_table):
    task = task_of(small_table, "sage")
    batches = task.batches(1, torch.Generator().manual_seed(0))
    for batch in batches:
        assert {*task._contexts.contexts.folds[batch.targets].tolist()} == {batch.fold}
        assert len(batch.targets) <= CONFIG.batch_size
    links = [torch.stack([batch.targets, batch.candidates[:, 0]]) for batch in batches]
    seen = sorted(map(tuple, torch.cat(links, dim=1).t().tolist()))
    assert seen == sorted(map(tuple, task.graph.data[EDGE].edge_index.t().tolist()))


def score(table, context, target, precursor, **options):
    """Return the score of a training link as training sees it, and with the whole table as its context."""
    module = build(context, **options)
    graph = build_graph(table)
    folds = TrainingFolds.divide(table, graph, folds=4)
    of_folds = FoldContexts(module, TrainingContexts.fit(graph, folds))
    checkpoint = checkpoint_of(module, table)
    embeddings = Model(checkpoint).embeddings(graph.precursors)
    of_folds.embed(embeddings)
    t = torch.tensor([graph.target_index[parse_formula(target).key]])
    p = torch.tensor([graph.precursor_index[parse_formula(precursor).key]])
    own = Model(checkpoint).embeddings([graph.targets[t]])
    with torch.no_grad():
        trained = module(*of_folds.states(int(folds.targets[t]), t, p, own, embeddings[p]))
    leaky = Model(checkpoint).logits([graph.targets[t]], [graph.precursors[p]])
    return float(trained), float(leaky[0, 0])


@pytest.mark.parametrize(
    ("name", "options"),
    [*((name, {}) for name in PASSING), *((name, {"layers": 2}) for name in ("sage", "gatv2", "hgt"))],
)
def test_a_training_link_does_not_change_its_own_score(make_table, small_table, name, options):
    rows = small_table.frame[["target", "precursors"]].to_numpy().tolist()
    without = make_table(rows)
    label = next(row for row in range(len(rows)) if rows[row] == ["BaTiO3", "BaCO3;TiO2"])
    changed = make_table([*rows[:label], ["BaTiO3", "TiO2;Li2CO3"], *rows[label + 1 :]])
    for precursor in ("BaCO3", "Li2CO3", "TiO2"):
        (trained, leaky), (after, leaky_after) = (
            score(table, name, "BaTiO3", precursor, **options) for table in (without, changed)
        )
        assert after == pytest.approx(trained, abs=1e-6)
        # So that the first line means something.
        assert leaky_after != pytest.approx(leaky, abs=1e-6)


@pytest.mark.parametrize("name", ["sage", "gatv2"])
def test_held_out_scores_are_those_of_training(small_table, name):
    model = replace(MODEL, n_decoders=2)
    task = task_of(small_table, name, model=model, statistics=True)
    task.module.eval()
    folds = TrainingFolds.divide(small_table, task.graph, folds=4)
    encoder = Model(LinkCheckpoint(task.module, (), np.zeros(0)))
    targets, precursors = (encoder.embeddings(side) for side in (task.graph.targets, task.graph.precursors))
    features = task._statistics
    contexts = task._contexts.contexts
    logits = held_out_logits(task.module, folds, features, targets, precursors, contexts=contexts)
    of_folds = FoldContexts(task.module, contexts)
    of_folds.embed(precursors)
    for target in (0, 3, 7):
        links = slice(int(features.offsets[target]), int(features.offsets[target + 1]))
        linked = features.precursors[links]
        node = torch.tensor([target])
        with torch.no_grad():
            fold = int(folds.targets[target])
            one, others = of_folds.states(fold, node, linked, targets[node], precursors[linked])
            expected = task.module.member_logits(one.expand_as(others), others, features.features[links].float())
        assert logits[links] == pytest.approx(expected[folds.targets[target] % 2].numpy(), abs=1e-5)


def test_the_edges_that_a_batch_receives_by_are_counted_beforehand(small_table, monkeypatch):
    monkeypatch.setattr("rrgraph.links.examples._BATCHES", 3)
    task = task_of(small_table, "sage")
    batches = list(task.batches(1, torch.Generator().manual_seed(0)))
    assert len({batch.fold for batch in batches}) == 4
    for batch in batches:
        nodes = (batch.distinct[side].nodes for side in ("target", "precursor"))
        index, _, _ = task._contexts.contexts.received(batch.fold, *nodes)
        assert batch.counts == [index[kind].shape[1] for kind in RECEIVED_EDGES]
    assert all(any(batch.counts[row] for batch in batches) for row in range(len(RECEIVED_EDGES)))


def test_a_training_that_is_resumed_within_a_group_of_batches_goes_on_as_before(small_table, tmp_path, monkeypatch):
    monkeypatch.setattr("rrgraph.links.examples._BATCHES", 2)
    config = replace(CONFIG, epochs=2, batch_size=32, encoder_learning_rate=1e-2)
    straight, broken, resumed = (task_of(small_table, "sage", config=config) for _ in range(3))
    expected = train(straight, config, seed=5)
    loss, steps = broken.loss, []

    def interrupted(batch, generator):
        steps.append(batch)
        if len(steps) == len(straight.batches(1, torch.Generator())) + 4:
            raise KeyboardInterrupt
        return loss(batch, generator)

    broken.loss = interrupted
    with pytest.raises(KeyboardInterrupt):
        train(broken, config, seed=5, state_folder=tmp_path, checkpoint_minutes=0)
    history = train(resumed, config, seed=5, state_folder=tmp_path, resume=True)
    assert [row["loss"] for row in history] == [row["loss"] for row in expected]


@pytest.mark.parametrize("rate", [0.0, 1e-2], ids=["fixed encoder", "learned encoder"])
def test_the_logits_of_a_batch_are_those_of_its_pairs_alone(small_table, rate):
    task = task_of(small_table, "sage", config=replace(CONFIG, encoder_learning_rate=rate))
    task.start_epoch(1)
    batch = task.batches(1, torch.Generator().manual_seed(0))[1]
    encoder = Model(LinkCheckpoint(task.module, (), np.zeros(0)))
    targets, precursors = (encoder.embeddings(side) for side in (task.graph.targets, task.graph.precursors))
    with torch.no_grad():
        rows, columns = (batch.distinct[side].index for side in ("target", "precursor"))
        found = task.module.distinct_logits(*task._states(batch), rows.expand_as(columns).flatten(), columns.flatten())
        found = found[0].view_as(batch.candidates)
        for row, column in ((0, 0), (1, 2), (len(found) - 1, 3)):
            nodes = batch.targets[[row]], batch.candidates[row, [column]]
            alone = task._contexts.states(batch.fold, *nodes, targets[nodes[0]], precursors[nodes[1]])
            assert float(task.module(*alone)) == pytest.approx(float(found[row, column]), abs=1e-5)


@pytest.mark.parametrize("name", ["sage", "gatv2", "hgt"])
def test_further_layers_work_on_what_is_known(name):
    given = inputs()
    one, two = (states(build(name, layers=layers).contexts[0], *given) for layers in (1, 2))
    assert two["target"].shape == one["target"].shape
    assert not torch.allclose(one["target"], two["target"])


def test_a_decoder_and_its_context_learn_nothing_from_held_out_targets(small_table):
    task = task_of(
        small_table, "sage", model=replace(MODEL, n_decoders=2), config=replace(CONFIG, encoder_learning_rate=0)
    )
    task.start_epoch(1)
    task.module.train()
    for batch in task.batches(1, torch.Generator().manual_seed(0)):
        task.module.zero_grad(set_to_none=True)
        task.loss(batch, torch.Generator().manual_seed(0)).backward()
        held_out = batch.fold % 2
        for parts in (task.module.decoders, task.module.contexts):
            moved = [any(p.grad is not None and bool(p.grad.any()) for p in part.parameters()) for part in parts]
            assert moved == [member != held_out for member in range(2)]


@pytest.mark.parametrize(
    ("name", "options"),
    [("sage", {"layers": 0}), ("hops", {"hops": 0}), ("gatv2", {"heads": 3}), ("hgt", {"heads": 0})],
)
def test_impossible_options_are_named(name, options):
    with pytest.raises(
        ConfigError, match=rf"model\.context_options\.{next(iter(options))}={next(iter(options.values()))}"
    ):
        build(name, **options)


def test_messages_have_full_precision_in_training_too(small_table, monkeypatch):
    """Held-out targets and predictions get theirs without bfloat16, so that training must do likewise."""
    monkeypatch.setattr("rrgraph.nn.device._has_bfloat16", lambda device: True)
    forward, known, seen = CONTEXTS["sage"].forward, CONTEXTS["sage"].known, []

    def watched(method):
        def call(self, *given):
            seen.append(torch.is_autocast_enabled("cpu"))
            return method(self, *given)

        return call

    monkeypatch.setattr(CONTEXTS["sage"], "forward", watched(forward))
    monkeypatch.setattr(CONTEXTS["sage"], "known", watched(known))
    config = replace(CONFIG, epochs=1, precision="auto")
    model = replace(MODEL, context="sage", context_options={"layers": 2})
    train(task_of(small_table, "sage", model=model, config=config), config, seed=0)
    assert len(seen) > 2 and not any(seen)


def test_a_context_needs_the_contexts_of_the_folds(small_table):
    with pytest.raises(ConfigError, match=r"model\.context=sage needs the contexts"):
        LinkTask(build("sage"), build_graph(small_table), CONFIG)
