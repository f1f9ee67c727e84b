from __future__ import annotations

import json
from math import erf, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.errors import ScoreError
from rrgraph.metrics import Interval
from rrgraph.metrics.bootstrap import bootstrap_means
from rrgraph.properties.pretraining import (
    CRABNET_MAE,
    PropertyScore,
    class_accuracy,
    class_ranks,
    compare_properties,
    comparison_table,
    score_property,
)

values = st.floats(-100, 100, allow_nan=False)
triples = st.lists(st.tuples(values, values, st.floats(0.01, 50)), min_size=1, max_size=30)


@given(triples)
@settings(max_examples=80, deadline=None)
def test_property_score_equals_naive_loops(data):
    guess, truth, sigma = (list(column) for column in zip(*data, strict=True))
    score = score_property(guess, truth, task="gap", unit="eV", uncertainty=sigma, resamples=20)
    error = [abs(g - t) for g, t, _ in data]
    assert score.rows == len(data)
    assert score.mae.value == pytest.approx(sum(error) / len(data))
    uncertainty = score.uncertainty
    within = [sum(e / s <= limit for e, s in zip(error, sigma, strict=True)) / len(data) for limit in (1, 2)]
    assert [uncertainty.within_one.value, uncertainty.within_two.value] == pytest.approx(within)
    assert uncertainty.normalised_error.value == pytest.approx(
        sum(e / s for e, s in zip(error, sigma, strict=True)) / len(data)
    )
    density = [np.exp(-0.5 * (e / s) ** 2) / (s * sqrt(2 * pi)) for e, s in zip(error, sigma, strict=True)]
    if min(density) > 1e-300:
        assert uncertainty.log_loss.value == pytest.approx(-np.mean(np.log(density)), abs=1e-9)


def test_interval_of_the_error_is_that_of_a_bootstrap_over_rows():
    generator = np.random.default_rng(0)
    guess, truth = generator.random(80), generator.random(80)
    score = score_property(guess, truth, task="gap", resamples=500, seed=7)
    means = bootstrap_means(np.abs(guess - truth)[:, None], range(80), resamples=500, seed=7)
    assert (score.mae.low, score.mae.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))
    assert score.mae.low < score.mae.value < score.mae.high


def test_honest_uncertainties_reach_the_shares_of_a_normal_distribution():
    generator = np.random.default_rng(1)
    sigma = generator.uniform(0.1, 3, 20_000)
    truth = generator.normal(0, sigma)
    honest = score_property(np.zeros(20_000), truth, task="gap", uncertainty=sigma, resamples=50).uncertainty
    assert honest.within_one.value == pytest.approx(erf(1 / sqrt(2)), abs=0.01)
    assert honest.within_two.value == pytest.approx(erf(2 / sqrt(2)), abs=0.01)
    assert honest.normalised_error.value == pytest.approx(sqrt(2 / pi), abs=0.02)
    for factor in (0.5, 2.0):
        wrong = score_property(np.zeros(20_000), truth, task="gap", uncertainty=factor * sigma, resamples=50)
        assert wrong.uncertainty.log_loss.value > honest.log_loss.value


def test_single_precision_inputs_are_summed_in_double():
    truth = np.full(100_000, 0.1, dtype=np.float32)
    score = score_property(np.zeros(100_000, dtype=np.float32), truth, task="gap", resamples=2)
    assert score.mae.value == pytest.approx(float(np.float32(0.1)), abs=1e-12)


@pytest.mark.parametrize(
    ("guess", "truth", "sigma", "words"),
    [
        ([], [], None, "expected one value a row"),
        ([1.0], [np.nan], None, "observed value of 'gap' in row 1 is nan"),
        ([np.inf], [1.0], None, "predicted value"),
        ([1.0], [1.0, 2.0], None, "1 predictions for 2"),
        ([1.0], [1.0], [0.0], "above 0"),
        ([1.0], [1.0], [1.0, 1.0], "2 uncertainties"),
        ([[1.0]], [[1.0]], None, "expected one value a row"),
    ],
)
def test_values_that_cannot_be_scored_are_refused(guess, truth, sigma, words):
    with pytest.raises(ScoreError, match=words):
        score_property(guess, truth, task="gap", uncertainty=sigma)


