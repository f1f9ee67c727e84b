"""`rrgraph report`: an experiment or a run folder flows in, one self-contained HTML page flows out."""

from __future__ import annotations

import argparse
from pathlib import Path

from rrgraph.cli.common.options import add_command
from rrgraph.cli.figures import add_wishes, wishes

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph report experiments/table2                        into experiments/table2/report.html
  rrgraph report runs/quickstart --output quickstart.html
  rrgraph report experiments/table2 --only top_k reliability

Reports need matplotlib and Jinja2: pip install 'rrgraph[figures]'.
"""


def add_parser(name: str, commands: argparse._SubParsersAction) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        name, commands, summary="write one HTML page about an experiment or a trained run", examples=_EXAMPLES
    )
    parser.add_argument("folder", metavar="EXPERIMENT", help="folder of an experiment, or a run folder")
    parser.add_argument("--output", metavar="FILE", help="the page; report.html in the folder by default")
    add_wishes(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Write the page and say where it is."""
    from rrgraph.figures import write_report

    asked = wishes(arguments, [arguments.folder])
    output = arguments.output or Path(arguments.folder) / "report.html"
    print(f"The report is in {write_report(arguments.folder, output, asked, only=arguments.only)}")
