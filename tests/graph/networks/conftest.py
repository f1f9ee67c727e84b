from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import strategies as st

from rrgraph.graph.networks import ReactionRecords, reaction_records

PRECURSORS = ("Li2CO3", "LiOH", "BaCO3", "TiO2", "Co3O4", "MnO2", "SrCO3")
TARGETS = ("LiCoO2", "BaTiO3", "LiMn2O4", "Li2TiO3", "BaMnO3", "SrTiO3", "SrMnO3", "Ba2TiO4")

Rows = list[tuple[str, set[str]]]


@pytest.fixture(scope="session")
def recorded_rows() -> st.SearchStrategy[Rows]:
    """A target and a set in each row; rows may repeat. Drawn from with `st.data()`."""
    sets = st.sets(st.sampled_from(PRECURSORS), min_size=1, max_size=4)
    return st.lists(st.tuples(st.sampled_from(TARGETS), sets), min_size=2, max_size=14)


@pytest.fixture(scope="session")
def make_records(make_table) -> Callable[..., ReactionRecords]:
    """Return a function that makes records of (target, set) rows; columns of the table by name."""

    def make(
        rows: Sequence[tuple[str, Sequence[str]]], *, unit: str = "reactions", min_reactions: int = 1, **columns: object
    ) -> ReactionRecords:
        table = make_table([(target, ";".join(sorted(each))) for target, each in rows], **columns)
        return reaction_records(table, unit=unit, min_reactions=min_reactions)

    return make
