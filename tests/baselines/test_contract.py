from __future__ import annotations

import numpy as np
import pytest

from rrgraph.baselines import BASELINES
from rrgraph.chem import parse_formula
from rrgraph.errors import DataError, ModelError

TARGETS = [parse_formula(f) for f in ("LiCoO2", "SrTiO3", "Na3PS4", "UO2", "H2O")]
CANDIDATES = [
    parse_formula(f) for f in ("Li2CO3", "Co3O4", "TiO2", "PuF3", "Na2S", "P2S5", "UO3", "H2O", "C", "LiTiO2")
]


@pytest.fixture(params=list(BASELINES))
def baseline(request):
    return BASELINES[request.param]()


def test_logits_are_finite_for_materials_never_seen(baseline, small_table):
    logits = baseline.fit(small_table).logits(TARGETS, CANDIDATES)
    assert logits.shape == (5, 10)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize(("targets", "candidates"), [(0, 0), (0, 3), (3, 0), (1, 1)])
def test_shapes_without_targets_or_candidates(baseline, small_table, targets, candidates):
    logits = baseline.fit(small_table).logits(TARGETS[:targets], CANDIDATES[:candidates])
    assert logits.shape == (targets, candidates)


def test_results_are_deterministic_and_do_not_depend_on_the_batch(baseline, small_table):
    logits = baseline.fit(small_table).logits(TARGETS, CANDIDATES)
    np.testing.assert_array_equal(logits, type(baseline)().fit(small_table).logits(TARGETS, CANDIDATES))
    order, columns = [3, 0, 2], [7, 1, 4, 0]
    some = baseline.logits([TARGETS[i] for i in order], [CANDIDATES[j] for j in columns])
    np.testing.assert_allclose(some, logits[np.ix_(order, columns)], rtol=1e-9)


def test_spelling_does_not_matter(baseline, small_table):
    baseline.fit(small_table)
    one = baseline.logits([parse_formula("Li2Co2O4")], [parse_formula("Co6O8")])
    np.testing.assert_allclose(one, baseline.logits([parse_formula("LiCoO2")], [parse_formula("Co3O4")]))


def test_one_row_is_enough(baseline, make_table):
    logits = baseline.fit(make_table([("BaTiO3", "BaCO3;TiO2")])).logits(TARGETS, CANDIDATES)
    assert np.isfinite(logits).all()


def test_fitting_again_forgets_the_first_table(baseline, small_table, make_table):
    other = make_table([("BaTiO3", "BaCO3;TiO2"), ("SrTiO3", "SrO;TiO")])
    again = baseline.fit(small_table).fit(other).logits(TARGETS, CANDIDATES)
    np.testing.assert_array_equal(again, type(baseline)().fit(other).logits(TARGETS, CANDIDATES))


def test_recorded_precursors_beat_those_that_bring_nothing(baseline, small_table):
    baseline.fit(small_table)
    logits = baseline.logits([parse_formula("BaTiO3")], [parse_formula(f) for f in ("BaCO3", "TiO2", "Y2O3", "Cu")])[0]
    assert logits[:2].min() > logits[2:].max()


def test_using_it_before_fitting_is_an_error(baseline):
    with pytest.raises(ModelError, match="fitted"):
        baseline.logits(TARGETS, CANDIDATES)


def test_a_table_without_rows_is_an_error(baseline, small_table):
    with pytest.raises(DataError, match="without rows"):
        baseline.fit(small_table.select([]))
