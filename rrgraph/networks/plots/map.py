"""The map of a network for paper: a graph flows in, its most used nodes with names that cover no other flow out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.networks.plots.data import attraction, formula, kind_look, strongest
from rrgraph.networks.plots.layout import force_layout, separate_boxes
from rrgraph.util.figure_style import styled, subscripts

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patheffects import AbstractPathEffect

__all__ = ["MapData", "collect_map", "draw_map"]

_NODES: Final = 64
_PARTNERS: Final = 4
_SIZE: Final = (9.6, 6.4)
"""Inches that the nodes are spread over before their names are pushed apart."""

_READ: Final = (
    f"The most used precursors, each with the {_PARTNERS} that it goes with most: normalised PMI × ln(1 + reactions).\n"
    "Marks grow with the reactions of a precursor, lines with those of a pair; distances mean nothing exact."
)
_FONT: Final = 8.0
_GAP: Final = 0.03


@dataclass(frozen=True, eq=False)
class MapData:
    """The most used nodes of a graph that its strongest edges join.

    Attributes:
        title: of the figure.
        formulas: n names of nodes.
        kinds: (n) of the nodes.
        reactions: (n,) that use each.
        links: (m, 2) places of the nodes of each edge.
        counts: (m,) reactions with both.
        pull: (m,) how strongly an edge draws its nodes together.
    """

    title: str
    formulas: tuple[str, ...]
    kinds: tuple[str, ...]
    reactions: NDArray[np.int64]
    links: NDArray[np.int64]
    counts: NDArray[np.int64]
    pull: NDArray[np.float64]


def collect_map(graph: nx.Graph) -> MapData | None:
    """Return the most used nodes, each with the partners that it goes with most, None without counts.

    Partners are judged by `attraction`, so that neither rare pairs nor the pairs of what goes with everything fill the
    map; pairs that are together less often than independent ones would be (PMI below 0) are no part of it.
    """
    part = strongest(graph, nodes=_NODES, edges=graph.number_of_edges())
    part.remove_edges_from([(a, b) for a, b, v in part.edges(data=True) if not v.get("count") or v.get("pmi", 1) <= 0])
    chosen = {
        frozenset((node, other))
        for node in part
        for other in sorted(part[node], key=lambda other: -attraction(part[node][other]))[:_PARTNERS]
    }
    links = [(a, b) for a, b in part.edges if frozenset((a, b)) in chosen]
    if not links:
        return None
    links.sort(key=lambda link: -part.edges[link]["count"])
    joined = {node for link in links for node in link}
    nodes = [node for node in part if node in joined]
    place = {node: number for number, node in enumerate(nodes)}
    return MapData(
        title=str(graph.graph.get("title", "")),
        formulas=tuple(formula(graph, node) for node in nodes),
        kinds=tuple(str(graph.nodes[node].get("kind", "other")) for node in nodes),
        reactions=np.array([graph.nodes[node].get("reactions", 1) for node in nodes], dtype=np.int64),
        links=np.array([(place[a], place[b]) for a, b in links], dtype=np.int64),
        counts=np.array([graph.edges[link]["count"] for link in links], dtype=np.int64),
        pull=np.array([attraction(graph.edges[link]) for link in links], dtype=np.float64),
    )


@styled
def draw_map(data: MapData) -> Figure:
    """Draw marks as large as precursors are much used and lines as wide as pairs are frequent, in true inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE)
    axis = figure.add_axes((0, 0, 1, 1))
    renderer = FigureCanvasAgg(figure).get_renderer()
    names = [
        axis.text(0, 0, subscripts(name), fontsize=_FONT, ha="center", va="top", zorder=4) for name in data.formulas
    ]
    boxes = [name.get_window_extent(renderer) for name in names]
    labels = np.array([(box.width, box.height) for box in boxes]) / figure.dpi
    radius = 0.035 + 0.11 * np.sqrt(data.reactions / data.reactions.max())
    sizes = np.column_stack([np.maximum(labels[:, 0], 2 * radius), 2 * radius + labels[:, 1]]) + _GAP
    spread = force_layout(len(names), data.links, data.pull) * np.array(_SIZE) / 2
    centres = separate_boxes(spread, sizes)
    marks = centres + np.column_stack([np.zeros(len(names)), labels[:, 1] / 2])
    low, high = (centres - sizes / 2).min(0), (centres + sizes / 2).max(0)
    _fit(figure, axis, low, high)
    _draw_lines(axis, marks, data)
    _draw_marks(axis, marks, radius, data.kinds)
    for name, mark, r in zip(names, marks, radius, strict=True):
        name.set_position((mark[0], mark[1] - r - 0.01))
        name.set_path_effects(_halo())
    axis.set_title(data.title, x=0.01, pad=26)
    axis.text(0.01, 1, _READ, transform=axis.transAxes, va="bottom", fontsize=7.5, color="#555555")
    _legend(axis, data)
    return figure


def _fit(figure: Figure, axis: Axes, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
    """Make the figure so large that an inch on the axis is an inch on paper, with room for title and legend."""
    margin, top, bottom = 0.15, 0.65, 0.4
    width, height = (high - low + 2 * margin).tolist()
    figure.set_size_inches(width, height + top + bottom)
    axis.set_position((0, bottom / (height + top + bottom), 1, height / (height + top + bottom)))
    axis.set_xlim(low[0] - margin, high[0] + margin)
    axis.set_ylim(low[1] - margin, high[1] + margin)
    axis.set_axis_off()


def _draw_lines(axis: Axes, marks: NDArray[np.float64], data: MapData) -> None:
    from matplotlib.collections import LineCollection

    share = np.log1p(data.counts) / np.log1p(data.counts.max())
    axis.add_collection(
        LineCollection(
            marks[data.links].tolist(),
            linewidths=(0.3 + 2.6 * share**3).tolist(),
            colors=[(0.35, 0.38, 0.42, alpha) for alpha in 0.18 + 0.42 * share**2],
            zorder=1,
        )
    )


def _draw_marks(axis: Axes, marks: NDArray[np.float64], radius: NDArray[np.float64], kinds: Sequence[str]) -> None:
    for kind in dict.fromkeys(kinds):
        chosen = [place for place, each in enumerate(kinds) if each == kind]
        axis.scatter(
            marks[chosen, 0],
            marks[chosen, 1],
            s=(2 * 72 * 0.88 * radius[chosen]) ** 2,
            marker=kind_look(kind).marker,
            color=kind_look(kind).color,
            edgecolor="white",
            linewidth=0.7,
            zorder=3,
        )


def _legend(axis: Axes, data: MapData) -> None:
    from matplotlib.lines import Line2D

    kinds = sorted(set(data.kinds), key=lambda kind: -data.kinds.count(kind))
    entries = [
        Line2D([], [], linestyle="none", marker=kind_look(kind).marker, color=kind_look(kind).color, label=kind)
        for kind in kinds
    ]
    counts = sorted({int(data.counts.max()), int(np.median(data.counts)), int(data.counts.min())}, reverse=True)
    for count in counts:
        share = np.log1p(count) / np.log1p(data.counts.max())
        width, alpha = 0.3 + 2.6 * share**3, 0.18 + 0.42 * share**2
        entries.append(Line2D([], [], color=(0.35, 0.38, 0.42, alpha), linewidth=width, label=f"{count:,} reactions"))
    axis.legend(
        handles=entries, loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=len(entries) if len(entries) < 9 else 7
    )


def _halo() -> list[AbstractPathEffect]:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.2, foreground="white")]
