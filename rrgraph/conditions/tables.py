"""Tables of recorded conditions: from raw recipes, from tables of other projects, and from the user's own.

Every source becomes recipes (a row each, with `steps`), from which the rows to learn from follow: one for each heating
step with a temperature, one for the highest temperature, and one each for the last sintering and the last calcination.
"""

from __future__ import annotations

import ast
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rrgraph.conditions.steps import (
    HeatingStep,
    atmosphere_of,
    kind_of,
    mended,
    read_operations,
    read_steps,
    steps_text,
)
from rrgraph.data import (
    CATALOGUE,
    RECIPE_SUFFIXES,
    CleaningOptions,
    ReactionTable,
    cached_frame,
    clean_recipes,
    data_path,
    load_recipes,
    load_table,
)
from rrgraph.errors import DataError
from rrgraph.util.rows import column_name, listed
from rrgraph.util.text import capital

__all__ = [
    "LABELS",
    "ConditionRows",
    "condition_rows",
    "labelled_rows",
    "load_conditions",
    "measured_rows",
]

LABELS: Final = (
    "highest",
    "calcination",
    "last calcination",
    "firing",
    "annealing",
    "last sintering",
    "sintering",
    "melting",
)
"""What a temperature or a time is of. The last calcination is what SyntMTE counts as such: the last step that is called
calcination or annealing."""

_HIGHEST: Final = "temperature_C"
_PAIRS: Final = tuple(
    (f"last {kind}", f"{kind}_temperature_C", f"{kind}_time_h") for kind in ("sintering", "calcination")
)
"""Columns of tables with one value for each label: of the curated oxides, and of SyntMTE."""

_NAMED: Final = {"last sintering": ("sintering",), "last calcination": ("calcination", "annealing")}
"""Kinds of steps of which the last one has the label."""

_STATED: Final = ("steps", "temperature_c", "time_h", "atmosphere", "firings")
"""Columns of a user's table, whatever their capitals."""

_YEARS: Final = "text_mined"
_FIRED_C: Final = 300.0
"""A step below this temperature is not a firing of its own."""
_MOST_FIRINGS: Final = 12


class ConditionRows:
    """Rows that a model of conditions learns from, or is measured on.

    Args:
        table: the reactions, each once for every label that it has.
        label: (rows,) indices into `LABELS`.
        temperature: (rows,) in °C, NaN where not recorded.
        time: (rows,) in h, NaN where not recorded.
        atmosphere: (rows,) names of classes, None where not recorded.
        firings: (rows,) number of firings, NaN where not recorded.
        weight: (rows,) of a row; the rows of one recipe and label share 1.
        alone: (rows,) whether the temperature is the one value of one operation, not the middle of several.

    Attributes:
        table, label, temperature, time, atmosphere, firings, weight, alone: the same.
    """

    _columns: Final = ("label", "temperature", "time", "atmosphere", "firings", "weight", "alone")

    def __init__(
        self,
        table: ReactionTable,
        label: NDArray[np.int64],
        temperature: NDArray[np.float64],
        time: NDArray[np.float64],
        atmosphere: NDArray[np.object_],
        firings: NDArray[np.float64],
        weight: NDArray[np.float64],
        alone: NDArray[np.bool_],
    ) -> None:
        self.table, self.label, self.temperature, self.time = table, label, temperature, time
        self.atmosphere, self.firings, self.weight, self.alone = atmosphere, firings, weight, alone

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.table)

    def select(self, rows: NDArray[Any]) -> ConditionRows:
        """Return some rows, given by a mask or by indices."""
        kept = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return ConditionRows(self.table.select(kept), *(getattr(self, name)[kept] for name in self._columns))

    def none(self) -> ConditionRows:
        """Return no rows."""
        return self.select(np.zeros(len(self), dtype=np.bool_))

    @classmethod
    def concat(cls, parts: Sequence[ConditionRows]) -> ConditionRows:
        """Return the rows of several, one after the other."""
        table = ReactionTable.concat([part.table for part in parts])
        return cls(table, *(np.concatenate([getattr(part, name) for part in parts]) for name in cls._columns))


