"""Printed tables and metrics: formatted on a terminal, plain aligned text in pipes."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rrgraph.util.streams import print_problem, terminal
from rrgraph.util.text import GAP, column_widths, escaped, plain_table

if TYPE_CHECKING:
    from rrgraph.evaluation import Metrics
    from rrgraph.metrics import EdgeMetrics, TopK

__all__ = [
    "UNRECORDED",
    "fits",
    "report_overlap",
    "show_conditions",
    "show_edges",
    "show_metrics",
    "show_notes",
    "show_subgroups",
    "show_table",
]

UNRECORDED = "The model does not record what it learned, so rows that it knows cannot be recognised."


def show_conditions(systems: Mapping[str, Mapping[str, Any]], *, title: str) -> None:
    """Print errors, and the share of recorded values in the intervals, of predicted conditions."""
    from rrgraph.conditions.measures import summary
    from rrgraph.util.config import MODEL

    for name, report in systems.items():
        header, rows = summary(report)
        show_table(header, rows, title=title if name == MODEL else f"{title}: {name}", numbers=header[1:])


def show_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None, numbers: Collection[str] = ()
) -> None:
    """Print a table; the columns named in `numbers` are right-aligned, and cells may have several lines."""
    console = _console()
    header = [escaped(name) for name in header]
    body = [[escaped(cell, keep="\n") for cell in row] for row in rows]
    if title:
        title = "\n" * title.startswith("\n") + escaped(title.removeprefix("\n"))
    if not console.is_terminal:
        if title:
            print(title)
        print(plain_table(header, body, numbers=numbers))
        return
    if title:
        console.print(escape(title), style="bold", highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for name in header:
        is_number = name in numbers
        table.add_column(escape(name), justify="right" if is_number else "left", overflow="fold", no_wrap=is_number)
    for row in body:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def fits(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a table fits the terminal without broken lines; a pipe has unlimited width."""
    console = _console()
    return not console.is_terminal or sum(column_widths([header, *rows])) + GAP * len(header) <= console.width


def show_notes(notes: Iterable[str]) -> None:
    """Print lines of prose, divided between words where a terminal is narrower."""
    console = _console()
    for note in map(escaped, notes):
        print(fill(note, console.width) if console.is_terminal else note)


def _console() -> Console:
    return Console(file=terminal(sys.stdout))


def show_metrics(systems: Mapping[str, Metrics], *, title: str) -> None:
    """Print the accuracies of one or more systems on the same rows, in % with 95 % intervals."""
    print(f"{title}: accuracy in % [95 % interval over targets]")
    for label, accuracies in _by_rows(systems).items():
        columns = sorted({k for accuracy in accuracies.values() for k in accuracy.top})
        rows = [
            [system, *(str(accuracy.top[k]) if k in accuracy.top else "-" for k in columns)]
            for system, accuracy in accuracies.items()
        ]
        names = [f"top-{k}" for k in columns]
        show_table(["system", *names], rows, numbers=names, title=f"\n{label}")
    _show_differences(systems)
    for system, metrics in systems.items():
        reached = "" if metrics.reachable is None else f"recorded set reachable in {100 * metrics.reachable:.1f} %"
        notes = [reached, str(metrics.calibration or "")]
        if any(notes):
            print(f"{system}: {', '.join(note for note in notes if note)}")
        if metrics.listed_calibration is not None:
            print(f"{system}, first 10 sets of all rows: {metrics.listed_calibration}")


def report_overlap(command: str, metrics: Metrics, *, subset: str = "") -> None:
    """Say on standard error how many of the measured rows were learned, if any were or it is not known."""
    if metrics.overlap is None:
        print_problem(command, UNRECORDED)
    elif metrics.overlap.learned.rows:
        print_problem(command, f"{subset}: {metrics.overlap}" if subset else str(metrics.overlap))


def show_subgroups(systems: Mapping[str, Metrics]) -> None:
    """Print the accuracies on subgroups of rows, with a line for each system."""
    for found in zip(*(metrics.subgroups for metrics in systems.values()), strict=True):
        tables = [each.table() for each in found]
        header = tables[0][0]
        rows = [
            [subgroup, system, *cells]
            for lines in zip(*(body for _, body in tables), strict=True)
            for system, (subgroup, *cells) in zip(systems, lines, strict=True)
        ]
        show_table([header[0], "system", *header[1:]], rows, numbers=header[1:], title=f"\nby {header[0]}")


def _show_differences(systems: Mapping[str, Metrics]) -> None:
    """Print the paired differences in percentage points between the model and each baseline."""
    from rrgraph.metrics import RESAMPLES

    differences = {
        system: metrics.paired_differences for system, metrics in systems.items() if metrics.paired_differences
    }
    if differences:
        names = [f"top-{k}" for k in next(iter(differences.values()))]
        rows = [[f"over {system}", *map(str, each.values())] for system, each in differences.items()]
        title = (
            "\ndifference between the model and each baseline in percentage points (paired bootstrap over targets; "
            f"p cannot be below {2 / (RESAMPLES + 1):.1g})"
        )
        show_table(["", *names], rows, numbers=names, title=title)


def _by_rows(systems: Mapping[str, Metrics]) -> dict[str, dict[str, TopK]]:
    """Return the accuracies by system for each set of rows and labels."""
    grouped: dict[str, dict[str, TopK]] = {}
    for system, metrics in systems.items():
        rule = "any recorded set of the target" if metrics.protocol.truth == "any" else "the row's own recorded set"
        named = [
            (rule, metrics.overall),
            ("the row's own recorded set", metrics.per_row),
            ("recorded sets with a precursor unseen in training", metrics.unseen),
        ]
        if metrics.overlap is not None and metrics.overlap.learned.rows:
            named += [
                ("rows whose target was learned", metrics.overlap.learned),
                ("rows with a new target", metrics.overlap.new),
            ]
        for label, accuracy in named:
            if accuracy is not None and accuracy.rows:
                plural = "row" if accuracy.rows == 1 else "rows"
                grouped.setdefault(f"{label} ({accuracy.rows} {plural})", {})[system] = accuracy
    return grouped


def show_edges(edges: EdgeMetrics, *, pairs: str) -> None:
    """Print the metrics of link prediction, on pairs described by a word."""
    if edges.mrr is None or edges.hits is None:
        print(f"link metrics: {edges.reason}")
        return
    counted = f"{edges.positives} of {edges.positives + edges.negatives} {pairs} pairs"
    hits = ", ".join(f"Hits@{k} {100 * share:.1f} %" for k, share in edges.hits["realistic"].items())
    print(
        f"links: ROC-AUC {edges.roc_auc:.4f}, average precision {edges.average_precision:.4f}, "
        f"MRR {edges.mrr['realistic']:.4f}, {hits} ({counted})"
    )
