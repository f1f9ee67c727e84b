"""The command `rrgraph properties`: predicts properties of formulas with uncertainties."""

from __future__ import annotations

import argparse

import rrgraph as rr
from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, add_input
from rrgraph.errors import PlanningError
from rrgraph.util.streams import print_problem

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph properties BaTiO3
  rrgraph properties Li7La3Zr2O12 Cr2AlB2 --all                every property that the model knows
  rrgraph properties --input formulas.csv --output properties.parquet
  rrgraph properties --input - --json < formulas.txt
  rrgraph properties BaTiO3 --model runs/pretrain              an encoder of your own, with its own properties

A list of formulas is CSV (with commas, semicolons or tabs), JSONL, Parquet, Excel or text with a formula a line; the
column is 'target', 'formula', 'composition', 'material' or the like, or that of --column, and all other columns go
along to the output. An invalid row is reported with its line number, keeps its row in the output and makes the exit
code 2; the other rows are not affected. Every value is that of the ground state and has a standard deviation.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        name, commands, summary="predict properties of compositions", examples=_EXAMPLES, rest="formulas"
    )
    parser.add_argument("formulas", nargs="*", metavar="FORMULA", help="compositions")
    add_input(parser, "formulas")
    parser.add_argument("--model", metavar="NAME|PATH", help="bundled encoder or run folder of 'rrgraph pretrain'")
    parser.add_argument("--all", action="store_true", help="show every property instead of the most important ones")
    parser.add_argument("--json", action="store_true", help="print one JSON object a formula")
    parser.add_argument("--output", metavar="FILE", help="write .jsonl, .csv, .parquet or .xlsx instead of a table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and show properties; invalid rows are reported and make the exit code 2."""
    from rrgraph.cli.common.targets import read_targets
    from rrgraph.cli.common.writers import check_output, check_rejects, open_output, open_rejects

    if bool(arguments.formulas) == bool(arguments.input):
        raise PlanningError("Give either formulas or --input FILE, such as 'rrgraph properties BaTiO3'.")
    if arguments.column is not None and not arguments.input:
        raise PlanningError("--column names a column of --input FILE, which is not given.")
    check_output(arguments.output)
    check_rejects(arguments.rejects, arguments.input, arguments.output)
    formulas = read_targets(arguments.formulas, arguments.input, formula_column=arguments.column)

    from rrgraph.cli.properties.names import shown_tasks
    from rrgraph.cli.properties.output import PropertyTableWriter, describe_properties, property_layout

    predictor = rr.load_encoder(arguments.model) if arguments.model else rr.load_encoder()
    tasks = shown_tasks(predictor.tasks, every=arguments.all)
    table, layout = PropertyTableWriter(), property_layout(tasks)
    failed = False
    with (
        open_output(arguments.output, layout, as_json=arguments.json, table=table, more=formulas.more) as output,
        open_rejects(arguments.rejects, formulas.columns) as reject,
    ):
        for batch in formulas:
            predictions = predictor.predict([row.target for row in batch if row.target is not None])
            for row, record in zip(batch, describe_properties(batch, predictions, tasks), strict=True):
                if record.message is not None:
                    failed = True
                    print_problem("properties", record.message)
                    formulas.reject(row, reject)
                output.write(record, row.cells)
    table.finish()
    return 2 if failed else 0
