"""The figures of networks by name: graphs and shares by year flow in, SVG and PNG files flow out."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rrgraph.figures.network_centrality import collect_centrality, draw_centrality
from rrgraph.figures.network_choices import collect_choices, draw_choices
from rrgraph.figures.network_heat import collect_heat, draw_heat
from rrgraph.figures.network_map import collect_map, draw_map
from rrgraph.figures.network_years import collect_years, draw_years
from rrgraph.figures.style import GREY, save
from rrgraph.registry import Registry

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.figure import Figure

__all__ = ["NETWORK_FIGURES", "NetworkFigure", "draw_network_figures"]

_LOGGER = logging.getLogger(__name__)

Snapshots = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class NetworkFigure:
    """A figure of networks that can be drawn.

    Attributes:
        title: a few words.
        caption: what is shown and how to read it.
        of: the kind of graph it shows, or ``years`` for shares by year.
        needs: what nodes, edges or rows must have for it, in words.
        collect: return the data of a graph or of the rows, nothing where they have not got them.
        draw: return the figure of the data.
    """

    title: str
    caption: str
    of: str
    needs: str
    collect: Callable[[Any], Any]
    draw: Callable[..., Figure]


NETWORK_FIGURES: Final[Registry[NetworkFigure]] = Registry("network figure")
"""Every figure of networks by the name of its file."""


def draw_network_figures(
    graphs: Sequence[nx.Graph], snapshots: Snapshots, folder: str | os.PathLike[str]
) -> list[Path]:
    """Draw every figure that graphs and shares by year allow and return the files, SVG and PNG of each.

    What a figure needs and no graph has is told in the log. The same graphs give the same files.

    Args:
        graphs: told apart by their attribute `kind`; of several of a kind the first is drawn.
        snapshots: rows `year`, `kind`, `share` (of the precursor uses of the year) and `reactions` (of the year).
        folder: for the files.

    Raises:
        ConfigError: matplotlib is not installed.
        DataError: the folder cannot be written to.
    """
    paths: list[Path] = []
    for name, figure, source in _drawn(graphs, snapshots):
        figure.text(0.995, 0.002, source, ha="right", va="bottom", fontsize=6.5, color=GREY)
        paths += save(figure, folder, name)
    return paths


def _drawn(graphs: Sequence[nx.Graph], snapshots: Snapshots) -> Iterator[tuple[str, Figure, str]]:
    by_kind: dict[str, nx.Graph] = {}
    for graph in graphs:
        by_kind.setdefault(str(graph.graph.get("kind", "")), graph)
    for name in NETWORK_FIGURES:
        kind = NETWORK_FIGURES[name]
        shown = by_kind.get(kind.of)
        given = snapshots if kind.of == "years" else shown
        data = kind.collect(given) if given is not None else None
        if not data:
            _LOGGER.info("The figure '%s' is left out: it needs %s.", name, kind.needs)
            continue
        yield name, kind.draw(data), _source(graphs[0] if shown is None and graphs else shown)


def _source(graph: nx.Graph | None) -> str:
    """Return where the numbers of a figure come from, in words."""
    if graph is None:
        return ""
    reactions, table = graph.graph.get("reactions"), graph.graph.get("table")
    words = [f"{reactions:,} distinct reactions" if reactions else "", str(table or "")]
    return "Source: " + " of ".join(filter(None, words)) if any(words) else ""


def _register(name: str, *entries: Any) -> None:
    NETWORK_FIGURES.register(name)(NetworkFigure(*entries))


_register(
    "network_map",
    "Precursors used together",
    "The most used precursors and the most frequent pairs among them that are used together more often than if they "
    "were independent. Marks grow with the number of reactions of a precursor, lines with that of a pair. What is often "
    "together is near; distances mean nothing else.",
    "cooccurrence",
    "a co-occurrence graph whose edges have count",
    collect_map,
    draw_map,
)
_register(
    "pmi_heat_map",
    "Which frequent precursors go together",
    "Pointwise mutual information (PMI) of the most frequent precursors, ordered by clustering: precursors with alike "
    "partners are neighbours. A cross marks pairs that were never used together although chance would have had them "
    "meet several times.",
    "cooccurrence",
    "a co-occurrence graph with reactions at its nodes, and count and pmi at its edges",
    collect_heat,
    draw_heat,
)
_register(
    "network_centrality",
    "How links are spread over precursors",
    "Share of the precursors that were used together with at least k others, and the precursors with the highest degree "
    "centrality and betweenness.",
    "cooccurrence",
    "a co-occurrence graph with edges",
    collect_centrality,
    draw_centrality,
)
_register(
    "precursor_choices",
    "Which source of an element is chosen",
    "For the elements with the most choices between precursors that substitute each other: how often each is chosen for "
    "100 times that the usual one is.",
    "substitution",
    "a substitution graph whose edges have element and odds",
    collect_choices,
    draw_choices,
)
_register(
    "kinds_by_year",
    "Kinds of precursor by year",
    "Share of each kind among the precursor uses of a year, and the number of reactions of the year; years with fewer "
    "than 20 reactions are left out.",
    "years",
    "shares of at least two years with enough reactions",
    collect_years,
    draw_years,
)
