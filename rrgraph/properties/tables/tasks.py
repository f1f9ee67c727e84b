"""Properties to learn (`PropertyTask`) and the columns of files with their values (`PropertySource`)."""

from __future__ import annotations

from dataclasses import dataclass

from rrgraph.errors import DataError, suggestion

__all__ = ["PropertySource", "PropertyTask"]

KINDS = ("regression", "classification")
OLD_KINDS = {"class": "classification"}
TRANSFORMS = ("linear", "log", "asinh")
CHOICES = ("median", "ground_state", "first")
CONVERSIONS = ("", "from_one", "crystal_system")


@dataclass(frozen=True, kw_only=True)
class PropertyTask:
    """One property to learn.

    Attributes:
        name: used in predictions and configurations.
        kind: "regression" or "classification".
        unit: of the value, such as "eV/atom".
        family: tasks whose labels reveal each other are in one family; the task's own name by default.
        transform: of the value for learning: "linear", "log" or "asinh"; labels themselves are not transformed.
        classes: for classification, the number of classes; labels are 0 to classes - 1.
        lowest: lower bound of the value and of predictions (0 eV for a band gap), None if there is none.

    Raises:
        DataError: an unknown kind or transform, or a number of classes that does not fit the kind.
    """

    name: str
    kind: str = "regression"
    unit: str = ""
    family: str = ""
    transform: str = "linear"
    classes: int = 0
    lowest: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", OLD_KINDS.get(self.kind, self.kind))  # of model files written before
        _check(f"The kind of property '{self.name}'", self.kind, KINDS)
        _check(f"The transform of property '{self.name}'", self.transform, TRANSFORMS)
        if (self.kind == "classification") != (self.classes >= 2):
            expected = "at least 2" if self.kind == "classification" else "0"
            raise DataError(
                f"Property '{self.name}' of kind '{self.kind}' needs {expected} classes, not {self.classes}."
            )
        if not self.family:
            object.__setattr__(self, "family", self.name)


@dataclass(frozen=True, kw_only=True)
class PropertySource:
    """One column of one table with values of one task.

    Attributes:
        table: name of a catalogued table, or path of a CSV or Parquet file.
        column: with the values.
        task: of the values; if several sources of a task have a label for a composition, that of the first is used.
        formula: column of the formulas.
        part: column with the subset (train, val or test); empty for a split by a hash of the composition.
        choose: how the rows of one composition are merged to one label: the "median", that of the "ground_state" (the
            row with the lowest `order`, rows without it last), or the "first" row.
        order: column of the energies for `choose="ground_state"`.
        where: column and one or several values; other rows are not used.
        low: smallest plausible value; smaller ones are dropped from training and validation, never from test.
        high: largest plausible value, likewise.
        convert: conversion of a cell to a label: "" for none, "from_one" from 1, 2, ... to classes 0, 1, ...,
            "crystal_system" from a space group number to the class 0 (triclinic) to 6 (cubic).
        validation_trains: use validation rows for training, because the table has no training rows.

    Raises:
        DataError: an unknown choice or conversion, an order without ground state, or classes merged by median.
    """

    table: str
    column: str
    task: PropertyTask
    formula: str = "formula"
    part: str = ""
    choose: str = "median"
    order: str = ""
    where: tuple[str, str | float | tuple[str | float, ...]] | None = None
    low: float = float("-inf")
    high: float = float("inf")
    convert: str = ""
    validation_trains: bool = False

    def __post_init__(self) -> None:
        owner = f"of property '{self.task.name}'"
        _check(f"The choice {owner}", self.choose, CHOICES)
        _check(f"The conversion {owner}", self.convert, CONVERSIONS)
        if bool(self.order) != (self.choose == "ground_state"):
            raise DataError(f"An order column is for choose='ground_state', but {owner} choose is '{self.choose}'.")
        if self.choose == "median" and self.task.kind == "classification":
            raise DataError(f"Classes have no median: choose 'first' or 'ground_state' {owner}.")
        if not self.low < self.high:
            raise DataError(f"The plausible range {owner} is empty: {self.low:g} to {self.high:g}.")


def _check(owner: str, name: str, choices: tuple[str, ...]) -> None:
    if name not in choices:
        expected = ", ".join(repr(choice) for choice in choices)
        raise DataError(f"{owner} is '{name}', expected one of {expected}.{suggestion(name, choices)}")
