"""The common style of all figures: sizes, fonts, colours, and SVG and PNG files that are reproducible to the byte."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, ParamSpec

import numpy as np

from rrgraph.errors import ConfigError
from rrgraph.util.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = [
    "GREY",
    "PALETTE",
    "Look",
    "label_outer",
    "legend_below",
    "look",
    "looks",
    "panels",
    "plain_numbers",
    "same_looks",
    "save",
    "sign",
    "styled",
    "subscripts",
    "svg_text",
]

PALETTE: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F6000")
"""Colours that colour-blind people can distinguish (Okabe and Ito), without yellow, which is hard to see on white."""

GREY: Final = "#8A8A8A"

_MARKERS: Final = "osD^vPX*"

_ORDER: ContextVar[tuple[str, ...]] = ContextVar("order of the series of related figures", default=())

_RULES: Final[dict[str, Any]] = {
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same on every computer
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.7,
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    # Names may contain dollar signs, between which TeX would be expected.
    "text.parse_math": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "rrgraph",
}

P = ParamSpec("P")


class Look(NamedTuple):
    """How one series is drawn; series differ in both colour and marker."""

    color: str
    marker: str
    line: str


def look(index: int) -> Look:
    """Return the look of the series at an index; after every eight series markers shift and the line style changes."""
    turn, color = divmod(index, len(PALETTE))
    return Look(PALETTE[color], _MARKERS[(color + turn) % len(_MARKERS)], ("-", "--", ":")[turn % 3])


def looks(labels: Sequence[str]) -> dict[str, Look]:
    """Return the look of each series by its label; within `same_looks` a label has the same look in every figure."""
    order = dict.fromkeys([*_ORDER.get(), *labels])
    return {label: look(index) for index, label in enumerate(order) if label in labels}


@contextmanager
def same_looks(labels: Sequence[str]) -> Iterator[None]:
    """Give each label the same look in all figures, whichever of the labels a figure shows."""
    before = _ORDER.set(tuple(labels))
    try:
        yield
    finally:
        _ORDER.reset(before)


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Return a function that draws in this style, independent of the user's matplotlib settings.

    Raises:
        ConfigError: matplotlib is not installed.
    """

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with _settings():
            return draw(*args, **kwargs)

    return drawn


def panels(
    rows: int, columns: int, *, width: float = 4.2, height: float = 3.2, **options: Any
) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure with a grid of panels, each about `width` by `height` inches.

    Args:
        rows: of the grid.
        columns: of the grid.
        width: of a panel in inches.
        height: of a panel in inches.
        options: of `Figure.subplots`, such as `sharey`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    grid = np.asarray(figure.subplots(rows, columns, squeeze=False, **options))
    return figure, [list(row) for row in grid]


def save(figure: Figure, folder: str | os.PathLike[str], name: str) -> tuple[Path, Path]:
    """Write a figure as `name.svg` and `name.png` and return both paths; the same figure gives the same bytes."""
    paths = Path(folder) / f"{name}.svg", Path(folder) / f"{name}.png"
    for path in paths:
        save_as(figure, path)
    return paths


def save_as(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure to a file, whose suffix is one of `FORMATS`; the same figure gives the same bytes."""
    suffix = Path(path).suffix
    # Rendered before the file is opened, so that an error leaves no incomplete file.
    content = _rendered(figure, suffix[1:], FORMATS[suffix])
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def sign(figure: Figure, text: str) -> None:
    """Write a line, such as the data source, below a figure."""
    with _settings():
        for _ in range(2):  # the layout of long labels needs a second pass
            figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    taller = height + _STRIP
    positions = [axis.get_position() for axis in figure.axes]
    figure.set_layout_engine("none")
    figure.set_size_inches(width, taller)
    for axis, position in zip(figure.axes, positions, strict=True):
        bottom = (position.y0 * height + _STRIP) / taller
        axis.set_position((position.x0, bottom, position.width, position.height * height / taller))
    for other in figure.texts:
        other.set_y((other.get_position()[1] * height + _STRIP) / taller)
    for legend in figure.legends:
        legend.set_bbox_to_anchor((0, _STRIP / taller, 1, height / taller), transform=figure.transFigure)
    figure.text(1 - 0.06 / width, 0.06 / taller, text, ha="right", va="bottom", fontsize=6.5, color=GREY)


def svg_text(figure: Figure) -> str:
    """Return a figure as SVG."""
    return _rendered(figure, "svg", _NO_DATE).decode("utf-8")


def subscripts(formula: str) -> str:
    """Return a formula with its integer amounts as subscripts: ``Sr(NO₃)₂``, ``Ba0.9Sr1.1SiO₄``."""
    return re.sub(r"(?<=[A-Za-z)\]])[0-9]+(?![0-9.])", lambda found: found[0].translate(_SUBSCRIPTS), formula)


def plain_numbers(axis: Axis) -> None:
    """Label the ticks of a logarithmic axis as 1,000 and 0.1 instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def label_outer(axes: Sequence[Sequence[Axes]]) -> None:
    """Keep the labels of axes shared in a grid only for panels with no visible panel below or to the left."""
    for row, line in enumerate(axes):
        for column, axis in enumerate(line):
            covered = row + 1 < len(axes) and axes[row + 1][column].get_visible()
            beside = column > 0 and line[column - 1].get_visible()
            axis.tick_params(bottom=not covered, labelbottom=not covered, left=not beside, labelleft=not beside)
            axis.tick_params(which="minor", left=not beside)
            if covered:
                axis.set_xlabel("")
            if beside:
                axis.set_ylabel("")


def legend_below(figure: Figure, axes: Sequence[Axes], *, columns: int = 4) -> None:
    """Add one legend below all panels, with each series once."""
    entries: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if entries:
        figure.legend(
            list(entries.values()), list(entries), loc="outside lower center", ncols=min(columns, len(entries))
        )


_SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_STRIP: Final = 0.2
"""Height in inches of a line below a figure."""

_NO_DATE: Final[dict[str, None]] = {"Date": None, "Creator": None}

FORMATS: Final[dict[str, dict[str, None]]] = {".svg": _NO_DATE, ".png": {"Software": None}}
"""Suffixes of files of figures, and what is left out of them so that they do not depend on the day."""


def _rendered(figure: Figure, format: str, metadata: dict[str, None]) -> bytes:
    buffer = BytesIO()
    with _settings():
        figure.savefig(buffer, format=format, metadata=metadata)
    return buffer.getvalue()


def _settings() -> Any:
    """Return a context in which matplotlib uses only the settings of this module."""
    try:
        import matplotlib
    except ImportError:
        raise ConfigError("Figures need matplotlib, which is not installed: pip install 'rrgraph[figures]'.") from None
    rules: Any = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
    return matplotlib.rc_context(rules | _RULES)
