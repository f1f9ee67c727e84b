from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

from rrgraph.chem import element_system, parse_formula
from rrgraph.data import PrecursorTable
from rrgraph.errors import ConfigError, DataError, DataWarning
from rrgraph.graph import KNOWN_EDGES, REACTION_EDGES, RECEIVED_EDGES, Column, ContextGraph, GraphColumns, select_edges

TEMPERATURES = [900, 800, None, 700, 1100, 1000, 1000, 1200, None, 1400, 950, 1e999, "nan", 600]
ATMOSPHERES = ["air", "O2", "air", "", "air", "air", "N2", "air", "air", "air", "O2", None, "Ar", "N2"]
QUERIES = [parse_formula(text) for text in ("LiNiO2", "SrZrO3", "BaTiO3", "UN")]


@pytest.fixture(scope="module")
def table(small_table, make_table):
    rows = small_table.frame[["target", "precursors"]].to_numpy().tolist()
    return make_table(rows, temperature=TEMPERATURES, atmosphere=ATMOSPHERES)


@pytest.fixture(scope="module")
def precursors():
    frame = pd.DataFrame({"price": [10.0, 30.0, None], "class": ["carbonate", "oxide", "oxide"]})
    return PrecursorTable(("BaCO3", "O2Ti", "CoO"), frame, "'precursors.csv'", (2, 3, 4))


@pytest.fixture(scope="module")
def columns(table, precursors):
    nodes = {"system": ["temperature", "atmosphere"], "precursor": ["price", "Temperature", "class"]}
    return GraphColumns.fit(table, nodes, ["temperature"], precursors=precursors)


@pytest.fixture(scope="module")
def graph(table, columns):
    return ContextGraph.fit(table, list(table.precursors().values()), columns=columns)


def standardised(rows):
    """Return the features of the temperatures of rows, counted naively."""
    known = np.array([value for value in TEMPERATURES if isinstance(value, int)], dtype=float)
    found = [TEMPERATURES[row] for row in rows if isinstance(TEMPERATURES[row], int)]
    return [(np.mean(found) - known.mean()) / known.std(), 0] if found else [0, 1]


def test_features_are_those_of_naive_counting(graph, table):
    names = graph.columns.names
    assert names["system"][:3] == ["temperature", "temperature missing", "atmosphere=Ar"]
    assert names["precursor"] == [
        *("temperature", "temperature missing", "price", "price missing"),
        *("class=carbonate", "class=oxide", "class missing"),
    ]
    reactions = list(zip(table.targets, table.set_keys, strict=True))
    systems = list(dict.fromkeys(element_system(target) for target, _ in reactions))
    for node, system in enumerate(systems):
        rows = [row for row, (target, _) in enumerate(reactions) if element_system(target) == system]
        found = [ATMOSPHERES[row] for row in rows if ATMOSPHERES[row]]
        shares = [found.count(level) / max(len(found), 1) for level in ("Ar", "N2", "O2", "air")]
        expected = [*standardised(rows), *shares, float(not found)]
        assert graph.features["system"][node].tolist() == pytest.approx(expected, abs=2e-3)
    for node, precursor in enumerate(graph.vocabulary):
        rows = [row for row, (_, keys) in enumerate(reactions) if precursor.key in keys]
        assert graph.features["precursor"][node, :2].tolist() == pytest.approx(standardised(rows), abs=2e-3)
    entries = zip(graph.systems.system_index.tolist(), graph.systems.precursors.tolist(), strict=True)
    for edge, (system, precursor) in enumerate(entries):
        rows = [
            row
            for row, (target, keys) in enumerate(reactions)
            if element_system(target) == systems[system] and graph.vocabulary[precursor].key in keys
        ]
        assert graph.features["edge"][edge].tolist() == pytest.approx(standardised(rows), abs=2e-3)


def test_columns_of_precursors_describe_candidates_too(graph):
    barium, _, unknown, hydrate = found = graph.columns.of_candidates(
        [parse_formula(text) for text in ("BaCO3", "TiO2", "SrO", "BaCO3·2H2O")]
    )
    assert barium.tolist() == [-1, 0, 1, 0, 0]
    assert unknown.tolist() == [0, 1, 0, 0, 1]
    assert torch.equal(hydrate, barium)
    known = [precursor.formula for precursor in graph.vocabulary]
    assert torch.equal(graph.features["precursor"][known.index("TiO2"), 2:], found[1])
    assert graph.columns.sizes == {"system": 7, "precursor": 7, "candidate": 5, "edge": 2}


