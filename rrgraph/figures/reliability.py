"""Reliability diagram: how often sets of a given probability are the recorded ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from rrgraph.figures.series import FigureOptions, Series, by_split
from rrgraph.figures.top_k import PANELS_PER_ROW
from rrgraph.metrics import Calibration, ReliabilityBin
from rrgraph.util.figure_style import GREY, label_outer, legend_below, look, looks, panels, plain_numbers, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rrgraph.util.figure_style import Look

__all__ = ["ReliabilityPanel", "collect_reliability", "draw_reliability", "pooled_bins", "wilson_interval"]


_MOST_TOGETHER: Final = 4
"""Largest number of systems that share a panel; more lines cannot be distinguished."""
_COLUMNS: Final = 4


@dataclass(frozen=True)
class ReliabilityPanel:
    """The reliability tables of one split under one protocol, by label of the system."""

    split: str
    protocol: str
    bins: dict[str, tuple[ReliabilityBin, ...]]


def collect_reliability(series: Sequence[Series], options: FigureOptions) -> list[ReliabilityPanel]:
    """Return a panel for each split and protocol in which a system gave probabilities of its first sets."""
    found = []
    for split, systems in by_split(series).items():
        for protocol in dict.fromkeys(name for each in systems for name in each.protocols(options.subset)):
            tables = {}
            for each in systems:
                known = [m.calibration for m in each.metrics(options.subset, protocol) if m.calibration is not None]
                if known:
                    tables[each.label] = pooled_bins(known)
            if tables:
                found.append(ReliabilityPanel(split, protocol, tables))
    return found


@styled
def draw_reliability(data: Sequence[ReliabilityPanel]) -> Figure:
    """Draw diagrams with 95 % intervals, of a few systems in a common panel, of many in a panel each."""
    labels = list(dict.fromkeys(label for panel in data for label in panel.bins))
    return _draw_together(data, labels) if len(labels) <= _MOST_TOGETHER else _draw_apart(data, labels)


def _draw_together(data: Sequence[ReliabilityPanel], labels: Sequence[str]) -> Figure:
    """Draw a diagram with all systems for each panel, and below it the number of rows in each bin."""
    splits, protocols = (list(dict.fromkeys(getattr(panel, name) for panel in data)) for name in ("split", "protocol"))
    columns = min(len(protocols), PANELS_PER_ROW)
    rows_per_split = -(-len(protocols) // columns)
    most = max(entry.count for panel in data for bins in panel.bins.values() for entry in bins)
    heights = [2.6, 1] * len(splits) * rows_per_split
    figure, axes = panels(
        2 * len(splits) * rows_per_split,
        columns,
        width=4.0,
        height=2.3,
        sharex=True,
        sharey="row",
        height_ratios=heights,
    )
    for axis in (axis for row in axes for axis in row):
        axis.set_visible(False)
    for panel in data:
        row, column = divmod(protocols.index(panel.protocol), columns)
        row = 2 * (splits.index(panel.split) * rows_per_split + row)
        diagram, counts = axes[row][column], axes[row + 1][column]
        _draw_perfect(diagram)
        for label, bins in panel.bins.items():
            shown = looks(labels)[label]
            _draw_bins(diagram, bins, label, shown)
            counts.stairs(*_steps(bins), color=shown.color, linestyle=shown.line, linewidth=1.4)
        diagram.set_title(f"{panel.split}, protocol {panel.protocol}")
        diagram.set(xlim=(0, 100), ylim=(-2, 102), ylabel="first set is recorded (%)")
        counts.set_yscale("log")
        plain_numbers(counts.yaxis)
        counts.set_ylim(0.8, 1.6 * most)
        counts.set(xlabel="probability of the first set (%)", ylabel="rows")
        for axis in (diagram, counts):
            axis.set_visible(True)
    label_outer(axes)
    legend_below(figure, [axis for row in axes for axis in row])
    return figure


def _draw_apart(data: Sequence[ReliabilityPanel], labels: Sequence[str]) -> Figure:
    """Draw a diagram for each system and split, a line per protocol and steps for the share of rows in each bin."""
    protocols = list(dict.fromkeys(panel.protocol for panel in data))
    found: dict[tuple[str, str], dict[str, tuple[ReliabilityBin, ...]]] = {}
    for split in dict.fromkeys(panel.split for panel in data):
        for label in labels:
            lines = {each.protocol: each.bins[label] for each in data if each.split == split and label in each.bins}
            if lines:
                found[label, split] = lines
    rows = -(-len(found) // _COLUMNS)
    figure, axes = panels(rows, _COLUMNS, width=2.5, height=2.3, sharex=True, sharey=True)
    flat = [axis for row in axes for axis in row]
    for axis in flat[len(found) :]:
        axis.set_visible(False)
    for axis, ((label, split), by_protocol) in zip(flat, found.items(), strict=False):
        _draw_perfect(axis)
        for protocol, bins in by_protocol.items():
            shown = look(protocols.index(protocol))
            _draw_bins(axis, bins, f"protocol {protocol}", shown)
            counts, edges = _steps(bins)
            axis.stairs(100 * np.array(counts) / sum(counts), edges, color=shown.color, fill=True, alpha=0.15)
        axis.set_title(f"{label}: {split}", fontsize=8)
        axis.set(xlim=(0, 100), ylim=(-2, 102))
        axis.set(xlabel="probability of first set (%)", ylabel="first set recorded (%)")
    label_outer(axes)
    legend_below(figure, flat[: len(found)])
    return figure


def _draw_perfect(axis: Axes) -> None:
    axis.plot([0, 100], [0, 100], color=GREY, linewidth=1, linestyle=(0, (4, 3)), label="perfectly calibrated")


def _draw_bins(diagram: Axes, bins: Sequence[ReliabilityBin], label: str, shown: Look) -> None:
    color, marker, line = shown
    x, y = [100 * entry.confidence for entry in bins], [100 * entry.accuracy for entry in bins]
    ends = np.array([wilson_interval(entry.accuracy, entry.count) for entry in bins]).T * 100
    diagram.errorbar(x, y, np.abs(ends - y), color=color, marker=marker, linestyle=line, elinewidth=1, label=label)


def pooled_bins(calibrations: Sequence[Calibration]) -> tuple[ReliabilityBin, ...]:
    """Return the reliability table of several seeds taken together."""
    found: dict[tuple[float, float], list[ReliabilityBin]] = {}
    for each in calibrations:
        for entry in each.bins:
            found.setdefault((entry.low, entry.high), []).append(entry)
    return tuple(_pooled(found[edges]) for edges in sorted(found))


def wilson_interval(share: float, count: int, *, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share among `count` rows (Wilson 1927), which is within 0 and 1."""
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * (share * (1 - share) / count + z**2 / (4 * count**2)) ** 0.5 / (1 + z**2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def _pooled(entries: Sequence[ReliabilityBin]) -> ReliabilityBin:
    weights = [entry.count for entry in entries]
    return ReliabilityBin(
        low=entries[0].low,
        high=entries[0].high,
        count=sum(weights),
        confidence=float(np.average([entry.confidence for entry in entries], weights=weights)),
        accuracy=float(np.average([entry.accuracy for entry in entries], weights=weights)),
    )


def _steps(bins: Sequence[ReliabilityBin]) -> tuple[list[float], list[float]]:
    """Return the counts of every bin from the first to the last, and their edges in %."""
    width = bins[0].high - bins[0].low
    number = round(1 / width)
    counts = [0.0] * number
    for entry in bins:
        counts[min(number - 1, round(entry.low / width))] = float(entry.count)
    return counts, [100 * edge / number for edge in range(number + 1)]
