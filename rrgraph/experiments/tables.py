"""Tables of an experiment as Markdown, CSV and LaTeX. Shares are in %."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rrgraph.experiments.comparison import FEWEST, SIGNIFICANT, Column, Difference, Panel
from rrgraph.metrics import LEAST_P_VALUE
from rrgraph.util.sheets import SheetWriter

__all__ = ["csv_table", "latex_table", "legend", "markdown_table", "plain_rows"]

_ABREAST: Final = 8
"""Columns beside each other, so that a table fits a page: two protocols with four metrics."""

_COLUMNS: Final = (
    *("split", "rows", "system", "protocol", "k", "mean", "deviation", "seeds"),
    *("place", "lead_p_value", "above", "difference", "difference_p_value", "metric", "candidates"),
)

_NAMES: Final = ("system", "candidates")
"""Columns of tables in front of the figures; the second only where there are several candidates."""

_CANDIDATES: Final = {
    "pool": "pool: precursors of the training and of the measured rows, which flatters, for somebody used each of them",
    "library": "library: precursors of the training rows and the bundled reagents",
    "generated": "generated: plausible compounds of each target's elements, and nothing else",
}


def markdown_table(panels: Sequence[Panel], *, heading: str, compare_with: str = "") -> str:
    """Return all panels as Markdown: best bold, second underlined, significant leads marked, and what that means.

    Args:
        panels: in order.
        heading: the first line.
        compare_with: what the second mark refers to.
    """
    lines = [f"# {heading}\n"]
    for panel in panels:
        lines.append(f"## {panel.title}\n")
        for header, rows in _tables(panel, _markdown_cell):
            lines += [_markdown_row(header), "|---" * len(header) + "|", *map(_markdown_row, rows), ""]
    note = f"The best is bold, the second underlined. {legend(panels, compare_with)}"
    return "\n".join([*lines, note.replace("*", "\\*"), ""])


def csv_table(panels: Sequence[Panel]) -> str:
    """Return one row for each system and metric, shares in %; `difference` is the lead over that of `compare_with`."""
    text = io.StringIO()
    writer = SheetWriter(text)
    writer.write(_COLUMNS)
    for panel in panels:
        for column in panel.columns:
            for system, cell in column.cells.items():
                scale = 100 if cell.share else 1
                place = column.places.get(system, "")
                deviation = "" if cell.deviation is None else f"{scale * cell.deviation:.3f}"
                lead = _p_value(column.lead) if place == 1 else ""
                value = [f"{scale * cell.mean:.3f}", deviation, cell.seeds, place, lead, system in column.above]
                compared = _difference(column.differences.get(system), scale)
                named = [panel.split, panel.group, system, column.protocol, "" if column.k is None else column.k]
                writer.write([*named, *value, *compared, column.metric, column.candidates])
    return text.getvalue()


def _difference(found: Difference | None, scale: int) -> list[str]:
    if found is None:
        return ["", ""]
    return [f"{scale * found.value:.3f}", _p_value(found)]


def _p_value(found: Difference | None) -> str:
    return "" if found is None or found.p_value is None else f"{found.p_value:.4f}"


def latex_table(panels: Sequence[Panel], *, heading: str, compare_with: str = "") -> str:
    """Return all panels as LaTeX tables for the package booktabs; arguments are those of `markdown_table`."""
    note = _latex(f"The best is bold, the second underlined. {legend(panels, compare_with)}")
    parts = [f"% {heading}"]
    for panel in panels:
        for header, rows in _tables(panel, _latex_cell):
            named = [name for name in header if name in _NAMES]
            parts += [
                "\\begin{table}",
                f"\\caption{{{_latex(panel.title)}.}}",
                f"\\begin{{tabular}}{{{'l' * len(named)}{'r' * (len(header) - len(named))}}}",
                "\\toprule",
                f"{' & '.join(map(_latex, header))} \\\\",
                "\\midrule",
                *(" & ".join([*map(_latex, row[: len(named)]), *row[len(named) :]]) + " \\\\" for row in rows),
                "\\bottomrule",
                "\\end{tabular}",
                f"\\par\\smallskip\\footnotesize {note}",
                "\\end{table}",
            ]
    return "\n".join(parts) + "\n"


def plain_rows(panel: Panel) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Yield header and rows of each table of a panel, for people at a terminal."""
    return _tables(panel, _plain_cell)


