"""Figures of the diversity of proposed sets and of the distribution of link probabilities.

They correspond to Retro-Rank-In figures 8 and 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.evaluation import read_protocol
from rrgraph.figures.series import FigureOptions, Series
from rrgraph.planning import planner_for
from rrgraph.util.figure_style import PALETTE, label_outer, legend_below, looks, panels, plain_numbers, styled
from rrgraph.util.progress import track

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rrgraph.data import ReactionTable

__all__ = [
    "Diversity",
    "LinkProbabilities",
    "collect_diversity",
    "collect_probabilities",
    "draw_diversity",
    "draw_probabilities",
    "drawn_rows",
]

_LISTED: Final = (50, 100)
_HIGHEST: Final = 60
_BINS: Final = 20
_BATCH_SIZE: Final = 128


@dataclass(frozen=True)
class Diversity:
    """How many different sets a system proposes.

    Attributes:
        label: of the system.
        where: split, protocol and number of targets.
        proposed: number of listed sets over all targets, by K.
        distinct: number of distinct sets among them, by K.
    """

    label: str
    where: str
    proposed: dict[int, int]
    distinct: dict[int, int]


@dataclass(frozen=True, eq=False)
class LinkProbabilities:
    """The highest link probabilities of each target.

    Attributes:
        label: of the system.
        split: name of the split.
        values: (targets, up to 60) probabilities, highest first.
    """

    label: str
    split: str
    values: NDArray[np.float64]


def drawn_rows(table: ReactionTable, most: int | None) -> list[int]:
    """Return the first row of each distinct target, or of `most` targets drawn at random."""
    first: dict[str, int] = {}
    for row, key in enumerate(table.target_keys.tolist()):
        first.setdefault(key, row)
    rows = list(first.values())
    if most is None or len(rows) <= most:
        return rows
    chosen = np.random.default_rng(0).choice(len(rows), size=most, replace=False)
    return [rows[index] for index in np.sort(chosen).tolist()]


def collect_diversity(series: Sequence[Series], options: FigureOptions) -> list[Diversity]:
    """Return the number of distinct sets among the first 50 and 100 of each system that has a model."""
    found = []
    for each in series:
        if not each.has_model:
            continue
        run, name = each.first, options.chosen(each)
        table, protocol = run.table(options.subset), read_protocol(name)
        rows = drawn_rows(table, options.targets)
        if not rows:
            continue
        planner = planner_for(
            run.model,
            run.pool(options.subset, name),
            protocol.constraints(),
            mode=run.mode(name),
            max_candidates=protocol.max_candidates,
        )
        sizes = [len(table.set_keys[row]) if protocol.set_size == "known" else None for row in rows]
        rankings = planner.rankings([table.targets[row] for row in rows], sizes=sizes)
        lists = [
            [ranked.precursors.keys for ranked in islice(ranking, max(_LISTED))]
            for ranking in track(rankings, "distinct sets", total=len(rows))
        ]
        found.append(
            Diversity(
                label=each.label,
                where=f"{each.split}, protocol {name}, {len(rows):,} targets",
                proposed={k: sum(len(keys[:k]) for keys in lists) for k in _LISTED},
                distinct={k: len({found for keys in lists for found in keys[:k]}) for k in _LISTED},
            )
        )
    return found


@styled
def draw_diversity(data: Sequence[Diversity]) -> Figure:
    """Draw a panel for each split with two bars per system."""
    titles = list(dict.fromkeys(each.where for each in data))
    most = max(sum(each.where == where for each in data) for where in titles)
    figure, axes = panels(len(titles), 1, width=6.4, height=1.2 + 0.62 * most, sharex=True)
    for where, (axis,) in zip(titles, axes, strict=True):
        shown = [each for each in data if each.where == where]
        for turn, k in enumerate(_LISTED):
            heights = [row + 0.38 * (turn - 0.5) for row in range(len(shown))]
            bars = axis.barh(
                heights, [each.distinct[k] for each in shown], 0.34, color=PALETTE[(5, 0)[turn]], label=f"K = {k}"
            )
            notes = [f"{each.distinct[k]:,} of {each.proposed[k]:,}" for each in shown]
            axis.bar_label(bars, notes, padding=3, fontsize=8)
        axis.set_yticks(range(len(shown)), [each.label for each in shown])
        axis.set_ylim(len(shown) - 0.5, -0.5)
        axis.margins(x=0.28)
        axis.grid(visible=False, axis="y")
        axis.set_title(where)
    axes[-1][0].set_xlabel("distinct precursor sets among the first K of all targets")
    axes[-1][0].xaxis.set_major_formatter("{x:,.0f}")
    legend_below(figure, [axes[0][0]])
    return figure


def collect_probabilities(series: Sequence[Series], options: FigureOptions) -> list[LinkProbabilities]:
    """Return the 60 highest link probabilities of each target, for each system that gives them."""
    found = []
    for each in series:
        if not each.gives_links:
            continue
        run = each.first
        table = run.table(options.subset)
        rows, pool = drawn_rows(table, options.targets), run.pool(options.subset)
        if not rows:
            continue
        targets, links = [table.targets[row] for row in rows], run.links.among(pool)
        highest = [
            -np.sort(-links.logits(targets[start : start + _BATCH_SIZE], pool), axis=1)[:, :_HIGHEST]
            for start in range(0, len(targets), _BATCH_SIZE)
        ]
        found.append(LinkProbabilities(each.label, each.split, 1 / (1 + np.exp(-np.concatenate(highest)))))
    return found


@styled
def draw_probabilities(data: Sequence[LinkProbabilities]) -> Figure:
    """Draw a histogram for each system, stacked vertically as in the paper, and a column for each split.

    The axis of shares is logarithmic.
    """
    labels, splits = (list(dict.fromkeys(getattr(each, name) for each in data)) for name in ("label", "split"))
    width = 5.6 if len(splits) == 1 else 4.2
    figure, axes = panels(len(labels), len(splits), width=width, height=1.8, sharex=True, sharey=True)
    for axis in (axis for row in axes for axis in row):
        axis.set_visible(False)
    edges = np.linspace(0, 100, _BINS + 1).tolist()
    for each in data:
        axis = axes[labels.index(each.label)][splits.index(each.split)]
        axis.set_visible(True)
        values = 100 * each.values.ravel()
        share = 100 / each.values.size
        color = looks(labels)[each.label].color
        axis.hist(values, edges, weights=np.full(len(values), share), color=color, rwidth=0.92)
        axis.set_yscale("log")
        plain_numbers(axis.yaxis)
        axis.set_title(f"{each.label}: {each.split}, {len(each.values):,} targets")
        axis.set_ylabel("share of links (%)")
        axis.set_xlim(0, 100)
        probable = float(np.mean(each.values >= 0.5) * each.values.shape[1])
        between = 100 * float(np.mean((each.values > 0.05) & (each.values < 0.95)))
        axis.text(
            0.98,
            0.92,
            f"{probable:.1f} links per target above 50 %\n{between:.1f} % of links between 5 and 95 %",
            transform=axis.transAxes,
            ha="right",
            va="top",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2},
        )
        axis.set_xlabel(f"link probability (%), the {_HIGHEST} highest of each target")
    label_outer(axes)
    return figure