def load_conditions(name_or_path: str | os.PathLike[str], *, years: str = _YEARS) -> tuple[ReactionTable, Counter[str]]:
    """Return recipes with a column `steps`, and how many values were left out by reason.

    Raw recipes are cleaned; those that a paper, or a paragraph under another doi, repeats are kept once. Of other
    tables the columns `temperature_c`, `time_h`, `atmosphere` and `firings` are used, or `steps` in the form of
    `read_steps`, in capitals or not; numbers in `steps` are firings.

    Args:
        name_or_path: catalogued name, file of raw recipes, or reaction table.
        years: catalogued table that gives the year of a paper, where it is on this computer; empty for none.

    Raises:
        DataError: it cannot be read, or states no conditions.
    """
    name = os.fspath(name_or_path)
    path = data_path(name) if name in CATALOGUE else Path(name)
    if not str(path).endswith(RECIPE_SUFFIXES):
        dropped: Counter[str] = Counter()
        table = _stated(load_table(name), dropped)
        if "doi" in table.frame:  # which come in either letter case
            table = table.with_columns(
                doi=[each if pd.isna(each) else str(each).lower() for each in table.frame["doi"]]
            )
        return table, dropped
    sources = [path, *_path_of(years)]
    frame = cached_frame(f"steps-{path.stem}", sources, partial(_recipes, path, years))
    notes = frame[frame["target"] == ""]
    counted = Counter(dict(zip(map(str, notes["doi"]), map(int, notes["year"]), strict=True)))
    return ReactionTable(frame[frame["target"] != ""].reset_index(drop=True), source=f"'{name}'"), counted


def _path_of(years: str) -> list[Path]:
    try:
        return [data_path(years)] if years else []
    except DataError:
        return []


def _recipes(path: Path, years: str) -> pd.DataFrame:
    """Return cleaned recipes with steps; what was left out is in rows without a target: reason and number."""
    known: dict[str, int] = {}
    if _path_of(years):
        dated = load_table(years).frame[["doi", "year"]].dropna().sort_values("year", ascending=False)
        known = dict(zip(map(str.lower, dated["doi"]), map(int, dated["year"]), strict=True))  # the earliest counts
    recipes = load_recipes(path)
    for recipe in recipes:
        recipe["doi"] = str(recipe.get("doi", "")).lower()  # type: ignore[index]
    table, report = clean_recipes(recipes, options=CleaningOptions(expand_variables=True), years=known, numbered=True)
    dropped: Counter[str] = Counter({f"recipe: {reason}": count for reason, count in report.dropped.items()})
    texts = [steps_text(read_operations(recipe.get("operations") or (), dropped)) for recipe in recipes]
    frame = table.frame
    frame["steps"] = [texts[number] for number in frame["recipe"]]
    frame["paragraph"] = [str(recipes[number].get("paragraph_string")) for number in frame["recipe"]]
    frame = frame.sort_values("year", kind="stable", na_position="last")
    distinct = frame.drop_duplicates(["paragraph", "target", "precursors", "steps"])
    dropped["recipe: repeated"] += len(frame) - len(distinct)
    columns = ["target", "precursors", "year", "doi", "group", "steps"]
    notes = pd.DataFrame(
        [{"target": "", "precursors": "", "year": count, "doi": reason} for reason, count in dropped.items()]
    )
    return pd.concat([distinct[columns], notes], ignore_index=True)


def _stated(table: ReactionTable, dropped: Counter[str]) -> ReactionTable:
    """Return a table with the column `steps`, made from its other columns where it has none; counts what is unread."""
    given = {column_name(name): name for name in map(str, reversed(list(table.frame)))}
    missing = [name for name in _STATED if name not in table.frame and column_name(name) in given]
    spelled = {given[column_name(name)]: name for name in missing}
    frame = table.frame.rename(columns=spelled)
    if "steps" in frame and frame["steps"].map(lambda cell: isinstance(cell, str)).any():
        texts = enumerate(frame["steps"].tolist())
        return table.with_columns(steps=[_mended_text(table, row, text, dropped) for row, text in texts])
    if "steps" in frame and "firings" not in frame:  # their number, as the curated oxides have it
        frame = frame.rename(columns={"steps": "firings"})
    if "temperature_c" not in frame and "atmosphere" not in frame:
        raise DataError(
            f"{table.source} states no conditions: expected a column 'steps', 'temperature_c' or 'atmosphere', found "
            f"{listed(list(frame.columns))}."
        )
    for name in ("temperature_c", "time_h", "firings"):
        if name in frame:
            numbers = pd.to_numeric(frame[name], errors="coerce")
            right = np.isfinite(numbers) & (numbers >= 0) & ((name != "firings") | (numbers % 1 == 0))
            wrong = np.flatnonzero(frame[name].notna() & ~right)
            if len(wrong):
                where, cell = capital(table.line(wrong[0])), frame[name].iloc[wrong[0]]
                number = "whole number" if name == "firings" else "number"
                raise DataError(f"{where}: {name} is '{cell}', expected a {number} of at least 0.")
            frame[name] = numbers
    steps = [steps_text([mended(_one_step(row, dropped), dropped)]) for row in frame.to_dict("records")]
    return table.with_columns(steps=steps, **({"firings": frame["firings"].tolist()} if "firings" in frame else {}))


