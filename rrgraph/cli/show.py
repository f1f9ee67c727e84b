"""Tables for people: rich on a terminal, plain aligned text in pipes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from rrgraph.evaluation import EdgeMetrics, Metrics

__all__ = ["show_edges", "show_metrics", "show_table"]


def show_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None) -> None:
    """Print a table; numbers are aligned to the right, except the first column."""
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=400)  # a pipe has no width, and cutting columns would lose data
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(header):
        table.add_column(escape(name), justify="left" if index == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def show_metrics(systems: Mapping[str, Metrics], *, title: str) -> None:
    """Print the accuracies of one or more systems on the same rows, in % with 95 % intervals."""
    header: list[str] = []
    rows: list[list[str]] = []
    for system, metrics in systems.items():
        columns, body = metrics.table()
        header = ["system", *columns]
        rows += [[system, *line] for line in body]
    show_table(header, rows, title=title)
    for system, metrics in systems.items():
        if metrics.calibration is not None:
            print(f"{system}: {metrics.calibration}")


def show_edges(edges: EdgeMetrics) -> None:
    """Print how well links are told apart before any set is built."""
    if edges.mrr is None or edges.hits is None:
        print(f"link metrics: {edges.reason}")
        return
    hits = ", ".join(f"Hits@{k} {100 * share:.1f} %" for k, share in edges.hits["realistic"].items())
    print(
        f"links: ROC-AUC {edges.roc_auc:.4f}, average precision {edges.average_precision:.4f}, "
        f"MRR {edges.mrr['realistic']:.4f}, {hits} ({edges.positives} of {edges.positives + edges.negatives} pairs)"
    )
