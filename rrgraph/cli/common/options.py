"""Arguments shared by several commands, and functions that read their values."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rrgraph.cli.common.argparse_private import ArgumentContainer, Commands, option_actions
from rrgraph.errors import ConfigError, suggestion

if TYPE_CHECKING:
    from rrgraph.util.parallel import Engine

__all__ = [
    "CANDIDATES",
    "OUTPUTS",
    "add_atmosphere",
    "add_command",
    "add_config",
    "add_device",
    "add_engine",
    "add_exclusions",
    "add_input",
    "add_mode",
    "add_protocol_flags",
    "add_resume",
    "add_run_command",
    "add_subgroups",
    "add_target_column",
    "chosen_engine",
    "count_or_all",
    "positive_int",
    "positive_number",
    "protocol_overrides",
    "refuse_options",
    "run_files",
    "subgroups",
]

CANDIDATES = "FILE|LIST|all|vocabulary|train|library|textbook|generated"
"""Values of `--candidates`."""

_RUN_FILES = (
    *("config.yaml", "data.json", "environment.json", "metrics.json", "ranks.json", "model.json", "model.safetensors"),
    *("experiment.yaml", "results.csv", "table.csv"),
)
OUTPUTS = "write .jsonl, .csv (each also with .gz), .parquet or .xlsx instead of a table"
"""Help of `--output`."""


def add_command(
    name: str, commands: Commands, *, summary: str, examples: str, rest: str | None = None
) -> argparse.ArgumentParser:
    """Add a command with a one-line summary and examples in its help.

    Args:
        name: of the command.
        commands: where it is added.
        summary: one line that starts in lower case.
        examples: lines of the help.
        rest: name of a list argument that also takes values after options, which argparse alone would reject.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help="log progress")
    parser.set_defaults(parser=parser, rest=rest)
    return parser


def refuse_options(arguments: argparse.Namespace, allowed: Collection[str], reason: str) -> None:
    """Refuse options that would be ignored.

    Args:
        arguments: of a command, with its parser.
        allowed: names of the options that mean something.
        reason: what is said behind the name of another one.

    Raises:
        ConfigError: one is given.
    """
    for action in option_actions(arguments.parser):
        is_given = getattr(arguments, action.dest, action.default) != action.default
        if is_given and action.dest not in ("help", "verbose", *allowed):
            raise ConfigError(f"{action.option_strings[0]} {reason}.")


def add_run_command(name: str, commands: Commands, *, summary: str, examples: str) -> argparse.ArgumentParser:
    """Add a command that runs a configuration, with the arguments CONFIG, overrides, --resume and --explain."""
    parser = add_command(name, commands, summary=summary, examples=examples, rest="overrides")
    add_config(parser)
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings that replace those of the file")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    parser.add_argument(
        "--explain",
        nargs="?",
        const="",
        metavar="KEY",
        help="show what a setting, a section of them or all mean and may be, and run nothing",
    )
    return parser


def add_config(
    parser: argparse.ArgumentParser, *, help: str = "YAML file, or a name of 'rrgraph config list'", group: str = ""
) -> None:
    """Add CONFIG, a file or the name of a built-in configuration; shells that argcomplete helps complete both.

    `group` is the part of the names that may be left out, as for `find_config`.
    """
    action = parser.add_argument("config", help=help)
    action.completer = partial(_complete_config, group=group)  # type: ignore[attr-defined]


def _complete_config(prefix: str, *, group: str, **_: object) -> list[str]:
    from argcomplete.completers import FilesCompleter

    from rrgraph.util.named_configs import config_names

    names = config_names()
    return [*names, *(name.removeprefix(f"{group}/") for name in names), *FilesCompleter()(prefix)]


def positive_int(text: str) -> int:
    """Parse a whole number of at least 1."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return int(text)


def positive_number(text: str) -> float:
    """Parse a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


