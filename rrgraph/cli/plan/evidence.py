"""Known reactions for `rrgraph plan`: records flow in, the same records with the nearest known reactions flow out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rrgraph.cli.common.options import positive_int
from rrgraph.errors import DataError, PlanningError

if TYPE_CHECKING:
    from rrgraph.cli.common.targets import TargetRow
    from rrgraph.cli.plan.output import PlanRecord
    from rrgraph.data import KnownReactions

__all__ = ["Evidence", "add_evidence_options", "build_evidence", "check_evidence"]

_SHOWN = 3


class Evidence:
    """Adds the nearest known reactions to plans.

    Args:
        known: where they are looked up.
        count: how many for each target.
    """

    def __init__(self, known: KnownReactions, count: int = _SHOWN) -> None:
        self.known, self.count = known, count

    def add(self, rows: Sequence[TargetRow], records: Sequence[PlanRecord]) -> list[PlanRecord]:
        """Return the records of these rows with the known reactions nearest to each target that could be read."""
        nearest = iter(self.known.nearest([row.target for row in rows if row.target is not None], self.count))
        return [
            replace(record, evidence=next(nearest) if row.target is not None else [], evidence_table=self.known.name)
            for row, record in zip(rows, records, strict=True)
        ]


def add_evidence_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which known reactions are shown."""
    group = parser.add_argument_group(
        "known reactions as evidence (by default if a table is at hand, without --output)"
    )
    group.add_argument(
        "--table",
        metavar="NAME|FILE",
        help="reaction table or raw recipes to take them from (default: text_mined, or else text_mined_recipes, if it "
        "was fetched or lies below RRGRAPH_DATA; the first use prepares it, for half a minute)",
    )
    group.add_argument("--evidence", type=positive_int, metavar="N", help=f"reactions for each target ({_SHOWN})")
    group.add_argument("--no-evidence", action="store_true", help="show none")


def check_evidence(arguments: argparse.Namespace) -> None:
    """Refuse options that contradict each other.

    Raises:
        PlanningError: evidence is both asked for and refused.
    """
    for option in ("table", "evidence"):
        if arguments.no_evidence and getattr(arguments, option) is not None:
            raise PlanningError(f"--{option} asks for known reactions, which --no-evidence leaves out.")


def build_evidence(arguments: argparse.Namespace) -> Evidence | None:
    """Return what adds known reactions, or None when there are none to add.

    Raises:
        DataError: the table cannot be used, or known reactions are asked for and none are at hand.
    """
    from rrgraph.data import LITERATURE_TABLES, available_literature, load_known_reactions

    asked = arguments.table is not None or arguments.evidence is not None
    if arguments.no_evidence or not (asked or arguments.output is None):
        return None
    table = arguments.table or available_literature()
    if table is None and arguments.evidence is not None:
        raise DataError(
            f"--evidence needs recorded reactions and neither {' nor '.join(LITERATURE_TABLES)} is on this computer: "
            "give --table NAME|FILE, or see 'rrgraph data fetch'."
        )
    return None if table is None else Evidence(load_known_reactions(table), arguments.evidence or _SHOWN)
