import numpy as np
import pytest
import torch

from rrgraph.errors import ConfigError
from rrgraph.organic import (
    ReactantPlanner,
    SearchConfig,
    TemplateApplier,
    TemplatePopularity,
    Transformation,
    matching_mask,
)

from ..conftest import ALCOHOL, AMIDE, ESTER, ETHER

COUNTS = {AMIDE: 6, ESTER: 3, ETHER: 2, ALCOHOL: 1}


def planner(*, reactants=None, **search):
    return ReactantPlanner(
        TemplatePopularity(COUNTS), TemplateApplier(), SearchConfig(**search), reactants=reactants or {}
    )


def transformation(template, rank, probability, *outcomes):
    return Transformation(template=template, rank=rank, probability=probability, outcomes=outcomes)


def test_templates_are_applied_in_order_of_probability():
    (applied,) = planner().transformations(["CCOC(C)=O"])
    assert [(found.template, found.rank) for found in applied] == list(zip(COUNTS, (1, 2, 3, 4), strict=True))
    assert [found.probability for found in applied] == pytest.approx([6 / 12, 3 / 12, 2 / 12, 1 / 12])
    assert [bool(found.outcomes) for found in applied] == [False, True, False, False]


def test_only_the_first_templates_are_applied():
    (applied,) = planner(templates=1).transformations(["CCOC(C)=O"])
    assert [found.template for found in applied] == [AMIDE]


def test_applicable_templates_share_the_probability():
    (applied,) = planner(templates=2, applicable=True).transformations(["CCOC(C)=O"])
    assert [(found.template, found.probability) for found in applied] == [(ESTER, pytest.approx(1.0))]


def test_a_product_without_templates_gets_no_sets():
    assert list(planner(applicable=True).plan(["C"], top_k=5)) == [[]]


def test_merging_keeps_the_best_score_or_adds_up():
    applied = [
        transformation("a", 1, 0.5, "C.N", "CN.O"),
        transformation("b", 2, 0.3, "CC.N", "CN.O"),
        transformation("c", 3, 0.1, "CC.N"),
    ]
    best = planner().merge("CO", applied)
    assert {found.reactants: found.score for found in best} == {"C.N": 0.5, "CN.O": 0.5, "CC.N": 0.3}
    assert [found.reactants for found in best[:2]] == ["C.N", "CN.O"]  # a tie: by text
    summed = planner(merge="sum").merge("CO", applied)
    assert [(found.reactants, found.score) for found in summed] == [
        ("CN.O", pytest.approx(0.8)),
        ("C.N", pytest.approx(0.5)),
        ("CC.N", pytest.approx(0.4)),
    ]
    assert [found.template for found in summed[0].templates] == ["a", "b"]


def test_known_reactants_come_first_among_equals():
    applied = [transformation("a", 1, 0.5, "C.N", "CN.O", "CC.N")]
    found = planner(reactants={"CC": 3, "N": 1, "O": 9}).merge("CO", applied)
    assert [suggestion.reactants for suggestion in found] == ["CC.N", "CN.O", "C.N"]


def test_the_product_itself_is_no_suggestion():
    assert planner().merge("CO", [transformation("a", 1, 0.5, "CO")]) == []


def test_products_that_repeat_get_their_own_answers():
    products = ["CCOC(C)=O", "CNC(C)=O", "CCOC(C)=O"]
    plans = list(planner().plan(products, top_k=3))
    assert [plan[0].reactants for plan in plans] == ["CC(=O)O.CCO", "CC(=O)O.CN", "CC(=O)O.CCO"]


def test_an_unknown_way_to_merge_is_refused():
    with pytest.raises(ConfigError, match=r"search\.merge is 'bset', expected one of best, sum\. Did you mean 'best'"):
        planner(merge="bset")


def test_popularity_is_the_share_of_training_rows():
    scorer = TemplatePopularity(COUNTS)
    products = ["CCOC(C)=O", "CNC(C)=O"]
    logs, places = scorer.nearest(products, 10)
    assert places.tolist() == [[0, 1, 2, 3]] * 2
    assert np.exp(logs[0].tolist()) == pytest.approx([6 / 12, 3 / 12, 2 / 12, 1 / 12])
    allowed = matching_mask(products, scorer.templates)
    logs, places = scorer.nearest(products, 1, allowed=allowed)
    assert places.tolist() == [[1], [0]]
    assert torch.equal(logs, torch.zeros(2, 1))
