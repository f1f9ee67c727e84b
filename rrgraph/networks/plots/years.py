"""Figure of the shares of precursor classes by year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.networks.plots.data import class_look
from rrgraph.util.figure_style import GREY, panels, plain_numbers, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["YearData", "collect_years", "draw_years"]

_FEWEST: Final = 20
_RARE: Final = 0.1
"""Mean share below which a class is drawn again on a separate scale."""


@dataclass(frozen=True, eq=False)
class YearData:
    """Shares of precursor classes among the precursor uses of each year with enough reactions.

    Attributes:
        years: (y,).
        classes: k names, the most used first.
        share: (k, y), columns sum to 1.
        reactions: (y,) of each year.
        left_out: number of reactions in years with too few.
    """

    years: NDArray[np.int64]
    classes: tuple[str, ...]
    share: NDArray[np.float64]
    reactions: NDArray[np.int64]
    left_out: int


def collect_years(snapshots: Sequence[Mapping[str, Any]], *, fewest: int = _FEWEST) -> YearData | None:
    """Return the shares of the years with at least `fewest` reactions, None if there are fewer than two such years.

    Args:
        snapshots: rows `year`, `kind` (the precursor class), `share` of the precursor uses of the year, and `reactions`
            of the year.
        fewest: smallest number of reactions of a year that is shown.
    """
    number = {int(row["year"]): int(row["reactions"]) for row in snapshots}
    years = sorted(year for year, reactions in number.items() if reactions >= fewest)
    if len(years) < 2:
        return None
    uses: dict[str, float] = {}
    share: dict[tuple[str, int], float] = {}
    for row in snapshots:
        if int(row["year"]) in years and row["share"] > 0:
            uses[row["kind"]] = uses.get(row["kind"], 0.0) + row["share"] * row["reactions"]
            share[row["kind"], int(row["year"])] = float(row["share"])
    classes = sorted(uses, key=lambda name: -uses[name])
    return YearData(
        years=np.array(years),
        classes=tuple(classes),
        share=np.array([[share.get((name, year), 0.0) for year in years] for name in classes]),
        reactions=np.array([number[year] for year in years]),
        left_out=sum(reactions for reactions in number.values() if reactions < fewest),
    )


@styled
def draw_years(data: YearData) -> Figure:
    """Draw the shares stacked, the rarer classes again on a separate scale, and the number of reactions."""
    figure, axes = panels(2, 2, width=4.9, height=2.6, sharex=True, gridspec_kw={"height_ratios": [3.4, 1]})
    (stacked, lines), (below, beside) = axes
    _draw_stack(stacked, data)
    _draw_lines(lines, data)
    for axis in (below, beside):
        axis.bar(data.years, data.reactions, width=0.8, color=GREY)
        axis.set_xlabel("year of publication")
        plain_numbers(axis.yaxis)
        axis.set_xlim(data.years[0] - 0.5, data.years[-1] + 0.5)
    below.set_ylabel("reactions")
    figure.align_ylabels([stacked, below])
    if data.left_out:
        below.set_title(
            f"years with few reactions are left out ({data.left_out:,} reactions)",
            fontsize=7.5,
            weight="normal",
            color=GREY,
        )
    handles, labels = stacked.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6)
    return figure


def _draw_stack(axis: Axes, data: YearData) -> None:
    bottom = np.zeros(len(data.years))
    for name, share in zip(data.classes, data.share, strict=True):
        axis.bar(
            data.years,
            100 * share,
            bottom=bottom,
            width=0.94,
            color=class_look(name).color,
            edgecolor="white",
            linewidth=0.3,
            label=name,
        )
        bottom += 100 * share
    axis.set_ylim(0, 100)
    axis.set_ylabel("share of precursor uses (%)")
    axis.set_title("Precursor classes by year")
    axis.grid(visible=False)


def _draw_lines(axis: Axes, data: YearData) -> None:
    """Draw the rarer classes, with markers that distinguish them without colour."""
    for name, share in zip(data.classes, data.share, strict=True):
        if share.mean() < _RARE:
            each = class_look(name)
            axis.plot(data.years, 100 * share, color=each.color, marker=each.marker, markersize=4, linewidth=1)
    axis.set_ylim(bottom=0)
    axis.set_title(f"Classes below {100 * _RARE:.0f} %, on a separate scale")
