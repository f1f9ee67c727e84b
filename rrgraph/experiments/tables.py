"""Tables of an experiment as Markdown, CSV and LaTeX. Accuracies are in %."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Final

from rrgraph.experiments.comparison import FEWEST, SIGNIFICANT, Column, Difference, Panel
from rrgraph.metrics import RESAMPLES
from rrgraph.util.sheets import SheetWriter

__all__ = ["csv_table", "latex_table", "markdown_table", "plain_rows"]

_ABREAST: Final = 8
"""Accuracies beside each other, so that a table fits a page: two protocols."""

_COLUMNS: Final = (
    *("split", "rows", "system", "protocol", "k", "mean", "deviation", "seeds"),
    *("place", "lead_p_value", "above", "difference", "difference_p_value"),
)


def markdown_table(panels: Sequence[Panel], *, heading: str, compare_with: str = "") -> str:
    """Return all panels as Markdown: best bold, second underlined, significant leads marked.

    Args:
        panels: in order.
        heading: the first line.
        compare_with: what the second mark refers to.
    """
    lines = [f"# {heading}\n", f"{_legend(compare_with)}\n"]
    for panel in panels:
        lines.append(f"## {panel.title}\n")
        for columns in _abreast(panel):
            rows = [
                [_label(panel, system), *(_markdown_cell(column, system) for column in columns)]
                for system in panel.systems
            ]
            header = ["system", *(column.title for column in columns)]
            lines += [_markdown_row(header), "|---" * len(header) + "|", *map(_markdown_row, rows), ""]
    return "\n".join(lines)


def csv_table(panels: Sequence[Panel]) -> str:
    """Return one row for each system and accuracy, in %; `difference` is the lead over the system of `compare_with`."""
    text = io.StringIO()
    writer = SheetWriter(text)
    writer.write(_COLUMNS)
    for panel in panels:
        for column in panel.columns:
            for system, cell in column.cells.items():
                place = column.places.get(system, "")
                deviation = "" if cell.deviation is None else f"{100 * cell.deviation:.3f}"
                lead = _p_value(column.lead) if place == 1 else ""
                rows = "unseen" if panel.unseen else "all"
                accuracy = [f"{100 * cell.mean:.3f}", deviation, cell.seeds, place, lead, system in column.above]
                compared = _difference(column.differences.get(system))
                writer.write([panel.split, rows, system, column.protocol, column.k, *accuracy, *compared])
    return text.getvalue()


def _difference(found: Difference | None) -> list[str]:
    if found is None:
        return ["", ""]
    return [f"{100 * found.value:.3f}", _p_value(found)]


def _p_value(found: Difference | None) -> str:
    return "" if found is None or found.p_value is None else f"{found.p_value:.4f}"


def latex_table(panels: Sequence[Panel], *, heading: str, compare_with: str = "") -> str:
    """Return all panels as LaTeX tables for the package booktabs; arguments are those of `markdown_table`."""
    parts = [f"% {heading}", f"% {_legend(compare_with)}"]
    for panel in panels:
        for columns in _abreast(panel):
            header = " & ".join(["system", *(_latex(column.title) for column in columns)])
            body = [
                " & ".join([_latex(_label(panel, system)), *(_latex_cell(column, system) for column in columns)])
                for system in panel.systems
            ]
            parts += [
                "\\begin{table}",
                f"\\caption{{{_latex(panel.title)}.}}",
                f"\\begin{{tabular}}{{l{'r' * len(columns)}}}",
                "\\toprule",
                f"{header} \\\\",
                "\\midrule",
                *(f"{row} \\\\" for row in body),
                "\\bottomrule",
                "\\end{tabular}",
                "\\end{table}",
            ]
    return "\n".join(parts) + "\n"


def plain_rows(panel: Panel) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Yield header and rows of each table of a panel, for people at a terminal."""
    for columns in _abreast(panel):
        yield (
            ["system", *(column.title for column in columns)],
            [[_label(panel, system), *(_plain_cell(column, system) for column in columns)] for system in panel.systems],
        )


def _legend(compare_with: str) -> str:
    marks = f"*: the best is significantly better than the second (p < {SIGNIFICANT})"
    if compare_with:
        marks += f"; †: significantly better than {compare_with}"
    return (
        "Top-k exact match in %, mean ± standard deviation over seeds; the best is bold, the second underlined. "
        f"{marks}; p counts the noise of targets and seeds (of targets alone where there is one seed), is at least "
        f"{2 / (RESAMPLES + 1):.3f} and then corrected for the tests of a table (Holm); ties are not marked, and "
        f"nothing is tested below {FEWEST} targets."
    )


def _abreast(panel: Panel) -> Iterator[Sequence[Column]]:
    for start in range(0, len(panel.columns), _ABREAST):
        yield panel.columns[start : start + _ABREAST]


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


def _latex(text: str) -> str:
    for character in "&%$#_{}":
        text = text.replace(character, f"\\{character}")
    return text
