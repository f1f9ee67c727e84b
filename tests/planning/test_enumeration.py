from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import parse_formula
from rrgraph.planning import CandidateFilter, SetConstraints, SetProblem, enumerate_sets, search_sets, set_problem

links = st.lists(st.tuples(st.floats(0.01, 0.99), st.integers(1, 7)), min_size=1, max_size=9)


@settings(max_examples=60, deadline=None)
@given(links, st.integers(1, 4), st.integers(0, 7))
def test_the_search_finds_what_enumeration_finds(candidates, size, need):
    problem = SetProblem(
        indices=tuple(range(len(candidates))),
        probabilities=tuple(p for p, _ in candidates),
        masks=tuple(mask for _, mask in candidates),
        need=need,
        size=size,
    )
    assert search_sets(problem, top_k=5) == pytest.approx(enumerate_sets(problem, top_k=5), abs=1e-9)


def test_a_problem_holds_the_most_probable_candidates_in_order():
    candidates = [parse_formula(text) for text in ("BaO", "TiO2", "BaCO3", "Ti", "O2")]
    pool = CandidateFilter(candidates, SetConstraints(cover="strict", foreign=True))
    chances = np.array([0.5, 0.25, 0.75, 0.125, 0.0625])
    problem = set_problem(pool, parse_formula("BaTiO3"), 2, chances, most=3)
    assert [candidates[index].formula for index in problem.indices] == ["BaO", "TiO2", "BaCO3"]
    assert problem.probabilities == (0.5, 0.25, 0.75)
    assert problem.sets == 3
    # BaO with BaCO3 brings no titanium.
    expected = [log(0.75 * 0.25), log(0.5 * 0.25)]
    assert enumerate_sets(problem) == pytest.approx(expected)
    assert search_sets(problem) == pytest.approx(expected, abs=1e-9)
    assert len(set_problem(pool, parse_formula("BaTiO3"), 2, chances).masks) == 5
