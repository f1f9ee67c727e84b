"""Splits of a reaction table into training, validation and test rows, with a report of what they share.

Rows with the same value in a column `group` (the expansions of one recipe) are always in the same subset.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rrgraph.data.catalogue import load_table
from rrgraph.data.leakage import LeakageReport, leakage_report
from rrgraph.data.splitting import (
    Divided,
    SplitOptions,
    by_year,
    distinct_by_year,
    draw,
    draw_validation,
    is_in,
    keep_together,
    remove_holdout,
    undivided,
)
from rrgraph.data.subsets import HOLDOUT, NO_SUBSET, SUBSET_NAMES, SUBSET_WORDS, TEST, TRAIN, VALIDATION, Subset
from rrgraph.data.table import ReactionTable
from rrgraph.errors import ConfigError, DataError, suggestion
from rrgraph.util.registry import Registry

__all__ = ["SPLITS", "Split", "SplitOptions", "split_table"]


@dataclass(frozen=True)
class Split:
    """Three disjoint subsets of a table, the rows held out beside them, and a report of what all of them share."""

    train: ReactionTable
    validation: ReactionTable
    test: ReactionTable
    report: LeakageReport
    holdout: ReactionTable | None = None

    def rows(self, name: str) -> ReactionTable | None:
        """Return the rows of a subset, those held out (None if there are none), or those of a table by name or path.

        Raises:
            DataError: the table does not exist.
        """
        if name not in (*SUBSET_NAMES, HOLDOUT):
            return load_table(name)
        found: ReactionTable | None = getattr(self, name)
        return found


#: Functions that label the rows of a table.
SPLITS: Registry[Callable[[ReactionTable, SplitOptions], Divided]] = Registry("split")


def split_table(
    table: ReactionTable,
    name: str,
    *,
    seed: int = 0,
    year: int = 2014,
    validation_fraction: float = 0.2,
    holdout: ReactionTable | None = None,
) -> Split:
    """Split a table by one of `SPLITS`; the same arguments always give the same subsets.

    Args:
        table: rows to split.
        name: `cra` (rows up to `year` are training and validation rows, later ones test rows; duplicates are kept),
            `dr` (the same, each distinct target and set once, dated by its first appearance), `nms` (the test rows of
            `dr`, and no element system in two subsets), `random`, `column` (given by a column `split`) or `all` (all
            rows are training rows).
        seed: of every random choice.
        year: last year before the test rows.
        validation_fraction: see `SplitOptions`.
        holdout: every training and validation row that shares a target with one of its rows is left out; with
            split `nms`, every one that shares an element system.

    Raises:
        ConfigError: an unknown split, a fraction outside 0 to 1 or a negative seed.
        DataError: the table lacks the years or the `split` column that the split needs, or a formula is wrong.
    """
    divide = SPLITS[name]
    if not 0 <= validation_fraction < 1:
        raise ConfigError(f"validation_fraction is {validation_fraction}, expected at least 0 and less than 1.")
    if seed < 0:
        raise ConfigError(f"seed is {seed}, expected a whole number of at least 0.")
    options = SplitOptions(
        year=year, validation_fraction=validation_fraction, rng=np.random.default_rng(seed), holdout=holdout
    )
    divided = divide(table, options)
    subsets = {subset.word: divided.table.select(divided.labels == subset) for subset in Subset}
    compared = subsets if holdout is None else subsets | {HOLDOUT: holdout}
    report = leakage_report(name, compared, removed=divided.removed)
    return Split(**subsets, report=report, holdout=holdout)


@SPLITS.register("cra")
def _complete_reaction_archive(table: ReactionTable, options: SplitOptions) -> Divided:
    """Retro-Rank-In section 4.1, Complete Reaction Archive."""
    divided = by_year(table, options)
    remove_holdout(divided, options, system=False)
    draw_validation(divided, keep_together(table), options)
    return divided


@SPLITS.register("dr")
def _distinct_reactions(table: ReactionTable, options: SplitOptions) -> Divided:
    """Retro-Rank-In section 4.1, Distinct Reactions."""
    divided = distinct_by_year(table, options)
    remove_holdout(divided, options, system=False)
    draw_validation(divided, keep_together(divided.table), options)
    return divided


@SPLITS.register("nms")
def _novel_material_systems(table: ReactionTable, options: SplitOptions) -> Divided:
    """Retro-Rank-In section 4.1, Novel Material Systems."""
    divided = distinct_by_year(table, options)
    systems = divided.table.element_systems
    in_test = is_in(systems, systems[divided.labels == TEST])
    divided.leave_out(in_test & (divided.labels == TRAIN), "element system of a test row")
    remove_holdout(divided, options, system=True)
    draw_validation(divided, keep_together(divided.table, systems=True), options)
    return divided


@SPLITS.register("random")
def _random(table: ReactionTable, options: SplitOptions) -> Divided:
    """Hold out `validation_fraction` of the rows at random, half as validation and half as test rows."""
    divided = undivided(table)
    units = keep_together(table)
    half = options.validation_fraction / 2
    target = round(half * len(table))
    for label in (TEST, VALIDATION):
        draw(divided, units, rows=target, label=label, rng=options.rng)
    remove_holdout(divided, options, system=False)
    return divided


@SPLITS.register("column")
def _column(table: ReactionTable, options: SplitOptions) -> Divided:
    """Follow the column `split`; rows without a value are left out."""
    divided = undivided(table)
    for row, word in enumerate(table.frame["split"].tolist()):
        if word is None:
            divided.labels[row] = NO_SUBSET
        elif str(word).strip().lower() in SUBSET_WORDS:
            divided.labels[row] = SUBSET_WORDS[str(word).strip().lower()]
        else:
            raise DataError(
                f"The split of {table.line(row)} is '{word}', expected train, validation or test."
                f"{suggestion(str(word), SUBSET_WORDS)}"
            )
    missing = divided.labels == NO_SUBSET
    if missing.all() and len(table):
        raise DataError(f"Split 'column' needs a column 'split', and {table.source} has none.")
    divided.removed["no value in column split"] = int(missing.sum())
    remove_holdout(divided, options, system=False)
    return divided


@SPLITS.register("all")
def _all(table: ReactionTable, options: SplitOptions) -> Divided:
    """Use all rows for training, for a final model."""
    divided = undivided(table)
    remove_holdout(divided, options, system=False)
    return divided
