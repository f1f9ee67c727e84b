import numpy as np
import pytest
import torch

from rrgraph.nn import TreeEnsemble
from rrgraph.organic import (
    SET_FEATURES,
    Precedents,
    ReactantPlanner,
    ReactantReranker,
    ReactantRerankerConfig,
    SearchConfig,
    SetDescriber,
    TemplateApplier,
    TemplatePopularity,
    TemplateReactions,
    fit_reranker,
)
from rrgraph.organic.reranking import reranker as ranker_module
from rrgraph.organic.reranking.reranker import _fold
from rrgraph.training import TreesConfig

TREES = TreesConfig(n_trees=20, depth=3, max_leaves=6, min_samples_leaf=2, learning_rate=0.2)


@pytest.fixture(scope="module")
def describe(split):
    train = split["train"]
    templates = list(dict.fromkeys(train.templates))
    reactants = {}
    for each in train.reactants:
        for molecule in each.split("."):
            reactants[molecule] = reactants.get(molecule, 0) + 1
    return SetDescriber(Precedents.of(train, templates), templates, reactants)


@pytest.fixture(scope="module")
def by_templates(split):
    counts = split["train"].template_counts()
    return ReactantPlanner(TemplatePopularity(counts), TemplateApplier(), SearchConfig(applicable=True), reactants={})


@pytest.fixture(scope="module")
def reranker(describe, by_templates, split):
    return fit_reranker(
        describe, by_templates, split["validation"], ReactantRerankerConfig(folds=3, trees=TREES), seed=0
    )


def sets_of(planner, product):
    (applied,) = planner.transformations([product])
    return planner.merge(product, applied)


def test_numbers_of_sets(describe, by_templates, split):
    product = next(text for text in split["test"].products if len(sets_of(by_templates, text)) > 1)
    found = sets_of(by_templates, product)
    table = dict(zip(SET_FEATURES, describe(product, found).T, strict=True))
    assert table["place"].tolist() == list(range(len(found)))
    assert table["sets"].tolist() == [len(found)] * len(found)
    assert table["log_best"] == pytest.approx(np.log([each.templates[0].probability for each in found]), abs=1e-6)
    assert table["templates"].tolist() == [len(each.templates) for each in found]
    assert table["reactants"].tolist() == [each.reactants.count(".") + 1 for each in found]
    assert table["log_sum_below_best"].max() == 0
    assert sorted(table["nearest_reaction_rank"]) == list(range(len(found)))
    assert describe(product, []).shape == (0, len(SET_FEATURES))


def test_what_a_set_counts_does_not_depend_on_the_others(describe, by_templates, split):
    product = next(text for text in split["test"].products if len(sets_of(by_templates, text)) > 1)
    found = sets_of(by_templates, product)
    own = [
        name for name in SET_FEATURES if not name.endswith(("_below_best", "_rank")) and name not in ("place", "sets")
    ]
    columns = [SET_FEATURES.index(name) for name in own]
    assert np.array_equal(describe(product, found)[-1:, columns], describe(product, found[-1:])[:, columns])


def test_the_ranker_mends_a_bad_order(describe, by_templates, split):
    rare_first = TemplatePopularity({text: 1 / count for text, count in split["train"].template_counts().items()})
    bad = ReactantPlanner(rare_first, by_templates.applier, by_templates.config, reactants={})
    reranker = fit_reranker(describe, bad, split["validation"], ReactantRerankerConfig(folds=3, trees=TREES), seed=0)
    good = ReactantPlanner(rare_first, by_templates.applier, by_templates.config, reactants={}, reranker=reranker)
    test = split["test"]
    before, after = (list(planner.plan(test.products, top_k=50)) for planner in (bad, good))
    right = [
        np.mean([plan[0].reactants == reactants for plan, reactants in zip(plans, test.reactants, strict=True)])
        for plans in (before, after)
    ]
    assert right[1] > right[0]
    for first, second in zip(before, after, strict=True):
        assert {each.reactants for each in first} == {each.reactants for each in second}
        scores = [each.score for each in second]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score < 1 for score in scores)


def test_products_it_learned_from_are_judged_by_the_forest_without_them(describe, by_templates, split):
    seen, fresh = split["validation"].products[0], split["test"].products[0]
    forests = [TreeEnsemble.of([], float, base=value) for value in (1.0, 2.0, 3.0)]
    reranker = ReactantReranker(describe, forests, [seen])
    own = forests[_fold(seen, 3)].base.item()
    assert set(reranker.logits(seen, sets_of(by_templates, seen)).tolist()) == {own}
    assert set(reranker.logits(fresh, sets_of(by_templates, fresh)).tolist()) == {2.0}


@pytest.mark.slow
def test_several_processes_learn_the_same(describe, by_templates, split, reranker, monkeypatch):
    monkeypatch.setattr(ranker_module, "_BATCH_SIZE", 5)
    planner = ReactantPlanner(by_templates.scorer, TemplateApplier(jobs=2), by_templates.config, reactants={})
    again = fit_reranker(describe, planner, split["validation"], ReactantRerankerConfig(folds=3, trees=TREES), seed=0)
    for own, other in zip(again.forests, reranker.forests, strict=True):
        assert len(own) > 0
        assert all(torch.equal(value, other.tensors()[name]) for name, value in own.tensors().items())


def test_each_forest_leaves_out_its_fold(describe, by_templates, split, reranker):
    validation = split["validation"]
    config = ReactantRerankerConfig(folds=3, trees=TREES)
    rows = zip(validation.products, validation.reactants, validation.templates, strict=True)
    without = TemplateReactions(*zip(*(row for row in rows if _fold(row[0], 3) != 0), strict=True))
    again = fit_reranker(describe, by_templates, without, config, seed=0)
    numbers = torch.from_numpy(describe(validation.products[0], sets_of(by_templates, validation.products[0])))
    assert torch.equal(again.forests[0](numbers), reranker.forests[0](numbers))
    assert len(again.forests[0]) == len(reranker.forests[0]) > 0
