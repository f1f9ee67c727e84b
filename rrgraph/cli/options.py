"""Arguments that several commands share, and how their values become planning constraints."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rrgraph.errors import PlanningError

if TYPE_CHECKING:
    from rrgraph.chem import Composition

__all__ = ["add_command", "add_protocol_flags", "positive_int", "protocol_overrides", "resolve_candidates"]


def add_command(
    name: str, commands: argparse._SubParsersAction, *, summary: str, examples: str
) -> argparse.ArgumentParser:
    """Add a command with a one-line summary and worked examples to the help."""
    return commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def positive_int(text: str) -> int:
    """Parse a whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def add_protocol_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--protocol` and one option for each of its flags."""
    group = parser.add_argument_group("evaluation protocol")
    group.add_argument("--protocol", default="open", help="paper (size told) or open (size unknown; default)")
    group.add_argument("--size", dest="set_size", help="told or open")
    group.add_argument("--cover", help="strict, or exempt: C, H, O, N may come from the atmosphere")
    group.add_argument("--foreign", help="allowed or forbidden: elements that the target lacks")
    group.add_argument("--max-candidates", metavar="N|all", help="how many most probable candidates form sets")
    group.add_argument("--ties", help="optimistic or pessimistic for the recorded set")
    group.add_argument("--truth-rule", dest="truth_rule", help="row: the row's own set; any: any set of the target")


def protocol_overrides(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the protocol flags that were given.

    Raises:
        PlanningError: `--max-candidates` is neither a number nor `all`.
    """
    given = {name: getattr(arguments, name) for name in ("set_size", "cover", "foreign", "ties")}
    given["truth"] = arguments.truth_rule
    flags: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if arguments.max_candidates is not None:
        flags["max_candidates"] = _count_or_all(arguments.max_candidates)
    return flags


def _count_or_all(text: str) -> int | None:
    if text == "all":
        return None
    if text.isdigit() and int(text) > 0:
        return int(text)
    raise PlanningError(f"--max-candidates is '{text}', expected a whole number of at least 1 or 'all'.")


def resolve_candidates(choice: str, known: Sequence[Composition], seen: Sequence[Composition]) -> Sequence[Composition]:
    """Return the candidates meant by `--candidates FILE|LIST|train|all`.

    Args:
        choice: `all` (every precursor the model knows), `train` (those seen in training), a file with a formula
            a line, or formulas joined by commas.
        known: the model's vocabulary.
        seen: the part of it that occurs in training.
    """
    from rrgraph.planning import read_candidates

    if choice == "all":
        return known
    if choice == "train":
        return seen
    return read_candidates(choice)
