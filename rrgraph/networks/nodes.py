"""What graphs say of their nodes: precursors and targets flow in, attributes that any file format takes flow out."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np

from rrgraph.chem import Composition
from rrgraph.graph import anion_class, precursor_kind
from rrgraph.networks.records import ReactionRecords

__all__ = ["add_precursors", "target_attributes"]


def add_precursors(graph: nx.Graph, records: ReactionRecords, **extra: Any) -> None:
    """Add a node for each precursor, named by its formula: elements, kind, reactions, first and last year of use."""
    first, last = records.years_of_use()
    for place, precursor in enumerate(records.precursors):
        attributes: dict[str, Any] = {
            "elements": " ".join(sorted(precursor.elements)),
            "kind": precursor_kind(precursor),
            "reactions": int(records.uses[place]),
        }
        if np.isfinite(first[place]):
            attributes |= {"first_year": int(first[place]), "last_year": int(last[place])}
        graph.add_node(precursor.formula, **attributes, **extra)


def target_attributes(target: Composition, reactions: int) -> dict[str, Any]:
    """Return elements, anion class (as `kind`) and number of reactions of a target."""
    return {
        "elements": " ".join(sorted(target.elements)),
        "kind": anion_class(target.elements),
        "reactions": reactions,
    }
