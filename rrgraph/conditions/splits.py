"""Training, validation and test rows of conditions."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.conditions.tables import ConditionRows, condition_rows, labelled_rows, load_conditions, measured_rows
from rrgraph.data import ReactionTable, load_table, split_table
from rrgraph.errors import DataError

__all__ = ["ALL", "SPLITS", "ConditionSplit", "split_conditions"]

ALL: Final = "all"
"""The split of a final model."""
_OWN: Final = ("nms", "cra", "random", ALL)
_SYNTMTE: Final = ("syntmte_year", "syntmte_random")
_CURATED: Final = ("curated", "curated_half")
SPLITS: Final = (*_OWN, *_SYNTMTE, *_CURATED)
"""How rows can be divided, see `ConditionsDataConfig`."""

_LEAST_HELD: Final = 100
"""Fewer rows than these tell too little of how wide intervals have to be."""
_LAST_YEAR: Final = 2014
"""Of training rows of the splits by year."""
_VALIDATION_YEARS: Final = 2
"""Number of the years after it whose rows are validation rows."""
_FOLDER: Final = "RRGRAPH_DATA"
_CURATED_TABLE: Final = "reactions/curated_oxides.csv"


@dataclass(frozen=True, kw_only=True)
class ConditionSplit:
    """Rows by subset, and what is known of them.

    Attributes:
        train, validation, test: the rows.
        later: rows to learn from once validation rows have set the width of intervals: these rows, and in the split by
            year the recipes of their years; none unless they are wanted, as in a final model.
        report: numbers of rows, and of values left out by reason.
    """

    train: ConditionRows
    validation: ConditionRows
    test: ConditionRows
    later: ConditionRows
    report: Mapping[str, Any]

    def __getitem__(self, subset: str) -> ConditionRows:
        found: ConditionRows = getattr(self, subset)
        return found

    def __str__(self) -> str:
        """Return one line for people."""
        counts = ", ".join(f"{len(self[name]):,} {name}" for name in ("train", "validation", "test"))
        return f"{counts} rows of conditions; {sum(self.report['dropped'].values()):,} values or recipes left out"


def split_conditions(
    table: str,
    split: str,
    *,
    seed: int = 0,
    recipes: bool = True,
    own_weight: float = 3.0,
    further_tables: Sequence[str] = (),
    holdout: str = "",
    holdout_systems: bool = False,
    learn_validation: bool = False,
) -> ConditionSplit:
    """Return the rows of a split; arguments are those of `ConditionsDataConfig`.

    Raises:
        DataError: a table cannot be read or is not on this computer.
    """
    reactions, dropped = load_conditions(table)
    removed = load_table(holdout) if holdout else None

    def kept(rows: ReactionTable) -> NDArray[np.bool_]:
        """Return which rows (n,) share nothing with those that are held out."""
        if removed is None:
            return np.ones(len(rows), dtype=np.bool_)
        name = "element_systems" if holdout_systems else "target_keys"
        free: NDArray[np.bool_] = ~np.isin(getattr(rows, name), getattr(removed, name))
        dropped["recipe: held out"] += int((~free).sum())
        return free

    reactions = reactions.select(kept(reactions))
    if not len(reactions):
        raise DataError(f"No row of {reactions.source} is left: '{holdout}' holds them all out.")
    if split in _OWN:
        parts = _own(reactions, split, seed, dropped)
    elif split in _CURATED:
        parts = _curated(reactions, dropped, half=split == _CURATED[1], seed=seed)
    else:
        files = {name: _file(f"conditions/{split}_{short}.csv.gz") for name, short in _SHORT.items()}
        found = {name: labelled_rows(path, dropped) for name, path in files.items()}
        found |= {name: found[name].select(kept(found[name].table)) for name in ("train", "validation")}
        parts = _with_recipes(reactions, found, split, own_weight, dropped) if recipes else found
    further = [measured_rows(name, dropped) for name in further_tables]
    if split == _CURATED[1]:
        further.append(labelled_rows(_file(_CURATED_TABLE), dropped))
    parts = _with_further(parts, [rows.select(kept(rows.table)) for rows in further], own_weight, dropped)
    if split == ALL:
        held = _tenth_of_systems(parts["train"].table)
        if held.sum() >= _LEAST_HELD:
            parts |= {"train": parts["train"].select(~held), "validation": parts["train"].select(held)}
    counts = {name: len(rows) for name, rows in parts.items()}
    validation, later = parts["validation"], parts.pop("later", None)
    later = validation if later is None else ConditionRows.concat([validation, later])
    return ConditionSplit(
        **parts,
        later=later if learn_validation or split == ALL else validation.none(),
        report={"rows": counts, "dropped": dict(+dropped)},
    )


_SHORT: Final = {"train": "train", "validation": "val", "test": "test"}


def _own(reactions: ReactionTable, split: str, seed: int, dropped: Counter[str]) -> dict[str, ConditionRows]:
    """Divide recipes as reactions are divided, each recipe with its own conditions.

    The splits of reactions keep one row of each reaction, so that they say which reactions, not which recipes, are in a
    subset.
    """
    dated = reactions if split in ("random", ALL) else reactions.select(np.isfinite(reactions.years))
    if not len(dated):
        raise DataError(f"No row of {reactions.source} has a year, which data.split={split} needs; random needs none.")
    dropped["recipe: without a year"] += len(reactions) - len(dated)
    found = split_table(dated, split, seed=seed)
    subsets = {"train": found.train, "validation": found.validation, "test": found.test}
    taken: dict[tuple[str, frozenset[str]], str] = {}
    for name, rows in subsets.items():
        taken |= dict.fromkeys(zip(rows.target_keys.tolist(), rows.set_keys, strict=True), name)
    named = np.array(
        [taken.get(key, "") for key in zip(dated.target_keys.tolist(), dated.set_keys, strict=True)], dtype=object
    )
    # A paper has its rows in one subset, that of the latest.
    dois = dated.frame["doi"].tolist()
    order = ("train", "validation", "test")
    latest: dict[Any, str] = {}
    for doi, name in zip(dois, named.tolist(), strict=True):
        if doi is not None and name and order.index(name) >= order.index(latest.get(doi, "train")):
            latest[doi] = name
    kept = np.array([latest.get(doi, name) == name for doi, name in zip(dois, named, strict=True)])
    dropped["recipe: its reaction is in no subset"] += int((named == "").sum())
    dropped["recipe: its paper is in a later subset"] += int((~kept & (named != "")).sum())
    return {name: condition_rows(dated.select(kept & (named == name)), dropped) for name in order}


def _with_recipes(
    reactions: ReactionTable,
    labelled: Mapping[str, ConditionRows],
    split: str,
    own_weight: float,
    dropped: Counter[str],
) -> dict[str, ConditionRows]:
    """Add recipes to the training rows of SyntMTE, none of the papers of validation and test rows.

    Those of the random split are of other reactions; in the split by year those of its validation years come later.
    Intervals are not made on these, since labels of SyntMTE are off by more.
    """
    for rows in labelled.values():
        rows.weight *= own_weight
    measured = ReactionTable.concat([labelled["validation"].table, labelled["test"].table])
    papers = set(measured.frame["doi"].str.lower())
    free = np.array([doi not in papers for doi in reactions.frame["doi"]])
    if split == _SYNTMTE[0]:
        recipes = {
            "train": free & (reactions.years <= _LAST_YEAR),
            "later": free & (reactions.years > _LAST_YEAR) & (reactions.years <= _LAST_YEAR + _VALIDATION_YEARS),
        }
    else:
        known = set(zip(measured.target_keys.tolist(), measured.set_keys, strict=True))
        pairs = zip(reactions.target_keys.tolist(), reactions.set_keys, strict=True)
        recipes = {"train": free & np.array([pair not in known for pair in pairs])}
    dropped["recipe: its paper is measured"] += int((~free).sum())
    unused = free & ~np.any(list(recipes.values()), axis=0)
    dropped["recipe: later than the split, or its reaction is measured"] += int(unused.sum())
    added = {name: condition_rows(reactions.select(rows), dropped) for name, rows in recipes.items()}
    return {**labelled, **added, "train": ConditionRows.concat([labelled["train"], added["train"]])}


def _curated(reactions: ReactionTable, dropped: Counter[str], *, half: bool, seed: int) -> dict[str, ConditionRows]:
    """Learn from recipes of other targets, calibrate on a tenth of their systems, measure on the curated oxides.

    With `half` only those of half of their element systems are measured.
    """
    test = labelled_rows(_file(_CURATED_TABLE), dropped)
    if half:
        drawn = np.random.default_rng(seed).permutation(np.unique(test.table.element_systems))
        test = test.select(np.isin(test.table.element_systems, drawn[: len(drawn) // 2]))
    others = reactions.select(~np.isin(reactions.target_keys, test.table.target_keys))
    dropped["recipe: its target is measured"] += len(reactions) - len(others)
    validation = _tenth_of_systems(others)
    return {
        "train": condition_rows(others.select(~validation), dropped),
        "validation": condition_rows(others.select(validation), dropped),
        "test": test,
    }


def _tenth_of_systems(table: ReactionTable) -> NDArray[np.bool_]:
    """Return which rows (n,) are of a tenth of the element systems, drawn at random."""
    systems = table.element_systems
    drawn = np.random.default_rng(0).permutation(np.unique(systems))
    found: NDArray[np.bool_] = np.isin(systems, drawn[: len(drawn) // 10])
    return found


def _with_further(
    parts: Mapping[str, ConditionRows], further: Sequence[ConditionRows], weight: float, dropped: Counter[str]
) -> dict[str, ConditionRows]:
    """Add the rows of further tables to the training rows, but those of element systems that are measured."""
    measured = np.concatenate([parts[name].table.element_systems for name in ("validation", "test")])
    added = [rows.select(~np.isin(rows.table.element_systems, measured)) for rows in further]
    for rows in added:
        rows.weight *= weight
    dropped["row of a further table: element system is measured"] += sum(map(len, further)) - sum(map(len, added))
    return dict(parts) | {"train": ConditionRows.concat([parts["train"], *added])}


def _file(name: str) -> Path:
    """Return the path of a file that has no public address of its own."""
    path = Path(os.environ.get(_FOLDER, ""), name)
    if not os.environ.get(_FOLDER) or not path.is_file():
        raise DataError(f"'{name}' is not on this computer: expected it in the folder that {_FOLDER} names.")
    return path
