from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest

from rrgraph.errors import DataError
from rrgraph.networks import (
    add_structure,
    bipartite_graph,
    check_format,
    cooccurrence_graph,
    edge_weight,
    pair_statistics,
    write_graph,
    write_rows,
)

ROWS = [("BaTiO3", ["BaCO3", "TiO2"]), ("SrTiO3", ["SrCO3", "TiO2"]), ("LiCoO2", ["LiOH", "Co3O4"])]


@pytest.fixture
def graph(make_records):
    found = cooccurrence_graph(pair_statistics(make_records(ROWS, year=[2001, 2002, None])))
    add_structure(found)
    return found


def same(one: nx.Graph, two: nx.Graph) -> None:
    assert dict(one.nodes(data=True)) == dict(two.nodes(data=True))
    assert {frozenset(e): one.edges[e] for e in one.edges} == {frozenset(e): two.edges[e] for e in two.edges}


def without_weight(graph: nx.Graph) -> nx.Graph:
    """Check that the edges' `weight` is the attribute that serves as weight, and return the graph without it."""
    for _, _, data in graph.edges(data=True):
        assert data.pop("weight") == data[edge_weight(graph)]
    return graph


def test_graphml_and_json_come_back_as_they_were(graph, tmp_path):
    assert write_graph(graph, tmp_path / "g.graphml") == [tmp_path / "g.graphml"]
    back = nx.read_graphml(tmp_path / "g.graphml")
    same(without_weight(back), graph)
    assert back.graph["kind"] == "cooccurrence"
    write_graph(graph, tmp_path / "g.json")
    again = nx.node_link_graph(json.loads((tmp_path / "g.json").read_text()), edges="edges")
    same(again, graph)
    assert again.graph == graph.graph


def test_gexf_has_nodes_edges_and_attributes(graph, tmp_path):
    write_graph(graph, tmp_path / "g.gexf")
    back = nx.read_gexf(tmp_path / "g.gexf")
    assert set(back) == set(graph)
    assert back.nodes["TiO2"]["kind"] == "oxide"
    assert back.edges["BaCO3", "TiO2"]["count"] == back.edges["BaCO3", "TiO2"]["weight"] == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize("suffix", [".graphml", ".gexf"])
def test_a_full_disk_is_one_sentence(graph, tmp_path, suffix):
    (tmp_path / f"g{suffix}").symlink_to("/dev/full")
    with pytest.raises(DataError, match="No space left on device"):
        write_graph(graph, tmp_path / f"g{suffix}")


def test_csv_is_two_tables(graph, tmp_path):
    edges, nodes = write_graph(graph, tmp_path / "g.csv")
    assert nodes.name == "g.nodes.csv"
    listed = pd.read_csv(edges)
    assert {frozenset(pair) for pair in zip(listed["source"], listed["target"], strict=True)} == {
        frozenset(edge) for edge in graph.edges
    }
    table = pd.read_csv(nodes).set_index("id")
    assert table.loc["BaCO3", "first_year"] == 2001
    assert pd.isna(table.loc["LiOH", "first_year"])
    assert "2001.0" not in nodes.read_text()


def test_bipartite_graphs_can_be_written(make_records, tmp_path):
    graph = bipartite_graph(make_records(ROWS))
    for suffix in (".graphml", ".gexf", ".json", ".csv"):
        write_graph(graph, tmp_path / f"g{suffix}")
    same(without_weight(nx.read_graphml(tmp_path / "g.graphml")), graph)


def test_tables_without_rows_have_a_header(tmp_path):
    write_rows([], tmp_path / "empty.csv", columns=["a", "b"])
    assert (tmp_path / "empty.csv").read_text() == "a,b\n"


def test_unknown_suffixes_are_refused():
    with pytest.raises(DataError, match=r"Did you mean '.graphml'"):
        check_format("graph.graphm")
    assert check_format("graph.GEXF") == ".gexf"


def test_pipes_and_devices_without_a_suffix_have_a_format():
    assert check_format("/dev/null") == ".json"
    assert check_format("/dev/null", [".csv"]) == ".csv"


@pytest.mark.parametrize("suffix", [".graphml", ".json"])
def test_a_table_whose_name_is_not_text_can_be_written(make_records, tmp_path, suffix):
    graph = cooccurrence_graph(pair_statistics(make_records(ROWS, name="truth\udcff\x01.csv")))
    (path,) = write_graph(graph, tmp_path / f"g{suffix}")
    assert r"truth\udcff\x01.csv" in path.read_text(encoding="utf-8").replace(r"\\", "\\")
