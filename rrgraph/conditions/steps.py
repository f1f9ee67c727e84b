"""Heating steps of a recipe: what kind each is, its temperature, time and atmosphere, and what is dropped and why.

Text mining leaves several values for one operation, kelvin converted twice, times among temperatures, and values that
no furnace reaches. `read_operations` mends what can be mended and counts the rest under a reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Final

from rrgraph.chem import Atmosphere, read_atmosphere
from rrgraph.data import whole_celsius
from rrgraph.errors import DataError

__all__ = [
    "DRIED_C",
    "KINDS",
    "HeatingStep",
    "atmosphere_of",
    "kind_of",
    "mended",
    "read_operations",
    "read_steps",
    "steps_text",
]

KINDS: Final = ("drying", "calcination", "firing", "sintering", "annealing", "melting")
"""Kinds of steps. A calcination decomposes and reacts the powder, pre-sintering included; a firing is called neither
that nor a sintering; an annealing follows them and restores oxygen or order."""

_WORDS: Final = (
    ("annealing", r"anneal|oxygenat|oxidi[sz]|reduc|aged|ageing|aging|post"),
    ("calcination", r"cal?ci|clacin|^pre(?!ss)|decarbon|decompos|degas|roast"),
    ("sintering", r"sint|press"),
    ("melting", r"melt|fuse"),
    ("drying", r"dri|dry|evaporat"),
)
_NUMBERS: Final = r"[0-9]+(?:\.[0-9]+)?(?:[,-][0-9]+(?:\.[0-9]+)?)*"
_DEGREES: Final = r"[CK]\b"
_DURATION: Final = r"(?:h|hrs?|hours?|min|minutes?|d|days?)\b"
_GRINDING: Final = re.compile(r"gr[io]u?nd|mill|pulveri|crush", re.IGNORECASE)
_STEP: Final = re.compile(
    rf"(?P<kind>(?!(?:at|for|in|under)\b)[a-z-]+)?[\s,]*(?:at\s+)?"
    rf"(?:(?P<temperatures>{_NUMBERS})\s*(?P<degrees>{_DEGREES}))?[\s,/]*(?:for\s+)?"
    rf"(?:(?P<times>{_NUMBERS})\s*(?P<duration>{_DURATION}))?[\s,/]*(?:(?:in|under)\s+)?(?P<gas>.*)",
    re.IGNORECASE,
)
_MORE: Final = re.compile(rf"[0-9]\s*(?:{_DEGREES}|{_DURATION})", re.IGNORECASE)
_PLAIN: Final = str.maketrans({"°": "", "–": "-", "—": "-"})
_THOUSANDS: Final = re.compile(r"\b([1-9]),([0-9]{3})\b")
_HOURS: Final = {"h": 1.0, "m": 1 / 60, "d": 24.0}
_KELVIN: Final = 273.15
_LOWEST_C: Final = 60.0
"""Below it nothing is fired: such numbers are rates, times, or room temperature."""
DRIED_C: Final = 200.0
"""A powder that is heated to no more is dried, whatever the word."""
_HIGHEST_C: Final = 2500.0
"""Limit of furnaces for powders; higher values are wavelengths, years or misread numbers."""
_SAME_C: Final = 1.5
"""A value and its conversion from kelvin differ by less."""
_MISREAD: Final = 0.2
"""A temperature below this share of the highest one of its operation is a time or a rate."""
_WIDEST_C: Final = 200.0
"""Span of stated temperatures up to which their middle stands for them."""
_SHORTEST_H, _LONGEST_H = 0.05, 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingStep:
    """One heating of a recipe.

    Attributes:
        kind: one of `KINDS`.
        temperatures_c: in °C as stated, ascending; several are a range, a list of experiments, or a programme.
        times_h: in h, ascending.
        atmosphere: class, None where the text names none.
    """

    kind: str
    temperatures_c: tuple[float, ...] = ()
    times_h: tuple[float, ...] = ()
    atmosphere: Atmosphere | None = None

    @property
    def temperature_c(self) -> float | None:
        """The temperature in °C: the middle of a range; the highest where the values are too far apart for one."""
        if not self.temperatures_c:
            return None
        low, high = self.temperatures_c[0], self.temperatures_c[-1]
        return fmean((low, high)) if high - low <= _WIDEST_C else high

    @property
    def time_h(self) -> float | None:
        """The time in h, the longest one stated."""
        return self.times_h[-1] if self.times_h else None


def kind_of(word: str) -> str:
    """Return the kind of a heating by the word that the text has for it.

    >>> [kind_of(word) for word in ("calcined", "pre-sintered", "sintering", "post-annealed", "heated")]
    ['calcination', 'calcination', 'sintering', 'annealing', 'firing']
    """
    word = word.lower()
    return next((kind for kind, pattern in _WORDS if re.search(pattern, word)), "firing")


def steps_text(steps: Iterable[HeatingStep]) -> str:
    """Return steps as one text, which `read_steps` reads.

    >>> step = HeatingStep(kind="sintering", temperatures_c=(1200, 1300), times_h=(12,), atmosphere=Atmosphere.AIR)
    >>> steps_text([HeatingStep(kind="calcination", temperatures_c=(900.0,)), step])
    'calcination 900 C; sintering 1200,1300 C 12 h air'
    """
    return "; ".join(map(_step_text, steps))


def _step_text(step: HeatingStep) -> str:
    words = [step.kind]
    for values, unit in ((step.temperatures_c, "C"), (step.times_h, "h")):
        if values:
            words += [",".join(f"{value:g}" for value in values), unit]
    return " ".join([*words, *([step.atmosphere.value] if step.atmosphere else [])])


def read_steps(text: str) -> list[HeatingStep]:
    """Return the steps of a text such as `calcination 900 C 12 h; sintered at 1200-1300 °C for 2 days in air`.

    The kind may be missing (`firing`), or any word of a paper for it. Temperatures are in C or K, times in h, min or
    days, before an atmosphere. Grinding in between (`reground`) is not a step.

    Raises:
        DataError: a step is not of this form.
    """
    steps = []
    for part in filter(None, map(str.strip, text.split(";"))):
        found = _STEP.fullmatch(part.translate(_PLAIN))
        if found and not found["temperatures"] and _GRINDING.search(part):
            continue
        gas = found["gas"].strip() if found else ""
        atmosphere = read_atmosphere(gas) if gas else None
        if found is None or (gas and atmosphere is None) or _MORE.search(gas):
            raise DataError(f"The step '{part:.80}' cannot be read, expected one such as 'sintering 1200 C 12 h air'.")
        temperatures = _numbers(_THOUSANDS.sub(r"\1\2", found["temperatures"] or ""))
        if (found["degrees"] or "").upper() == "K":
            temperatures = tuple(round(value - _KELVIN, 2) for value in temperatures)
        hours = _HOURS[(found["duration"] or "h")[0].lower()]
        word = (found["kind"] or "firing").lower()
        steps.append(
            HeatingStep(
                kind=word if word in KINDS else kind_of(word),
                temperatures_c=temperatures,
                times_h=tuple(value * hours for value in _numbers(found["times"] or "")),
                atmosphere=atmosphere,
            )
        )
    return steps


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(sorted(float(value) for value in re.split("[,-]", text) if value))


def mended(step: HeatingStep, dropped: Counter[str]) -> HeatingStep:
    """Return a step without values that are no firing's, which are counted by reason; what only dries is drying."""
    temperatures = _temperatures(step.temperatures_c, dropped)
    times = _within(step.times_h, _SHORTEST_H, _LONGEST_H, "time", dropped)
    kind = "drying" if temperatures and temperatures[-1] <= DRIED_C else step.kind
    return replace(step, kind=kind, temperatures_c=temperatures, times_h=tuple(times))


