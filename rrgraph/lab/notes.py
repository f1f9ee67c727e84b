"""What a handling note is: a hazard, why, and which materials it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

__all__ = ["DISCLAIMER", "HandlingNote", "Hazard", "merged"]

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
    OXIDISER = "oxidiser"
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
    materials: dict[tuple[Hazard, str, int | None], dict[str, None]] = {}
    for note in notes:
        materials.setdefault((note.hazard, note.text, note.above_c), {}).update(dict.fromkeys(note.materials))
    order = {hazard: place for place, hazard in enumerate(Hazard)}
    found = [HandlingNote(hazard, text, tuple(named), above) for (hazard, text, above), named in materials.items()]
    return tuple(sorted(found, key=lambda note: order[note.hazard]))
