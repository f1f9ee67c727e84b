"""Arguments that several commands share, and how their values become planning constraints."""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING

from rrgraph.cli.common.argparse_private import ArgumentContainer, Commands
from rrgraph.errors import ConfigError, suggestion

if TYPE_CHECKING:
    from rrgraph.models import Model

__all__ = [
    "CANDIDATES",
    "add_command",
    "add_groupings",
    "add_mode",
    "add_protocol_flags",
    "add_run_command",
    "count_or_all",
    "groupings",
    "positive_int",
    "positive_number",
    "protocol_overrides",
    "score_mode",
]

CANDIDATES = "FILE|LIST|train|all|generated"
"""What `--candidates` takes."""


def add_command(
    name: str, commands: Commands, *, summary: str, examples: str, rest: str | None = None
) -> argparse.ArgumentParser:
    """Add a command with a one-line summary and worked examples to the help.

    Args:
        name: of the command.
        commands: where it is added.
        summary: one line that begins in lower case.
        examples: lines of the help.
        rest: the list argument that also takes what stands after options, which argparse alone would refuse.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help="log what is being done"
    )
    parser.set_defaults(parser=parser, rest=rest)
    return parser


def add_run_command(name: str, commands: Commands, *, summary: str, examples: str) -> argparse.ArgumentParser:
    """Add a command that carries out the run of a configuration: CONFIG, overrides, --resume and --explain."""
    parser = add_command(name, commands, summary=summary, examples=examples, rest="overrides")
    parser.add_argument("config", help="YAML file")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="values that replace those of the file")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    parser.add_argument(
        "--explain",
        nargs="?",
        const="",
        metavar="KEY",
        help="show what a setting, a section of them or all mean and may be, and run nothing",
    )
    return parser


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
    """Add `--protocol` and one option for each of its flags."""
    group = parser.add_argument_group("evaluation protocol")
    group.add_argument("--protocol", default="open", help="paper (size told) or open (size unknown; default)")
    group.add_argument("--size", dest="set_size", help="told or open")
    group.add_argument("--cover", help="strict, or exempt: C, H, O, N may come from the atmosphere")
    group.add_argument("--foreign", help="allowed or forbidden: elements that the target lacks")
    group.add_argument(
        "--max-candidates",
        type=count_or_all,
        default=argparse.SUPPRESS,
        metavar="N|all",
        help="how many most probable candidates form sets",
    )
    group.add_argument("--ties", help="optimistic or pessimistic for the recorded set")
    group.add_argument("--truth-rule", dest="truth_rule", help="row: the row's own set; any: any set of the target")


def add_mode(parser: ArgumentContainer) -> None:
    """Add `--mode`; `score_mode` reads it."""
    parser.add_argument(
        "--mode",
        metavar="NAME",
        help="what sets are ranked by: listwise, their probability as whole sets (for models with a set scorer), or by "
        "their links: product, log_odds or geometric; by default what the model does best with",
    )


def add_groupings(parser: argparse.ArgumentParser) -> None:
    """Add `--by`; `groupings` reads it."""
    parser.add_argument(
        "--by",
        default="",
        metavar="LIST|all",
        help="also measure apart by kind of row: anion_class, distance (of the target's element system from training), "
        "source_elements, unseen, year; several joined by commas, or all",
    )


def groupings(choice: str) -> tuple[str, ...]:
    """Return the groupings of rows meant by `--by`.

    Raises:
        ConfigError: there is no grouping of that name.
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


def score_mode(choice: str | None, predictor: Model, *, told: bool) -> str:
    """Return what sets are ranked by: what is asked for, else what the model does best with."""
    from rrgraph.models import default_mode

    return choice or default_mode(predictor, told=told)
