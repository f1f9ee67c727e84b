from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.chem import parse_formula
from rrgraph.data import PrecursorSet, Reaction
from rrgraph.errors import DataError

FORMULAS = ["Li2CO3", "Co3O4", "Fe2O3", "Fe4O6", "TiO2", "O2Ti", "NH4H2PO4"]


def make(*formulas: str) -> PrecursorSet:
    return PrecursorSet(map(parse_formula, formulas))


@given(st.lists(st.sampled_from(FORMULAS), min_size=1), st.lists(st.sampled_from(FORMULAS), min_size=1))
def test_equality_and_hash_go_by_canonical_keys(first, second):
    a, b = make(*first), make(*second)
    same = {parse_formula(f).key for f in first} == {parse_formula(f).key for f in second}
    assert (a == b) is same
    assert not same or hash(a) == hash(b)
    assert len(a) == len({parse_formula(f).key for f in first}) == len(list(a))


def test_order_and_first_spelling_are_kept():
    precursors = make("Fe4O6", "Li2CO3", "Fe2O3")
    assert str(precursors) == "Fe4O6 + Li2CO3"
    assert precursors.keys == {"Fe2O3", "CLi2O3"}
    assert precursors.elements == {"Fe", "O", "Li", "C"}
    assert parse_formula("Fe2O3") in precursors
    assert parse_formula("FeO") not in precursors
    assert "Fe2O3" not in precursors


def test_a_set_cannot_be_changed_or_empty():
    with pytest.raises(DataError, match="at least one"):
        PrecursorSet([])
    with pytest.raises(FrozenInstanceError):
        make("TiO2").keys = frozenset()


def test_a_set_survives_pickle_and_copy():
    precursors = make("TiO2", "BaCO3")
    assert pickle.loads(pickle.dumps(precursors)) == precursors == copy.deepcopy(precursors)
    assert str(pickle.loads(pickle.dumps(precursors))) == "TiO2 + BaCO3"


def test_metadata_is_not_part_of_a_reaction():
    target, precursors = parse_formula("LiCoO2"), make("Li2CO3", "Co3O4")
    first = Reaction(target, precursors, year=2001, doi="10.1000/a")
    second = Reaction(parse_formula("Li2Co2O4"), make("Co3O4", "Li2CO3"), split="test")
    assert first == second
    assert len({first, second}) == 1
    assert first != Reaction(target, make("LiOH", "Co3O4"))
    assert str(first) == "Li2CO3 + Co3O4 → LiCoO2"
