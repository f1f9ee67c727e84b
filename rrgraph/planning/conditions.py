"""The furnace programme of a planned set: temperatures, times, atmosphere and number of firings, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

from rrgraph.chem import Atmosphere, Composition
from rrgraph.data import KnownReaction, PrecursorSet

__all__ = ["ConditionSource", "Conditions", "Interval"]

_STAGES: Final = ("calcination", "sintering")


@dataclass(frozen=True, slots=True)
class Interval:
    """A predicted value and the interval that holds 80 % of recorded values.

    Attributes:
        value: the best guess.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float

    def at_most(self, other: Interval) -> Interval:
        """Return the interval with no number above that of another one."""
        return Interval(min(self.value, other.value), min(self.low, other.low), min(self.high, other.high))

    def to_dict(self) -> dict[str, float]:
        """Return the numbers by name, to three digits after the point."""
        return {name: round(getattr(self, name), 3) for name in ("value", "low", "high")}


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """How recipes fire such a set, as far as the literature lets one predict it.

    Attributes:
        temperatures: in °C by what they are of: `highest` of all steps, `calcination`, `sintering`, ...
        times: dwell times in h by the same names; empty from a model that learned of none.
        atmospheres: probability of each class, the most probable first; 1 for one that was asked for.
        firings: probability of each number of firings; three means three or more.
        papers: number of papers behind the nearest recorded recipes that state a temperature.
        recipes: at most three of these, those of the very set first.
        note: how the atmosphere differs from the one that the balanced equation implies, empty if it does not.
    """

    temperatures: Mapping[str, Interval]
    times: Mapping[str, Interval]
    atmospheres: Mapping[Atmosphere, float]
    firings: Mapping[int, float]
    papers: int = 0
    recipes: tuple[KnownReaction, ...] = ()
    note: str = ""

    @property
    def atmosphere(self) -> Atmosphere:
        """The most probable atmosphere."""
        return next(iter(self.atmospheres))

    @property
    def number_of_firings(self) -> int:
        """The most probable number of firings."""
        return max(self.firings, key=lambda number: self.firings[number])

    def __str__(self) -> str:
        """Return one line such as `1100 °C (950-1250), 10 h (4-24), air, 2 firings; 27 papers`."""
        count = self.number_of_firings
        firings = "1 firing" if count == 1 else f"{count} firings" if count < max(self.firings) else f"{count}+ firings"
        papers = f"; {self.papers} paper{'s' if self.papers != 1 else ''}" if self.papers else ""
        return f"{self._heating('highest')}, {self.atmosphere.value}, {firings}{papers}"

    @property
    def stages(self) -> str:
        """Calcination and sintering, such as `calcination 900 °C (700-1100), 8 h (3-20); sintering 1250 °C ...`.

        Empty where the most probable number of firings is one.
        """
        if self.number_of_firings == 1:
            return ""
        return "; ".join(f"{name} {self._heating(name)}" for name in _STAGES if name in self.temperatures)

    def _heating(self, name: str) -> str:
        fired, held = self.temperatures[name], self.times.get(name)
        shown = _to_fifties(fired.value)
        if not fired.low <= shown <= fired.high:
            shown = _to_tens(fired.value)
        time = f", {_hours(held.value)} h ({_hours(held.low)}-{_hours(held.high)})" if held else ""
        return f"{shown} °C ({_to_tens(fired.low)}-{_to_tens(fired.high)}){time}"

    @property
    def with_note(self) -> str:
        """The line, with the note behind it where there is one."""
        return "; ".join(filter(None, (str(self), self.note)))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "text": str(self),
            "stages": self.stages,
            "temperatures_c": {name: each.to_dict() for name, each in self.temperatures.items()},
            "times_h": {name: each.to_dict() for name, each in self.times.items()},
            "atmospheres": {name.value: round(share, 4) for name, share in self.atmospheres.items()},
            "firings": {str(number): round(share, 4) for number, share in self.firings.items()},
            "papers": self.papers,
            "recipes": [recipe.to_dict() for recipe in self.recipes],
            **({"note": self.note} if self.note else {}),
        }


@runtime_checkable
class ConditionSource(Protocol):
    """Predicts conditions."""

    def conditions(
        self,
        targets: Sequence[Composition],
        sets: Sequence[PrecursorSet],
        *,
        atmosphere: Atmosphere | None = None,
        byproducts: tuple[Composition | str, ...] = (),
    ) -> list[Conditions]:
        """Return the conditions of each target from the set at its side.

        Args:
            targets: what is made.
            sets: one for each.
            atmosphere: of all, None where it is not known.
            byproducts: solids that may remain beside each target in the equation that notes are about.
        """
        ...


def _to_fifties(celsius: float) -> int:
    """Return a temperature as recipes state it: nine in ten of theirs are multiples of 50 °C."""
    return round(celsius / 50) * 50


def _hours(time: float) -> str:
    return f"{time:.0f}" if time >= 10 else f"{time:.2g}"


def _to_tens(celsius: float) -> int:
    return round(celsius / 10) * 10
