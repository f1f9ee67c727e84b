import dataclasses
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import parse_formula
from rrgraph.errors import DataError
from rrgraph.graph import EDGE, REVERSE_EDGE, build_graph, validate_graph

TARGETS = ["LiCoO2", "Li2Co2O4", "BaTiO3", "LaMnO3", "CuInSe2"]
PRECURSORS = ["Li2CO3", "LiOH", "Co3O4", "BaCO3", "TiO2", "La2O3", "MnO2"]


def test_nodes_edges_and_sets_of_a_known_table(small_table):
    graph = build_graph(small_table)
    assert len(graph.targets) == 12  # LiCoO2 in two spellings and two routes is one node
    edge = graph.target_index["CoLiO2"], graph.precursor_index["Co3O4"]
    counts = dict(
        zip(map(tuple, graph.data[EDGE].edge_index.t().tolist()), graph.data[EDGE].count.tolist(), strict=True)
    )
    assert counts[edge] == 3
    assert torch.equal(graph.data[REVERSE_EDGE].edge_index, graph.data[EDGE].edge_index.flip(0))
    assert graph.data.validate()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(TARGETS), st.sets(st.sampled_from(PRECURSORS), min_size=1, max_size=4)),
        min_size=1,
        max_size=12,
    )
)
def test_the_table_can_be_read_back_from_the_graph(make_table, rows):
    graph = build_graph(make_table([(target, ";".join(sorted(members))) for target, members in rows]))
    expected = Counter(
        (parse_formula(target).key, frozenset(parse_formula(member).key for member in members))
        for target, members in rows
    )
    found = {
        (graph.targets[target].key, frozenset(graph.precursors[member].key for member in members)): count
        for target, members, count in graph.recorded_sets()
    }
    assert found == expected


def test_extra_precursors_are_nodes_without_edges(small_table):
    graph = build_graph(small_table, extra_precursors=[parse_formula("CrB"), parse_formula("Li2CO3")])
    assert [p.key for p in graph.precursors].count("CLi2O3") == 1
    extra = graph.precursor_index["BCr"]
    assert extra not in graph.data[EDGE].edge_index[1]


def test_an_empty_table_is_refused(make_table):
    with pytest.raises(DataError, match="without rows"):
        build_graph(make_table([]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d[EDGE].edge_index.__setitem__((0, 0), 99), "leaves the target nodes"),
        (lambda d: d[EDGE].count.__setitem__(0, 5), "disagree with the recorded sets"),
        (lambda d: d["target"].fractions.mul_(2), "do not sum to 1"),
        (lambda d: d["target"].elements.__setitem__((0, 0), 0), "padding"),
        (lambda d: d[REVERSE_EDGE].edge_index.__setitem__((0, 0), 3), "mirror"),
    ],
)
def test_validation_names_the_broken_promise(small_table, damage, message):
    graph = build_graph(small_table)
    damaged = dataclasses.replace(graph, data=graph.data.clone())
    damage(damaged.data)
    with pytest.raises(DataError, match=message):
        validate_graph(damaged)
