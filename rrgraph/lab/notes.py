"""What a handling note is: a hazard, why, and which materials it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

__all__ = ["DISCLAIMER", "HandlingNote", "Hazard", "merged", "summary"]

DISCLAIMER: Final = (
    "Handling notes follow from elements and anions by general rules. They are no safety data sheet: read that of each "
    "material before you work with it."
)
"""What stands wherever notes are shown."""


class Hazard(StrEnum):
    """What a note is about, the gravest first."""

    INCOMPATIBLE = "must not be mixed"
    RADIOACTIVE = "radioactive"
    EXPLOSIVE = "explosive"
    PYROPHORIC = "pyrophoric"
    WATER_REACTIVE = "water-reactive"
    TOXIC = "toxic"
    CARCINOGENIC = "carcinogenic"
    REPROTOXIC = "harms fertility"
    HARMFUL = "harmful"
    CORROSIVE = "corrosive"
    MIXING = "when mixed"
    OXIDISER = "oxidiser"
    OXYGEN = "gives oxygen when hot"
    TOXIC_GAS = "gives toxic gas"
    AIR_SENSITIVE = "air-sensitive"
    HYGROSCOPIC = "hygroscopic"
    VOLATILE = "volatile"
    CRUCIBLE = "crucible"

    @property
    def is_severe(self) -> bool:
        """Whether to read the note before a jar is opened."""
        return self in _SEVERE


_SEVERE: Final = frozenset(
    {
        Hazard.INCOMPATIBLE,
        Hazard.RADIOACTIVE,
        Hazard.EXPLOSIVE,
        Hazard.PYROPHORIC,
        Hazard.WATER_REACTIVE,
        Hazard.TOXIC,
        Hazard.CARCINOGENIC,
    }
)


@dataclass(frozen=True)
class HandlingNote:
    """One thing to know about materials.

    Attributes:
        hazard: what it is about.
        text: why, and what to do.
        materials: formulas of those that it holds for.
        above_c: °C from which it holds, about; None if at any temperature.
    """

    hazard: Hazard
    text: str
    materials: tuple[str, ...]
    above_c: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; `hazard` is its name, such as ``toxic``."""
        return {**asdict(self), "hazard": self.hazard.value, "materials": list(self.materials)}

    def __str__(self) -> str:
        """Return ``toxic: lead and its compounds (PbO, Pb3O4)``."""
        named = f" ({', '.join(self.materials)})" if self.materials else ""
        above = "" if self.above_c is None else f"from about {self.above_c} °C "
        return f"{self.hazard.value}: {above}{self.text}{named}"


def merged(notes: Iterable[HandlingNote]) -> tuple[HandlingNote, ...]:
    """Return notes with those that say the same of several materials as one, the gravest first."""
    named: dict[tuple[Hazard, str, int | None], dict[str, None]] = {}
    for note in notes:
        named.setdefault((note.hazard, note.text, note.above_c), {}).update(dict.fromkeys(note.materials))
    order = {hazard: place for place, hazard in enumerate(Hazard)}
    found = [HandlingNote(hazard, text, tuple(each), above) for (hazard, text, above), each in named.items()]
    return tuple(sorted(found, key=lambda note: order[note.hazard]))


def summary(notes: Iterable[HandlingNote]) -> list[str]:
    """Return a short line for each hazard: ``toxic: PbO, Pb3O4``, in words where a note is about no single material.

    >>> summary([HandlingNote(Hazard.TOXIC, "lead and its compounds", ("PbO",))])
    ['toxic: PbO']
    """
    found: dict[Hazard, dict[str, None]] = {}
    for note in notes:
        in_words = note.hazard in (Hazard.INCOMPATIBLE, Hazard.MIXING) or not note.materials
        above = "" if note.above_c is None else f" from about {note.above_c} °C"
        parts = [note.text] if in_words else [f"{material}{above}" for material in note.materials]
        found.setdefault(note.hazard, {}).update(dict.fromkeys(parts))
    return [f"{hazard.value}: {', '.join(parts)}" for hazard, parts in found.items()]