def legend(panels: Sequence[Panel], compare_with: str = "") -> str:
    """Return what marks and figures of tables mean: it belongs under them."""
    columns = [column for panel in panels for column in panel.columns]
    what = "Shares" if any(column.k is None for column in columns) else "Top-k exact match"
    marks = f"*: the best is significantly better than the second (p < {SIGNIFICANT})"
    if compare_with:
        marks += f"; †: significantly better than {compare_with}"
    text = (
        f"{what} in %, mean ± standard deviation over seeds; ↑ larger is better, ↓ smaller. {marks}; p counts the "
        "noise of targets and seeds (of targets alone where there is one seed), is at least "
        f"{LEAST_P_VALUE:g} and then corrected for the tests of a table (Holm); ties are not marked, and "
        f"nothing is tested below {FEWEST} targets."
    )
    untested = dict.fromkeys(column.metric for column in columns if not column.tested)
    if untested:
        text += f" Not tested, for runs do not keep their values of each row: {', '.join(untested)}."
    offered = dict.fromkeys(column.candidates for column in columns)
    if list(offered) not in ([], ["pool"]):
        text += f" Candidates: {'; '.join(_CANDIDATES[each] for each in offered)}."
    return text


def _tables(panel: Panel, cell: Callable[[Column, str], str]) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Yield header and rows of the tables of a panel, none wider than a page; candidates stand below each other."""
    groups = panel.candidates
    width = max(map(len, groups.values()), default=0)
    for start in range(0, width, _ABREAST):
        some = {name: columns[start : start + _ABREAST] for name, columns in groups.items()}
        rows = [
            [
                _label(panel, system),
                *([offered] if len(groups) > 1 else []),
                *(cell(column, system) for column in columns),
            ]
            for offered, columns in some.items()
            for system in panel.systems
        ]
        names = _NAMES[: 1 + (len(groups) > 1)]
        yield [*names, *(column.title for column in next(iter(some.values())))], rows


def _label(panel: Panel, system: str) -> str:
    """Return the name of a system, with the number of its seeds where it has less than others."""
    seeds = {name: cell.seeds for column in panel.columns[:1] for name, cell in column.cells.items()}
    most = max(seeds.values(), default=0)
    missing = 0 < seeds.get(system, 0) < most
    return f"{system} ({seeds[system]} of {most} seeds)" if missing else system


def _plain_cell(column: Column, system: str) -> str:
    return str(column.cells[system]) + _marks(column, system) if system in column.cells else "-"


def _markdown_cell(column: Column, system: str) -> str:
    if system not in column.cells:
        return "-"
    text, place = str(column.cells[system]), column.places.get(system)
    shown = f"**{text}**" if place == 1 else f"<u>{text}</u>" if place == 2 else text
    return shown + _marks(column, system).replace("*", "\\*")


def _latex_cell(column: Column, system: str) -> str:
    if system not in column.cells:
        return "--"
    text, place = str(column.cells[system]).replace("±", "$\\pm$"), column.places.get(system)
    shown = f"\\textbf{{{text}}}" if place == 1 else f"\\underline{{{text}}}" if place == 2 else text
    marks = _marks(column, system).replace("†", "\\dagger")
    return f"{shown}$^{{{marks}}}$" if marks else shown


def _marks(column: Column, system: str) -> str:
    return ("*" if column.leads(system) else "") + ("†" if system in column.above else "")


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


_SYMBOLS: Final = {"±": "\\pm", "†": "\\dagger", "↑": "\\uparrow", "↓": "\\downarrow", "<": "<"}


def _latex(text: str) -> str:
    for character in "&%$#_{}":
        text = text.replace(character, f"\\{character}")
    for character, command in _SYMBOLS.items():
        text = text.replace(character, f"${command}$")
    return text
