from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from types import SimpleNamespace

import networkx as nx
import pytest
from hypothesis import strategies as st

from rrgraph.networks import ReactionRecords, reaction_records

PRECURSORS = ("Li2CO3", "LiOH", "BaCO3", "TiO2", "Co3O4", "MnO2", "SrCO3")
TARGETS = ("LiCoO2", "BaTiO3", "LiMn2O4", "Li2TiO3", "BaMnO3", "SrTiO3", "SrMnO3", "Ba2TiO4")

Rows = list[tuple[str, set[str]]]


@pytest.fixture(scope="session")
def recorded_rows() -> st.SearchStrategy[Rows]:
    """A target and a set in each row; rows may repeat. Drawn from with `st.data()`."""
    sets = st.sets(st.sampled_from(PRECURSORS), min_size=1, max_size=4)
    return st.lists(st.tuples(st.sampled_from(TARGETS), sets), min_size=2, max_size=14)


@pytest.fixture(scope="session")
def make_records(make_table) -> Callable[..., ReactionRecords]:
    """Return a function that makes records of (target, set) rows; columns of the table by name."""

    def make(
        rows: Sequence[tuple[str, Sequence[str]]],
        *,
        unit: str = "reactions",
        min_reactions: int = 1,
        name: str | None = None,
        **columns: object,
    ) -> ReactionRecords:
        table = make_table([(target, ";".join(sorted(each))) for target, each in rows], **columns)
        return reaction_records(table, unit=unit, min_reactions=min_reactions, name=name)

    return make


@pytest.fixture(scope="session")
def hand_made() -> SimpleNamespace:
    """Networks of invented reactions: functions that draw them anew, the reactions, and the precursor classes."""
    return SimpleNamespace(
        cooccurrence=hand_made_cooccurrence,
        substitution=hand_made_substitution,
        shares=hand_made_shares,
        reactions=REACTIONS,
        classes=CLASSES,
    )


CLASSES = {
    "Li2CO3": "carbonate",
    "LiOH": "hydroxide",
    "LiNO3": "nitrate",
    "BaCO3": "carbonate",
    "BaO": "oxide",
    "TiO2": "oxide",
    "Co3O4": "oxide",
    "MnO2": "oxide",
    "Fe": "element",
}
ELEMENTS = {
    "Li2CO3": "C Li O",
    "LiOH": "H Li O",
    "LiNO3": "Li N O",
    "BaCO3": "Ba C O",
    "BaO": "Ba O",
    "TiO2": "O Ti",
    "Co3O4": "Co O",
    "MnO2": "Mn O",
    "Fe": "Fe",
}
REACTIONS = [
    *[{"Li2CO3", "Co3O4"}] * 9,
    *[{"LiOH", "Co3O4"}] * 3,
    *[{"LiNO3", "Co3O4"}] * 2,
    *[{"Li2CO3", "MnO2"}] * 6,
    *[{"LiOH", "MnO2"}] * 2,
    *[{"BaCO3", "TiO2"}] * 12,
    *[{"BaO", "TiO2"}] * 2,
    *[{"Li2CO3", "TiO2"}] * 5,
    *[{"BaCO3", "TiO2", "Fe"}] * 1,
]


def hand_made_cooccurrence() -> nx.Graph:
    """What is used together in the reactions above."""
    n = len(REACTIONS)
    graph = nx.Graph(kind="cooccurrence", reactions=n, table="invented", title="Precursors used together")
    uses = {name: sum(name in each for each in REACTIONS) for name in CLASSES}
    for index, (name, precursor_class) in enumerate(CLASSES.items()):
        years = {"first_year": 1990 + index, "last_year": 2010 + index}
        graph.add_node(
            name, elements=ELEMENTS[name], kind=precursor_class, reactions=uses[name], community=index % 2, **years
        )
    for a, b in combinations(CLASSES, 2):
        count = sum({a, b} <= each for each in REACTIONS)
        if count:
            pmi = math.log(count * n / (uses[a] * uses[b]))
            expected = uses[a] * uses[b] / n
            values = {"npmi": pmi / math.log(n / count), "jaccard": count / (uses[a] + uses[b] - count)}
            values |= {"expected": expected, "z": (count - expected) / math.sqrt(expected)}
            graph.add_edge(a, b, count=count, pmi=pmi, **values)
    nx.set_node_attributes(graph, nx.degree_centrality(graph), "degree_centrality")
    nx.set_node_attributes(graph, nx.betweenness_centrality(graph), "betweenness")
    return graph


def hand_made_substitution() -> nx.Graph:
    """What substitutes for what in the reactions above."""
    graph = nx.Graph(kind="substitution", reactions=len(REACTIONS), table="invented", title="Substitutes")
    graph.add_nodes_from(hand_made_cooccurrence().nodes(data=True))
    graph.add_edge(
        "Li2CO3", "LiOH", element="Li", preferred="Li2CO3", odds=4.0, similarity=1.0, together=0, reactions=25
    )
    graph.add_edge("LiNO3", "Li2CO3", element="Li", preferred="Li2CO3", odds=10.0, similarity=0.8, reactions=22)
    graph.add_edge("LiOH", "LiNO3", element="Li", preferred="LiOH", odds=2.5, similarity=0.9, reactions=7)
    graph.add_edge("BaO", "BaCO3", element="Ba", odds=6.5, similarity=1.0, together=0, reactions=15)
    return graph


def hand_made_shares() -> list[dict[str, object]]:
    """Shares of precursor classes in three years, one of them with few reactions."""
    by_year = {
        1990: (3, {"oxide": 1.0}),
        2000: (40, {"oxide": 0.5, "carbonate": 0.4, "nitrate": 0.1}),
        2001: (60, {"oxide": 0.6, "carbonate": 0.4, "nitrate": 0.0}),
    }
    return [
        {"year": year, "kind": name, "share": share, "reactions": reactions}
        for year, (reactions, classes) in by_year.items()
        for name, share in classes.items()
    ]
