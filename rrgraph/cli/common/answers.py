"""The loop that `plan`, for materials and molecules, and `properties` share: rows in, answers out, batch by batch."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import TypeVar

from rrgraph.cli.common.targets import TargetList, TargetRow
from rrgraph.cli.common.unfinished import Keep
from rrgraph.cli.common.writers import Writer, open_rejects
from rrgraph.errors import PlanningError
from rrgraph.util.streams import print_problem

__all__ = ["check_targets", "write_answers"]

T = TypeVar("T")
R = TypeVar("R")


def check_targets(arguments: argparse.Namespace, what: str, example: str) -> None:
    """Check that targets are typed or in a file, and not both.

    Raises:
        PlanningError: they are not; the message says `what` to give, as in the `example`.
    """
    if bool(arguments.formulas) == bool(arguments.input):
        raise PlanningError(f"Give either {what} or --input FILE, such as '{example}'.")
    if arguments.column is not None and not arguments.input:
        raise PlanningError("--column names a column of --input FILE, which is not given.")


def write_answers(
    targets: TargetList[T],
    answer: Callable[[list[TargetRow[T]]], Iterable[tuple[R, str | None]]],
    output: Writer[R],
    *,
    keep: Keep,
    command: str,
    rejects: str | None,
) -> int:
    """Answer the rows and write the answers; bad rows are reported and do not stop the others.

    Args:
        targets: the rows.
        answer: return an answer to each row of a batch, bad ones included, and what there is to say about it.
        output: takes the answers.
        keep: keeps them until all are written, see `open_unfinished`.
        command: name in messages.
        rejects: file for the bad rows.

    Returns:
        The exit code, 2 if any row is bad.

    Raises:
        DataError: a file is damaged or cannot be written.
    """
    failed = False
    with open_rejects(rejects, targets.columns) as reject:
        for batch in targets:
            answers = ((message, output.prepare(record)) for record, message in answer(batch))
            for row, (message, prepared) in zip(batch, keep(len(batch), answers), strict=True):
                if message is not None:
                    print_problem(command, message)
                if row.target is None:
                    failed = True
                    row.reject(reject)
                output.write(prepared, row.cells)
    return 2 if failed else 0
