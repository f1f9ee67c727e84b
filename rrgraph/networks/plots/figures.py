"""The registered figures of networks, written as SVG and PNG files."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rrgraph.networks.plots.centrality import collect_centrality, draw_centrality
from rrgraph.networks.plots.choices import collect_choices, draw_choices
from rrgraph.networks.plots.heat_map import collect_heat, draw_heat
from rrgraph.networks.plots.map import collect_map, draw_map
from rrgraph.networks.plots.years import collect_years, draw_years
from rrgraph.util.figure_style import save, sign
from rrgraph.util.registry import Registry

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.figure import Figure

__all__ = ["NETWORK_FIGURES", "NetworkFigure", "draw_network_figures"]

_LOGGER = logging.getLogger(__name__)

Snapshots = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class NetworkFigure:
    """A figure of networks.

    Attributes:
        source: the type of graph it shows, or ``years`` for shares by year.
        needs: what it needs of nodes, edges or rows, in words.
        collect: return the data of a graph or of the rows, None or nothing if they lack them.
        draw: return the figure of the data.
    """

    source: str
    needs: str
    collect: Callable[[Any], Any]
    draw: Callable[..., Figure]


NETWORK_FIGURES: Final[Registry[NetworkFigure]] = Registry("network figure")
"""Every figure of networks by the name of its files."""


def draw_network_figures(
    graphs: Sequence[nx.Graph], snapshots: Snapshots, folder: str | os.PathLike[str]
) -> list[Path]:
    """Draw every figure that graphs and shares by year allow and return the files, SVG and PNG of each.

    Figures that cannot be drawn are logged with what they need. The same graphs give the same files.

    Args:
        graphs: of the types named by their attribute `kind`; of several graphs of a type the first is drawn.
        snapshots: rows `year`, `kind` (the precursor class), `share` (of the precursor uses of the year) and
            `reactions` (of the year).
        folder: for the files.

    Raises:
        ConfigError: matplotlib is not installed.
        DataError: the folder cannot be written to.
    """
    paths: list[Path] = []
    for name, figure, source in _drawn(graphs, snapshots):
        sign(figure, source)
        paths += save(figure, folder, name)
    return paths


def _drawn(graphs: Sequence[nx.Graph], snapshots: Snapshots) -> Iterator[tuple[str, Figure, str]]:
    by_type: dict[str, nx.Graph] = {}
    for graph in graphs:
        by_type.setdefault(str(graph.graph.get("kind", "")), graph)
    for name in NETWORK_FIGURES:
        entry = NETWORK_FIGURES[name]
        shown = by_type.get(entry.source)
        given = snapshots if entry.source == "years" else shown
        data = entry.collect(given) if given is not None else None
        if not data:
            _LOGGER.info("The figure '%s' is left out: it needs %s.", name, entry.needs)
            continue
        yield name, entry.draw(data), _source(graphs[0] if shown is None and graphs else shown)


def _source(graph: nx.Graph | None) -> str:
    """Return the source of the data of a figure, in words."""
    if graph is None:
        return ""
    reactions, table = graph.graph.get("reactions"), graph.graph.get("table")
    words = [f"{reactions:,} distinct reactions" if reactions else "", Path(str(table or "")).name]
    return "Source: " + " of ".join(filter(None, words)) if any(words) else ""


def _register(name: str, *entries: Any) -> None:
    NETWORK_FIGURES.register(name)(NetworkFigure(*entries))


_register(
    "network_map",
    "cooccurrence",
    "a co-occurrence graph whose edges have count",
    collect_map,
    draw_map,
)
_register(
    "pmi_heat_map",
    "cooccurrence",
    "a co-occurrence graph with reactions at its nodes, and count and pmi at its edges",
    collect_heat,
    draw_heat,
)
_register(
    "network_centrality",
    "cooccurrence",
    "a co-occurrence graph with edges",
    collect_centrality,
    draw_centrality,
)
_register(
    "precursor_choices",
    "substitution",
    "a substitution graph whose edges have element and odds",
    collect_choices,
    draw_choices,
)
_register(
    "kinds_by_year",
    "years",
    "shares of at least two years with enough reactions",
    collect_years,
    draw_years,
)
