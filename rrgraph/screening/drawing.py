"""Figures of a screening: what can be made by element, anion class and distance, and the probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS
from rrgraph.screening.summary import BINS, Count, Summary
from rrgraph.util.figure_style import GREY, PALETTE, panels, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES"]

_ROWS: Final = ((1, 3), (3, 11), (11, 19), (19, 37), (37, 55), (55, 87), (87, 119))
"""First atomic number of each period, and that of the next."""
_LANTHANUM, _ACTINIUM = 57, 89


def _place(number: int) -> tuple[int, int]:
    """Return row and column of an element in the periodic table, the f elements below."""
    period = next(row for row, (_, end) in enumerate(_ROWS) if number < end)
    start, end = _ROWS[period]
    for first, row in ((_LANTHANUM, 7), (_ACTINIUM, 8)):
        if first <= number < first + 15:
            return row, number - first + 2
    # Counted from the right, beyond the s elements; helium is a noble gas.
    return period, number - start if number - start < 2 and number != 2 else 18 - (end - number)


@styled
def _elements(summary: Summary) -> Figure:
    """The periodic table, each element with the share of its targets that can be made."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.patches import Rectangle

    figure, [[axis]] = panels(1, 1, width=8.4, height=4.4)
    colors = colormaps["viridis"]
    for symbol in ELEMENTS:
        row, column = _place(ATOMIC_NUMBERS[symbol])
        count = summary.by_element.get(symbol)
        share = None if count is None else count.made(shelf=summary.shelf) / count.targets
        color = "#F2F2F2" if share is None else colors(share)
        axis.add_patch(Rectangle((column, -row), 0.94, -0.94, color=color))
        ink = GREY if share is None else "white" if share < 0.6 else "black"
        axis.text(column + 0.47, -row - 0.38, symbol, ha="center", va="center", fontsize=8, color=ink)
        if count is not None:
            text = f"{count.targets:,}" if count.targets < 10_000 else f"{count.targets / 1000:.0f}k"
            axis.text(column + 0.47, -row - 0.74, text, ha="center", va="center", fontsize=5, color=ink)
    axis.set(xlim=(-0.1, 18.1), ylim=(-9.1, 0.1), aspect="equal")
    axis.axis("off")
    scale = ScalarMappable(Normalize(0, 100), colors)
    figure.colorbar(scale, ax=axis, shrink=0.6, label=f"% of targets {_made(summary)}")
    return figure


def _bars(counts: Callable[[Summary], Mapping[str, Count]], label: str) -> Callable[[Summary], Figure]:
    """Return a function that draws how many targets of each kind can be made."""

    @styled
    def draw(summary: Summary) -> Figure:
        found = counts(summary)
        figure, [[axis]] = panels(1, 1, width=7.2, height=0.9 + 0.34 * max(1, len(found)))
        places = np.arange(len(found))
        left = np.zeros(len(found))
        for name, color, values in _portions(summary, [*found.values()]):
            axis.barh(places, values, left=left, color=color, label=name, height=0.7)
            left += values
        for place, count in enumerate(found.values()):
            share = count.made(shelf=summary.shelf) / count.targets
            axis.text(left[place], place, f" {share:.0%}", va="center", fontsize=8)
        axis.set_yticks(places, list(found))
        axis.invert_yaxis()
        axis.margins(x=0.08)
        axis.set(xlabel="targets", ylabel=label)
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis.grid(visible=False, axis="y")
        figure.legend(loc="outside lower center", ncols=3)
        return figure

    return draw


def _portions(summary: Summary, counts: list[Count]) -> list[tuple[str, str, Any]]:
    """Return the kinds of answers with their colours and numbers, those that can be made first."""
    shelf = ("from the shelf", PALETTE[2], [each.from_shelf for each in counts])
    rest = ("a set, not from the shelf", PALETTE[0], [each.with_set - each.from_shelf for each in counts])
    every = ("a set", PALETTE[0], [each.with_set for each in counts])
    none = ("no set", "#C9CED3", [each.targets - each.with_set for each in counts])
    return [shelf, rest, none] if summary.shelf else [every, none]


@styled
def _probabilities(summary: Summary) -> Figure:
    """A histogram of the probabilities of the best sets."""
    figure, [[axis]] = panels(1, 1, width=7.2, height=3.2)
    edges = np.linspace(0, 1, BINS + 1)
    bottom = np.zeros(BINS)
    names = ("from the shelf", "not from the shelf") if summary.shelf else ("", "best set")
    for name, color, values in zip(names, (PALETTE[2], PALETTE[0]), summary.probabilities, strict=True):
        if name:
            axis.bar(edges[:-1], values, width=1 / BINS, bottom=bottom, align="edge", color=color, label=name)
            bottom += values
    axis.set(xlabel="probability of the best set", ylabel="targets", xlim=(0, 1))
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    if summary.shelf:
        axis.legend()
    return figure


def _made(summary: Summary) -> str:
    return "made from the shelf" if summary.shelf else "with a precursor set"


FIGURES: Final[Mapping[str, tuple[str, Callable[[Summary], Figure]]]] = {
    "elements": ("By element", _elements),
    "anion_classes": ("By anion class", _bars(lambda summary: summary.by_anion_class, "anion class")),
    "distances": ("By distance from known systems", _bars(lambda summary: summary.by_distance, "distance")),
    "probabilities": ("Probabilities", _probabilities),
}
"""Title and function of each figure, by the name of its files."""
