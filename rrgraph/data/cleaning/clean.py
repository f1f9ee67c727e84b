"""Cleaning of reaction tables: every row is either kept or counted under the reason why it was dropped."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rrgraph.chem import Composition, FormulaWarning, composition_from_amounts, parse_formula
from rrgraph.data.cleaning.rules import (
    CleaningOptions,
    Dropped,
    clean_precursors,
    clean_spelling,
    is_composite,
    read_precursor,
)
from rrgraph.data.joined_formulas import SEPARATOR, split_precursors
from rrgraph.data.table import ReactionTable
from rrgraph.errors import FormulaError
from rrgraph.util.progress import track
from rrgraph.util.rows import Row

__all__ = ["CleaningReport", "clean_table"]

_OFFSET = re.compile(r"[(\[]?(\d*(?:\.\d+)?)\s*[-−–+±]\s*[\d.]*(?:δ|delta|ε|[dmnuvwxyz])(?:/\d+)?[)\]]?(?![a-z])")


@dataclass(frozen=True, kw_only=True)
class CleaningReport:
    """The result of cleaning; `rows_in` is `rows_out` plus the sum of `dropped`.

    Attributes:
        recipes: number of raw recipes, None for a table; a recipe whose variables are expanded gives several rows.
        rows_in: number of rows before cleaning.
        rows_out: number of rows kept.
        dropped: number of rows dropped, by reason.
        changed: number of changes in the rows kept, by description.
    """

    recipes: int | None = None
    rows_in: int
    rows_out: int
    dropped: Mapping[str, int]
    changed: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)

    def __str__(self) -> str:
        source = "" if self.recipes is None else f" from {self.recipes:,} recipes"
        lines = [f"{self.rows_in:,} rows{source}, {self.rows_out:,} kept, {sum(self.dropped.values()):,} dropped"]
        lines += [f"  dropped, {reason}: {count:,}" for reason, count in self.dropped.items()]
        lines += [f"  changed, {change}: {count:,}" for change, count in self.changed.items()]
        return "\n".join(lines)


def clean_table(
    table: ReactionTable, options: CleaningOptions | None = None, *, refused: Sequence[Row] = ()
) -> tuple[ReactionTable, CleaningReport]:
    """Apply the cleaning rules to a table; all its columns are kept.

    Args:
        table: rows as typed; rows with formulas that cannot be parsed are dropped and counted.
        options: rules to apply, by default all of them.
        refused: rows of the file that are not in the table, see `ReactionTable.read`; they are counted as dropped.
    """
    cleaner = _RowCleaner(options or CleaningOptions())
    rows: list[int] = []
    targets: list[str] = []
    sets: list[str] = []
    frame = table.frame
    dropped: Counter[str] = Counter(_category(row) for row in refused)
    pairs = zip(frame["target"].tolist(), frame["precursors"].tolist(), strict=True)
    for row, (target, precursors) in enumerate(track(pairs, "cleaning rows", total=len(frame))):
        try:
            cleaned = cleaner.clean(target, precursors)
        except Dropped as drop:
            dropped[drop.reason] += 1
            continue
        rows.append(row)
        targets.append(cleaned[0])
        sets.append(cleaned[1])
    kept = frame.iloc[rows].assign(target=targets, precursors=sets)
    if table.empty_years:
        cleaner.changed["year that is not a whole number left empty"] += table.empty_years
    report = CleaningReport(
        rows_in=len(table) + len(refused),
        rows_out=len(rows),
        dropped=ordered(dropped),
        changed=ordered(cleaner.changed),
    )
    return ReactionTable(kept, source=f"the cleaned rows of {table.source}"), report


def _category(row: Row) -> str:
    """Return the reason for the report why a row of a file is not usable."""
    reason = row.error or ""
    return "no target or no precursors" if "has no" in reason or reason.startswith("no ") else "malformed row"


def ordered(counts: Counter[str]) -> dict[str, int]:
    """Return counts from largest to smallest."""
    return dict(counts.most_common())


class _RowCleaner:
    """Cleans typed rows; each distinct spelling is parsed once."""

    def __init__(self, options: CleaningOptions) -> None:
        self.options = options
        self.changed: Counter[str] = Counter()
        self._targets: dict[str, tuple[Composition | str, Counter[str]]] = {}
        self._precursors: dict[str, tuple[Composition, bool] | None] = {}

    def clean(self, target: str, precursors: str) -> tuple[str, str]:
        """Return the cleaned target and the joined precursors.

        Raises:
            Dropped: the row breaks a rule.
        """
        product, changes = self._target(target)
        changed = Counter(changes)
        compositions = []
        try:
            texts = split_precursors(precursors)
        except FormulaError:
            raise Dropped("precursors not joined by a semicolon") from None
        for text in texts:
            if text not in self._precursors:
                self._precursors[text] = self._precursor(text)
            found = self._precursors[text]
            if found is None:
                raise Dropped("precursor is not a valid formula")
            compositions.append(found[0])
            changed["water or grade removed from a precursor"] += found[1]
        left = clean_precursors(product, compositions, self.options, changed)
        self.changed.update(+changed)
        return product.formula, SEPARATOR.join(precursor.formula for precursor in left)

    def _target(self, text: str) -> tuple[Composition, Counter[str]]:
        if text not in self._targets:
            self._targets[text] = self._read_target(text)
        found, changes = self._targets[text]
        if isinstance(found, str):
            raise Dropped(found)
        return found, changes

    def _read_target(self, text: str) -> tuple[Composition | str, Counter[str]]:
        """Return the target, or the reason why its rows are dropped, and the changes."""
        changes: Counter[str] = Counter()
        plain = clean_spelling(text, remove_water=self.options.remove_water)
        if plain != text.strip():
            changes["water or grade removed from the target"] += 1
        if is_composite(plain) and not self.options.keep_composites:
            return "target is a composite", changes
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", FormulaWarning)
                found = parse_formula(plain, dopants=False)
        except FormulaError:
            return "target is not a valid formula", changes
        if caught:
            zeroed = any("set to zero" in str(warning.message) for warning in caught)
            change = "oxygen deficiency of the target set to zero" if zeroed else "target read with an assumption"
            changes[change] += 1
            found = _without_offset(found)
        return found, changes

    def _precursor(self, text: str) -> tuple[Composition, bool] | None:
        try:
            return read_precursor(text, remove_water=self.options.remove_water)
        except FormulaError:
            return None


def _without_offset(composition: Composition) -> Composition:
    """Spell a composition without the offset that was set to zero, so that there is no further warning."""
    plain = _OFFSET.sub(r"\1", composition.formula)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FormulaWarning)
            found = parse_formula(plain)
    except (FormulaError, FormulaWarning):
        return composition_from_amounts(dict(composition.amounts))
    return found if found.amounts == composition.amounts else composition_from_amounts(dict(composition.amounts))