def read_operations(operations: Iterable[Mapping[str, Any]], dropped: Counter[str]) -> list[HeatingStep]:
    """Return the heating steps of a raw recipe in order, those without any stated condition included.

    Args:
        operations: with `type`, `token` and `conditions`.
        dropped: what was left out is counted here under its reason.
    """
    steps = []
    for operation in operations:
        if operation.get("type") not in ("HeatingOperation", "DryingOperation"):
            continue
        conditions = operation.get("conditions") or {}
        dries = operation["type"] == "DryingOperation"
        stated = HeatingStep(
            kind="drying" if dries else kind_of(str(operation.get("token", ""))),
            temperatures_c=tuple(_stated(conditions.get("heating_temperature"), "C", dropped)),
            times_h=tuple(_stated(conditions.get("heating_time"), "h", dropped)),
            atmosphere=atmosphere_of(conditions.get("heating_atmosphere") or (), dropped),
        )
        steps.append(mended(stated, dropped))
    return steps


def atmosphere_of(names: Sequence[str], dropped: Counter[str]) -> Atmosphere | None:
    """Return the class of the gases that a text names together; a gas that dilutes hydrogen is part of a mixture."""
    if not names:
        return None
    found = read_atmosphere("/".join(names))
    if found is None:
        dropped[f"atmosphere without a class: {'/'.join(names)}"] += 1
    return found


def _stated(entries: Any, unit: str, dropped: Counter[str]) -> set[float]:
    """Return all numbers of the entries in a unit."""
    found: set[float] = set()
    for entry in entries or ():
        if entry.get("units") != unit:
            dropped[f"unit other than {unit}"] += 1
            continue
        stated = (entry.get("min_value"), entry.get("max_value"), *(entry.get("values") or ()))
        found |= {float(value) for value in stated if value is not None}
    return found


def _within(values: Iterable[float], low: float, high: float, name: str, dropped: Counter[str]) -> list[float]:
    """Return the distinct values between limits, ascending."""
    kept: set[float] = set()
    for value in values:
        if value < low:
            dropped[f"{name} below {low:g}"] += 1
        elif value > high:
            dropped[f"{name} above {high:g}"] += 1
        else:
            kept.add(round(value, 3))
    return sorted(kept)


def _temperatures(values: Iterable[float], dropped: Counter[str]) -> tuple[float, ...]:
    """Return temperatures in whole °C where they were kelvin, each once, without times and rates among them."""
    kept = _within(map(whole_celsius, values), _LOWEST_C, _HIGHEST_C, "temperature", dropped)
    distinct: list[float] = []
    for value in kept:
        if value < _MISREAD * kept[-1]:
            dropped["temperature far below the others of its operation"] += 1
        elif not distinct or value - distinct[-1] > _SAME_C:
            distinct.append(value)
    return tuple(distinct)
