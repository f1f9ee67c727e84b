"""Heating conditions (temperature, time, atmosphere) of raw recipes, and their transfer to tables without them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd

from rrgraph.data.table import ReactionTable

__all__ = ["CONDITIONS", "condition_frame", "heating_conditions", "whole_celsius", "with_conditions"]

#: The columns of a table that hold conditions: °C, h, text.
CONDITIONS: Final = ("temperature_c", "time_h", "atmosphere")

#: Limit of furnaces for powders; higher values are wavelengths, years or misread numbers.
_HIGHEST_C = 3500.0
_HEATING = "HeatingOperation"


def whole_celsius(celsius: float) -> float:
    """Return a temperature in whole °C where text mining has converted it from whole kelvin.

    >>> whole_celsius(549.85), whole_celsius(1200.0), whole_celsius(12.5)
    (550.0, 1200.0, 12.5)
    """
    return float(round(celsius)) if abs(celsius % 1 - 0.85) < 1e-6 else celsius


def heating_conditions(
    operations: Iterable[Mapping[str, Any]],
) -> tuple[float | None, float | None, str | None]:
    """Return (temperature in °C, time in h, atmosphere) of the firing; None where the text does not state it.

    The temperature is the highest of all heating operations except drying; the time is the longest one stated for
    the operation with that temperature; the atmospheres of all heating operations are joined by `;` in order.
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
            temperature, time = whole_celsius(reached), _highest(conditions.get("heating_time"), "h")
    return temperature, time, ";".join(atmospheres) or None


def condition_frame(recipes: ReactionTable) -> pd.DataFrame:
    """Return the frame that `with_conditions` needs: a row for each recipe of a table that states any conditions."""
    frame = recipes.frame[["doi", *CONDITIONS]].assign(key=recipes.target_keys, set=_joined(recipes))
    given = frame["doi"].notna() & frame[[*CONDITIONS]].notna().any(axis=1)
    ordered = frame[given].sort_values("temperature_c", ascending=False, kind="stable", na_position="last")
    return ordered.drop_duplicates(["doi", "key", "set"]).reset_index(drop=True)


def with_conditions(table: ReactionTable, recorded: pd.DataFrame) -> ReactionTable:
    """Return the table with conditions from the recipes of the same papers; existing conditions are kept.

    A row takes the conditions of a recipe with its doi and target, or else of one with its doi and precursor set,
    because the members of a series are fired alike. Of several recipes, the one with the highest temperature is used.

    Args:
        table: reactions with dois.
        recorded: as returned by `condition_frame`.
    """
    frame = table.frame
    columns = {name: frame[name].tolist() if name in frame else [None] * len(frame) for name in CONDITIONS}
    bare = ~frame[[name for name in CONDITIONS if name in frame]].notna().any(axis=1) & frame["doi"].notna()
    if not bare.any():
        return table
    values = list(zip(*(recorded[name].tolist() for name in CONDITIONS), strict=True))
    by_target, by_set = (
        dict(reversed(list(zip(zip(recorded["doi"], recorded[name], strict=True), values, strict=True))))
        for name in ("key", "set")
    )
    rows = zip(bare.tolist(), frame["doi"].tolist(), table.target_keys.tolist(), _joined(table), strict=True)
    for row, (wanted, doi, key, members) in enumerate(rows):
        found = (by_target.get((doi, key)) or by_set.get((doi, members))) if wanted else None
        if found:
            for name, value in zip(CONDITIONS, found, strict=True):
                columns[name][row] = value
    return table.with_columns(**columns)


def _joined(table: ReactionTable) -> list[str]:
    """Return the precursor set of each row as one text."""
    return [";".join(sorted(keys)) for keys in table.set_keys]


def _highest(entries: Iterable[Mapping[str, Any]] | None, unit: str, *, limit: float = float("inf")) -> float | None:
    values = [
        float(value)
        for entry in entries or ()
        if entry.get("units") == unit
        for value in (entry.get("max_value"), *(entry.get("values") or ()))
        if value is not None and 0 < float(value) <= limit
    ]
    return max(values, default=None)
