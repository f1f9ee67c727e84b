from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from rrgraph.chem import parse_formula
from rrgraph.data import PrecursorTable
from rrgraph.errors import ConfigError
from rrgraph.graph import GraphColumns, TrainingContexts, TrainingFolds, build_graph
from rrgraph.links import (
    CONTEXTS,
    Context,
    FoldContexts,
    LinkModel,
    LinkTask,
    TrainingConfig,
    has_edge_features,
    make_context,
)
from rrgraph.models import Model, load_checkpoint, save_checkpoint
from rrgraph.training import train

from .message_passing import MODEL, PASSING, TARGETS, checkpoint_of

CONFIG = TrainingConfig(epochs=3, patience=0, batch_size=16, negatives_per_positive=3, learning_rate=1e-2)
TAKING = [name for name in CONTEXTS if has_edge_features(CONTEXTS[name].forward)]
TEMPERATURES = [900.0, 800, 850, 700, 1100, 1000, 1050, 1200, 900, 1400, 950, 600, 650, 750]
ATMOSPHERES = ["air", "O2", "air", "air", "N2", "air", "N2", "air", "air", "air", "O2", "Ar", "Ar", "N2"]
PRICES = PrecursorTable(
    ("BaCO3", "O2Ti", "CLi2O3", "OSr"), pd.DataFrame({"price": [1.0, 2.0, 3.0, 9.0]}), "'p.csv'", (2, 3, 4, 5)
)


def described(table, *, temperatures=TEMPERATURES, atmospheres=ATMOSPHERES):
    return table.with_columns(temperature=temperatures, atmosphere=atmospheres)


def columns_of(table, name):
    nodes = {"system": ["temperature", "atmosphere"], "precursor": ["price", "temperature"]}
    return GraphColumns.fit(table, nodes, ["temperature"] if name in TAKING else [], precursors=PRICES)


def build(name, columns, **options):
    torch.manual_seed(0)
    module = LinkModel(replace(MODEL, context=name, **options), features=columns.sizes).eval()
    for parameter in module.inputs.parameters():  # which begin with 0, so that nothing would depend on them
        torch.nn.init.normal_(parameter)
    return module


def score(table, name, target, precursor):
    """Return the score of a training link as training sees it, and with the whole table as its context."""
    columns = columns_of(table, name)
    module, graph = build(name, columns), build_graph(table)
    folds = TrainingFolds.divide(table, graph, folds=4)
    of_folds = FoldContexts(module, TrainingContexts.fit(graph, folds, columns=columns))
    checkpoint = checkpoint_of(module, table, columns)
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
    ("name", "changed"), [("sage", "values"), ("gatv2", "values"), ("sage", "label"), ("gatv2", "label")]
)
def test_the_columns_of_a_training_row_do_not_change_its_own_score(make_table, small_table, name, changed):
    rows = small_table.frame[["target", "precursors"]].to_numpy().tolist()
    row = rows.index(["BaTiO3", "BaCO3;TiO2"])
    temperatures, atmospheres = [*TEMPERATURES], [*ATMOSPHERES]
    if changed == "values":
        temperatures[row], atmospheres[row] = 3000.0, "Ar"
    else:
        rows[row] = ["BaTiO3", "TiO2;Li2CO3"]
    after = described(make_table(rows), temperatures=temperatures, atmospheres=atmospheres)
    trained, leaky = score(described(small_table), name, "BaTiO3", "BaCO3")
    own, leaky_after = score(after, name, "BaTiO3", "BaCO3")
    assert own == pytest.approx(trained, abs=1e-6)
    # So that the first line means something.
    assert leaky_after != pytest.approx(leaky, abs=1e-6)


@pytest.mark.parametrize("name", PASSING)
def test_a_saved_model_predicts_equally_without_the_tables(small_table, tmp_path, name):
    table = described(small_table)
    columns = columns_of(table, name)
    checkpoint = checkpoint_of(build(name, columns, n_decoders=2), table, columns)
    save_checkpoint(checkpoint, tmp_path)
    candidates = [*checkpoint.vocabulary, parse_formula("SrO"), parse_formula("CrB")]
    read = load_checkpoint(tmp_path)
    before, after = (Model(each).logits(TARGETS, candidates) for each in (checkpoint, read))
    assert np.array_equal(before, after)
    assert read.context.columns.names == columns.names
    save_checkpoint(read, tmp_path / "again")
    for file in ("model.safetensors", "model.json"):
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / file).read_bytes()


