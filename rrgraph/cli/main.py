"""The `rrgraph` command line.

Each command is a module with `add_parser` and `run`; heavy packages are imported only when a command runs.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NoReturn

from rrgraph.cli import (
    config,
    cooccur,
    data,
    embed,
    evaluate,
    experiment,
    figures,
    mcp,
    plan,
    pretrain,
    prompts,
    properties,
    report,
    route,
    score,
    screen,
    serve,
    train,
    tune,
)
from rrgraph.cli.common.argparse_private import option_names
from rrgraph.errors import OptionError, RRGraphError, suggestion
from rrgraph.util.interruption import exit_code, interruptible, lasting_interruption
from rrgraph.util.streams import guarded_streams, print_problem
from rrgraph.util.text import escaped

__all__ = ["build_parser", "main"]

COMMANDS = {
    "plan": plan,
    "screen": screen,
    "route": route,
    "properties": properties,
    "embed": embed,
    "train": train,
    "tune": tune,
    "pretrain": pretrain,
    "evaluate": evaluate,
    "score": score,
    "prompts": prompts,
    "experiment": experiment,
    "figures": figures,
    "report": report,
    "data": data,
    "config": config,
    "cooccur": cooccur,
    "serve": serve,
    "mcp": mcp,
}

_EXAMPLES = """\
examples:
  rrgraph plan Li7La3Zr2O12                          ranked precursor sets from the bundled model
  rrgraph plan --input targets.csv --output plans.jsonl
  rrgraph screen predicted.parquet --output screened --shelf cupboard.csv
  rrgraph properties BaTiO3                          energies, gaps, moduli, symmetry with uncertainties
  rrgraph train quickstart                           train on the embedded textbook reactions
  rrgraph evaluate runs/quickstart --split test --protocol open
  rrgraph tune quickstart --trials 20                search for settings on validation rows
  rrgraph experiment table2 --quick                  compare systems, a small variant
  rrgraph serve                                      a page for all this, on this machine
  rrgraph config list                                configurations that these commands take by name
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that ends on bad input with one sentence, a suggestion and exit code 2."""

    def error(self, message: str) -> NoReturn:
        if "invalid choice: " in message:
            name = message.split("invalid choice: ", 1)[1].split(" ", 1)[0].strip("'\"")
            choices = message.partition("choose from ")[2].replace("'", "").rstrip(")").split(", ")
            message += "." + suggestion(name, choices)
        self.exit(2, f"{self.prog}: {escaped(message)}\nTry '{self.prog} --help'.\n")

    def reject(self, option: str) -> NoReturn:
        """End with the unknown option and the one that was probably meant."""
        name = option.partition("=")[0]
        self.error(f"unknown argument '{name}'.{suggestion(name, option_names(self))}")


class ShowVersion(argparse.Action):
    """Print the version and the environment, for bug reports."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from rrgraph.util.environment import describe_environment

        described = describe_environment()
        print(f"rrgraph {described.pop('rrgraph')}")
        for name, value in described.items():
            print(f"  {name} {value}")
        parser.exit()


def build_parser(names: Iterable[str] = COMMANDS) -> Parser:
    """Return the parser with some commands, or all."""
    parser = Parser(
        prog="rrgraph",
        description="Suggests precursors for inorganic materials: retrosynthesis as link prediction.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=ShowVersion, nargs=0, help="show the version and the environment")
    parser.add_argument("-v", "--verbose", action="store_true", help="log progress")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name in names:
        COMMANDS[name].add_parser(name, commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    The codes are 0 for success, 1 if a run of an experiment or a trial of a study failed, 2 for bad input, 130 if
    interrupted by Ctrl-C, 143 by SIGTERM and 129 by SIGHUP.
    """
    with guarded_streams():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    command = ""
    try:
        try:
            arguments = _parse(argv)
        except SystemExit:  # --help, --version or bad arguments
            sys.stdout.flush()
            raise
        command = arguments.command
        handler = logging.StreamHandler()
        handler.setFormatter(_Formatter("%(message)s"))
        logging.basicConfig(level=logging.INFO if arguments.verbose else logging.WARNING, handlers=[handler])
        with interruptible(), lasting_interruption(deferred=False), warnings.catch_warnings():
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            code = arguments.run(arguments) or 0
        sys.stdout.flush()
        return code
    except OptionError as error:
        return _fail(command, error.on_command_line(), 2)
    except RRGraphError as error:
        return _fail(command, str(error), 2)
    except KeyboardInterrupt as error:
        return _fail(command, "interrupted.", exit_code(error))
    except BrokenPipeError:  # the reader, such as `head`, has stopped
        return 0
    except OSError as error:
        reason = error.strerror or error
        message = f"Cannot open '{error.filename}': {reason}." if error.filename else f"{reason}."
        return _fail(command, message, 2)


class _Formatter(logging.Formatter):
    """Shows control characters in messages; a traceback below one keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return escaped(super().formatMessage(record))


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    given = sys.argv[1:] if argv is None else argv
    command = next((text for text in given if not text.startswith("-")), "")
    if "_ARGCOMPLETE" in os.environ:  # the shell asks what could come next
        with suppress(ImportError):
            import argcomplete

            argcomplete.autocomplete(build_parser())
    parser = build_parser([command]) if command in COMMANDS else build_parser()
    arguments, unknown = parser.parse_known_args(given)
    for text in unknown:
        if text.startswith("-") or arguments.rest is None:
            arguments.parser.reject(text)
        getattr(arguments, arguments.rest).append(text)
    return arguments


def _fail(command: str, message: str, code: int) -> int:
    print_problem(command, message)
    return code


def _show_warning(message: Warning | str, *_: object) -> None:
    print(f"warning: {escaped(str(message))}", file=sys.stderr)
