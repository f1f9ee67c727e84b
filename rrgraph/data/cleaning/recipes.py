"""Reaction tables from raw text-mined solid-state recipes, as published by Kononova et al. (2019).

Rows keep the paragraph they come from (`group`) and its conditions; the report counts every recipe that gave no row.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from rrgraph.chem import Composition
from rrgraph.data.cleaning.clean import CleaningReport, ordered
from rrgraph.data.cleaning.materials import read_mined_precursor, read_targets
from rrgraph.data.cleaning.rules import CleaningOptions, Dropped, clean_precursors
from rrgraph.data.heating import CONDITIONS, heating_conditions
from rrgraph.data.joined_formulas import SEPARATOR
from rrgraph.data.table import ReactionTable
from rrgraph.errors import DataError
from rrgraph.util.inputs import read_json
from rrgraph.util.progress import track
from rrgraph.util.text import unicode_text

__all__ = ["RECIPE_SUFFIXES", "clean_recipes", "load_recipes", "read_recipes"]

#: Suffixes of files of raw recipes.
RECIPE_SUFFIXES = (".json", ".json.xz", ".json.gz")

Recipe = Mapping[str, Any]

_COLUMNS = ("target", "precursors", "year", "doi", "group", *CONDITIONS)


def read_recipes(
    path: str | os.PathLike[str],
    *,
    options: CleaningOptions | None = None,
    years: Mapping[str, int] | None = None,
) -> tuple[ReactionTable, CleaningReport]:
    """Read and clean a file of raw recipes; see `load_recipes` and `clean_recipes`.

    Raises:
        DataError: the file is missing or contains no recipes.
    """
    return clean_recipes(load_recipes(path), options=options, years=years)


def load_recipes(path: str | os.PathLike[str]) -> list[Recipe]:
    """Read the recipes of a `.json`, `.json.xz` or `.json.gz` file: a list, or an object with a list `reactions`.

    Raises:
        DataError: the file is missing, truncated, of another format, or would take too much memory.
    """
    content = read_json(path)
    recipes = content.get("reactions") if isinstance(content, dict) else content
    if not isinstance(recipes, list):
        raise DataError(f"'{path}' contains no recipes: expected a list, or an object with a list named 'reactions'.")
    return recipes


def clean_recipes(
    recipes: Iterable[Recipe],
    *,
    options: CleaningOptions | None = None,
    years: Mapping[str, int] | None = None,
    numbered: bool = False,
) -> tuple[ReactionTable, CleaningReport]:
    """Return raw recipes as a table with the columns target, precursors, year, doi and

    - `group`: the paragraph it was mined from, by which splits keep the rows of one paragraph together;
    - `temperature_c`, `time_h`, `atmosphere`: see `heating_conditions`.

    Args:
        recipes: as returned by `load_recipes`; a malformed one is dropped and counted.
        options: rules to apply, by default all, and whether variables are expanded.
        years: year of publication by doi, which raw recipes lack.
        numbered: add a column `recipe`, the number of the recipe from 0, by which its operations are found.
    """
    options = options or CleaningOptions()
    years = years or {}
    rows: list[tuple[Any, ...]] = []
    dropped: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    groups = _Groups()
    read = 0
    numbers: list[int] = []
    for recipe in track(recipes, "cleaning recipes"):
        read += 1
        try:
            found, failed = _rows(recipe, options, changed)
            source = _source(recipe, groups, years)
        except Dropped as drop:
            dropped[drop.reason] += 1
            continue
        dropped.update(failed)
        source = tuple(unicode_text(cell) if isinstance(cell, str) else cell for cell in source)
        rows += [(target, precursors, *source) for target, precursors in found]
        numbers += [read - 1] * len(found)
    report = CleaningReport(
        recipes=read,
        rows_in=len(rows) + sum(dropped.values()),
        rows_out=len(rows),
        dropped=ordered(dropped),
        changed=ordered(changed),
    )
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    if numbered:
        frame["recipe"] = numbers
    return ReactionTable(frame, source="the cleaned recipes"), report


def _rows(
    recipe: Recipe, options: CleaningOptions, changed: Counter[str]
) -> tuple[list[tuple[str, str]], Counter[str]]:
    """Return the (target, joined precursors) rows of one recipe and the number of dropped rows by reason.

    Raises:
        Dropped: the recipe as a whole breaks a rule.
    """
    try:
        substitution = recipe["reaction"]["element_substitution"]
        targets, changes = read_targets(recipe["target"], substitution, options)
        read = [read_mined_precursor(material, options) for material in recipe["precursors"]]
    except (KeyError, TypeError, AttributeError, ValueError):
        raise Dropped("malformed recipe") from None
    precursors = [precursor for precursor, _ in read]
    changes["water or grade removed from a precursor"] += sum(altered for _, altered in read)
    found = []
    failed: Counter[str] = Counter()
    for target in targets:
        try:
            if not isinstance(target, Composition):
                raise target
            left = clean_precursors(target, precursors, options, changed)
        except Dropped as drop:
            failed[drop.reason] += 1
        else:
            found.append((target.formula, SEPARATOR.join(precursor.formula for precursor in left)))
            changed.update(+changes)
    return found, failed


def _source(recipe: Recipe, groups: _Groups, years: Mapping[str, int]) -> tuple[Any, ...]:
    """Return the year, doi, group and conditions of a recipe."""
    try:
        doi = str(recipe["doi"])
        conditions = heating_conditions(recipe.get("operations") or ())
        return years.get(doi), doi, groups.name(doi, str(recipe.get("paragraph_string", ""))), *conditions
    except (KeyError, TypeError, AttributeError, ValueError):
        raise Dropped("malformed recipe") from None


class _Groups:
    """Names the paragraphs of each publication in order of appearance: `10.1000/xyz#1`."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, int]] = {}

    def name(self, doi: str, paragraph: str) -> str:
        paragraphs = self._known.setdefault(doi, {})
        return f"{doi}#{paragraphs.setdefault(paragraph, len(paragraphs) + 1)}"
