"""`rrgraph prompts`: writes prompts for a language model, and turns its answers into predictions."""

from __future__ import annotations

import argparse

from rrgraph.cli.common.argparse_private import Commands
from rrgraph.cli.common.options import add_command, positive_int
from rrgraph.util.streams import print_problem

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
  rrgraph prompts test.csv --output prompts.jsonl
  rrgraph prompts test.csv --output prompts.jsonl --sets 20 --size known
  rrgraph prompts test.csv --answers answers.jsonl --output predictions.jsonl
  rrgraph score predictions.jsonl --truth test.csv

An answer that cannot be read counts as none: it is reported with its line, and the exit code is 2. With --strict the
first of them ends the command.
"""


def add_parser(name: str, commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(
        name, commands, summary="ask a language model for precursors, and read its answers", examples=_EXAMPLES
    )
    parser.add_argument("table", help="reaction table with the targets")
    parser.add_argument(
        "--answers", metavar="FILE", help='JSONL, one line a row: {"target": ..., "answer": ...}; become predictions'
    )
    parser.add_argument("--strict", action="store_true", help="end at the first answer that cannot be read")
    parser.add_argument("--output", required=True, metavar="FILE", help="write prompts, or predictions, as JSONL")
    parser.add_argument(
        "--sets", type=positive_int, default=10, metavar="N", help="precursor sets to ask for (default 10)"
    )
    parser.add_argument(
        "--size",
        type=_known_size,
        default="unknown",
        choices=("known", "unknown"),
        help="whether the prompt states the number of precursors in the recorded set (default unknown)",
    )
    parser.set_defaults(run=run)


def _known_size(text: str) -> str:
    from rrgraph.evaluation import EARLIER_SIZES
    from rrgraph.util.settings import warn_renamed

    current = EARLIER_SIZES.get(text, text)
    warn_renamed({text: current} if current != text else {}, "--size")
    return current


def run(arguments: argparse.Namespace) -> int:
    """Write prompts or predictions; return 2 if an answer cannot be read."""
    from rrgraph.baselines.language_model import read_answers, write_prompts
    from rrgraph.cli.common.writers import summary_stream
    from rrgraph.data import load_table
    from rrgraph.evaluation import write_predictions
    from rrgraph.util.files import check_files

    check_files({"--output": arguments.output}, {"the table": arguments.table, "--answers": arguments.answers})
    table = load_table(arguments.table)
    if not arguments.answers:
        number = write_prompts(arguments.output, table, sets=arguments.sets, known_size=arguments.size == "known")
        with summary_stream(arguments.output):
            print(f"{number} prompts in {arguments.output}")
        return 0
    problems: list[str] = []
    answers = read_answers(arguments.answers, table, problems=None if arguments.strict else problems)
    for problem in problems:
        print_problem("prompts", problem)
    write_predictions(arguments.output, answers.predictions)
    with summary_stream(arguments.output):
        print(f"{len(answers.predictions)} predictions in {arguments.output}, {answers.empty} of them empty")
        print(
            f"left out: {answers.invalid} sets with an invalid formula, "
            f"{answers.incomplete} that lack an element of the target"
        )
    return 2 if problems else 0
