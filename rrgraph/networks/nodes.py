"""What all graphs share: their own attributes, and those of precursor and target nodes, in types every file takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rrgraph.chem import Composition
from rrgraph.graph import anion_class, precursor_class
from rrgraph.networks.records import ReactionRecords

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["add_precursors", "new_graph", "target_attributes"]


def new_graph(graph_type: str, records: ReactionRecords, title: str) -> nx.Graph:
    """Return an empty graph whose attributes name its type (`kind`), reaction table, number of reactions and title."""
    import networkx as nx

    return nx.Graph(kind=graph_type, reactions=len(records), table=records.table, title=title)


def add_precursors(graph: nx.Graph, records: ReactionRecords, **extra: Any) -> None:
    """Add a node for each precursor, named by its formula.

    Its attributes are elements, precursor class (as `kind`), number of reactions, first and last year of use.
    """
    first, last = records.years_of_use()
    for column, precursor in enumerate(records.precursors):
        attributes: dict[str, Any] = {
            "elements": " ".join(sorted(precursor.elements)),
            "kind": precursor_class(precursor),
            "reactions": int(records.uses[column]),
        }
        if np.isfinite(first[column]):
            attributes |= {"first_year": int(first[column]), "last_year": int(last[column])}
        graph.add_node(precursor.formula, **attributes, **extra)


def target_attributes(target: Composition, reactions: int) -> dict[str, Any]:
    """Return elements, anion class (as `kind`) and number of reactions of a target."""
    return {
        "elements": " ".join(sorted(target.elements)),
        "kind": anion_class(target.elements),
        "reactions": reactions,
    }
