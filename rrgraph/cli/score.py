"""`rrgraph score`: predictions of any system flow in, the same metrics as for our own flow out."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

from rrgraph.cli.common.options import add_command, add_groupings, add_protocol_flags, groupings, protocol_overrides

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph score predictions.jsonl --truth test.csv --protocol paper
  rrgraph score predictions.jsonl --truth test.csv --train train.csv --json
  rrgraph score predictions.jsonl --truth test.csv --train train.csv --by all
"""


def add_parser(name: str, commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="measure the predictions of any system", examples=_EXAMPLES)
    parser.add_argument("predictions", help='JSONL, one line a row: {"target": ..., "sets": [[...]], "scores": [...]}')
    parser.add_argument(
        "--truth", required=True, metavar="TABLE", help="reaction table with the recorded sets, in order"
    )
    parser.add_argument("--train", metavar="TABLE", help="training reactions, for --by distance and unseen precursors")
    add_groupings(parser)
    parser.add_argument("--output", metavar="FILE", help="write the metrics as JSON")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_protocol_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Measure and show."""
    from rrgraph.cli.common.show import show_metrics, show_strata
    from rrgraph.data import load_table
    from rrgraph.evaluation import PROTOCOLS, score_predictions, subgroup_accuracy
    from rrgraph.util.files import write_json

    protocol = PROTOCOLS[arguments.protocol].override(**protocol_overrides(arguments))
    by = groupings(arguments.by)
    truth = load_table(arguments.truth)
    train = load_table(arguments.train) if arguments.train else None
    seen = None if train is None else set(train.precursors())
    systems = None if train is None else set(train.element_systems.tolist())
    metrics = score_predictions(arguments.predictions, truth, protocol, train_precursors=seen)
    if by and metrics.rows is not None:
        metrics = replace(metrics, strata=subgroup_accuracy(metrics.rows, truth, by, systems=systems))
    if arguments.output:
        write_json(arguments.output, metrics.to_dict())
    if arguments.json:
        print(json.dumps(metrics.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        title = f"{len(truth)} rows of {arguments.truth}, protocol {protocol.name}"
        show_metrics({"predictions": metrics}, title=title)
        show_strata({"predictions": metrics})
