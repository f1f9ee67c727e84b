from __future__ import annotations

import csv
import json

import networkx as nx
import pytest

from rrgraph import networks

ROWS = """\
target,precursors,year,doi
LiCoO2,Li2CO3;Co3O4,2000,a
Li2CoO3,Li2CO3;Co3O4,2001,a
Li3CoO3,LiOH;Co3O4,2001,b
Li4CoO3,LiOH·H2O;Co3O4,2011,c
BaTiO3,BaCO3;TiO2,2000,d
Ba2TiO4,BaCO3;TiO2,2012,e
SrTiO3,SrCO3;TiO2,2001,f
Li2TiO3,Li2CO3;TiO2,2012,g
LiCoO2,Li2CO3;Co3O4,2012,h
"""


@pytest.fixture
def reactions(tmp_path):
    path = tmp_path / "reactions.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_summary(rrgraph, reactions):
    found = rrgraph("cooccur", reactions, "--top", "3", "--min-uses", "2")
    assert found.code == 0
    assert "8 reactions, 6 precursors, 5 pairs used together" in found.out
    assert "Co3O4 + Li2CO3" in found.out
    assert "LiOH" in found.out.partition("substitutes (")[2]


def test_summary_as_json(rrgraph, reactions):
    found = json.loads(rrgraph("cooccur", reactions, "--json", "--min-uses", "2", "--forecast", "2005").out)
    assert (found["reactions"], found["precursors"], found["substitution_pairs"]) == (8, 6, 1)
    assert found["substitutions"][0]["element"] == "Li"
    assert [each["task"] for each in found["forecasts"]] == ["pairs", "links", "feasible_links"]


def test_hydrates_are_dry_salts_also_where_the_table_is_taken_as_it_is(rrgraph, reactions):
    cleaned, plain = (json.loads(rrgraph("cooccur", reactions, "--json", *extra).out) for extra in ((), ("--as-is",)))
    assert (cleaned["precursors"], plain["precursors"]) == (6, 6)


@pytest.mark.parametrize("graph", ["cooccurrence", "substitution", "bipartite", "precursors", "targets"])
def test_graphs_are_written(rrgraph, reactions, tmp_path, graph):
    path = tmp_path / "graph.graphml"
    found = rrgraph("cooccur", reactions, "--graph", graph, "--output", path, "--min-uses", "2", "--min-shared", "1")
    assert found.code == 0
    written = nx.read_graphml(path)
    assert written.number_of_edges()
    assert all({"community", "core", "betweenness"} <= set(data) for _, data in written.nodes(data=True))


def test_tables_are_written(rrgraph, reactions, tmp_path):
    names = ("pairs", "substitutions", "kinds")
    options = [option for name in names for option in (f"--{name}", tmp_path / f"{name}.csv")]
    assert rrgraph("cooccur", reactions, "--min-uses", "2", *options).code == 0
    pairs, substitutions, kinds = (read(tmp_path / f"{name}.csv") for name in names)
    twice = {frozenset((row["first"], row["second"])) for row in pairs if row["count"] == "2"}
    assert twice == {frozenset(pair) for pair in (("Co3O4", "Li2CO3"), ("Co3O4", "LiOH"), ("BaCO3", "TiO2"))}
    rivals = [row for row in pairs if {row["first"], row["second"]} == {"Li2CO3", "LiOH"}]
    assert (rivals[0]["count"], rivals[0]["pmi"]) == ("0", "")
    assert {row["by"] for row in substitutions} == {"all", "anion_class", "year"}
    assert sum(float(row["share"]) for row in kinds if row["year"] == "2000") == pytest.approx(1)


def test_years_and_publications(rrgraph, reactions):
    early = json.loads(rrgraph("cooccur", reactions, "--json", "--to", "2001").out)
    assert early["reactions"] == 5
    papers = json.loads(rrgraph("cooccur", reactions, "--json", "--count", "publications").out)
    assert papers["reactions"] == 8  # the series of paper a is one, paper h repeats its set


def test_page_and_plots_are_left_to_the_figures(rrgraph, reactions, tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(networks, "network_html", lambda graph, *, title: f"<title>{title}</title>{len(graph)}")
    monkeypatch.setattr(
        networks,
        "draw_network_figures",
        lambda graphs, snapshots, folder: drawn.update(graphs=graphs, shares=snapshots, at=folder),
    )
    html = tmp_path / "graph.html"
    assert rrgraph("cooccur", reactions, "--html", html, "--figures", tmp_path / "figures", "--min-uses", "2").code == 0
    assert html.read_text().endswith("6")
    assert [graph.graph["kind"] for graph in drawn["graphs"]] == ["cooccurrence", "substitution"]
    assert {"year", "kind", "share", "reactions"} == set(drawn["shares"][0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--output", "graph.gml"], "Did you mean '.graphml'"),
        (["--pairs", "pairs.txt"], "expected one of .csv"),
        (["--count", "paper"], "expected one of reactions, publications"),
        (["--null", "swap"], "Did you mean 'swaps'"),
        (["--communities", "leyden"], "Did you mean 'leiden'"),
        (["--graph", "bipartit"], "Did you mean 'bipartite'"),
        (["--from", "2050"], "dated from 2050"),
    ],
)
def test_bad_options_end_in_a_sentence(rrgraph, reactions, options, message):
    found = rrgraph("cooccur", reactions, *options)
    assert found.code == 2
    assert message in found.err


def test_unknown_tables_are_refused(rrgraph):
    assert "Did you mean 'textbook'" in rrgraph("cooccur", "textbok").err
