from __future__ import annotations

import networkx as nx
import pytest

from rrgraph.errors import ConfigError
from rrgraph.networks import add_structure, edge_weight, find_communities
from rrgraph.networks import structure as module

NAMES = ("degree_centrality", "betweenness", "pagerank", "core", "community")


def two_groups() -> nx.Graph:
    """Two triangles of strong edges, a weak bridge, and a node apart."""
    graph = nx.Graph(kind="cooccurrence")
    for first in ("a", "x"):
        names = [first + str(n) for n in range(3)]
        graph.add_edges_from([(names[i], names[j], {"count": 9}) for i, j in ((0, 1), (1, 2), (0, 2))])
    graph.add_edge("a0", "x0", count=1)
    graph.add_node("alone")
    return graph


def test_measures_are_those_of_networkx():
    graph = two_groups()
    add_structure(graph)
    for name, expected in (
        ("degree_centrality", nx.degree_centrality(graph)),
        ("betweenness", nx.betweenness_centrality(graph)),
        ("pagerank", nx.pagerank(graph, weight="count")),
        ("core", nx.core_number(graph)),
    ):
        found = nx.get_node_attributes(graph, name)
        assert found == pytest.approx(expected)
    assert graph.nodes["a0"]["strength"] == 19


@pytest.mark.parametrize("seed", range(5))
def test_betweenness_of_random_graphs(seed):
    graph = nx.gnm_random_graph(40, 70, seed=seed)
    add_structure(graph)
    assert nx.get_node_attributes(graph, "betweenness") == pytest.approx(nx.betweenness_centrality(graph))


def test_betweenness_of_large_graphs_is_estimated(monkeypatch):
    graph = nx.barbell_graph(30, 5)
    monkeypatch.setattr(module, "_EXACT", 10)
    monkeypatch.setattr(module, "_SOURCES", 40)
    add_structure(graph)
    exact = nx.betweenness_centrality(graph)
    assert graph.nodes[32]["betweenness"] == pytest.approx(exact[32], rel=0.35)
    assert graph.nodes[0]["betweenness"] < 0.01


@pytest.mark.parametrize("method", ["louvain", "leiden"])
def test_communities_are_the_groups(method):
    if method == "leiden":
        pytest.importorskip("igraph", reason="Leiden needs the extra 'networks'")
    graph = two_groups()
    found = [set(each) for each in find_communities(graph, method=method, seed=1)]
    assert found == [{"a0", "a1", "a2"}, {"x0", "x1", "x2"}, {"alone"}]
    assert [set(each) for each in find_communities(graph, method=method, seed=1)] == found


def test_unknown_ways_are_refused():
    with pytest.raises(ConfigError, match="Did you mean 'leiden'"):
        find_communities(two_groups(), method="leyden")


def test_missing_igraph_is_explained(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "igraph", None)
    with pytest.raises(ConfigError, match=r"rrgraph\[networks\]"):
        find_communities(two_groups(), method="leiden")


def test_an_empty_graph_has_no_structure():
    graph = nx.Graph(kind="substitution")
    add_structure(graph)
    assert edge_weight(graph) == "similarity"
