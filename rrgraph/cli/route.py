"""`rrgraph route`: plans routes of several reactions from molecules in stock to molecules given as SMILES."""

from __future__ import annotations

import argparse

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import (
    OUTPUTS,
    add_command,
    add_device,
    add_input,
    add_resume,
    positive_int,
    positive_number,
)

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph route 'CC(=O)Nc1ccc(O)cc1' --stock stock.smi
  rrgraph route 'CC(=O)Nc1ccc(O)cc1' --stock stock.smi --time 300 --algorithm mcts --svg drawings/
  rrgraph route --input products.smi --stock stock.smi --output routes.jsonl
  rrgraph route --input products.smi --stock stock.smi --output routes.jsonl --resume     after an interruption

What molecules are expanded to is kept in the user's cache, so a search that is repeated with more time goes on
from there.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        name,
        commands,
        summary="plan routes of several reactions from molecules in stock",
        examples=_EXAMPLES,
        rest="formulas",
    )
    parser.add_argument("formulas", nargs="*", metavar="SMILES", help="molecules to be made")
    add_input(parser, "SMILES")
    add_resume(parser)
    parser.add_argument(
        "--stock", required=True, metavar="FILE", help="molecules in stock: SMILES, one a line, or a table"
    )
    parser.add_argument(
        "--model",
        default="runs/conretrobert",
        metavar="FOLDER",
        help="run folder of a model of templates (%(default)s)",
    )
    search = parser.add_argument_group("search")
    search.add_argument("--time", type=positive_number, default=60.0, metavar="SECONDS", help="for each molecule (60)")
    search.add_argument("--algorithm", default="retro_star", metavar="NAME", help="retro_star (default) or mcts")
    search.add_argument("--routes", type=positive_int, default=5, metavar="N", help="routes that are shown (5)")
    search.add_argument("--steps", type=positive_int, default=8, metavar="N", help="longest sequence of reactions (8)")
    search.add_argument(
        "--reactions", type=positive_int, default=25, metavar="N", help="reactions tried for each molecule (25)"
    )
    add_device(parser)
    shown = parser.add_argument_group("output")
    shown.add_argument("--output", metavar="FILE", help=OUTPUTS)
    shown.add_argument("--json", action="store_true", help="print JSON lines instead of a table")
    shown.add_argument("--svg", metavar="FOLDER", help="draw each route as SVG")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Search and show; molecules that cannot be read are reported and make the exit code 2."""
    from rrgraph.cli.organic.route import run_route

    return run_route(arguments)