def _mended_text(table: ReactionTable, row: int, text: Any, dropped: Counter[str]) -> str | None:
    """Return the steps of a row without values that are no firing's."""
    if not isinstance(text, str):
        return None
    try:
        return steps_text(mended(step, dropped) for step in read_steps(text))
    except DataError as error:
        raise DataError(f"{capital(table.line(row))}: {error}") from None


def _one_step(row: Mapping[Any, Any], dropped: Counter[str]) -> HeatingStep:
    """Return the firing that columns of a table state."""
    values = [() if pd.isna(row.get(name)) else (float(row[name]),) for name in ("temperature_c", "time_h")]
    named = row.get("atmosphere")
    atmosphere = atmosphere_of([named] if isinstance(named, str) else [], dropped)
    return HeatingStep(kind="firing", temperatures_c=values[0], times_h=values[1], atmosphere=atmosphere)


def condition_rows(table: ReactionTable, dropped: Counter[str] | None = None) -> ConditionRows:
    """Return the rows of recipes with a column `steps`.

    Args:
        table: the recipes.
        dropped: what is left out is counted here under its reason.

    Raises:
        DataError: a step cannot be read.
    """
    counted: Counter[str] = Counter() if dropped is None else dropped
    rows: list[tuple[Any, ...]] = []
    given = table.frame["firings"].tolist() if "firings" in table.frame else [None] * len(table)
    for number, text in enumerate(table.frame["steps"].tolist()):
        stated = read_steps(text) if isinstance(text, str) else []
        steps = [step for step in stated if step.kind != "drying"]
        counted["drying step"] += len(stated) - len(steps)
        counted["time of a step without a temperature"] += sum(
            bool(step.times_h) and not step.temperatures_c for step in steps
        )
        count = given[number] if given[number] is not None and not pd.isna(given[number]) else _firings(steps)
        rows += [(number, label, *values, gas, count, alone) for label, *values, gas, alone in _labelled(steps)]
    return _rows(table, rows)


def _firings(steps: Sequence[HeatingStep]) -> float:
    """Return how often a powder is fired, annealings aside; NaN where no step states a temperature."""
    fired = [
        step for step in steps if step.kind not in ("annealing", "drying") and (step.temperature_c or 0) > _FIRED_C
    ]
    return float(min(len(fired), _MOST_FIRINGS)) if fired else np.nan


def _labelled(steps: Sequence[HeatingStep]) -> Iterator[tuple[int, float, float, str | None, bool]]:
    """Yield label, temperature, time, atmosphere, and whether the temperature is the only one of its step.

    The highest temperature is NaN where no step states one. A step without an atmosphere has that of the step before.
    """
    steps = list(accumulate(steps, lambda last, step: replace(step, atmosphere=step.atmosphere or last.atmosphere)))
    stated = [step for step in steps if step.temperature_c is not None]
    highest = max(stated, key=lambda step: step.temperature_c or 0.0, default=None)
    named: list[tuple[str, HeatingStep | None]] = [("highest", highest)]
    named += [(step.kind, step) for step in stated]
    for label, kinds in _NAMED.items():
        last = [step for step in stated if step.kind in kinds]
        named += [(label, last[-1])] if last else []
    for label, step in named:
        temperature, time = (None, None) if step is None else (step.temperature_c, step.time_h)
        gas = (step or steps[-1]).atmosphere if steps else None
        alone = step is not None and len(step.temperatures_c) == 1
        yield LABELS.index(label), _number(temperature), _number(time), gas.value if gas else None, alone


