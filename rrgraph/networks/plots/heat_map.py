"""Clustered heat map of the pointwise mutual information (PMI) of frequent precursors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.networks.plots.data import formula
from rrgraph.util.figure_style import PALETTE, panels, styled, subscripts

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["HeatData", "collect_heat", "draw_heat"]

_SHOWN: Final = 32
_LIMIT: Final = 3.0
_EXPECTED: Final = 5.0
"""Smallest expected number of reactions for which a pair never used together is marked."""


@dataclass(frozen=True, eq=False)
class HeatData:
    """The most frequent precursors, ordered so that neighbours are used with similar partners.

    Attributes:
        formulas: n precursors.
        pmi: (n, n) pointwise mutual information in nats, NaN for pairs never used together and on the diagonal.
        count: (n, n) reactions with both, on the diagonal those with the precursor.
        expected: (n, n) reactions with both if the two were independent.
    """

    formulas: tuple[str, ...]
    pmi: NDArray[np.float64]
    count: NDArray[np.int64]
    expected: NDArray[np.float64]


def collect_heat(graph: nx.Graph, *, shown: int = _SHOWN) -> HeatData | None:
    """Return the PMI among the most frequent precursors, None if the graph does not have it."""
    used = {node: reactions for node, reactions in graph.nodes(data="reactions") if reactions}
    nodes = sorted(used, key=lambda node: -used[node])[:shown]
    total = graph.graph.get("reactions")
    pairs = graph.subgraph(nodes).edges(data=True)
    if len(nodes) < 3 or not total or not any("pmi" in values and "count" in values for *_, values in pairs):
        return None
    index = {node: number for number, node in enumerate(nodes)}
    uses = np.array([used[node] for node in nodes], dtype=np.float64)
    pmi, count = np.full((len(nodes), len(nodes)), np.nan), np.diag(uses).astype(np.int64)
    for a, b, values in pairs:
        if a != b:
            where = ([index[a], index[b]], [index[b], index[a]])
            pmi[where], count[where] = values["pmi"], values["count"]
    order = _clustered(pmi)
    square = np.ix_(order, order)
    expected = np.outer(uses, uses) / total
    return HeatData(tuple(formula(graph, nodes[each]) for each in order), pmi[square], count[square], expected[square])


@styled
def draw_heat(data: HeatData) -> Figure:
    """Draw PMI as colour below the diagonal and the number of reactions above it."""
    from matplotlib.colors import LinearSegmentedColormap

    number = len(data.formulas)
    side = max(4.5, 0.285 * number + 1.2)
    figure, axes = panels(1, 1, width=side + 0.9, height=side)
    axis = axes[0][0]
    colors = LinearSegmentedColormap.from_list("pmi", [PALETTE[0], "#9CC7E4", "#F7F7F7", "#F2B48C", PALETTE[1]])
    below = np.tril(np.ones((number, number), dtype=bool), -1)
    picture = axis.imshow(np.where(below, data.pmi, np.nan), cmap=colors, vmin=-_LIMIT, vmax=_LIMIT)
    _draw_numbers(axis, data, below)
    names = [subscripts(name) for name in data.formulas]
    axis.set_xticks(range(number), names, rotation=90)
    axis.set_yticks(range(number), names)
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.set_title("Which frequent precursors are used together, and which never")
    bar = figure.colorbar(picture, ax=axis, extend="both", shrink=0.45, pad=0.015, aspect=28)
    bar.set_label("PMI (nats), below the diagonal;\npositive: more often than if independent")
    bar.outline.set_visible(False)
    axis.set_xlabel(
        "Above the diagonal: number of reactions with both; on it: number of reactions with the precursor.\n"
        f"×: never observed together although expected in at least {_EXPECTED:.0f} reactions if independent."
    )
    return figure


def _draw_numbers(axis: Axes, data: HeatData, below: NDArray[np.bool_]) -> None:
    for row, column in np.ndindex(*below.shape):
        count = int(data.count[row, column])
        if not below[row, column] and count:
            weight = "bold" if row == column else "normal"
            text = f"{count:,}" if count < 10_000 else f"{count / 1000:.0f}k"
            axis.text(column, row, text, ha="center", va="center", fontsize=5.2, color="#333333", weight=weight)
        elif below[row, column] and not count and data.expected[row, column] >= _EXPECTED:
            axis.text(column, row, "×", ha="center", va="center", fontsize=8, color=PALETTE[0])


def _clustered(pmi: NDArray[np.float64]) -> list[int]:
    """Return an order in which precursors with similar rows are neighbours: average linkage, optimal leaf order."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    near = np.clip(np.nan_to_num(pmi, nan=-_LIMIT), -_LIMIT, _LIMIT)
    # Two precursors are close if their rows are similar and if they are used together themselves.
    np.fill_diagonal(near, _LIMIT)
    rows = np.sqrt(((near[:, None] - near) ** 2).mean(2))
    distance = rows + (_LIMIT - near)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(tree)]
