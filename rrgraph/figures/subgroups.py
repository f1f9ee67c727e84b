"""Accuracy by kind of row (year, anion class, number of elements): strata of metrics flow in, a figure flows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from rrgraph.evaluation import SUBGROUPINGS
from rrgraph.figures.series import Series, Wishes, by_split
from rrgraph.figures.top_k import mean_interval
from rrgraph.metrics import Interval, TopK
from rrgraph.util.figure_style import legend_below, looks, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["KindPanel", "collect_kinds", "draw_kinds"]

_SHOWN: Final = (1, 10)
_WIDEST: Final = 6.0
_FEWEST: Final = 5
"""Rows that a kind needs to be shown; the share of fewer says nothing."""


@dataclass(frozen=True)
class KindPanel:
    """Accuracy on the kinds of row of one split.

    Attributes:
        split: name of the split.
        protocol: name of the protocol.
        by: what rows are grouped by, in words.
        rows: number of rows by kind, in order.
        accuracy: by label of the system, by kind and k.
    """

    split: str
    protocol: str
    by: str
    rows: dict[str, int]
    accuracy: dict[str, dict[str, dict[int, Interval]]]


def collect_kinds(series: Sequence[Series], wishes: Wishes, *, by: str) -> list[KindPanel]:
    """Return a panel for each split where the grouping `by` was measured and tells rows apart."""
    found = []
    for split, systems in by_split(series).items():
        protocol = wishes.chosen(systems[0])
        measured = {each.label: kinds for each in systems if (kinds := _kinds(each, wishes.part, protocol, by))}
        if len({name for kinds in measured.values() for name in kinds}) > 1:
            names = dict.fromkeys(name for kinds in measured.values() for name in kinds)
            rows = {name: max(kinds[name][0].rows for kinds in measured.values() if name in kinds) for name in names}
            accuracy = {label: {name: _mean(tops) for name, tops in kinds.items()} for label, kinds in measured.items()}
            found.append(KindPanel(split, protocol, SUBGROUPINGS[by].title, rows, accuracy))
    return found


@styled
def draw_kinds(data: Sequence[KindPanel]) -> Figure:
    """Draw top-1 and top-10 of every kind, with intervals: beside each other where there is room, else stacked."""
    labels = list(dict.fromkeys(label for panel in data for label in panel.accuracy))
    most = max(len(panel.rows) for panel in data)
    width = max(4.0, 0.9 + most * max(0.62, 0.11 * len(labels)))
    abreast = len(_SHOWN) if width <= _WIDEST else 1
    figure, axes = panels(len(data) * len(_SHOWN) // abreast, abreast, width=width, height=3.0, sharey=True)
    shown = [(panel, k) for panel in data for k in _SHOWN]
    for (panel, k), axis in zip(shown, (axis for row in axes for axis in row), strict=True):
        _draw_panel(axis, panel, k, labels)
        axis.set_xlabel(f"{panel.by}, and number of rows")
        axis.set_title(f"top-{k}: {panel.split}, protocol {panel.protocol}")
    for row in axes:
        row[0].set_ylabel("recorded set found (%)")
        row[0].set_ylim(-3, 103)
    legend_below(figure, [axis for row in axes for axis in row])
    return figure


def _draw_panel(axis: Axes, panel: KindPanel, k: int, labels: Sequence[str]) -> None:
    names, shown = list(panel.rows), looks(labels)
    for place, label in enumerate(labels):
        found = {name: accuracy[k] for name, accuracy in panel.accuracy.get(label, {}).items() if k in accuracy}
        if found:
            x = [names.index(name) + _offset(place, len(labels)) for name in found]
            value = [100 * each.value for each in found.values()]
            low, high = ([100 * getattr(each, end) for each in found.values()] for end in ("low", "high"))
            ends = [np.subtract(value, low), np.subtract(high, value)]
            color, marker, _ = shown[label]
            axis.errorbar(x, value, ends, color=color, marker=marker, linestyle="none", elinewidth=1.1, label=label)
    axis.set_xticks(range(len(names)), _ticks(panel.rows))
    axis.set_xlim(-0.6, len(names) - 0.4)
    axis.grid(visible=False, axis="x")


def _kinds(series: Series, part: str, protocol: str, by: str) -> dict[str, list[TopK]]:
    """Return what each run measured on each kind of row."""
    found: dict[str, list[TopK]] = {}
    for metrics in series.metrics(part, protocol):
        for strata in metrics.strata:
            for name, top in strata.accuracy.items():
                if strata.by == by and top.rows >= _FEWEST:
                    found.setdefault(name, []).append(top)
    return found


def _mean(tops: Sequence[TopK]) -> dict[int, Interval]:
    return {k: mean_interval([top.top[k] for top in tops]) for k in tops[0].top}


def _offset(place: int, number: int) -> float:
    """Return where among its neighbours the mark of one series stands, within 0.35 of the middle."""
    return min(0.7, 0.2 * number) * ((place + 0.5) / number - 0.5)


def _ticks(rows: Mapping[str, int]) -> list[str]:
    """Return each kind with its number of rows; long names take two lines, so that neighbours do not touch."""
    broken = [name if len(name) <= 10 else f"{name[:7]}-\n{name[7:]}" for name in rows]
    most = max(text.count("\n") for text in broken)
    return [
        text + "\n" * (1 + most - text.count("\n")) + f"{count:,}"
        for text, count in zip(broken, rows.values(), strict=True)
    ]