def test_edges_carry_their_features_to_all_who_receive_by_them(graph):
    edges = graph.to_targets(QUERIES) | graph.to_candidates(graph.vocabulary)
    receivers = {"target": torch.arange(4), "candidate": torch.arange(len(graph.vocabulary))}
    known, received = graph.known_messages(), select_edges(edges, receivers)
    own = dict(zip(known.edge_index[KNOWN_EDGES[0]].T.unbind(), known.edge_attr[KNOWN_EDGES[0]].tolist(), strict=True))
    own = {tuple(ends.tolist()): values for ends, values in own.items()}
    for messages, kind, turned in ((known, KNOWN_EDGES[1], True), (received, RECEIVED_EDGES[2], False)):
        for ends, values in zip(messages.edge_index[kind].T.tolist(), messages.edge_attr[kind].tolist(), strict=True):
            assert own[tuple(ends[::-1] if turned else ends)] == values
    assert {*known.edge_attr} | {*received.edge_attr} == {*REACTION_EDGES}
    # Of a target whose system is known the nearest one counts most, and of others the features lie within their range.
    found = received.edge_attr[RECEIVED_EDGES[1]]
    assert len(found) == received.edge_index[RECEIVED_EDGES[1]].shape[1] > 0
    assert bool((found.amax(0) <= graph.features["edge"].amax(0) + 1e-5).all())
    assert bool((found.amin(0) >= graph.features["edge"].amin(0) - 1e-5).all())


def test_a_target_receives_the_mean_over_its_near_systems(graph):
    (target,) = QUERIES[:1]
    edges = graph.to_targets([target])
    (systems, _), weights, _ = edges[RECEIVED_EDGES[0]].select(torch.tensor([0]))
    makes = graph.known_edges[KNOWN_EDGES[1]]
    for precursor, values in zip(edges[RECEIVED_EDGES[1]].sources, edges[RECEIVED_EDGES[1]].attributes, strict=True):
        summed, total = torch.zeros(2), 0.0
        for system, weight in zip(systems, weights, strict=True):
            places, _ = makes.places(system[None])
            for place in places[makes.sources[places] == precursor]:
                summed += weight * makes.weights[place] * makes.attributes[place]
                total += float(weight * makes.weights[place])
        assert values.tolist() == pytest.approx((summed / total).tolist(), abs=1e-4)


def test_what_only_other_rows_say_of_a_precursor_is_missing(table, columns):
    part = table.select(np.arange(4))
    graph = ContextGraph.fit(part, list(table.precursors().values()), columns=columns)
    unused = [row for row, each in enumerate(graph.vocabulary) if each.key not in part.precursors()]
    assert (graph.features["precursor"][unused, :2] == torch.tensor([0.0, 1.0])).all()
    assert graph.columns.system[0].mean == pytest.approx(800)
    assert graph.columns.system[1].levels == columns.system[1].levels


def test_a_stored_graph_has_the_same_features(graph):
    graph = graph.with_inputs(*(torch.randn(n, 4) for n in (len(graph.systems.vectors), len(graph.vocabulary))))
    arrays, stored = graph.to_arrays(systems=True), json.loads(json.dumps(graph.columns.to_stored()))
    read = ContextGraph.from_arrays(graph.vocabulary, arrays, width=4, columns=GraphColumns.from_stored(stored))
    assert read.columns.names == graph.columns.names
    assert {*read.features} == {*graph.features}
    assert all(torch.equal(read.features[kind], values) for kind, values in graph.features.items())
    assert torch.equal(read.columns.of_candidates(QUERIES), graph.columns.of_candidates(QUERIES))
    assert torch.equal(read.columns.of_candidates(graph.vocabulary), graph.columns.of_candidates(graph.vocabulary))
    for change, message in (
        (lambda a, s: a.pop("features.edge"), "'features.edge' of the context is missing"),
        (lambda a, s: s.update(edge=[]), "'features.edge' of the context is missing or unknown"),
        (lambda a, s: s["described"].append("x"), "'features.candidate' has the shape"),
        (lambda a, s: s["described"].append(s["described"][0]), "one of them twice"),
        (lambda a, s: s["system"][0].update(levels=[1]), "'levels' is"),
        (lambda a, s: s.pop("system"), "there is no 'system'"),
    ):
        damaged, described = dict(arrays), json.loads(json.dumps(stored))
        change(damaged, described)
        with pytest.raises(ValueError, match=message):
            ContextGraph.from_arrays(graph.vocabulary, damaged, width=4, columns=GraphColumns.from_stored(described))


