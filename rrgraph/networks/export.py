"""Writes graphs for other programs: GraphML (Cytoscape, yEd), GEXF (Gephi), JSON (d3) and CSV."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rrgraph.errors import DataError, suggestion
from rrgraph.networks.structure import edge_weight
from rrgraph.util.files import atomic_path, write_json, write_text
from rrgraph.util.sheets import csv_text
from rrgraph.util.tabular import output_suffix

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["FORMATS", "check_format", "graph_files", "write_graph", "write_rows"]

FORMATS: Final = (".json", ".graphml", ".gexf", ".csv")
"""Suffixes of graph files; pipes and devices without one take the first."""


def check_format(path: str | os.PathLike[str], suffixes: Sequence[str] = FORMATS) -> str:
    """Return the suffix of a file name; a pipe or device without one takes the first.

    Raises:
        DataError: it is not one of `suffixes`.
    """
    if suffix := output_suffix(path, suffixes):
        return suffix
    given = Path(path).suffix.lower()
    raise DataError(
        f"'{os.fspath(path)}' has the suffix '{given}', expected one of {', '.join(suffixes)}."
        f"{suggestion(given, suffixes)}"
    )


def graph_files(path: str | os.PathLike[str]) -> list[Path]:
    """Return the files that `write_graph` writes: a second one, NAME.nodes.csv, beside edges as CSV.

    Raises:
        DataError: the suffix is unknown.
    """
    found = Path(path)
    return [found, *([found.with_suffix(".nodes.csv")] if check_format(path) == ".csv" else [])]


def write_graph(graph: nx.Graph, path: str | os.PathLike[str]) -> list[Path]:
    """Write a graph in the format given by the suffix, atomically, and return the files.

    ``.json`` is networkx's node-link format. ``.csv`` writes two tables: the edges (`source`, `target` and their
    attributes) and, as NAME.nodes.csv, the nodes. GraphML and GEXF, whose readers look for an attribute
    `weight`, get the one that serves as weight (`edge_weight`) under that name too.

    Raises:
        DataError: the suffix is unknown, or the file cannot be written.
    """
    import networkx as nx

    suffix, (path, *others) = check_format(path), graph_files(path)
    if suffix == ".json":
        write_json(path, nx.node_link_data(graph, edges="edges"))
    elif suffix == ".csv":
        write_rows([{"id": node, **data} for node, data in graph.nodes(data=True)], others[0], columns=["id"])
        edges = [{"source": one, "target": two, **data} for one, two, data in graph.edges(data=True)]
        write_rows(edges, path, columns=["source", "target"])
    else:
        # Where the disk is full, lxml, which networkx writes GraphML with, would crash.
        written = BytesIO()
        (nx.write_graphml if suffix == ".graphml" else nx.write_gexf)(_weighted(graph), written)
        with atomic_path(path) as temporary:
            temporary.write_bytes(written.getvalue())
    return [path, *others]


def _weighted(graph: nx.Graph) -> nx.Graph:
    """Return the graph with an edge attribute `weight`, a copy where it lacks one."""
    name = edge_weight(graph)
    if name is None:
        return graph
    weighted = graph.copy()
    for _, _, data in weighted.edges(data=True):
        data.setdefault("weight", data[name])
    return weighted


def write_rows(rows: Iterable[Mapping[str, Any]], path: str | os.PathLike[str], *, columns: Iterable[str] = ()) -> None:
    """Write rows as CSV, atomically, with all columns that occur, or `columns` if there are no rows."""
    listed = list(rows)
    write_text(path, csv_text(listed, () if listed else columns))
