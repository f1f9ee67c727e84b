"""`rrgraph screen`: plans every row of a large table, and says which targets could be made from the shelf."""

from __future__ import annotations

import argparse
from itertools import chain
from typing import TYPE_CHECKING

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import (
    CANDIDATES,
    add_command,
    add_device,
    add_engine,
    add_exclusions,
    positive_int,
)
from rrgraph.errors import OptionError
from rrgraph.util.streams import print_problem

if TYPE_CHECKING:
    from rrgraph.screening import Summary

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph screen predicted.parquet --output screened --shelf cupboard.csv --jobs 8
  rrgraph screen predicted.csv.gz --output screened --keep material_id --top-k 3
  rrgraph screen predicted.parquet --output screened --resume                         after an interruption
  rrgraph screen predicted.parquet --output screened --engine ray --address auto --jobs 64

INPUT is CSV, Parquet, JSONL or text of any size, read as a stream; its formulas are found as those of 'rrgraph plan
--input' are. The folder gets
  shards/*.parquet   a row for each target: the best set with its probability, equation, reaction energy and
                     conditions, the distance from known element systems, what of it is on the shelf, and the top K
                     sets, nested
  rejects.csv        rows that cannot be planned, with their lines and the reasons; they do not change the exit code
  summary.html       how many can be made, by element, anion class and distance; also as JSON, its figures as files
A shard is planned whole or not at all; --resume repeats none that is done. A process that dies is replaced and its
shard tried again; a row that ends three of them is found and rejected. Each process takes about 600 MB of memory.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(name, commands, summary="plan every row of a large table", examples=_EXAMPLES)
    parser.add_argument("input", metavar="INPUT", help="CSV, Parquet, JSONL or text file of targets")
    parser.add_argument("--output", required=True, metavar="FOLDER", help="new folder for shards and summary")
    parser.add_argument("--column", metavar="NAME", help="column of the targets; by default found by name and content")
    parser.add_argument(
        "--keep", action="append", nargs="+", default=[], metavar="NAME", help="columns that go along, such as an id"
    )
    parser.add_argument("--model", default="default", metavar="NAME|PATH", help="bundled model or run folder")
    add_device(parser)
    parser.add_argument("--top-k", type=positive_int, default=5, metavar="K", help="sets for each target (5)")
    parser.add_argument(
        "--energies", action=argparse.BooleanOptionalAction, default=True, help="reaction energies (default)"
    )
    parser.add_argument(
        "--conditions",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="how the best set is fired: temperature, time, gas (default)",
    )
    parser.add_argument(
        "--conditions-model", metavar="NAME|PATH", help="the same, predicted by a model of conditions of your own"
    )
    parser.add_argument("--temperature", metavar="T", help="free energies at T, such as 1200, 1200K or 900C")
    pool = parser.add_argument_group("precursors")
    pool.add_argument(
        "--shelf",
        metavar="FILE|LIST",
        help="what is at hand, for the columns of the shelf; sets may have other members (default: that of --stock)",
    )
    pool.add_argument("--stock", metavar="FILE|LIST", help="plan with nothing but this")
    add_exclusions(pool, where=", as for 'rrgraph plan'")
    pool.add_argument(
        "--candidates", default="all", metavar=CANDIDATES, help="which may be used, as for 'rrgraph plan' (all)"
    )
    pool.add_argument("--atmosphere", metavar="NAME", help="in which all targets are to be made, as for 'rrgraph plan'")
    work = parser.add_argument_group("how the work is done")
    work.add_argument("--jobs", type=positive_int, metavar="N", help="processes (default: one for each core)")
    add_engine(work, serial=True)
    work.add_argument(
        "--shard-rows", type=positive_int, default=1000, metavar="N", help="rows that are lost together (1000)"
    )
    kept = work.add_mutually_exclusive_group()
    kept.add_argument("--resume", action="store_true", help="go on with a screening that was interrupted")
    kept.add_argument("--restart", action="store_true", help="discard what is in the folder, and start anew")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Screen, and print what was found."""
    from rrgraph.screening import ScreeningSettings, screen

    if arguments.conditions_model and not arguments.conditions:
        raise OptionError("conditions_model", " means nothing with --no-conditions.")
    settings = ScreeningSettings(
        **{
            name: getattr(arguments, name)
            for name in (
                *("input", "column", "model", "device", "top_k", "shelf", "stock", "candidates", "energies"),
                *("atmosphere", "temperature", "shard_rows"),
            )
        },
        conditions=arguments.conditions_model or arguments.conditions,
        keep=tuple(chain(*arguments.keep)),
        exclude=tuple(chain(*arguments.exclude)),
        require=tuple(chain(*arguments.require)),
    )
    try:
        summary = screen(
            settings,
            arguments.output,
            engine=arguments.engine,
            jobs=arguments.jobs,
            address=arguments.address,
            resume=arguments.resume,
            restart=arguments.restart,
        )
    except KeyboardInterrupt:
        kept = f"the shards that are done are kept in '{arguments.output}'; the same command with --resume goes on."
        print_problem(arguments.command, kept)
        raise
    _show(summary)
    if summary.total.targets:
        return 0
    print_problem(arguments.command, _nothing(summary, arguments.input))
    return 2


def _show(summary: Summary) -> None:
    total = summary.total
    parts = [f"{summary.rows:,} rows", f"{total.with_set:,} targets with a precursor set"]
    if summary.shelf:
        parts.append(f"{total.from_shelf:,} made from the shelf")
    parts.append(f"{summary.rejected:,} rejected")
    print(", ".join(parts))
    print(f"Shards, rejects.csv and summary.html are in {summary.folder}")


def _nothing(summary: Summary, name: str) -> str:
    if not summary.rows:
        return f"'{name}' has no rows, so nothing was screened."
    reason = max(summary.rejects, key=lambda each: summary.rejects[each])
    return f"None of the {summary.rows:,} rows of '{name}' could be screened, mostly for this reason: {reason}"