def _rows(table: ReactionTable, rows: Sequence[tuple[Any, ...]]) -> ConditionRows:
    """Return rows of (number in the table, label, temperature, time, atmosphere, firings, alone)."""
    number = np.array([row[0] for row in rows], dtype=np.int64)
    label = np.array([row[1] for row in rows], dtype=np.int64)
    groups = table.frame["group"] if "group" in table.frame else pd.Series([None] * len(table))
    same = groups.where(groups.notna(), pd.Series(range(len(table)))).to_numpy()[number]
    counted = Counter(zip(same.tolist(), label.tolist(), strict=True))
    weight = np.array([1.0 / counted[each] for each in zip(same.tolist(), label.tolist(), strict=True)])
    return ConditionRows(
        table.select(number),
        label,
        np.array([row[2] for row in rows], dtype=np.float64),
        np.array([row[3] for row in rows], dtype=np.float64),
        np.array([row[4] for row in rows], dtype=object),
        np.array([row[5] for row in rows], dtype=np.float64),
        weight,
        np.array([row[6] for row in rows], dtype=np.bool_),
    )


def measured_rows(name_or_path: str | os.PathLike[str], dropped: Counter[str]) -> ConditionRows:
    """Return the rows of any table that states conditions: one of `labelled_rows`, or recipes of `load_conditions`.

    Args:
        name_or_path: catalogued name or file.
        dropped: values that are left out are counted here under their reason.

    Raises:
        DataError: it cannot be read, or states no conditions.
    """
    name = os.fspath(name_or_path)
    path = data_path(name) if name in CATALOGUE else Path(name)
    if not str(path).endswith(RECIPE_SUFFIXES):
        columns = set(load_table(name).frame)
        if _PAIRS[0][1] in columns or (_HIGHEST in columns and not columns & {"time_h", "firings"}):
            return labelled_rows(path, dropped)
    found, counted = load_conditions(name)
    dropped.update(counted)
    return condition_rows(found, dropped)


def labelled_rows(path: str | os.PathLike[str], dropped: Counter[str] | None = None) -> ConditionRows:
    """Return the rows of a table with one value for each of several labels.

    Known are the columns of SyntMTE (`sintering_temperature_C`, `sintering_time_h`, and the same of the calcination)
    and of the curated oxides (`temperature_C`, the highest, `atmosphere`, and `steps`, the number of firings). Of rows
    with operations a temperature counts as alone if it is the one value of the only operation that is called so. Labels
    of SyntMTE are taken as they are; the highest temperature has the limits of `mended`.

    Args:
        path: of the table.
        dropped: what is left out is counted here under its reason.

    Raises:
        DataError: it cannot be read, or has no such column.
    """
    counted: Counter[str] = Counter() if dropped is None else dropped
    refused: list[Any] = []
    table = ReactionTable.read(path, refused=refused).readable(refused)
    frame = table.frame
    pairs = (("highest", _HIGHEST, ""),) if _HIGHEST in frame else _PAIRS
    if pairs[0][1] not in frame:
        raise DataError(f"'{path}' has neither a column '{_HIGHEST}' nor '{pairs[0][1]}'.")
    counted["row that cannot be read"] += len(refused)
    rows = []
    for number, row in enumerate(frame.to_dict("records")):
        named = row.get("atmosphere")
        found = atmosphere_of([named] if isinstance(named, str) else [], counted)
        line = capital(table.line(number))
        count = _as_number(row.get("steps"), f"{line}: steps")
        for label, temperature, time in pairs:
            values = [_as_number(row.get(name), f"{line}: {name}") for name in (temperature, time)]
            if label == "highest" and not np.isnan(values[0]):
                step = mended(HeatingStep(kind="firing", temperatures_c=(values[0],)), counted)
                values[0] = _number(step.temperature_c)
            if not np.isnan(values).all() or label == "highest":
                gas, alone = found.value if found else None, _is_alone(row, label, values[0])
                rows.append((number, LABELS.index(label), *values, gas, count, alone))
    return _rows(table, rows)


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _as_number(cell: Any, where: str) -> float:
    try:
        return np.nan if cell is None else float(cell)
    except ValueError:
        raise DataError(f"{where} is '{cell}', expected a number.") from None


def _is_alone(row: Mapping[Any, Any], label: str, temperature: float) -> bool:
    """Whether a temperature is the one value of the only operation of its label; true without operations."""
    if label not in _NAMED or not isinstance(row.get("operations"), str):
        return True
    operations = zip(*(ast.literal_eval(row[name]) for name in ("operations", "temperatures")), strict=True)
    own = [values for word, values in operations if kind_of(word) in _NAMED[label]]
    return len(own) == 1 and len(own[0]) == 1 and abs(own[0][0] - temperature) < 1.0
