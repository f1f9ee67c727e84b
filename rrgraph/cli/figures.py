"""`rrgraph figures`: run folders or experiments flow in, SVG and PNG files flow out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rrgraph.cli.common.options import add_command, count_or_all
from rrgraph.errors import ConfigError

if TYPE_CHECKING:
    from rrgraph.figures import Wishes

__all__ = ["add_parser", "add_wishes", "run", "wishes"]

_EXAMPLES = """\
  rrgraph figures runs/quickstart                                  into runs/quickstart/figures
  rrgraph figures runs/a runs/b --output comparison --part test
  rrgraph figures experiments/table2 --only top_k reliability
  rrgraph figures runs/a --only precursors_of_target --target Li7La3Zr2O12

Figures need matplotlib: pip install 'rrgraph[figures]'.
"""


def add_parser(name: str, commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        name, commands, summary="draw the figures of trained runs or of an experiment", examples=_EXAMPLES
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folder, or folder of an experiment")
    parser.add_argument("--output", metavar="DIR", help="folder of the figures; by default RUN/figures, or figures")
    add_wishes(parser)
    parser.set_defaults(run=run)


def add_wishes(parser: argparse.ArgumentParser) -> None:
    """Add what figures are to show; `wishes` reads it."""
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="draw these figures alone")
    parser.add_argument("--part", help="validation or test part of the split (default: test, if it was measured)")
    parser.add_argument("--protocol", metavar="NAME", help="of the figures that show one protocol (default: open)")
    parser.add_argument("--target", metavar="FORMULA", help="whose precursors are shown (default: the first target)")
    parser.add_argument(
        "--targets",
        type=count_or_all,
        default=500,
        metavar="N|all",
        help="how many targets, drawn at random, are planned anew for figures of proposals (default: 500)",
    )
    parser.add_argument(
        "--no-refit",
        dest="refit",
        action="store_false",
        help="leave baselines, which keep no model, out of the figures for which they would be fitted again",
    )


def wishes(arguments: argparse.Namespace, runs: Sequence[str]) -> Wishes:
    """Return what the figures of some folders are to show."""
    from rrgraph.chem import parse_formula
    from rrgraph.figures import FIGURES, Wishes, usual_part

    for name in arguments.only:
        FIGURES[name]
    return Wishes(
        part=arguments.part or usual_part(runs),
        protocol=arguments.protocol,
        target=parse_formula(arguments.target) if arguments.target else None,
        targets=arguments.targets,
        refit=arguments.refit,
    )


def run(arguments: argparse.Namespace) -> None:
    """Draw, and name what was written."""
    from rrgraph.figures import gather, write_figures

    asked = wishes(arguments, arguments.runs)
    series = gather(arguments.runs, part=asked.part, refit=asked.refit)
    alone = Path(arguments.runs[0]) if len(arguments.runs) == 1 else Path()
    folder = Path(arguments.output) if arguments.output else alone / "figures"
    drawn = 0
    for entry, paths in write_figures(series, folder, asked, only=arguments.only):
        drawn += bool(paths)
        print(f"{entry.name}: {', '.join(map(str, paths)) or f'not drawn, it needs {entry.kind.needs}'}", flush=True)
    if not drawn:
        raise ConfigError(f"No figure could be drawn of the part '{asked.part}'.")
