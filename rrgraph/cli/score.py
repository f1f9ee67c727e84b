"""`rrgraph score`: measures the predictions of any system."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
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

A row that cannot be read ends the command. With --rejects it is written to a file and the exit code is 2: rows of the
table are then left out together with their predictions, and an unreadable prediction counts as one without sets.
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
    add_subgroups(parser)
    parser.add_argument("--output", metavar="FILE", help="write the metrics as JSON")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_protocol_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure and show."""
    from rrgraph.cli.common.show import show_metrics, show_subgroups
    from rrgraph.cli.common.writers import open_rejects
    from rrgraph.data import load_table
    from rrgraph.evaluation import PROTOCOLS, score_predictions, subgroup_accuracy
    from rrgraph.util.files import check_files, write_json

    read = {"the predictions": arguments.predictions, "--truth": arguments.truth, "--train": arguments.train}
    check_files({"--output": arguments.output, "--rejects": arguments.rejects}, read)
    protocol = PROTOCOLS[arguments.protocol].override(**protocol_overrides(arguments))
    by = subgroups(arguments.by)
    refused: list[Row] = []
    predictions: str | Iterator[Prediction] = arguments.predictions
    if arguments.rejects is None:
        table = load_table(arguments.truth, target=arguments.column)
    else:
        table = load_table(arguments.truth, target=arguments.column, refused=refused).readable(refused)
        refused.sort(key=lambda row: row.line)
        predictions = _readable(arguments.predictions, table, refused)
    train = load_table(arguments.train) if arguments.train else None
    seen = None if train is None else set(train.precursors())
    systems = None if train is None else set(train.element_systems.tolist())
    metrics = score_predictions(predictions, table, protocol, train_precursors=seen)
    if by and metrics.rows is not None:
        metrics = replace(metrics, subgroups=subgroup_accuracy(metrics.rows, table, by, systems=systems))
    with open_rejects(arguments.rejects, [str(name) for name in table.frame.columns]) as reject:
        for row in refused:
            print_problem("score", row.error or "")
            reject(row, row.error or "")
    if arguments.output:
        write_json(arguments.output, metrics.to_dict())
    if arguments.json:
        print(json.dumps(metrics.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        title = f"{len(table)} rows of {arguments.truth}, protocol {protocol.name}"
        show_metrics({"predictions": metrics}, title=title)
        show_subgroups({"predictions": metrics})
    return 2 if refused else 0


def _readable(path: str, table: ReactionTable, refused: list[Row]) -> Iterator[Prediction]:
    """Yield a prediction for each row of a table from which refused rows are missing; adds unreadable predictions."""
    from rrgraph.chem import parse_formula
    from rrgraph.evaluation import Prediction, read_predictions

    def unreadable(row: Row) -> Prediction:
        refused.append(row)
        return empty

    empty = Prediction(target=parse_formula("H2"), sets=())
    left_out = {row.line for row in refused}
    rows = iter(table.targets)
    lines = sorted([*left_out, *table.lines.tolist()])
    for position, prediction in enumerate(read_predictions(path, instead=unreadable)):
        if position < len(lines) and lines[position] in left_out:
            continue
        target = next(rows, None)
        yield prediction if prediction is not empty or target is None else Prediction(target=target, sets=())
