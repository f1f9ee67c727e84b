"""Heating conditions of a raw recipe.

Flows in: the list of operations that was mined from the paragraph. Flows out: a temperature, a time, an atmosphere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["heating_conditions"]

#: No furnace for powders goes beyond; higher values are wavelengths, years or misread numbers.
_HIGHEST_C = 3500.0
_HEATING = "HeatingOperation"


def heating_conditions(
    operations: Iterable[Mapping[str, Any]],
) -> tuple[float | None, float | None, str | None]:
    """Return (temperature in °C, time in h, atmosphere) of the firing; None where the text does not say.

    The temperature is the highest of all heating operations, drying left out; the time is the longest given with
    the operation that reaches it; the atmospheres of all heating operations are joined by `;` in order.
    """
    temperature: float | None = None
    time: float | None = None
    atmospheres: dict[str, None] = {}
    for operation in operations:
        conditions = operation.get("conditions")
        if operation.get("type") != _HEATING or not conditions:
            continue
        atmospheres.update(dict.fromkeys(conditions.get("heating_atmosphere") or ()))
        reached = _highest(conditions.get("heating_temperature"), "C", limit=_HIGHEST_C)
        if reached is not None and (temperature is None or reached > temperature):
            temperature, time = reached, _highest(conditions.get("heating_time"), "h")
    return temperature, time, ";".join(atmospheres) or None


def _highest(entries: Iterable[Mapping[str, Any]] | None, unit: str, *, limit: float = float("inf")) -> float | None:
    values = [
        float(value)
        for entry in entries or ()
        if entry.get("units") == unit
        for value in (entry.get("max_value"), *(entry.get("values") or ()))
        if value is not None and 0 < float(value) <= limit
    ]
    return max(values, default=None)
