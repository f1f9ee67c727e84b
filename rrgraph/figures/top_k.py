"""Figure of the top-K accuracy for K = 1 to 10 (Retro-Rank-In figure 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from rrgraph.figures.series import FigureOptions, Series, by_split
from rrgraph.metrics import Interval, RowRanks, TopK, mean_intervals
from rrgraph.util.figure_style import label_outer, legend_below, looks, panels, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PANELS_PER_ROW", "Curve", "CurvePanel", "collect_top_k", "draw_top_k", "mean_interval", "pooled_accuracy"]

_KS: Final = tuple(range(1, 11))
PANELS_PER_ROW: Final = 3
"""Largest number of protocols side by side."""
_MOST_BANDS: Final = 5
"""Largest number of curves of a panel that are drawn with bands; more bands would overlap."""


@dataclass(frozen=True)
class Curve:
    """Accuracy of one system, as fractions of 1, by k."""

    label: str
    accuracy: dict[int, Interval]


@dataclass(frozen=True)
class CurvePanel:
    """The curves of one split under one protocol."""

    split: str
    protocol: str
    rows: int
    curves: tuple[Curve, ...]


def collect_top_k(series: Sequence[Series], options: FigureOptions) -> list[CurvePanel]:
    """Return a panel for each split and protocol that was evaluated."""
    found = []
    for split, systems in by_split(series).items():
        for protocol in dict.fromkeys(name for each in systems for name in each.protocols(options.subset)):
            curves, rows = [], 0
            for each in systems:
                accuracy, measured = _accuracy(each, options.subset, protocol)
                if accuracy:
                    curves.append(Curve(each.label, accuracy))
                    rows = max(rows, measured)
            if curves:
                found.append(CurvePanel(split, protocol, rows, tuple(curves)))
    return found


@styled
def draw_top_k(data: Sequence[CurvePanel]) -> Figure:
    """Draw rows of panels for each split and a panel for each protocol, up to three side by side."""
    splits, protocols = (list(dict.fromkeys(getattr(panel, name) for panel in data)) for name in ("split", "protocol"))
    shown = looks(list(dict.fromkeys(curve.label for panel in data for curve in panel.curves)))
    height = 3.1 if len(shown) <= _MOST_BANDS else 4.2
    columns = min(len(protocols), PANELS_PER_ROW)
    rows_per_split = -(-len(protocols) // columns)
    figure, axes = panels(len(splits) * rows_per_split, columns, width=4.0, height=height, sharex=True, sharey=True)
    for axis in (axis for row in axes for axis in row):
        axis.set_visible(False)
    for panel in data:
        row, column = divmod(protocols.index(panel.protocol), columns)
        axis = axes[splits.index(panel.split) * rows_per_split + row][column]
        axis.set_visible(True)
        for curve in panel.curves:
            ks = sorted(curve.accuracy)
            value, low, high = (
                [100 * getattr(curve.accuracy[k], name) for k in ks] for name in ("value", "low", "high")
            )
            color, marker, line = shown[curve.label]
            if len(panel.curves) <= _MOST_BANDS:
                axis.fill_between(ks, low, high, color=color, alpha=0.15, linewidth=0)
            axis.plot(ks, value, color=color, marker=marker, linestyle=line, label=curve.label)
        # Names of protocols with flags are long.
        gap = "\n" if "=" in panel.protocol else " "
        axis.set_title(f"{panel.split}, protocol {panel.protocol}{gap}({panel.rows:,} rows)")
        axis.set_xticks(_KS)
        axis.set_xlabel("K, number of listed sets")
        axis.set_ylabel("recorded set among the first K (%)")
    label_outer(axes)
    lowest = min(interval.low for panel in data for curve in panel.curves for interval in curve.accuracy.values())
    axes[0][0].set_ylim(10 * np.floor(10 * lowest), 100)
    legend_below(figure, [axis for row in axes for axis in row])
    return figure


def pooled_accuracy(outcomes: Sequence[RowRanks], ks: Sequence[int] = _KS) -> dict[int, Interval]:
    """Return the share of rows of all outcomes whose rank is at most k, with intervals over targets.

    Outcomes of several seeds on the same rows give the mean over seeds; a target's rows are drawn together.
    """
    ranks = np.concatenate([outcome.ranks for outcome in outcomes])
    targets = [target for outcome in outcomes for target in outcome.targets]
    return dict(zip(ks, mean_intervals(ranks[:, None] <= np.asarray(ks), targets), strict=True))


def mean_interval(intervals: Sequence[Interval]) -> Interval:
    """Return the means of the values and of the interval ends of several seeds."""
    return Interval(*(float(np.mean([getattr(each, name) for each in intervals])) for name in ("value", "low", "high")))


def _accuracy(series: Series, subset: str, protocol: str) -> tuple[dict[int, Interval], int]:
    """Return the accuracy by k and the number of rows; without ranks of the rows, only for the reported k."""
    outcomes = [] if series.beside else [run.ranks(subset, protocol) for run in series.runs]
    known = [outcome for outcome in outcomes if outcome is not None and len(outcome.targets)]
    if known and len(known) == len(outcomes):
        return pooled_accuracy(known), max(len(outcome.targets) for outcome in known)
    tops: list[TopK] = [metrics.overall for metrics in series.metrics(subset, protocol)]
    if not tops:
        return {}, 0
    return {k: mean_interval([top.top[k] for top in tops]) for k in tops[0].top}, max(top.rows for top in tops)
