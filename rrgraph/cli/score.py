"""`rrgraph score`: measures the predictions of any system."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import (
    add_command,
    add_protocol_flags,
    add_subgroups,
    add_target_column,
    protocol_overrides,
    subgroups,
)
from rrgraph.util.streams import print_problem

if TYPE_CHECKING:
    from rrgraph.data import ReactionTable
    from rrgraph.evaluation import Prediction
    from rrgraph.util.rows import Row

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph score predictions.jsonl --truth test.csv --protocol paper
  rrgraph score predictions.jsonl --truth test.csv --train train.csv --json
  rrgraph score predictions.jsonl --truth test.csv --train train.csv --by all
  rrgraph score predictions.jsonl --truth test.xlsx --column formula --rejects rejects.csv

Rows of a table that cannot be read are left out, those of --truth together with their predictions, and an unreadable
prediction counts as one without sets. Each is reported with its line, --rejects writes it to a file, and the exit code
is 2. With --strict the first of them ends the command.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="measure the predictions of any system", examples=_EXAMPLES)
    parser.add_argument("predictions", help='JSONL, one line a row: {"target": ..., "sets": [[...]], "scores": [...]}')
    parser.add_argument(
        "--truth", required=True, metavar="TABLE", help="reaction table with the recorded sets, in order"
    )
    parser.add_argument("--train", metavar="TABLE", help="training reactions, for --by distance and unseen precursors")
    add_target_column(parser)
    parser.add_argument("--rejects", metavar="FILE", help="write rows that cannot be read to a CSV file, with reasons")
    parser.add_argument("--strict", action="store_true", help="end at the first row that cannot be read")
    add_subgroups(parser)
    parser.add_argument("--output", metavar="FILE", help="write the metrics as JSON")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_protocol_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure and show."""
    from rrgraph.cli.common.show import report_overlap, show_metrics, show_subgroups
    from rrgraph.cli.common.writers import open_rejects, summary_stream
    from rrgraph.data import LearnedReactions
    from rrgraph.evaluation import PROTOCOLS, score_predictions, subgroup_accuracy
    from rrgraph.util.files import check_files, write_json

    read = {"the predictions": arguments.predictions, "--truth": arguments.truth, "--train": arguments.train}
    check_files({"--output": arguments.output, "--rejects": arguments.rejects}, read)
    protocol = PROTOCOLS[arguments.protocol].override(**protocol_overrides(arguments))
    by = subgroups(arguments.by)
    bad: dict[str, list[Row]] = {"truth": [], "train": []}
    tables = {
        name: _read(path, None if arguments.strict else bad[name], target=arguments.column if name == "truth" else None)
        for name in bad
        if (path := getattr(arguments, name))
    }
    table, train = tables["truth"], tables.get("train")
    seen = None if train is None else set(train.precursors())
    learned = None if train is None else LearnedReactions.of(train)
    systems = None if train is None else set(train.element_systems.tolist())
    failed = 0
    with open_rejects(arguments.rejects, [str(name) for name in table.frame.columns]) as reject:

        def report(row: Row, message: str) -> None:
            nonlocal failed
            failed += 1
            print_problem("score", message)
            reject(row, message)

        for name in tables:
            for row in bad[name]:
                report(row, f"Line {row.line} of '{getattr(arguments, name)}': {row.error}")
        predictions: str | Iterator[Prediction] = arguments.predictions
        if not arguments.strict:
            predictions = _aligned(arguments.predictions, table, bad["truth"], report)
        metrics = score_predictions(predictions, table, protocol, train_precursors=seen, learned=learned)
    if by and metrics.rows is not None:
        metrics = replace(metrics, subgroups=subgroup_accuracy(metrics.rows, table, by, systems=systems))
    if learned is not None:
        report_overlap("score", metrics)
    if arguments.output:
        write_json(arguments.output, metrics.to_dict())
    with summary_stream(arguments.output, arguments.rejects):
        if arguments.json:
            print(json.dumps(metrics.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
        else:
            title = f"{len(table)} rows of {arguments.truth}, protocol {protocol.name}"
            show_metrics({"predictions": metrics}, title=title)
            show_subgroups({"predictions": metrics})
    return 2 if failed else 0


def _read(path: str, bad: list[Row] | None, *, target: str | None) -> ReactionTable:
    """Return a table; rows that cannot be read are added to `bad`, without it they are an error."""
    from rrgraph.data import load_table

    table = load_table(path, target=target, refused=bad)
    if bad is None:
        return table
    if table.empty_years:
        what = f"in {table.empty_years} rows of '{path}' the year is not a whole number and counts as missing."
        print_problem("score", what)
    table = table.readable(bad)
    bad.sort(key=lambda row: row.line)
    return table


def _aligned(
    path: str, table: ReactionTable, bad: Sequence[Row], report: Callable[[Row, str], None]
) -> Iterator[Prediction]:
    """Yield a prediction for each row of a table from which bad rows are missing; unreadable ones have no sets."""
    from rrgraph.chem import parse_formula
    from rrgraph.evaluation import Prediction, read_predictions

    def unreadable(row: Row) -> Prediction:
        report(row, row.error or "")
        return empty

    empty = Prediction(target=parse_formula("H2"), sets=())
    left_out = {row.line for row in bad}
    rows = iter(table.targets)
    lines = sorted([*left_out, *table.lines.tolist()])
    for position, prediction in enumerate(read_predictions(path, instead=unreadable)):
        if position < len(lines) and lines[position] in left_out:
            continue
        target = next(rows, None)
        yield prediction if prediction is not empty or target is None else Prediction(target=target, sets=())
