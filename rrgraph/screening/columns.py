"""What a screening says of each target, as columns of Parquet.

Each `Field` of a set is a column for the best set, and an entry of the nested column `sets` for each of the top K. What
is to be known of sets beside that is one more `Field`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa

from rrgraph.chem import Composition, anhydrous, element_system
from rrgraph.graph import anion_class
from rrgraph.planning import Conditions, PlannedSet, SynthesisPlan

__all__ = ["SCHEMA", "SET_FIELDS", "Field", "answer_row"]

Shelf = frozenset[str] | None
"""Canonical keys of what is at hand, of hydrates those of their salts; None if that is not known."""


class Field(NamedTuple):
    """What is said of a set.

    Attributes:
        name: of the column.
        type: of Arrow.
        value: returns it from the set and what is on the shelf; None where it is not known.
    """

    name: str
    type: pa.DataType
    value: Callable[[PlannedSet, Shelf], Any]


def _coverage(found: PlannedSet, shelf: Shelf) -> float | None:
    """Return the share of what is weighed that is on the shelf."""
    if shelf is None:
        return None
    return sum(anhydrous(each).key in shelf for each in found.weighed) / len(found.weighed)


SET_FIELDS: Final = (
    Field("precursors", pa.string(), lambda found, _: ";".join(each.formula for each in found.precursors)),
    Field("probability", pa.float64(), lambda found, _: found.probability),
    Field("equation", pa.string(), lambda found, _: None if found.equation is None else str(found.equation)),
    Field(
        "reaction_energy_ev_per_atom",
        pa.float64(),
        lambda found, _: None if found.energy is None else found.energy.ev_per_atom,
    ),
    Field(
        "reaction_energy_ev_per_atom_uncertainty",
        pa.float64(),
        lambda found, _: None if found.energy is None else found.energy.ev_per_atom_uncertainty,
    ),
    Field("shelf_coverage", pa.float64(), _coverage),
    Field(
        "handling", pa.string(), lambda found, _: ";".join(dict.fromkeys(note.hazard.value for note in found.handling))
    ),
)
"""What is said of a set."""


def _temperature(part: str) -> Callable[[Conditions], Any]:
    return lambda found: round(getattr(found.temperatures["highest"], part))


def _hours(part: str) -> Callable[[Conditions], Any]:
    return lambda found: round(getattr(found.times["highest"], part), 1) if found.times else None


CONDITION_FIELDS: Final[tuple[tuple[str, pa.DataType, Callable[[Conditions], Any]], ...]] = (
    ("temperature_c", pa.int32(), _temperature("value")),
    ("temperature_c_low", pa.int32(), _temperature("low")),
    ("temperature_c_high", pa.int32(), _temperature("high")),
    ("time_h", pa.float64(), _hours("value")),
    ("time_h_low", pa.float64(), _hours("low")),
    ("time_h_high", pa.float64(), _hours("high")),
    ("atmosphere", pa.string(), lambda found: found.atmosphere.value),
    ("firings", pa.int32(), lambda found: found.number_of_firings),
    ("stages", pa.string(), lambda found: found.stages or None),
    ("conditions_note", pa.string(), lambda found: found.note or None),
    ("papers", pa.int32(), lambda found: found.papers),
    ("recipe_dois", pa.string(), lambda found: ";".join(each.doi for each in found.recipes if each.doi) or None),
)
"""How the best set is fired: name and type of the column, and what is taken from its conditions."""

_SET: Final = pa.struct([pa.field("rank", pa.int32()), *(pa.field(each.name, each.type) for each in SET_FIELDS)])

SCHEMA: Final = pa.schema(
    [
        ("line", pa.int64()),
        ("target", pa.string()),
        ("system", pa.string()),
        ("anion_class", pa.string()),
        *((each.name, each.type) for each in SET_FIELDS),
        *((name, kind) for name, kind, _ in CONDITION_FIELDS),
        ("none_of_these", pa.float64()),
        ("system_distance", pa.int32()),
        ("shelf_rank", pa.int32()),
        ("shelf_precursors", pa.string()),
        ("shelf_probability", pa.float64()),
        ("shelf_equation", pa.string()),
        ("message", pa.string()),
        ("sets", pa.list_(_SET)),
    ]
)
"""Columns of a shard, before those of the input that go along."""


def answer_row(
    line: int,
    text: str,
    target: Composition,
    plan: SynthesisPlan,
    *,
    distance: int | None,
    shelf: Shelf,
    conditions: Conditions | None = None,
) -> dict[str, Any]:
    """Return the row of a target.

    Args:
        line: of the input.
        text: as the input has it.
        target: its composition.
        plan: its plan.
        distance: of its element system from the nearest one of the training reactions.
        shelf: what is at hand.
        conditions: of the best set.
    """
    sets = [
        {"rank": found.rank, **{field.name: field.value(found, shelf) for field in SET_FIELDS}} for found in plan.sets
    ]
    best = {field.name: sets[0][field.name] if sets else None for field in SET_FIELDS}
    there = _from_shelf(sets)
    return {
        "line": line,
        "target": text,
        "system": element_system(target),
        "anion_class": anion_class(target.elements),
        **best,
        **{name: None if conditions is None else value(conditions) for name, _, value in CONDITION_FIELDS},
        "none_of_these": plan.no_match,
        "system_distance": distance,
        "shelf_rank": there.get("rank"),
        "shelf_precursors": there.get("precursors"),
        "shelf_probability": there.get("probability"),
        "shelf_equation": there.get("equation"),
        "message": plan.message,
        "sets": sets,
    }


def _from_shelf(sets: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the first set that is on the shelf and balances, or nothing."""
    return next((each for each in sets if each["shelf_coverage"] == 1 and each["equation"] is not None), {})
