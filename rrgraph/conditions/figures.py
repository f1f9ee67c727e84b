"""The figure of a run on conditions: predicted against recorded, what intervals hold, and errors by anion class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.conditions.model import LEVELS, Prediction
from rrgraph.conditions.tables import LABELS, ConditionRows
from rrgraph.graph import anion_class
from rrgraph.util.figure_style import GREY, look, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_conditions"]

_LEAST_ROWS: Final = 20
"""Of a label or a class that is shown by itself."""
_SHOWN: Final = ("highest", "last calcination", "last sintering")
_MANY: Final = 3000
"""Points that are drawn lightly."""
_WIDTHS: Final = 4
"""Groups of rows by the width of their intervals."""


@styled
def draw_conditions(found: Prediction, rows: ConditionRows) -> Figure:
    """Draw three panels on the rows that state a temperature.

    Args:
        found: what is predicted for the rows.
        rows: with what is recorded.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    figure, ((left, middle, right),) = panels(1, 3)
    known = np.flatnonzero(np.isfinite(rows.temperature))
    _recorded(left, found, rows, known)
    _coverage(middle, found, rows, known)
    _by_class(right, found, rows, known)
    return figure


def _recorded(axes: Axes, found: Prediction, rows: ConditionRows, known: NDArray[np.int64]) -> None:
    labels = [each for each in np.unique(rows.label) if (rows.label[known] == each).sum() >= _LEAST_ROWS]
    if len(labels) > len(_SHOWN):  # those of single steps would hide the others
        labels = [each for each in labels if LABELS[each] in _SHOWN]
    alpha = 0.4 if len(known) < _MANY else 0.15
    for at, label in enumerate(labels):
        own = known[rows.label[known] == label]
        style = look(at)
        axes.scatter(
            rows.temperature[own], found.temperature[own], s=6, alpha=alpha, color=style.color, label=LABELS[label]
        )
    ends = [float(rows.temperature[known].min()), float(rows.temperature[known].max())]
    axes.plot(ends, ends, color=GREY, linewidth=1)
    axes.set(title="Temperatures", xlabel="recorded, °C", ylabel="predicted, °C")
    legend = axes.legend(loc="upper left", markerscale=2, frameon=True)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1)


def _coverage(axes: Axes, found: Prediction, rows: ConditionRows, known: NDArray[np.int64]) -> None:
    """Draw which share each interval holds, of all rows and of groups from the narrowest intervals to the widest."""
    errors = np.abs(rows.temperature - found.temperature)[known]
    widths = found.widths[known]
    groups = np.array_split(np.argsort(widths[:, -1], kind="stable"), _WIDTHS)
    for at, level in enumerate(LEVELS):
        held = errors <= widths[:, at]
        style = look(at)
        axes.plot(
            range(1, _WIDTHS + 1),
            [100 * held[group].mean() if len(group) else np.nan for group in groups],
            color=style.color,
            marker=style.marker,
            label=f"{level:.0%} interval: {held.mean():.1%}",
        )
        axes.axhline(100 * level, color=style.color, linestyle=":", linewidth=1)
    axes.set(
        title="What intervals hold",
        xlabel="quarter of the rows, narrowest intervals first",
        ylabel="recorded values inside, %",
        xticks=range(1, _WIDTHS + 1),
        ylim=(0, 100),
    )
    axes.legend(loc="lower right")


def _by_class(axes: Axes, found: Prediction, rows: ConditionRows, known: NDArray[np.int64]) -> None:
    residuals = (found.temperature - rows.temperature)[known]
    classes = np.array([anion_class(rows.table.targets[row].elements) for row in known])
    names = [name for name in np.unique(classes) if (classes == name).sum() >= _LEAST_ROWS]
    names.sort(key=lambda name: -(classes == name).sum())
    if names:
        axes.boxplot([residuals[classes == name] for name in names], showfliers=False, vert=False)
        axes.set_yticks(range(1, len(names) + 1), [f"{name} ({(classes == name).sum()})" for name in names])
        axes.invert_yaxis()
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set(title="Errors by class", xlabel="predicted less recorded, °C")
