from __future__ import annotations

from itertools import combinations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.errors import ConfigError
from rrgraph.networks import bipartite_graph, precursor_projection, target_projection


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_graphs_are_those_of_loops(make_records, recorded_rows, data):
    rows = data.draw(recorded_rows)
    records = make_records(rows)
    distinct = {(target, frozenset(each)) for target, each in rows}
    made_from: dict[str, set[str]] = {}
    for target, each in distinct:
        made_from.setdefault(target, set()).update(each)
    graph = bipartite_graph(records)
    assert nx.bipartite.is_bipartite(graph)
    for target, precursors in made_from.items():
        assert set(graph[f"target:{target}"]) == precursors
        for name in precursors:
            count = sum(target == other and name in each for other, each in distinct)
            assert graph.edges[f"target:{target}", name]["count"] == count
    shared = precursor_projection(records)
    for one, two in combinations(records.names, 2):
        both = [target for target, each in made_from.items() if {one, two} <= each]
        any_of = [target for target, each in made_from.items() if {one, two} & each]
        assert shared.has_edge(one, two) == bool(both)
        if both:
            assert shared.edges[one, two] == {"shared": len(both), "jaccard": pytest.approx(len(both) / len(any_of))}
    near = target_projection(records, min_shared=1, nearest=100)
    for one, two in combinations(made_from, 2):
        both, any_of = made_from[one] & made_from[two], made_from[one] | made_from[two]
        assert near.has_edge(one, two) == bool(both)
        if both:
            assert near.edges[one, two] == {"shared": len(both), "jaccard": pytest.approx(len(both) / len(any_of))}


def test_a_material_can_be_target_and_precursor(make_records):
    graph = bipartite_graph(make_records([("BaTiO3", ["BaCO3", "TiO2"]), ("Ba2TiO4", ["BaTiO3", "BaCO3"])]))
    assert graph.nodes["BaTiO3"]["side"] == "precursor"
    assert graph.nodes["target:BaTiO3"]["side"] == "target"
    assert graph.nodes["target:BaTiO3"]["formula"] == "BaTiO3"


def test_targets_keep_their_nearest(make_records):
    rows = [(f"Ba{n}TiO3", ["BaCO3", "TiO2"]) for n in range(1, 9)] + [("BaTiMnO5", ["BaCO3", "TiO2", "MnO2"])]
    graph = target_projection(make_records(rows), nearest=1)
    assert graph.number_of_edges() < 9
    assert all(degree >= 1 for _, degree in graph.degree)
    with pytest.raises(ConfigError, match="nearest is 0"):
        target_projection(make_records(rows), nearest=0)