def naive_rank(row, label):
    """Place of the true class when every equal score goes before it."""
    if row[label] == -np.inf:
        return np.inf
    order = sorted(range(len(row)), key=lambda c: (-row[c], c == label))
    return 1 + order.index(label)


scores = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0])


@given(st.lists(st.tuples(st.lists(scores, min_size=4, max_size=4), st.integers(0, 3)), min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_ranks_equal_a_naive_sort_with_ties_against_the_truth(data):
    table, labels = [row for row, _ in data], [label for _, label in data]
    ranks = class_ranks(table, labels)
    assert ranks.tolist() == [naive_rank(row, label) for row, label in data]
    accuracy = class_accuracy(table, labels, ks=(1, 3), resamples=10)
    assert accuracy.top[1].value == pytest.approx(np.mean(ranks <= 1))
    assert accuracy.top[3].value == pytest.approx(np.mean(ranks <= 3))


def test_a_constant_score_is_never_right():
    accuracy = class_accuracy(np.zeros((30, 6)), np.arange(30) % 6, ks=(1, 5, 6))
    assert [accuracy.top[k].value for k in (1, 5, 6)] == [0, 0, 1]


def test_slots_of_one_composition_are_resampled_together():
    table = np.repeat(np.array([[0.0, 1.0], [1.0, 0.0]] * 15), 20, axis=0)
    labels = np.ones(600, dtype=int)
    alone = class_accuracy(table, labels, ks=(1,))
    together = class_accuracy(table, labels, ks=(1,), groups=np.repeat(np.arange(30), 20).tolist())
    assert together.targets == 30 < alone.targets == 600
    assert together.top[1].high - together.top[1].low > 3 * (alone.top[1].high - alone.top[1].low)


@pytest.mark.parametrize(
    ("table", "labels", "words"),
    [
        ([[0.0, np.nan]], [0], "NaN"),
        ([[0.0, np.inf]], [0], "infinite"),
        ([[0.0, 1.0]], [2], "label 2 is not one of 0 to 1"),
        ([[0.0, 1.0]], [-1], "label -1"),
        ([[0.0, 1.0]], [np.nan], "label nan"),
        ([[0.0, 1.0]], [0, 1], "shape"),
    ],
)
def test_class_scores_that_cannot_be_ranked_are_refused(table, labels, words):
    with pytest.raises(ScoreError, match=words):
        class_ranks(table, labels)


def measured(task, value, low, high, unit="GPa"):
    return PropertyScore(task=task, unit=unit, rows=1234, mae=Interval(value, low, high))


def test_comparison_says_which_is_better_and_whether_it_is_clear():
    first, second, third, other = compare_properties(
        [measured("a", 8, 7, 9), measured("b", 9, 7, 11), measured("c", 12, 11, 13), measured("d", 1, 0, 2)],
        published={"a": 10, "b": 10, "c": 10},
    )
    assert [(x.better, x.clear) for x in (first, second, third)] == [(True, True), (True, False), (False, True)]
    assert first.ratio == pytest.approx(0.8)
    assert other.published is other.ratio is other.better is other.clear is None


def test_table_is_markdown_with_one_row_a_property():
    comparisons = compare_properties([measured("bulk_modulus", 10.5, 10, 11), measured("mine", 0.5, 0.4, 0.6, "")])
    lines = comparison_table(comparisons).splitlines()
    assert lines[0] == "| task | unit | rows | ours [95 % interval] | CrabNet | ratio | better? |"
    assert lines[2] == "| bulk_modulus | GPa | 1,234 | 10.5 [10, 11] | 11.21 | 0.937 | yes |"
    assert lines[3] == "| mine | - | 1,234 | 0.5 [0.4, 0.6] | - | - | - |"
    assert {line.count("|") for line in lines} == {8}
    close = compare_properties([measured("bulk_modulus", 11.5, 11, 12)])
    assert "| no, within the interval |" in comparison_table(close)


def test_results_become_json():
    score = score_property([1.0, 2.0], [1.5, 2.5], task="shear_modulus", unit="GPa", uncertainty=[1.0, 1.0])
    result = json.loads(json.dumps(compare_properties([score])[0].to_dict()))
    assert result["mae"]["value"] == 0.5
    assert result["published"] == CRABNET_MAE["shear_modulus"]
    assert result["uncertainty"]["within_one"]["value"] == 1.0
    assert str(score) == "shear_modulus: 0.5 [0.5, 0.5] GPa (2 rows)"
