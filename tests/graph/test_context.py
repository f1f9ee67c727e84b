from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from rrgraph.chem import element_system, parse_formula
from rrgraph.errors import DataError
from rrgraph.graph import (
    KNOWN_EDGES,
    RECEIVED_EDGES,
    ContextGraph,
    Edges,
    TrainingContexts,
    TrainingFolds,
    build_graph,
    select_edges,
)

QUERIES = [parse_formula(text) for text in ("LiNiO2", "SrZrO3", "BaTiO3", "UN")]


@pytest.fixture(scope="module")
def graph(small_table):
    return ContextGraph.fit(small_table, list(small_table.precursors().values()))


def named(graph, edges, row):
    """Return the weights by source, a formula or an element system, of what one receiver gets."""
    (sources, _), weights, _ = edges.select(torch.tensor([row]))
    return dict(zip(sources.tolist(), weights.tolist(), strict=True))


def test_known_edges_are_what_naive_counting_finds(graph, small_table):
    reactions = small_table.distinct_reactions()
    systems = list(dict.fromkeys(element_system(target) for target, _ in reactions))
    keys = [precursor.key for precursor in graph.vocabulary]
    together = Counter(pair for _, members in reactions for pair in combinations(sorted(members), 2))
    for node, key in enumerate(keys):
        used = Counter(systems.index(element_system(t)) for t, members in reactions if key in members)
        shares = {s: n / sum(element_system(t) == systems[s] for t, _ in reactions) for s, n in used.items()}
        expected = {s: share / sum(shares.values()) for s, share in shares.items()}
        assert named(graph, graph.known_edges[KNOWN_EDGES[0]], node) == pytest.approx(expected, abs=1e-3)
        others = {keys.index(min(set(pair) - {key})): n for pair, n in together.items() if key in pair}
        expected = {other: n / sum(others.values()) for other, n in others.items()}
        assert named(graph, graph.known_edges[KNOWN_EDGES[2]], node) == pytest.approx(expected)
    elements, fractions = graph.compositions
    assert len(elements) == len(systems)
    assert torch.allclose(fractions.sum(1), torch.ones(len(systems)))


def test_targets_receive_from_like_systems_and_what_could_make_them(graph):
    similar, makes = (graph.to_targets(QUERIES)[kind] for kind in RECEIVED_EDGES[:2])
    systems = graph.systems.presence
    titanate = named(graph, similar, 2)
    assert max(titanate, key=titanate.get) == int(systems[:, [55, 21, 7]].all(1).argmax())
    for row, target in enumerate(QUERIES[:3]):
        sources = named(graph, makes, row)
        assert sum(sources.values()) == pytest.approx(1)
        assert all(graph.vocabulary[source].elements & (target.elements - {"O"}) for source in sources)
    assert named(graph, makes, 3) == {}


def test_candidates_receive_from_their_own_uses_and_from_their_like_but_not_themselves(graph):
    candidates = [graph.vocabulary[0], parse_formula("SrO")]
    edges = graph.to_candidates(candidates)
    made_from, used_with, similar = (edges[kind] for kind in RECEIVED_EDGES[2:])
    assert named(graph, made_from, 0) == pytest.approx(named(graph, graph.known_edges[KNOWN_EDGES[0]], 0))
    assert named(graph, used_with, 0) == pytest.approx(named(graph, graph.known_edges[KNOWN_EDGES[2]], 0))
    assert named(graph, made_from, 1) == named(graph, used_with, 1) == {}
    assert 0 not in named(graph, similar, 0)
    likest = named(graph, similar, 1)
    assert graph.vocabulary[max(likest, key=likest.get)].formula == "SrCO3"


@pytest.mark.parametrize("find", ["to_targets", "to_candidates"])
def test_what_a_query_receives_does_not_depend_on_other_queries(graph, find):
    together = getattr(graph, find)(QUERIES)
    for row, query in enumerate(QUERIES):
        alone = getattr(graph, find)([query])
        for kind, edges in alone.items():
            assert named(graph, edges, 0) == named(graph, together[kind], row)


def test_a_precursor_that_nothing_uses_sends_nothing(small_table):
    vocabulary = [*small_table.precursors().values(), parse_formula("SrO")]
    graph = ContextGraph.fit(small_table, vocabulary)
    sent = [edges.sources for edges in graph.to_candidates(QUERIES).values()]
    sent += [graph.to_targets(QUERIES)["precursor", "makes", "target"].sources]
    assert all(len(vocabulary) - 1 not in sources for sources in sent)


def test_edges_of_several_graphs_stand_one_behind_the_other(graph):
    parts = [graph.to_candidates(QUERIES)[RECEIVED_EDGES[4]], graph.to_candidates(QUERIES[::-1])[RECEIVED_EDGES[4]]]
    joined, receivers = Edges.concat(parts), torch.tensor([1, 6, -1, 3])
    assert [named(graph, joined, row) for row in range(8)] == [
        named(graph, part, row) for part in parts for row in range(4)
    ]
    degrees = joined.degrees(receivers)
    assert degrees.tolist() == [len(named(graph, joined, row)) if row >= 0 else 0 for row in receivers.tolist()]
    expected, found = joined.select(receivers), joined.select(receivers, count=int(degrees.sum()))
    assert all(torch.equal(own, other) for own, other in zip(expected[:2], found[:2], strict=True))
    assert expected[2] is found[2] is None


