"""Figure of the degree distribution of a network and its most central nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.networks.plots.data import class_look, class_of, formula
from rrgraph.util.figure_style import PALETTE, panels, plain_numbers, styled, subscripts

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CentralityData", "collect_centrality", "draw_centrality"]

_SHOWN: Final = 20
_MEASURES: Final = (
    ("degree_centrality", "degree centrality (%)", "Most links"),
    ("betweenness", "betweenness (% of shortest paths)", "Most shortest paths"),
)


@dataclass(frozen=True, eq=False)
class CentralityData:
    """Degrees and the nodes with the highest centralities.

    Attributes:
        degree: (d,) distinct degrees above 0, in ascending order.
        share: (d,) share of the nodes with at least that degree.
        ranking: for each measure that nodes have (title, axis label), formula, class and value of the first nodes.
    """

    degree: NDArray[np.int64]
    share: NDArray[np.float64]
    ranking: dict[tuple[str, str], tuple[tuple[str, str, float], ...]]


def collect_centrality(graph: nx.Graph, *, shown: int = _SHOWN) -> CentralityData | None:
    """Return the degree distribution and the most central nodes, None for a graph without links."""
    degrees = np.array([len(set(graph[node]) - {node}) for node in graph], dtype=np.int64)
    if not degrees.any():
        return None
    distinct = np.unique(degrees[degrees > 0])
    ranking = {}
    for name, axis, title in _MEASURES:
        values = {node: value for node, value in graph.nodes(data=name) if value is not None}
        first = sorted(values, key=lambda node: -values[node])[:shown]
        if first:
            ranking[title, axis] = tuple(
                (formula(graph, node), class_of(graph, node), float(values[node])) for node in first
            )
    share = np.array([(degrees >= degree).mean() for degree in distinct])
    return CentralityData(distinct, share, ranking)


@styled
def draw_centrality(data: CentralityData) -> Figure:
    """Draw the cumulative degree distribution, and bars of the most central nodes."""
    most = max((len(rows) for rows in data.ranking.values()), default=0)
    figure, axes = panels(1, 1 + len(data.ranking), width=3.7, height=max(3.2, 0.9 + 0.19 * most))
    first, *others = axes[0]
    first.plot(data.degree, 100 * data.share, color=PALETTE[0], marker="o", markersize=3, drawstyle="steps-pre")
    first.set_xscale("log")
    first.set_yscale("log")
    plain_numbers(first.xaxis)
    plain_numbers(first.yaxis)
    first.set_xlabel("number of links k")
    first.set_ylabel("precursors with at least k links (%)")
    first.set_title("Degree distribution")
    for axis, ((title, label), rows) in zip(others, data.ranking.items(), strict=True):
        _draw_bars(axis, rows)
        axis.set_xlabel(label)
        axis.set_title(title)
    classes = dict.fromkeys(each for rows in data.ranking.values() for _, each, _ in rows)
    _legend(figure, list(classes))
    return figure


def _draw_bars(axis: Axes, rows: Sequence[tuple[str, str, float]]) -> None:
    axis.barh(
        range(len(rows)), [100 * value for *_, value in rows], color=[class_look(each).color for _, each, _ in rows]
    )
    axis.set_yticks(range(len(rows)), [subscripts(name) for name, *_ in rows])
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.grid(visible=False, axis="y")


def _legend(figure: Figure, classes: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    if classes:
        entries = [Patch(color=class_look(each).color, label=each) for each in classes]
        figure.legend(handles=entries, loc="outside lower center", ncols=8)
