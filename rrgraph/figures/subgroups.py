"""Figure of the accuracy by subgroup of rows: year, anion class or number of elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from rrgraph.evaluation import SUBGROUPINGS
from rrgraph.figures.series import FigureOptions, Series, by_split
from rrgraph.figures.top_k import mean_interval
from rrgraph.metrics import Interval, TopK
from rrgraph.util.figure_style import legend_below, looks, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SubgroupPanel", "collect_subgroups", "draw_subgroups"]

_SHOWN: Final = (1, 10)
_WIDEST: Final = 6.0
_FEWEST: Final = 5
"""Smallest number of rows of a subgroup that is shown."""


@dataclass(frozen=True)
class SubgroupPanel:
    """Accuracy on the subgroups of one split.

    Attributes:
        split: name of the split.
        protocol: name of the protocol.
        by: what rows are grouped by, in words.
        rows: number of rows by subgroup, in order.
        accuracy: by label of the system, by subgroup and k.
    """

    split: str
    protocol: str
    by: str
    rows: dict[str, int]
    accuracy: dict[str, dict[str, dict[int, Interval]]]


def collect_subgroups(series: Sequence[Series], options: FigureOptions, *, by: str) -> list[SubgroupPanel]:
    """Return a panel for each split evaluated on more than one subgroup by `by`."""
    found = []
    for split, systems in by_split(series).items():
        protocol = options.chosen(systems[0])
        measured = {
            each.label: groups for each in systems if (groups := _subgroups(each, options.subset, protocol, by))
        }
        names = dict.fromkeys(name for groups in measured.values() for name in groups)
        if len(names) > 1:
            rows = {name: max(groups[name][0].rows for groups in measured.values() if name in groups) for name in names}
            accuracy = {label: {name: _mean(tops) for name, tops in each.items()} for label, each in measured.items()}
            found.append(SubgroupPanel(split, protocol, SUBGROUPINGS[by].title, rows, accuracy))
    return found


@styled
def draw_subgroups(data: Sequence[SubgroupPanel]) -> Figure:
    """Draw top-1 and top-10 of every subgroup with intervals, side by side if there is room, else stacked."""
    labels = list(dict.fromkeys(label for panel in data for label in panel.accuracy))
    most = max(len(panel.rows) for panel in data)
    width = max(4.0, 0.9 + most * max(0.62, 0.11 * len(labels)))
    columns = len(_SHOWN) if width <= _WIDEST else 1
    figure, axes = panels(len(data) * len(_SHOWN) // columns, columns, width=width, height=3.0, sharey=True)
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


def _draw_panel(axis: Axes, panel: SubgroupPanel, k: int, labels: Sequence[str]) -> None:
    names, shown = list(panel.rows), looks(labels)
    for index, label in enumerate(labels):
        found = {name: accuracy[k] for name, accuracy in panel.accuracy.get(label, {}).items() if k in accuracy}
        if found:
            x = [names.index(name) + _offset(index, len(labels)) for name in found]
            value = [100 * each.value for each in found.values()]
            low, high = ([100 * getattr(each, end) for each in found.values()] for end in ("low", "high"))
            ends = [np.subtract(value, low), np.subtract(high, value)]
            color, marker, _ = shown[label]
            axis.errorbar(x, value, ends, color=color, marker=marker, linestyle="none", elinewidth=1.1, label=label)
    axis.set_xticks(range(len(names)), _ticks(panel.rows))
    axis.set_xlim(-0.6, len(names) - 0.4)
    axis.grid(visible=False, axis="x")


def _subgroups(series: Series, subset: str, protocol: str, by: str) -> dict[str, list[TopK]]:
    """Return the accuracy of each run on each subgroup."""
    found: dict[str, list[TopK]] = {}
    for metrics in series.metrics(subset, protocol):
        for groups in metrics.subgroups:
            for name, top in groups.accuracy.items():
                if groups.by == by and top.rows >= _FEWEST:
                    found.setdefault(name, []).append(top)
    return found


def _mean(tops: Sequence[TopK]) -> dict[int, Interval]:
    return {k: mean_interval([top.top[k] for top in tops]) for k in tops[0].top}


def _offset(index: int, number: int) -> float:
    """Return the horizontal offset of the marks of one series, at most 0.35 from the centre."""
    return min(0.7, 0.2 * number) * ((index + 0.5) / number - 0.5)


def _ticks(rows: Mapping[str, int]) -> list[str]:
    """Return each subgroup with its number of rows; long names are broken so that labels do not overlap."""
    broken = [name if len(name) <= 10 else f"{name[:7]}-\n{name[7:]}" for name in rows]
    most = max(text.count("\n") for text in broken)
    return [
        text + "\n" * (1 + most - text.count("\n")) + f"{count:,}"
        for text, count in zip(broken, rows.values(), strict=True)
    ]
