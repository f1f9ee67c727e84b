"""What a table of computed properties is asked for: tasks, and the columns of files that feed them.

Flows in: names, units and ranges. Flows out: frozen `PropertyTask` and `PropertySource`, checked when they are made.
"""

from __future__ import annotations

from dataclasses import dataclass

from rrgraph.errors import DataError, suggestion

__all__ = ["TEST", "TRAIN", "VALIDATION", "PropertySource", "PropertyTask"]

#: Code of a training label; 0 is no label.
TRAIN = 1
#: Code of a validation label. The larger code wins where a composition occurs in several parts.
VALIDATION = 2
#: Code of a test label.
TEST = 3

KINDS = ("regression", "class")
TRANSFORMS = ("linear", "log", "asinh")
CHOICES = ("median", "ground_state", "first")
CONVERSIONS = ("", "from_one", "crystal_system")


@dataclass(frozen=True, kw_only=True)
class PropertyTask:
    """One property that is learned.

    Attributes:
        name: what predictions and configurations call it.
        kind: "regression" or "class".
        unit: of the value, such as "eV/atom".
        family: tasks of one family say nearly the same, so that one gives the other away; the own name by default.
        transform: how the value is learned: "linear", "log" or "asinh"; labels themselves are never transformed.
        classes: for kind "class", the number of classes; labels are 0 to classes - 1.
        lowest: no value can be smaller (0 eV for a band gap), so no prediction is; None for no such bound.

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
        _check(f"The kind of property '{self.name}'", self.kind, KINDS)
        _check(f"The transform of property '{self.name}'", self.transform, TRANSFORMS)
        if (self.kind == "class") != (self.classes >= 2):
            expected = "at least 2" if self.kind == "class" else "0"
            raise DataError(
                f"Property '{self.name}' of kind '{self.kind}' needs {expected} classes, not {self.classes}."
            )
        if not self.family:
            object.__setattr__(self, "family", self.name)


@dataclass(frozen=True, kw_only=True)
class PropertySource:
    """One column of one table that feeds one task.

    Attributes:
        table: name of a catalogued table, or path of a CSV or Parquet file.
        column: holds the values.
        task: what they are labels of; several sources may feed one task, the first of them wins where both know.
        formula: column of the formulas.
        part: column that says train, val or test; empty for a split by a hash of the composition.
        choose: how rows of one composition become one label: the "median", that of the "ground_state" (the row with
            the lowest `order`, rows without it last), or the "first" row.
        order: column of the energies that `choose="ground_state"` compares.
        where: column and one or several values; other rows are not used.
        low: smallest plausible value; smaller ones are dropped from training and validation, never from test.
        high: largest plausible value, likewise.
        convert: how a cell becomes a label: "" as it is, "from_one" numbers 1, 2, ... as classes 0, 1, ...,
            "crystal_system" the class 0 (triclinic) to 6 (cubic) of a space group number.
        validation_trains: the table has no training rows of its own, its validation rows serve as such.

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
            raise DataError(f"An order column goes with choose='ground_state', but {owner} choose is '{self.choose}'.")
        if self.choose == "median" and self.task.kind == "class":
            raise DataError(f"Classes have no median: choose 'first' or 'ground_state' {owner}.")
        if not self.low < self.high:
            raise DataError(f"The plausible range {owner} is empty: {self.low:g} to {self.high:g}.")


def _check(owner: str, name: str, choices: tuple[str, ...]) -> None:
    if name not in choices:
        expected = ", ".join(repr(choice) for choice in choices)
        raise DataError(f"{owner} is '{name}', expected one of {expected}.{suggestion(name, choices)}")