def test_pyg_has_the_features_beside_the_embeddings_or_in_their_place(graph):
    data = graph.hetero()
    assert data.validate()
    for kind in ("system", "precursor"):
        assert torch.equal(data[kind].x, graph.features[kind])
        assert len(data[kind].feature_names) == data[kind].features.shape[1]
    for edge in KNOWN_EDGES:
        assert ("edge_attr" in data[edge]) == (edge in REACTION_EDGES)
    assert data[KNOWN_EDGES[0]].feature_names == ["temperature", "temperature missing"]
    sizes = (len(graph.systems.vectors), len(graph.vocabulary))
    embedded = graph.with_inputs(*(torch.randn(n, 4) for n in sizes)).hetero()
    assert embedded["system"].x.shape == (sizes[0], 4)
    assert torch.equal(embedded["system"].features, graph.features["system"])


@pytest.mark.parametrize(
    ("cells", "features", "row"),
    [
        ([1, 3, None], ["c", "c missing"], [1, 0]),
        (["1", " 3.0 ", ""], ["c", "c missing"], [1, 0]),
        ([5, 5, 5], ["c", "c missing"], [0, 0]),
        ([1e308, -1e308, np.nan], ["c", "c missing"], [-1, 0]),
        (["b", "a", "b"], ["c=a", "c=b", "c missing"], [1, 0, 0]),
        ([True, False, None], ["c=False", "c=True", "c missing"], [1, 0, 0]),
    ],
)
def test_cells_as_features(cells, features, row):
    column = Column.fit("c", cells, source="a table")
    assert column.features == features
    found = column.describe(cells, np.arange(3), np.arange(3), count=4)
    assert found[1].tolist() == pytest.approx(row)
    assert found[3].tolist() == [*[0] * (len(features) - 1), 1]


def test_only_the_most_frequent_levels_are_kept():
    cells = [f"level {number}" for number in range(40) for _ in range(1 + (number > 7))]
    column = Column.fit("c", cells, source="a table")
    assert sorted(column.levels) == column.levels == sorted({*cells[8:]})
    # A rarer level is a value, though none of those that are kept.
    assert column.describe(["level 0"], np.arange(1), np.arange(1), count=1).tolist() == [[0] * 33]


def test_numbers_with_an_odd_one_out_bring_a_warning():
    with pytest.warns(DataWarning, match="'c' of a table is read as text, because '900 C' is not a number"):
        Column.fit("c", [800, 1000, "900 C"], source="a table")


@pytest.mark.parametrize(
    ("nodes", "edges", "message"),
    [
        ({"sytem": ["temperature"]}, [], "Did you mean 'system'"),
        ({"system": ["temprature"]}, [], "'temprature', which data.node_features.system asks for.* 'temperature'?"),
        ({"precursor": ["prise"]}, [], "with 'precursors.csv', has no column 'prise'.* Did you mean 'price'?"),
        ({"system": ["price"]}, [], "The reaction table has no column 'price'"),
        ({}, ["atmosphre"], "which data.edge_features asks for"),
        ({"system": ["target"]}, [], "names the column 'target', whose formulas are the nodes"),
        ({"system": ["year"]}, [], "'year' of the reaction table has no value"),
    ],
)
def test_columns_that_are_not_there_are_refused(table, precursors, nodes, edges, message):
    with pytest.raises((DataError, ConfigError), match=message):
        GraphColumns.fit(table, nodes, edges, precursors=precursors)


def test_a_precursor_table_that_has_nothing_to_say_is_refused(make_table, tmp_path):
    table = make_table([("NaCl", "Na;Cl2")], price=[1])
    (tmp_path / "p.csv").write_text("formula,price\nUO2,3\nPuO2,4\n")
    precursors = PrecursorTable.read(tmp_path / "p.csv")
    with pytest.raises(DataError, match=r"p\.csv' describes no precursor of the training rows"):
        GraphColumns.fit(table, {"precursor": ["price"]}, precursors=precursors)
    with pytest.raises(DataError, match=r"No column of '.*p\.csv' is named in .*precursor, expected some of price"):
        GraphColumns.fit(table, {"system": ["price"]}, precursors=precursors)


def test_lists_are_refused(make_table):
    table = make_table([("NaCl", "Na;Cl2")], gases=[["air"]])
    with pytest.raises(DataError, match="'gases' of the reaction table holds lists or mappings"):
        GraphColumns.fit(table, {"system": ["gases"]})
