"""Kinds of precursor by year: shares of each year flow in, a stacked figure with the number of reactions flows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.networks.plots.data import kind_look
from rrgraph.util.figure_style import GREY, panels, plain_numbers, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["YearData", "collect_years", "draw_years"]

_FEWEST: Final = 20
_RARE: Final = 0.1
"""Mean share up to which a kind is drawn again on a scale of its own."""


@dataclass(frozen=True, eq=False)
class YearData:
    """Shares of kinds among the precursor uses of each year with enough reactions.

    Attributes:
        years: (y,).
        kinds: k names, the most used first.
        share: (k, y), columns sum to 1.
        reactions: (y,) of each year.
        left_out: number of reactions in years with too few.
    """

    years: NDArray[np.int64]
    kinds: tuple[str, ...]
    share: NDArray[np.float64]
    reactions: NDArray[np.int64]
    left_out: int


def collect_years(snapshots: Sequence[Mapping[str, Any]], *, fewest: int = _FEWEST) -> YearData | None:
    """Return the shares of the years with at least `fewest` reactions, None with less than two such years.

    Args:
        snapshots: rows `year`, `kind`, `share` of the precursor uses of the year, and `reactions` of the year.
        fewest: reactions that a year needs for its shares to say something.
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
    kinds = sorted(uses, key=lambda kind: -uses[kind])
    return YearData(
        years=np.array(years),
        kinds=tuple(kinds),
        share=np.array([[share.get((kind, year), 0.0) for year in years] for kind in kinds]),
        reactions=np.array([number[year] for year in years]),
        left_out=sum(reactions for reactions in number.values() if reactions < fewest),
    )


@styled
def draw_years(data: YearData) -> Figure:
    """Draw the shares stacked, named at the right, the rarer kinds again on a scale of their own, and the counts."""
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
            f"years with fewer reactions left out ({data.left_out:,} in all)", fontsize=7.5, weight="normal", color=GREY
        )
    handles, labels = stacked.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6)
    return figure


def _draw_stack(axis: Axes, data: YearData) -> None:
    bottom = np.zeros(len(data.years))
    for place, kind in enumerate(data.kinds):
        axis.bar(
            data.years,
            100 * data.share[place],
            bottom=bottom,
            width=0.94,
            color=kind_look(kind).color,
            edgecolor="white",
            linewidth=0.3,
            label=kind,
        )
        bottom += 100 * data.share[place]
    axis.set_ylim(0, 100)
    axis.set_ylabel("share of precursor uses (%)")
    axis.set_title("Kinds of precursor by year")
    axis.grid(visible=False)


def _draw_lines(axis: Axes, data: YearData) -> None:
    """Draw the rarer kinds, with marks that tell them apart without colour."""
    for kind, share in zip(data.kinds, data.share, strict=True):
        if share.mean() < _RARE:
            each = kind_look(kind)
            axis.plot(data.years, 100 * share, color=each.color, marker=each.marker, markersize=4, linewidth=1)
    axis.set_ylim(bottom=0)
    axis.set_title(f"kinds below {100 * _RARE:.0f} %, on their own scale")
