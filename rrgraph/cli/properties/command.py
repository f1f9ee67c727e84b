"""The command `rrgraph properties`: predicts properties of formulas with uncertainties."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import rrgraph as rr
from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import OUTPUTS, add_command, add_device, add_input, add_resume

if TYPE_CHECKING:
    from rrgraph.chem import Composition
    from rrgraph.cli.common.targets import TargetRow

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
code 2; the other rows are not affected. While a list is worked through from file to file, what is done is kept in
OUTPUT.partial; after an interruption the same command with --resume goes on from there.
Every value is that of the ground state and has a standard deviation.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        name, commands, summary="predict properties of compositions", examples=_EXAMPLES, rest="formulas"
    )
    parser.add_argument("formulas", nargs="*", metavar="FORMULA", help="compositions")
    add_input(parser, "formulas")
    add_resume(parser)
    parser.add_argument("--model", metavar="NAME|PATH", help="bundled encoder or run folder of 'rrgraph pretrain'")
    add_device(parser)
    parser.add_argument("--all", action="store_true", help="show every property instead of the most important ones")
    parser.add_argument("--json", action="store_true", help="print one JSON object a formula")
    parser.add_argument("--output", metavar="FILE", help=OUTPUTS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and show properties; invalid rows are reported and make the exit code 2."""
    from rrgraph.cli.common.answers import check_targets, write_answers
    from rrgraph.cli.common.targets import read_targets
    from rrgraph.cli.common.unfinished import open_unfinished
    from rrgraph.cli.common.writers import check_outputs, open_output

    check_targets(arguments, "formulas", "rrgraph properties BaTiO3")
    check_outputs(arguments)
    formulas = read_targets(arguments.formulas, arguments.input, formula_column=arguments.column)

    from rrgraph.cli.properties.output import PropertyRecord, PropertyTableWriter, describe_properties, property_layout
    from rrgraph.models import DEFAULT_ENCODER
    from rrgraph.properties import shown_tasks

    model = arguments.model or DEFAULT_ENCODER
    predictor = rr.load_encoder(model, device=arguments.device)
    tasks = shown_tasks(predictor.tasks, every=arguments.all)
    table, layout = PropertyTableWriter(), property_layout(tasks)

    def answer(batch: Sequence[TargetRow[Composition]]) -> Iterator[tuple[PropertyRecord, str | None]]:
        predictions = predictor.predict([row.target for row in batch if row.target is not None])
        for record in describe_properties(batch, predictions, tasks):
            yield record, record.message

    with (
        open_unfinished(arguments, model=model) as keep,
        open_output(arguments.output, layout, as_json=arguments.json, table=table, more=formulas.more) as output,
    ):
        code = write_answers(formulas, answer, output, keep=keep, command=arguments.command, rejects=arguments.rejects)
    table.finish()
    return code
