"""`rrgraph score`: measures the predictions of any system."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, add_protocol_flags, add_subgroups, protocol_overrides, subgroups

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph score predictions.jsonl --truth test.csv --protocol paper
  rrgraph score predictions.jsonl --truth test.csv --train train.csv --json
  rrgraph score predictions.jsonl --truth test.csv --train train.csv --by all
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="measure the predictions of any system", examples=_EXAMPLES)
    parser.add_argument("predictions", help='JSONL, one line a row: {"target": ..., "sets": [[...]], "scores": [...]}')
    parser.add_argument(
        "--truth", required=True, metavar="TABLE", help="reaction table with the recorded sets, in order"
    )
    parser.add_argument("--train", metavar="TABLE", help="training reactions, for --by distance and unseen precursors")
    add_subgroups(parser)
    parser.add_argument("--output", metavar="FILE", help="write the metrics as JSON")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_protocol_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Measure and show."""
    from rrgraph.cli.common.show import show_metrics, show_subgroups
    from rrgraph.data import load_table
    from rrgraph.evaluation import PROTOCOLS, score_predictions, subgroup_accuracy
    from rrgraph.util.files import write_json

    protocol = PROTOCOLS[arguments.protocol].override(**protocol_overrides(arguments))
    by = subgroups(arguments.by)
    table = load_table(arguments.truth)
    train = load_table(arguments.train) if arguments.train else None
    seen = None if train is None else set(train.precursors())
    systems = None if train is None else set(train.element_systems.tolist())
    metrics = score_predictions(arguments.predictions, table, protocol, train_precursors=seen)
    if by and metrics.rows is not None:
        metrics = replace(metrics, subgroups=subgroup_accuracy(metrics.rows, table, by, systems=systems))
    if arguments.output:
        write_json(arguments.output, metrics.to_dict())
    if arguments.json:
        print(json.dumps(metrics.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        title = f"{len(table)} rows of {arguments.truth}, protocol {protocol.name}"
        show_metrics({"predictions": metrics}, title=title)
        show_subgroups({"predictions": metrics})
