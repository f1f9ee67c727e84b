"""Distinct reactions of a table: rows with the same target and precursor set are merged, whatever their papers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pandas as pd

from rrgraph.chem import ELEMENTS, Composition, fraction_matrix
from rrgraph.data.heating import CONDITIONS
from rrgraph.data.joined_formulas import SEPARATOR
from rrgraph.data.reaction import PrecursorSet
from rrgraph.data.table import ReactionTable

__all__ = ["GROUPED", "group_reactions"]

#: Columns that describe a reaction; the frame also has the column `key` and one for each element.
GROUPED: Final = (
    *("set", "target", "precursors", "reports", "year", "doi", "first_year", "first_doi"),
    *("temperature_c", "temperature_low_c", "temperature_high_c", "time_h", "atmosphere"),
)

_PAIR = ["key", "set"]


def group_reactions(table: ReactionTable, *, spell: Callable[[Composition], Composition] | None = None) -> pd.DataFrame:
    """Return the distinct reactions of a table, grouped by target, the most reported ones first.

    Columns: `key` of the target, `set` (canonical keys of the precursors), target and precursors in their first
    spelling, `reports` (papers; each row without a doi counts as one), year and doi of the newest paper, `first_year`
    and `first_doi` of the oldest, conditions (medians over papers, range of temperatures, most frequent atmosphere),
    and the atomic fraction of every element under its symbol.

    Args:
        table: reactions.
        spell: returns another spelling of a precursor, such as `preferred_spelling`.
    """
    papers = _papers(table)
    groups = papers.groupby(_PAIR, sort=True)
    oldest = groups.head(1).set_index(_PAIR)
    newest = groups.tail(1).set_index(_PAIR)
    found = groups.agg(
        reports=("paper", "size"),
        row=("row", "min"),
        temperature_c=("temperature_c", "median"),
        temperature_low_c=("temperature_c", "min"),
        temperature_high_c=("temperature_c", "max"),
        time_h=("time_h", "median"),
    ).assign(
        year=newest["year"],
        doi=newest["doi"],
        first_year=oldest["year"],
        first_doi=oldest["doi"],
        atmosphere=_most_frequent(papers),
    )
    found = found.reset_index().sort_values(
        ["key", "reports", "year", "row"], ascending=[True, False, False, True], kind="stable", ignore_index=True
    )
    rows = found["row"].to_numpy()
    found["target"] = table.frame["target"].to_numpy()[rows]
    found["precursors"] = _spelled([table.precursor_sets[row] for row in rows.tolist()], spell)
    fractions = pd.DataFrame(fraction_matrix([table.targets[row] for row in rows.tolist()]), columns=list(ELEMENTS))
    return pd.concat([found[["key", *GROUPED]], fractions], axis=1)


def _papers(table: ReactionTable) -> pd.DataFrame:
    """Return a row for each reaction and paper, oldest first; of the rows of a paper, one with a temperature."""
    frame = table.frame
    rows = np.arange(len(frame))
    found = pd.DataFrame(
        {
            "key": table.target_keys,
            "set": [";".join(sorted(keys)) for keys in table.set_keys],
            "row": rows,
            "year": table.years,
            "doi": frame["doi"],
            "paper": frame["doi"].where(frame["doi"].notna(), pd.Series([f"row {row}" for row in rows], dtype=object)),
        }
    )
    for name in CONDITIONS[:-1]:
        numbers = frame[name] if name in frame else pd.Series(np.nan, index=frame.index)
        found[name] = pd.to_numeric(numbers, errors="coerce").astype("float64")
    found["atmosphere"] = frame.get("atmosphere")
    found["dated"] = found["temperature_c"].notna()
    found = found.sort_values([*_PAIR, "year", "dated"], na_position="first", kind="stable")
    return found.drop_duplicates([*_PAIR, "paper"], keep="last")


def _most_frequent(papers: pd.DataFrame) -> pd.Series:
    counted = papers.groupby([*_PAIR, "atmosphere"], sort=True).size().reset_index(name="count")
    best = counted.sort_values("count", ascending=False, kind="stable").drop_duplicates(_PAIR)
    return best.set_index(_PAIR)["atmosphere"]


def _spelled(sets: Sequence[PrecursorSet], spell: Callable[[Composition], Composition] | None) -> list[str]:
    members = {member.formula: member for precursors in sets for member in precursors}
    formulas = {text: member.formula if spell is None else spell(member).formula for text, member in members.items()}
    return [SEPARATOR.join(formulas[member.formula] for member in precursors) for precursors in sets]