def count_or_all(text: str) -> int | None:
    """Parse a whole number of at least 1, or `all` as None."""
    if text == "all":
        return None
    try:
        return positive_int(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, nor 'all'") from None


def add_protocol_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--protocol` and an option for each of its flags."""
    group = parser.add_argument_group("evaluation protocol")
    group.add_argument("--protocol", default="open", help="paper (set size known) or open (set size unknown; default)")
    group.add_argument("--size", dest="set_size", help="known or unknown")
    group.add_argument("--cover", help="strict, or exempt: C, H, O, N may come from the atmosphere")
    group.add_argument("--foreign", help="elements that the target lacks: allowed or forbidden")
    group.add_argument(
        "--max-candidates",
        type=count_or_all,
        default=argparse.SUPPRESS,
        metavar="N|all",
        help="number of most probable candidates that sets are formed from",
    )
    group.add_argument("--ties", help="rank of the recorded set among ties: optimistic or pessimistic")
    group.add_argument(
        "--truth-rule",
        dest="truth_rule",
        help="recorded set that counts: row (the row's own) or any (any of the target)",
    )


def add_input(parser: ArgumentContainer, what: str, *, required: bool = False) -> None:
    """Add `--input`, `--column` and `--rejects`."""
    parser.add_argument(
        "--input",
        required=required,
        metavar="FILE",
        help=f"CSV, JSONL, Parquet, Excel or text file of {what}; - reads standard input",
    )
    parser.add_argument("--column", metavar="NAME", help=f"column of the {what}; by default found by name and content")
    parser.add_argument("--rejects", metavar="FILE", help="write rows that cannot be read to a CSV file, with reasons")


def add_resume(parser: ArgumentContainer) -> None:
    """Add `--resume` and `--restart`; `open_unfinished` reads them."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--resume", action="store_true", help="go on with a run of --input that was interrupted")
    group.add_argument("--restart", action="store_true", help="discard what such a run has done, and start anew")


def add_device(parser: ArgumentContainer) -> None:
    """Add `--device`."""
    parser.add_argument(
        "--device",
        default="auto",
        metavar="NAME",
        help="where the model computes: cpu, cuda or mps; auto (default) takes a CUDA GPU when there is one",
    )


def add_exclusions(parser: ArgumentContainer, *, where: str) -> None:
    """Add `--exclude` and `--require`, whose help ends with where to read on."""
    for option, verb in (("--exclude", "avoid"), ("--require", "use")):
        parser.add_argument(
            option,
            action="append",
            nargs="+",
            default=[],
            metavar="X",
            help=f"elements, precursors and classes to {verb}{where}",
        )


def add_engine(parser: ArgumentContainer, *, serial: bool = False) -> None:
    """Add `--engine` and `--address`; `chosen_engine` reads them."""
    here = ", or serial (in this process)" if serial else ""
    parser.add_argument(
        "--engine",
        default="local",
        metavar="NAME",
        help=f"where processes run: local (this computer, default), ray (a Ray cluster){here}",
    )
    parser.add_argument(
        "--address", metavar="A", help="of a Ray cluster that is running, such as auto (default: one is started here)"
    )


def chosen_engine(arguments: argparse.Namespace) -> Engine | None:
    """Return the engine of `--engine`, None for processes of this computer as `--jobs` asks for them.

    Raises:
        OptionError: there is no such engine, or it takes no address.
        ConfigError: Ray is not installed.
    """
    from rrgraph.util.engines import choose_engine

    engine = choose_engine(arguments.engine, arguments.address, among=("local", "ray"))
    return None if arguments.engine == "local" else engine


def add_target_column(parser: argparse.ArgumentParser) -> None:
    """Add `--column` for a reaction table."""
    parser.add_argument("--column", metavar="NAME", help="column of the targets, if not 'target'")


def add_mode(parser: ArgumentContainer) -> None:
    """Add `--mode`."""
    parser.add_argument(
        "--mode",
        metavar="NAME",
        help="what sets are ranked by: listwise (the re-ranker's probability of whole sets, if the model has one), or "
        "a score of the links (product, log_odds or geometric); default: the best for the model",
    )


def add_atmosphere(parser: ArgumentContainer) -> None:
    """Add `--atmosphere`, one for all targets or a column of theirs."""
    parser.add_argument(
        "--atmosphere",
        metavar="NAME|column:NAME",
        help="in which the target is to be made: air, oxygen, inert, reducing, ammonia or vacuum (default: not known)",
    )


def run_files(folder: str) -> list[Path]:
    """Return the paths in the folder of a run, an experiment or a model that commands read."""
    return [Path(folder, name) for name in _RUN_FILES]


def add_subgroups(parser: argparse.ArgumentParser) -> None:
    """Add `--by`; `subgroups` reads it."""
    parser.add_argument(
        "--by",
        default="",
        metavar="LIST|all",
        help="also evaluate subgroups of rows: anion_class, distance (of the target's element system from training), "
        "source_elements, unseen, year; several joined by commas, or all",
    )


def subgroups(choice: str) -> tuple[str, ...]:
    """Return the names of subgroupings given by `--by`.

    Raises:
        ConfigError: there is no subgrouping of that name.
    """
    from rrgraph.evaluation import SUBGROUPINGS

    if not choice:
        return ()
    names = tuple(SUBGROUPINGS) if choice == "all" else tuple(dict.fromkeys(name.strip() for name in choice.split(",")))
    for name in names:
        if name not in SUBGROUPINGS:
            known = [*SUBGROUPINGS, "all"]
            raise ConfigError(f"--by is '{name}', expected some of {', '.join(known)}.{suggestion(name, known)}")
    return names


def protocol_overrides(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the protocol flags that were given."""
    given = {name: getattr(arguments, name) for name in ("set_size", "cover", "foreign", "ties")}
    given["truth"] = arguments.truth_rule
    flags: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if "max_candidates" in arguments:  # None is a value: the whole pool
        flags["max_candidates"] = arguments.max_candidates
    return flags