def test_edges_of_types_that_nobody_asks_for_are_empty(graph):
    index, weight, _ = select_edges(graph.to_targets(QUERIES), {"target": torch.arange(4)})
    assert list(index) == list(weight) == list(RECEIVED_EDGES)
    assert [index[kind].shape[1] > 0 for kind in RECEIVED_EDGES] == [True, True, False, False, False]


def test_no_fold_shares_a_system_or_a_paper_with_its_graph(make_table, small_table):
    papers = [f"10.1/{row % 6}" for row in range(len(small_table))]
    table = make_table(small_table.frame[["target", "precursors"]].to_numpy().tolist(), doi=papers)
    graph = build_graph(table)
    folds = TrainingFolds.divide(table, graph, folds=4)
    contexts = TrainingContexts.fit(graph, folds)
    tables = dict(folds.complements())
    assert len(contexts.graphs) == 4
    for fold, context in enumerate(contexts.graphs):
        own = folds.rows == fold
        assert not set(table.frame["doi"][own]) & set(tables[fold].frame["doi"])
        known = {frozenset(np.flatnonzero(row)) for row in context.systems.presence}
        systems = ContextGraph.fit(table.select(np.flatnonzero(own)), graph.precursors).systems
        assert not known & {frozenset(np.flatnonzero(row)) for row in systems.presence}
        assert len(known) == len(set(tables[fold].element_systems))
        for all_of, own in zip(contexts.compositions, context.compositions, strict=True):
            assert torch.equal(all_of[contexts.systems[fold]][:, : own.shape[1]], own)


def test_folds_that_share_their_papers_with_everything_are_refused(make_table, small_table):
    rows = small_table.frame[["target", "precursors"]].to_numpy().tolist()
    table = make_table(rows, doi=["10.1/1"] * len(rows))
    graph = build_graph(table)
    with pytest.raises(DataError, match="needs training rows from several papers"):
        TrainingContexts.fit(graph, TrainingFolds.divide(table, graph))


@pytest.fixture(scope="module")
def stored(graph):
    torch.manual_seed(0)
    return graph.with_inputs(torch.randn(len(graph.systems.vectors), 4), torch.randn(len(graph.vocabulary), 4))


@pytest.mark.parametrize("systems", [False, True])
def test_a_stored_graph_sends_the_same(stored, systems):
    arrays = stored.to_arrays(systems=systems)
    read = ContextGraph.from_arrays(
        stored.vocabulary, arrays, width=4, systems=None if systems else replace(stored.systems)
    )
    for kind, values in stored.x.items():
        assert torch.equal(read.x[kind], values)
    for find in ("to_targets", "to_candidates"):
        for kind, edges in getattr(stored, find)(QUERIES).items():
            assert torch.equal(getattr(read, find)(QUERIES)[kind].sources, edges.sources)
            assert torch.equal(getattr(read, find)(QUERIES)[kind].weights, edges.weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("counts"), "'counts' of the context is missing or unknown"),
        (lambda a: a.update(more=a["pairs"]), "'more' of the context is missing or unknown"),
        (lambda a: a.update({"x.system": a["x.system"][:, :3]}), "'x.system' has the shape"),
        (lambda a: a.update({"x.precursor": a["x.precursor"][1:]}), "'x.precursor' has the shape"),
        (lambda a: a.update(pairs=a["pairs"][::-1].copy()), "in the wrong order"),
        (lambda a: a.update(pairs=a["pairs"] + 100), "expected less than"),
        (lambda a: a.update(pairs=a["pairs"].astype(np.int64)), "'pairs' holds int64"),
        (lambda a: a.update(counts=0 * a["counts"]), "expected at least 1"),
        (lambda a: a.update(counts=a["counts"][1:]), "'counts' has the shape"),
        (lambda a: a.pop("systems.shares"), "shares"),
        (lambda a: [a.pop(name) for name in list(a) if name.startswith("systems.")], "must be stored once"),
    ],
)
def test_damaged_arrays_are_refused(stored, change, message):
    arrays = stored.to_arrays(systems=True)
    change(arrays)
    with pytest.raises(ValueError, match=message):
        ContextGraph.from_arrays(stored.vocabulary, arrays, width=4)


def test_as_a_graph_of_pyg(stored):
    data = stored.hetero()
    assert data.validate()
    assert data.edge_types == list(KNOWN_EDGES)
    assert data["system"].x.shape == (len(stored.systems.vectors), 4)
    assert data["precursor", "used_with", "precursor"].edge_index.shape[1] == 2 * len(stored.counts)
