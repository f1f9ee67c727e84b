"""Constraints against the bundled model: what they list, and that they make no set more probable."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from rrgraph.chem import parse_formula
from rrgraph.errors import PlanningError
from rrgraph.models import CANDIDATE_CLASSES, CandidatePrior, Model, constrained_planner, default_mode, load_model
from rrgraph.models.candidate_prior import OFFSET, DiscountedLinks
from rrgraph.planning import (
    LISTWISE,
    CandidateList,
    Planner,
    SetConstraints,
    generated_candidates,
    library_candidates,
    link_planner,
)

TARGET = parse_formula("Li7La3Zr2O12")


@pytest.fixture(scope="module")
def predictor():
    return load_model("default")


def probabilities(planner: Planner, top_k: int = 10) -> dict[frozenset[str], float]:
    return {ranked.precursors.keys: ranked.probability for ranked in planner.plan([TARGET], top_k=top_k)[0]}


def default_planner(predictor, constraints=None):
    candidates = CandidateList.of([*predictor.vocabulary, *library_candidates()], listed=predictor.vocabulary)
    return link_planner(predictor, candidates, constraints, mode=LISTWISE)


def test_without_constraints_it_is_the_planner_of_the_vocabulary_and_the_library(predictor):
    planner = constrained_planner(predictor)
    assert planner.competing is None and planner.reranker is predictor.reranker
    assert default_mode(predictor) == LISTWISE
    assert probabilities(planner) == probabilities(default_planner(predictor))


@pytest.mark.parametrize(
    "given",
    [
        {"excluded": {"Li2CO3"}},
        {"excluded_elements": {"C"}},
        {"required": {"LiOH"}},
        {"stock": {"LiOH", "La2O3", "ZrO2"}},
    ],
)
def test_constraints_make_no_set_much_more_probable(predictor, given):
    free = probabilities(constrained_planner(predictor), top_k=100)
    bounds = SetConstraints(**given)
    bound = probabilities(constrained_planner(predictor, bounds), top_k=3)
    alone = probabilities(default_planner(predictor, bounds), top_k=3)
    first = next(iter(bound))
    assert bound[first] == pytest.approx(free[first], rel=0.1)
    assert alone[first] > 2 * bound[first]


def test_what_is_in_stock_is_a_candidate_even_if_nobody_used_it(predictor):
    unheard = parse_formula("La2Zr2O7")
    assert unheard.key not in {precursor.key for precursor in predictor.vocabulary}
    planner = constrained_planner(predictor, SetConstraints(stock={"Li2O2", unheard.formula}))
    (best,) = planner.plan([TARGET], top_k=1)[0]
    assert best.precursors.keys == {parse_formula("Li2O2").key, unheard.key}


def test_what_is_required_has_to_be_a_candidate_so_that_typing_errors_show(predictor):
    with pytest.raises(PlanningError, match="FXe9"):
        constrained_planner(predictor, SetConstraints(required={"Xe9F"}))


def test_a_known_size_is_shared_by_competing_sets(predictor):
    sizes = SetConstraints(sizes=(3,))
    assert constrained_planner(predictor, sizes, known_size=True).competing is None
    limited = constrained_planner(predictor, sizes)
    assert limited.competing is not None and limited.competing.constraints == SetConstraints()
    without = constrained_planner(predictor, SetConstraints(sizes=(3,), excluded={"LiOH"}), known_size=True)
    assert without.competing is not None and without.competing.constraints == sizes


def test_the_mode_can_be_chosen(predictor):
    planner = constrained_planner(predictor, SetConstraints(excluded={"LiOH"}), mode="geometric", max_candidates=20)
    assert (
        (planner.aggregate, planner.reranker) == ("geometric", None)
        and planner.competing is None
        and planner.max_candidates == 20
    )


def test_unseen_compounds_of_the_own_system_are_discounted(predictor):
    targets = [parse_formula(text) for text in ("BaTiO3", "WC", "KMnF3")]
    candidates = [parse_formula(text) for text in ("BaTi4O9", "BaCO3", "BaTe", "W2C", "W", "KF", "K2MnF6", "MnF2")]
    found = DiscountedLinks(predictor).logits(targets, candidates) - predictor.logits(targets, candidates)
    expected = {(0, 0), (1, 3), (2, 6)}
    assert {(row, column) for row, column in zip(*found.nonzero(), strict=True)} == expected
    assert set(found[found != 0]) == {OFFSET}


def with_prior(predictor, offset):
    """The model as if it had learned what unseen candidates are worth."""
    checkpoint = predictor.checkpoint
    module = copy(checkpoint.model)
    module.config = replace(module.config, candidate_prior="class")
    prior = CandidatePrior(np.full(len(CANDIDATE_CLASSES), offset) * (np.array(CANDIDATE_CLASSES) != "listed"))
    return Model(replace(checkpoint, model=module, prior=prior))


def test_a_prior_of_each_class_takes_the_place_of_the_discount(predictor):
    learned = constrained_planner(with_prior(predictor, -3.0)).scorer
    assert isinstance(learned, Model)
    targets = [parse_formula(text) for text in ("BaTiO3", "WC")]
    candidates = [parse_formula(text) for text in ("BaTi4O9", "BaCO3", "BaTe", "W2C", "C")]
    plain = Model(replace(predictor.checkpoint, prior=None)).logits(targets, candidates)
    found = learned.logits(targets, candidates) - plain
    # BaTe supplies nothing of WC, known precursors get no offset, and the others are not offered by the library.
    assert found == pytest.approx(np.array([[0, 0, -3, 0, 0], [0, 0, 0, 0, 0]], dtype=float), abs=1e-9)
    given = constrained_planner(with_prior(predictor, -3.0), candidates=candidates, mode="product").scorer
    found = given.logits(targets, candidates) - plain
    # That a user names them does not mean that they were ever used.
    assert found == pytest.approx(np.array([[-3, 0, -3, 0, 0], [0, 0, 0, -3, 0]], dtype=float), abs=1e-9)
    made_up = generated_candidates(targets, [parse_formula("BaTe")])
    both = with_prior(predictor, -3.0).among(made_up)
    found = both.logits(targets, candidates) - plain
    assert found == pytest.approx(np.array([[-3, 0, 0, 0, 0], [0, 0, 0, -3, 0]], dtype=float), abs=1e-9)


def test_the_prior_decides_how_many_plans_hold_unseen_precursors(predictor):
    def unseen(model):
        plans = constrained_planner(model).plan([parse_formula(text) for text in ("Bi4Ti3O12", "FeSe")], top_k=10)
        return sum(not model.count(each) for plan in plans for ranked in plan for each in ranked.precursors)

    few, some, many = (unseen(with_prior(predictor, offset)) for offset in (-9.0, 0.0, 4.0))
    assert few < some < many


def test_given_candidates_keep_the_logits_of_the_model(predictor):
    given = [parse_formula(text) for text in ("BaTi4O9", "BaCO3", "TiO2")]
    planner = constrained_planner(predictor, candidates=given, mode="product")
    assert planner.scorer.checkpoint is predictor.checkpoint
    assert planner.competing is None
