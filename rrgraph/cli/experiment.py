"""`rrgraph experiment`: carries out a grid of systems, splits and seeds, and compares the systems."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, add_config, add_engine, chosen_engine, positive_int
from rrgraph.util.streams import print_problem

if TYPE_CHECKING:
    from rrgraph.experiments import Outcome, Run

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph experiment table2 --quick      a few minutes, nothing to download
  rrgraph experiment table2 --jobs 2
  rrgraph experiment table2 seeds=[0] splits=[nms] output=experiments/first
  rrgraph experiment table2 --only ours     the others elsewhere, or later, in the same folder

The folder is experiments/NAME, or what output=DIR says. The same command goes on after an interruption: finished runs
are not repeated. The exit code is 1 when a run failed.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    summary = "compare systems over splits and seeds"
    parser = add_command(name, commands, summary=summary, examples=_EXAMPLES, rest="overrides")
    add_config(parser, group="experiments")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="values that replace those of the file")
    parser.add_argument("--jobs", type=positive_int, default=1, metavar="N", help="runs at a time, each a process")
    add_engine(parser)
    parser.add_argument(
        "--only", action="append", default=[], metavar="SYSTEM", help="carry out its runs alone; repeatable"
    )
    parser.add_argument("--quick", action="store_true", help="the small variant that the file describes")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry out the runs, then show the comparison; return 1 if a run failed."""
    from rrgraph.cli.common.show import show_notes, show_table
    from rrgraph.experiments import legend, load_experiment, plain_rows, run_experiment
    from rrgraph.util.named_configs import find_config

    path = find_config(arguments.config, group="experiments")
    experiment = load_experiment(path, arguments.overrides, quick=arguments.quick)
    result = run_experiment(
        experiment,
        jobs=arguments.jobs,
        engine=chosen_engine(arguments),
        only=arguments.only,
        on_start=_announce,
        on_end=_tell,
    )
    for panel in result.panels:
        for header, rows in plain_rows(panel):
            numbers = [name for name in header if name not in ("system", "candidates")]
            show_table(header, rows, title=f"\n{panel.title}", numbers=numbers)
    if result.panels:
        show_notes(["", legend(result.panels, experiment.compare_with)])
    print(f"\nTables, results and runs are in {result.folder}")
    for failed, sentence in result.failures.items():
        print_problem("experiment", f"failed: {failed}: {sentence}")
    return 1 if result.failures else 0


def _announce(runs: Sequence[Run], finished: int) -> None:
    print(f"{len(runs)} runs, {finished} of them finished before", flush=True)


def _tell(done: Run, outcome: Outcome) -> None:
    from tqdm import tqdm

    # A progress bar may stand on this line.
    tqdm.write(f"{done}: {'failed' if outcome.error else f'{outcome.seconds:.0f} s'}")
