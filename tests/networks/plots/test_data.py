from __future__ import annotations

import json
import math

import networkx as nx
import pytest

from rrgraph.networks.plots.data import attraction, class_look, community_names, page_data, strongest
from rrgraph.util.pages import script_json


def data_of(graph, **limits):
    return page_data(graph, title="a title", **({"nodes": 100, "edges": 100} | limits))


def test_columns_hold_what_the_graph_says(hand_made):
    graph = hand_made.cooccurrence()
    data = data_of(graph)
    formulas = data["nodes"]["formula"]
    assert sorted(formulas) == sorted(hand_made.classes)
    for node, elements, reactions in zip(
        formulas, data["details"]["elements"], data["details"]["reactions"], strict=True
    ):
        assert (elements, reactions) == (graph.nodes[node]["elements"], graph.nodes[node]["reactions"])
    for index, (a, b) in enumerate(zip(data["edges"]["a"], data["edges"]["b"], strict=True)):
        values = graph.edges[formulas[a], formulas[b]]
        assert data["values"]["count"][index] == values["count"]
        assert data["values"]["pmi"][index] == pytest.approx(values["pmi"], rel=1e-3, abs=1e-9)
    assert [each["name"] for each in data["weights"]][:2] == ["count", "pmi"]
    assert data["support"] == "count"
    assert data["groups"][0]["names"] == ["oxide", "carbonate", "nitrate", "hydroxide", "element"]
    assert [data["groups"][0]["names"][index] for index in data["groups"][0]["of"]] == [
        hand_made.classes[name] for name in formulas
    ]


def test_words_and_numbers_at_edges_are_told_apart(hand_made):
    data = data_of(hand_made.substitution())
    assert [each["name"] for each in data["weights"]] == ["similarity", "reactions", "odds", "together"]
    assert [each["name"] for each in data["words"]] == ["element", "preferred"]
    assert None in data["values"]["together"] and data["values"]["element"].count("Li") == 3


def test_what_is_missing_or_no_number_is_none():
    graph = nx.Graph()
    graph.add_edge("NaCl", "KCl", count=2, z=math.nan, own=math.inf)
    graph.add_edge("NaCl", "CsCl", own=0.123456)
    data = data_of(graph)
    assert data["values"] == {"count": [2, None], "own": [None, 0.1235]}
    assert data["groups"] == [] and data["details"] == {}
    assert data_of(nx.Graph())["nodes"] == {"formula": [], "x": [], "y": []}


def test_the_strongest_part_has_the_most_used_nodes_and_no_loops(hand_made):
    graph = hand_made.cooccurrence()
    graph.add_edge("TiO2", "TiO2", count=99)
    part = strongest(graph, nodes=4, edges=2)
    assert set(part) == set(sorted(hand_made.classes, key=lambda name: -graph.nodes[name]["reactions"])[:4])
    assert [part.edges[link]["count"] for link in part.edges] == [13, 9]
    assert part.graph == graph.graph


def test_pairs_that_avoid_each_other_do_not_attract():
    assert attraction({"npmi": -0.3, "count": 4}) == 0
    assert attraction({"npmi": 0.5, "count": 4}) > attraction({"npmi": 0.5, "count": 1}) > 0
    assert attraction({"similarity": 0.4}) == 0.4
    assert attraction({}) == 1


def test_small_communities_are_one():
    graph = nx.Graph()
    for index in range(15):
        graph.add_nodes_from((f"X{index}O{n}" for n in range(1, 17 - index)), community=index, reactions=3)
    group = next(each for each in data_of(graph, nodes=500)["groups"] if each["name"] == "community")
    assert len(group["names"]) == 11 and group["names"][-1] == "smaller communities"
    assert group["names"][0] == "X0O1, X0O2, X0O3"
    assert len({(look["light"], look["shape"]) for look in group["looks"]}) == 11
    assert list(community_names(graph)) == list(range(15))


def test_classes_look_different_and_alike_in_every_graph():
    classes = ("oxide", "carbonate", "nitrate", "hydroxide", "oxyanion", "halide", "element", "ammonium", "organic")
    assert len({(class_look(name).color, class_look(name).marker) for name in (*classes, "other")}) == len(classes) + 1
    targets = nx.Graph()
    targets.add_nodes_from(
        [("LiCoO2", {"kind": "oxide"}), ("GaAs", {"kind": "pnictide"}), ("CuAl2", {"kind": "alloy"})]
    )
    looks = data_of(targets)["groups"][0]["looks"]
    assert looks[0]["light"] == class_look("oxide").color
    assert len({(look["light"], look["shape"]) for look in looks}) == 3


def test_json_in_a_script_holds_no_markup():
    text = script_json({"</script>": "<!-- & \u2028 Sr(NO₃)₂"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"</script>": "<!-- & \u2028 Sr(NO₃)₂"}
    with pytest.raises(ValueError, match="JSON compliant"):
        script_json({"x": math.nan})
