"""`rrgraph report`: writes an HTML report on an experiment or a run."""

from __future__ import annotations

import argparse
from pathlib import Path

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, run_files
from rrgraph.cli.figures import add_figure_options, figure_options, tell_damage

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph report experiments/table2                        into experiments/table2/report.html
  rrgraph report runs/quickstart --output quickstart.html
  rrgraph report experiments/table2 --only top_k reliability

Reports need matplotlib and Jinja2: pip install 'rrgraph[figures]'.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        name, commands, summary="write an HTML report on an experiment or a trained run", examples=_EXAMPLES
    )
    parser.add_argument("folder", metavar="EXPERIMENT", help="folder of an experiment, or a run folder")
    parser.add_argument("--output", metavar="FILE", help="HTML file (default: report.html in the folder)")
    add_figure_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the report and print its path; return 1 if a damaged run was left out."""
    from rrgraph.figures import write_report
    from rrgraph.util.files import check_files

    output = arguments.output or Path(arguments.folder) / "report.html"
    check_files({"--output": output}, {"the folder": run_files(arguments.folder)})
    options = figure_options(arguments, [arguments.folder])
    damaged: list[str] = []
    written = write_report(arguments.folder, output, options, only=arguments.only, on_damage=damaged.append)
    print(f"The report is in {written}")
    return tell_damage("report", damaged)
