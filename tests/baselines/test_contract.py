"""What every comparison system promises."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from rrgraph.baselines import BASELINES, LinkBaseline
from rrgraph.chem import parse_formula
from rrgraph.data import split_table
from rrgraph.errors import DataError, ModelError
from rrgraph.planning import SetConstraints

from ..separate_device import DEVICE

TARGETS = [parse_formula(f) for f in ("LiCoO2", "SrTiO3", "Na3PS4", "UO2", "H2O")]
CANDIDATES = [
    parse_formula(f) for f in ("Li2CO3", "Co3O4", "TiO2", "PuF3", "Na2S", "P2S5", "UO3", "H2O", "C", "LiTiO2")
]

QUICK: dict[str, dict[str, object]] = {
    "dual_encoder": {"hidden": 32, "width": 16, "epochs": 20, "ranking_epochs": 10, "learning_rate": 5e-3},
    "elemwise_retro": {"width": 8, "epochs": 2},
    "synthesis_similarity": {"width": 8, "epochs": 2},
    "sequential": {"epochs": 5, "hidden": 32, "beam": 8},
    "composition_multilabel": {"width": 32, "epochs": 30, "learning_rate": 2e-2},
    "crabnet_multilabel": {"width": 32, "encoder_layers": 1, "epochs": 25, "learning_rate": 2e-2},
    "mtencoder_multilabel": {"epochs": 6, "learning_rate": 1e-2, "encoder_learning_rate": 1e-3},
    "retrieval_retro": {"width": 32, "encoder_layers": 1, "completion_epochs": 5, "epochs": 25, "learning_rate": 2e-2},
}
"""Options by which a system learns in a second, for those that otherwise take longer."""


def make(name):
    return BASELINES[name](**QUICK.get(name, {}))


def hasty(name, **more):
    """Make a system that learns for two epochs, for what does not depend on how well it learns."""
    options = QUICK.get(name, {})
    return BASELINES[name](**{key: 2 if key.endswith("epochs") else value for key, value in options.items()}, **more)


@pytest.fixture(params=list(BASELINES))
def baseline(request):
    return hasty(request.param)


@pytest.fixture(scope="module")
def fit(small_table):
    """A function that gives the system of a name fitted to the small table, the same one to all tests."""
    return cache(lambda name: make(name).fit(small_table))


@pytest.fixture(params=list(BASELINES))
def fitted(request, fit):
    return fit(request.param)


@pytest.fixture(params=[name for name in BASELINES if issubclass(BASELINES[name], LinkBaseline)])
def fitted_links(request, fit):
    return fit(request.param)


def plans(baseline, targets=TARGETS, candidates=CANDIDATES, **options):
    found = baseline.plan(targets, candidates, **options)
    return [[(ranked.precursors.keys, round(ranked.score, 6)) for ranked in plan] for plan in found]


def test_the_names_are_those_of_the_registry():
    assert all(BASELINES[name].name for name in BASELINES)


def test_plans_keep_to_the_constraints(fitted, small_table):
    targets = [*small_table.targets, *TARGETS]
    pool = [*small_table.precursors().values(), *CANDIDATES]
    for plan in fitted.plan(targets, pool, constraints=SetConstraints(), top_k=5):
        assert len(plan) <= 5
        assert [r.exact_score for r in plan] == sorted((r.exact_score for r in plan), reverse=True)
        for ranked in plan:
            assert plan.target.key not in ranked.precursors.keys
            brought = frozenset().union(*(precursor.elements for precursor in ranked.precursors))
            assert plan.target.elements - {"C", "H", "O", "N"} <= brought
            assert brought <= plan.target.elements | {"C", "H", "O", "N"}


def test_most_training_targets_get_a_plan(fitted, small_table):
    pool = list(small_table.precursors().values())
    found = fitted.plan(list(small_table.targets), pool)
    assert sum(len(plan) > 0 for plan in found) > len(found) / 2


def test_told_sizes_are_kept(fitted, small_table):
    pool = list(small_table.precursors().values())
    sizes = [len(keys) for keys in small_table.set_keys]
    found = fitted.plan(list(small_table.targets), pool, sizes=sizes)
    assert any(len(plan) for plan in found)
    for plan, size in zip(found, sizes, strict=True):
        assert {len(ranked.precursors) for ranked in plan} <= {size}


@pytest.mark.parametrize("name", BASELINES)
def test_plans_are_deterministic_and_the_test_part_is_never_read(name, small_table):
    """Nor is that it exists: rows of a split beside those to learn from may not change anything but the epoch."""
    split = split_table(small_table, "random", validation_fraction=0.3)
    without = type(split)(split.train, split.validation, split.test.select([]), split.report)
    baseline = hasty(name)
    first = plans(baseline.fit(split.train, split))
    assert plans(baseline.fit(split.train, split)) == first
    assert plans(hasty(name).fit(split.train, without)) == first


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if "encoder" in BASELINES.options(name) else [])
        for name in BASELINES
        if "seed" in BASELINES.options(name)
    ],
)
def test_systems_that_learn_do_so_on_any_device_without_waiting_for_it(name, small_table, waits_of_steps):
    split = split_table(small_table, "random", validation_fraction=0.3)
    here, there = (hasty(name, device=device).fit(split.train, split) for device in ("cpu", DEVICE))
    for own, others in zip(plans(here), plans(there), strict=True):
        assert [keys for keys, _ in own] == [keys for keys, _ in others]
        assert [score for _, score in own] == pytest.approx([score for _, score in others], rel=1e-3)
    assert waits_of_steps and not any(waits_of_steps)


def test_plans_do_not_depend_on_the_batch(fitted):
    for target, expected in zip(TARGETS, plans(fitted), strict=True):
        (found,) = plans(fitted, [target])
        assert [keys for keys, _ in found] == [keys for keys, _ in expected]


def test_spelling_does_not_matter(fitted):
    candidates = [parse_formula("CoO"), *CANDIDATES]
    one = plans(fitted, [parse_formula("Li2Co2O4")], [parse_formula("Co2O2"), *CANDIDATES])
    assert one == plans(fitted, [parse_formula("LiCoO2")], candidates)


def test_one_row_is_enough(baseline, make_table):
    baseline.fit(make_table([("BaTiO3", "BaCO3;TiO2")]))
    assert len(plans(baseline)) == len(TARGETS)


@pytest.mark.parametrize("name", BASELINES)
def test_fitting_again_forgets_the_first_table(name, small_table, make_table):
    other = make_table([("BaTiO3", "BaCO3;TiO2"), ("SrTiO3", "SrO;TiO")])
    assert plans(hasty(name).fit(small_table).fit(other)) == plans(hasty(name).fit(other))


def test_without_targets_there_are_no_plans(fitted):
    assert plans(fitted, []) == []


def test_using_it_before_fitting_is_an_error(baseline):
    with pytest.raises(ModelError, match="fitted"):
        plans(baseline)


def test_a_table_without_rows_is_an_error(baseline, small_table):
    with pytest.raises(DataError, match="without rows"):
        baseline.fit(small_table.select([]))


@pytest.mark.parametrize(("targets", "candidates"), [(0, 0), (0, 3), (3, 0), (1, 1), (5, 10)])
def test_logits_are_finite_whatever_the_materials(fitted_links, targets, candidates):
    logits = fitted_links.logits(TARGETS[:targets], CANDIDATES[:candidates])
    assert logits.shape == (targets, candidates)
    assert np.isfinite(logits).all()


def test_logits_do_not_depend_on_the_batch(fitted_links):
    logits = fitted_links.logits(TARGETS, CANDIDATES)
    order, columns = [3, 0, 2], [7, 1, 4, 0]
    some = fitted_links.logits([TARGETS[i] for i in order], [CANDIDATES[j] for j in columns])
    np.testing.assert_allclose(some, logits[np.ix_(order, columns)], rtol=1e-4, atol=1e-5)


def test_recorded_precursors_beat_those_that_bring_nothing(fitted_links):
    names = ("BaCO3", "TiO2", "Y2O3", "Cu")
    logits = fitted_links.logits([parse_formula("BaTiO3")], [parse_formula(name) for name in names])[0]
    assert logits[:2].min() > logits[2:].max()
