"""Correlations of precursor pairs in the training reactions (Retro-Rank-In figure 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.errors import RRGraphError
from rrgraph.figures.series import FigureOptions, Series, by_split
from rrgraph.util.figure_style import GREY, PALETTE, panels, plain_numbers, styled, subscripts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rrgraph.data import ReactionTable

__all__ = ["PairCorrelation", "collect_pairs", "draw_pairs", "pair_correlation"]

_NAMED: Final = 4


@dataclass(frozen=True, eq=False)
class PairCorrelation:
    """Every pair of precursors that were used together, in order of decreasing correlation.

    Attributes:
        title: which reactions.
        pairs: formulas of each pair.
        correlation: (pairs,) natural logarithm of p(a, b) / (p(a) p(b)), 0 where the two are independent.
        count: (pairs,) number of reactions with both.
        reactions: number of reactions.
    """

    title: str
    pairs: tuple[tuple[str, str], ...]
    correlation: NDArray[np.float64]
    count: NDArray[np.int64]
    reactions: int


def pair_correlation(table: ReactionTable, *, title: str = "") -> PairCorrelation:
    """Return how much more often precursors are used together than by chance, over the distinct reactions."""
    reactions = [keys for _, keys in table.distinct_reactions()]
    single = Counter(key for keys in reactions for key in keys)
    joint = Counter(pair for keys in reactions for pair in combinations(sorted(keys), 2))
    log_ratio = {(a, b): np.log(count * len(reactions) / (single[a] * single[b])) for (a, b), count in joint.items()}
    order = sorted(joint, key=lambda pair: (-log_ratio[pair], -joint[pair], pair))
    formulas = {key: precursor.formula for key, precursor in table.precursors().items()}
    return PairCorrelation(
        title=title,
        pairs=tuple((formulas[a], formulas[b]) for a, b in order),
        correlation=np.array([log_ratio[pair] for pair in order], dtype=np.float64),
        count=np.array([joint[pair] for pair in order], dtype=np.int64),
        reactions=len(reactions),
    )


def collect_pairs(series: Sequence[Series], options: FigureOptions) -> list[PairCorrelation]:
    """Return the pairs in the training rows of each split, from the first run whose data can be split again."""
    found = []
    for split, systems in by_split(series).items():
        for run in (run for each in systems for run in each.runs):
            try:
                table = run.data.train
            except RRGraphError:  # a system with another type of configuration, or missing data
                continue
            correlation = pair_correlation(table, title=f"training reactions of {split} ({len(table):,} rows)")
            if correlation.pairs:
                found.append(correlation)
            break
    return found


@styled
def draw_pairs(data: Sequence[PairCorrelation]) -> Figure:
    """Draw a column for each table: the correlation of every pair, and below it the number of its reactions."""
    figure, axes = panels(2, len(data), width=5.2, height=2.3, sharex="col", sharey="row")
    for column, each in enumerate(data):
        top, bottom = axes[0][column], axes[1][column]
        positions = np.arange(1, len(each.pairs) + 1)
        top.axhline(0, color=GREY, linewidth=0.9)
        for sign, color, label in ((1, PALETTE[1], "more often than by chance"), (-1, PALETTE[0], "less often")):
            chosen = np.sign(each.correlation) == sign
            edge = np.where(chosen, each.correlation, np.nan)
            top.fill_between(positions, 0, edge, color=color, alpha=0.35, linewidth=0)
            top.plot(positions, edge, color=color, label=f"{label}: {int(chosen.sum()):,} pairs")
        top.set_title(each.title)
        top.legend(loc="upper right")
        bottom.vlines(positions, 0.8, each.count, color=PALETTE[2], linewidth=0.5, rasterized=True)
        bottom.set_yscale("log")
        plain_numbers(bottom.yaxis)
        bottom.set_xlim(0, len(positions) + 1)
        bottom.set_ylim(0.8, 3.0 * each.count.max())
        bottom.set_xlabel("pairs of precursors, by decreasing correlation")
        _name_frequent(bottom, each)
        if not column:
            top.set_ylabel("ln [p(a,b) / (p(a) p(b))]")
            bottom.set_ylabel("reactions with both")
    return figure


def _name_frequent(axis: Axes, data: PairCorrelation) -> None:
    """List the most frequent pairs."""
    lines = [
        f"{int(data.count[index]):,}  {' + '.join(map(subscripts, data.pairs[index]))}"
        for index in np.argsort(-data.count, kind="stable")[:_NAMED].tolist()
    ]
    axis.text(
        0.02,
        0.96,
        "\n".join(["most frequent:", *lines]),
        transform=axis.transAxes,
        va="top",
        fontsize=7.5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2},
    )
