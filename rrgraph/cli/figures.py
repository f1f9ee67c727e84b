"""`rrgraph figures`: draws the figures of runs and experiments."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, count_or_all
from rrgraph.errors import ConfigError
from rrgraph.util.streams import print_problem

if TYPE_CHECKING:
    from rrgraph.figures import FigureOptions

__all__ = ["add_figure_options", "add_parser", "figure_options", "run"]

_EXAMPLES = """\
  rrgraph figures runs/quickstart                                  into runs/quickstart/figures
  rrgraph figures runs/a runs/b --output comparison --part test
  rrgraph figures experiments/table2 --only top_k reliability
  rrgraph figures runs/a --only precursors_of_target --target Li7La3Zr2O12

Figures need matplotlib: pip install 'rrgraph[figures]'.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        name, commands, summary="draw the figures of trained runs or of an experiment", examples=_EXAMPLES
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folder, or folder of an experiment")
    parser.add_argument(
        "--output", metavar="DIR", help="folder for the figures (default: RUN/figures; ./figures for several runs)"
    )
    add_figure_options(parser)
    parser.set_defaults(run=run)


def add_figure_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of figures; `figure_options` reads them."""
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="draw only these figures")
    parser.add_argument("--part", help="validation or test rows of the split (default: test, if evaluated)")
    parser.add_argument("--protocol", metavar="NAME", help="protocol of figures that show only one (default: open)")
    parser.add_argument(
        "--target", metavar="FORMULA", help="target whose precursors are shown (default: the first of the rows)"
    )
    parser.add_argument(
        "--targets",
        type=count_or_all,
        default=500,
        metavar="N|all",
        help="number of targets, drawn at random, for figures that compute new proposals (default: 500)",
    )
    parser.add_argument(
        "--no-refit",
        dest="refit",
        action="store_false",
        help="omit baselines from figures that would need to refit them (baselines are not saved)",
    )


def figure_options(arguments: argparse.Namespace, runs: Sequence[str]) -> FigureOptions:
    """Return the options of the figures of some folders."""
    from rrgraph.chem import parse_formula
    from rrgraph.figures import FIGURES, FigureOptions, default_subset

    for name in arguments.only:
        FIGURES[name]
    return FigureOptions(
        subset=arguments.part or default_subset(runs),
        protocol=arguments.protocol,
        target=parse_formula(arguments.target) if arguments.target else None,
        targets=arguments.targets,
        refit=arguments.refit,
    )


def tell_damage(command: str, sentences: Sequence[str]) -> int:
    """Say which damaged runs were left out, and return the exit code."""
    for sentence in sentences:
        print_problem(command, f"left out: {sentence}")
    return 1 if sentences else 0


def run(arguments: argparse.Namespace) -> int:
    """Draw the figures and print the names of the files; return 1 if a damaged run was left out."""
    from rrgraph.figures import gather, write_figures
    from rrgraph.util.files import check_writable

    parent = Path(arguments.runs[0]) if len(arguments.runs) == 1 else Path()
    folder = Path(arguments.output) if arguments.output else parent / "figures"
    check_writable(folder, folder=True)
    options = figure_options(arguments, arguments.runs)
    damaged: list[str] = []
    series = gather(arguments.runs, subset=options.subset, refit=options.refit, on_damage=damaged.append)
    count = 0
    for drawn, paths in write_figures(series, folder, options, only=arguments.only):
        count += bool(paths)
        print(f"{drawn.name}: {', '.join(map(str, paths)) or f'not drawn, it needs {drawn.entry.needs}'}", flush=True)
    if not count:
        raise ConfigError(f"No figure could be drawn of the {options.subset} rows.")
    return tell_damage("figures", damaged)
