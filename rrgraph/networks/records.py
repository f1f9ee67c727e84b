"""A reaction table as a sparse matrix of reactions and precursors, the basis of all networks and null models.

Different spellings of a precursor share one column, and repeated rows count as one reaction.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from rrgraph.chem import Composition, source_elements
from rrgraph.data import ReactionTable, clean_table, load_table, preferred_spelling
from rrgraph.errors import DataError, check_choice
from rrgraph.graph import anion_class, element_presence
from rrgraph.util.text import escaped

__all__ = ["UNITS", "ReactionRecords", "entries_at", "reaction_records"]

UNITS: Final = ("reactions", "publications")
"""What counts as one record: a distinct pair of target and set, or a distinct pair of publication and set."""


@dataclass(frozen=True, eq=False)
class ReactionRecords:
    """n records (reactions, or sets of publications), m precursors.

    Attributes:
        precursors: the most used first, then by formula; in their preferred spelling.
        targets: of each record.
        incidence: (n, m) int64, 1 where a record uses a precursor.
        report_record, report_year: (reports,) row and year of every report; a record has one report for each year in
            which it was published, and none if its year is unknown.
        table: name of the reaction table.
        unit: one of `UNITS`.
    """

    precursors: tuple[Composition, ...]
    targets: tuple[Composition, ...]
    incidence: csr_array
    report_record: NDArray[np.int64]
    report_year: NDArray[np.int64]
    table: str
    unit: str

    def __len__(self) -> int:
        return len(self.targets)

    @cached_property
    def uses(self) -> NDArray[np.int64]:
        """Number of records that use each precursor, (m,)."""
        return np.asarray(self.incidence.sum(axis=0), dtype=np.int64).ravel()

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Number of precursors of each record, (n,)."""
        sizes: NDArray[np.integer] = np.diff(self.incidence.indptr)
        return sizes.astype(np.int64)

    @cached_property
    def names(self) -> list[str]:
        """Formula of each precursor, the key of its node."""
        return [precursor.formula for precursor in self.precursors]

    @cached_property
    def by_precursor(self) -> csr_array:
        """The transposed incidence, (m, n): the records of each precursor."""
        return csr_array(self.incidence.T)

    @cached_property
    def target_sources(self) -> NDArray[np.bool_]:
        """Source elements of each record's target, (n, elements)."""
        return element_presence([source_elements(target) for target in self.targets])

    @cached_property
    def precursor_sources(self) -> NDArray[np.bool_]:
        """Source elements of each precursor, (m, elements)."""
        return element_presence([source_elements(precursor) for precursor in self.precursors])

    @cached_property
    def anion_classes(self) -> NDArray[np.object_]:
        """Anion class of each record's target."""
        return np.array([anion_class(target.elements) for target in self.targets], dtype=object)

    def years_of_use(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the first and the last year in which each precursor is reported, (m,) each, NaN where unknown."""
        first = np.full(len(self.precursors), np.inf)
        last = np.full(len(self.precursors), -np.inf)
        rows = self.incidence[self.report_record].tocoo()
        np.minimum.at(first, rows.coords[1], self.report_year[rows.coords[0]])
        np.maximum.at(last, rows.coords[1], self.report_year[rows.coords[0]])
        return np.where(np.isfinite(first), first, np.nan), np.where(np.isfinite(last), last, np.nan)

    def select(self, rows: NDArray[np.bool_], *, reports: NDArray[np.bool_] | None = None) -> ReactionRecords:
        """Return the records of a boolean mask and the precursors that they use, with their reports or some of them."""
        new_row = np.cumsum(rows) - 1
        kept = rows[self.report_record] if reports is None else rows[self.report_record] & reports
        incidence = self.incidence[np.flatnonzero(rows)]
        uses = np.asarray(incidence.sum(axis=0)).ravel()
        order = sorted(np.flatnonzero(uses).tolist(), key=lambda i: (-uses[i], self.names[i]))
        return ReactionRecords(
            tuple(self.precursors[i] for i in order),
            tuple(target for target, keep in zip(self.targets, rows.tolist(), strict=True) if keep),
            _columns(incidence, order),
            new_row[self.report_record[kept]],
            self.report_year[kept],
            self.table,
            self.unit,
        )


def reaction_records(
    table: ReactionTable | str | os.PathLike[str],
    *,
    clean: bool = False,
    name: str | None = None,
    unit: str = "reactions",
    min_reactions: int = 1,
    spell: Callable[[Composition], Composition] = preferred_spelling,
) -> ReactionRecords:
    """Return the records of a reaction table.

    Args:
        table: reactions, or the name or path of a reaction table. Precursors are distinguished by composition, so
            hydrates and anhydrous salts are different precursors unless the table is cleaned.
        clean: clean the table first (`rrgraph.data.clean_table`), as ``rrgraph cooccur`` does.
        name: of the table, for graphs and titles.
        unit: ``reactions`` counts a target made from a set once, in however many papers, as all tables of the package
            do; ``publications`` counts the set of a paper once, for however many targets, so that a dopant series
            weighs no more than a single composition. Rows without a DOI each count as a paper.
        min_reactions: leave out precursors with fewer records; the records keep their other precursors.
        spell: returns the spelling in which a precursor is shown.

    Raises:
        ConfigError: the unit is unknown.
        DataError: the table cannot be read, or no row is left.
    """
    check_choice("count", unit, UNITS)
    if not isinstance(table, ReactionTable):
        name, table = name or os.fspath(table), load_table(table)
    if clean:
        table, _ = clean_table(table)
    if not len(table):
        raise DataError(f"There are no reactions to count in {table.source}.")
    first: dict[tuple[str, frozenset[str]], int] = {}
    record = np.array([first.setdefault(key, len(first)) for key in _keys(table, unit)], dtype=np.int64)
    row_of = np.zeros(len(first), dtype=np.int64)
    row_of[record[::-1]] = np.arange(len(table))[::-1]
    shown = table.precursors()
    known = list(shown)
    column = {key: index for index, key in enumerate(known)}
    members = [sorted(column[key] for key in table.set_keys[row]) for row in row_of.tolist()]
    incidence = _incidence(members, len(known))
    formulas = [spell(shown[key]) for key in known]
    uses = np.asarray(incidence.sum(axis=0)).ravel()
    order = sorted(np.flatnonzero(uses >= min_reactions).tolist(), key=lambda i: (-uses[i], formulas[i].formula))
    if not order:
        raise DataError(f"No precursor in {table.source} is used by {min_reactions} reactions.")
    years = table.years
    dated = np.flatnonzero(np.isfinite(years))
    reports = np.unique(np.stack([record[dated], years[dated].astype(np.int64)]), axis=1)
    return ReactionRecords(
        tuple(formulas[i] for i in order),
        tuple(table.targets[row] for row in row_of.tolist()),
        _columns(incidence, order),
        reports[0],
        reports[1],
        escaped(name or table.source),  # no graph file can hold bytes that are no text
        unit,
    )


def entries_at(matrix: csr_array, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return single entries of a sparse matrix, (n,), also for n = 0, for which scipy returns no array."""
    return np.asarray(matrix[rows, columns]).ravel() if len(rows) else np.zeros(0, dtype=np.int64)


def _keys(table: ReactionTable, unit: str) -> Iterable[tuple[str, frozenset[str]]]:
    if unit == "reactions":
        return zip(table.target_keys.tolist(), table.set_keys, strict=True)
    papers = [f"row {row}" if pd.isna(doi) else doi for row, doi in enumerate(table.frame["doi"].tolist())]
    return zip(papers, table.set_keys, strict=True)


def _incidence(members: list[list[int]], columns: int) -> csr_array:
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in members])])
    indices = np.array([column for each in members for column in each], dtype=np.int64)
    return csr_array((np.ones(len(indices), dtype=np.int64), indices, offsets), shape=(len(members), columns))


def _columns(incidence: csr_array, order: list[int]) -> csr_array:
    chosen = csr_array(incidence[:, order])
    chosen.sort_indices()
    return chosen
