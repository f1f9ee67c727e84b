"""Map of the most used nodes of a network for print, with labels that do not overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.networks.plots.data import attraction, class_handles, class_look, class_of, formula, strongest
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
"""Width and height in inches over which the nodes are spread before their labels are pushed apart."""

_READ: Final = (
    f"The most used precursors, each with its {_PARTNERS} strongest partners (by normalised PMI × ln(1 + reactions)).\n"
    "Larger marks: more reactions of a precursor; thicker lines: more reactions of a pair. Distances are only a guide."
)
_FONT: Final = 8.0
_GAP: Final = 0.03


@dataclass(frozen=True, eq=False)
class MapData:
    """The most used nodes of a graph, joined by its strongest edges.

    Attributes:
        title: of the figure.
        formulas: n names of nodes.
        classes: n precursor classes of the nodes.
        reactions: (n,) number of reactions that use each.
        links: (m, 2) indices of the nodes of each edge.
        counts: (m,) number of reactions with both.
        pull: (m,) attraction of each edge in the layout.
    """

    title: str
    formulas: tuple[str, ...]
    classes: tuple[str, ...]
    reactions: NDArray[np.int64]
    links: NDArray[np.int64]
    counts: NDArray[np.int64]
    pull: NDArray[np.float64]


def collect_map(graph: nx.Graph) -> MapData | None:
    """Return the most used nodes, each with its strongest partners, None without counts.

    Partners are chosen by `attraction`, so that neither rare pairs nor pairs with precursors that go with everything
    fill the map; pairs used together less often than if independent (PMI below 0) are left out.
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
    index = {node: number for number, node in enumerate(nodes)}
    return MapData(
        title=str(graph.graph.get("title", "")),
        formulas=tuple(formula(graph, node) for node in nodes),
        classes=tuple(class_of(graph, node) for node in nodes),
        reactions=np.array([graph.nodes[node].get("reactions", 1) for node in nodes], dtype=np.int64),
        links=np.array([(index[a], index[b]) for a, b in links], dtype=np.int64),
        counts=np.array([graph.edges[link]["count"] for link in links], dtype=np.int64),
        pull=np.array([attraction(graph.edges[link]) for link in links], dtype=np.float64),
    )


@styled
def draw_map(data: MapData) -> Figure:
    """Draw marks sized by uses and lines as wide as pairs are frequent; one unit of the axes is one inch."""
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
    _draw_marks(axis, marks, radius, data.classes)
    for name, mark, r in zip(names, marks, radius, strict=True):
        name.set_position((mark[0], mark[1] - r - 0.01))
        name.set_path_effects(_halo())
    axis.set_title(data.title, x=0.01, pad=26)
    axis.text(0.01, 1, _READ, transform=axis.transAxes, va="bottom", fontsize=7.5, color="#555555")
    _legend(axis, data)
    return figure


def _fit(figure: Figure, axis: Axes, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
    """Set the size of the figure so that one unit of the axis is one inch, with room for title and legend."""
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


def _draw_marks(axis: Axes, marks: NDArray[np.float64], radius: NDArray[np.float64], classes: Sequence[str]) -> None:
    for name in dict.fromkeys(classes):
        chosen = [index for index, each in enumerate(classes) if each == name]
        axis.scatter(
            marks[chosen, 0],
            marks[chosen, 1],
            s=(2 * 72 * 0.88 * radius[chosen]) ** 2,
            marker=class_look(name).marker,
            color=class_look(name).color,
            edgecolor="white",
            linewidth=0.7,
            zorder=3,
        )


def _legend(axis: Axes, data: MapData) -> None:
    from matplotlib.lines import Line2D

    entries = class_handles(sorted(set(data.classes), key=lambda name: -data.classes.count(name)))
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