@pytest.mark.parametrize("name", PASSING)
def test_no_query_changes_the_score_of_another(small_table, name):
    table = described(small_table)
    columns = columns_of(table, name)
    checkpoint = checkpoint_of(build(name, columns), table, columns)
    candidates = [*checkpoint.vocabulary, parse_formula("SrO")]
    together = Model(checkpoint).logits(TARGETS, candidates)
    for row, column in ((0, 0), (1, len(candidates) - 1)):
        alone = Model(checkpoint).logits([TARGETS[row]], [candidates[column]])
        assert alone[0, 0] == pytest.approx(together[row, column], abs=1e-5)


def test_columns_move_the_scores_of_those_that_they_describe(small_table):
    """The price of a new candidate its own alone, a temperature those that receive from its system."""
    table = described(small_table)
    columns = columns_of(table, "sage")
    checkpoint = checkpoint_of(build("sage", columns), table, columns)
    candidates = [parse_formula(text) for text in ("SrO", "CrB")]
    before = Model(checkpoint).logits(TARGETS, candidates)
    dearer = replace(checkpoint.context.columns, values=columns.values + np.array([1, 0], dtype=np.float32))
    changed = replace(checkpoint, context=replace(checkpoint.context, columns=dearer))
    after = Model(changed).logits(TARGETS, candidates)
    assert np.array_equal(before[:, 1], after[:, 1])
    assert not np.isclose(before[:, 0], after[:, 0]).any()
    moved = replace(
        checkpoint.context, features=checkpoint.context.features | {"system": checkpoint.context.features["system"] + 1}
    )
    assert not np.isclose(before, Model(replace(checkpoint, context=moved)).logits(TARGETS, candidates)).any()


def task_of(table, name, *, features=True, **options):
    columns = columns_of(table, name)
    graph = build_graph(table)
    folds = TrainingFolds.divide(table, graph, folds=4)
    contexts = TrainingContexts.fit(graph, folds, columns=columns if features else None)
    torch.manual_seed(0)
    module = LinkModel(replace(MODEL, context=name, **options), features=columns.sizes if features else None)
    return LinkTask(module, graph, CONFIG, folds=folds.targets, contexts=contexts)


@pytest.mark.parametrize("name", ["sage", "gatv2"])
def test_learning_begins_as_without_columns_and_then_heeds_them(small_table, name):
    tasks = [task_of(described(small_table), name, features=features) for features in (True, False)]
    if name == "sage":  # of gatv2 there are further weights for the edges
        for task in tasks:
            task.start_epoch(1)
        first, second = (task.loss(task.batches(1, torch.Generator().manual_seed(0))[0], None) for task in tasks)
        assert torch.equal(first, second)
    history = train(tasks[0], CONFIG, seed=0)
    assert history[-1]["loss"] < history[0]["loss"]
    assert all(bool(each.any()) for each in tasks[0].module.inputs.parameters())


def test_a_decoder_learns_nothing_of_columns_from_held_out_targets(small_table):
    task = task_of(described(small_table), "gatv2", n_decoders=2)
    task.start_epoch(1)
    for batch in task.batches(1, torch.Generator().manual_seed(0)):
        task.module.zero_grad(set_to_none=True)
        task.loss(batch, torch.Generator()).backward()
        moved = [
            any(p.grad is not None and bool(p.grad.any()) for p in part.parameters()) for part in task.module.inputs
        ]
        assert moved == [member != batch.fold % 2 for member in range(2)]


def test_a_context_of_ones_own_gets_the_features_of_edges_if_it_asks(small_table, monkeypatch):
    seen = []

    class Listening(Context):
        def __init__(self, config, *, edge_features=0):
            super().__init__(config)
            seen.append(edge_features)

        def forward(self, x, index, weight, edge_attr=None):
            seen.append({edge: tuple(values.shape[1:]) for edge, values in edge_attr.items()})
            return x

    monkeypatch.setitem(CONTEXTS._entries, "listening", Listening)
    table = described(small_table)
    columns = GraphColumns.fit(table, {}, ["atmosphere"])
    checkpoint = checkpoint_of(build("listening", columns), table, columns)
    Model(checkpoint).logits(TARGETS, checkpoint.vocabulary)
    assert seen[0] == columns.sizes["edge"] == 5
    assert {size for each in seen[1:] for size in each.values()} == {(5,)}


@pytest.mark.parametrize("name", sorted({*CONTEXTS} - {*TAKING}))
def test_contexts_that_take_no_features_of_edges_name_those_that_do(name):
    with pytest.raises(ConfigError, match=f"and model.context={name} does not: expected gatv2"):
        make_context(replace(MODEL, context=name), edge_features=2)
