from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.errors import DataError
from rrgraph.properties.pretraining import CooccurrenceBaseline, masked_slots

LAST = 103

#: Element -> amount; few elements, so that they meet often.
compositions = st.dictionaries(st.sampled_from([1, 3, 8, 11, 17]), st.integers(1, 3), min_size=1, max_size=4)
tables = st.lists(compositions, min_size=1, max_size=20)


def arrays(table, width=5):
    elements = np.zeros((len(table), width), dtype=np.uint8)
    fractions = np.zeros((len(table), width), dtype=np.float32)
    for row, amounts in enumerate(table):
        elements[row, : len(amounts)] = list(amounts)
        fractions[row, : len(amounts)] = np.array(list(amounts.values())) / sum(amounts.values())
    return elements, fractions


def naive_elements(training, visible, smoothing):
    """log P(e) + sum of log P(i | e), from loops over the training table."""
    often = {e: 1 + sum(e in row for row in training) for e in range(1, LAST + 1)}
    overall = {e: count / sum(often.values()) for e, count in often.items()}
    scores = {}
    for e in often:
        if e in visible:
            continue
        pairs = sum(len(row) - 1 for row in training if e in row)
        scores[e] = log(overall[e])
        for i in visible:
            both = sum(e in row and i in row for row in training)
            scores[e] += log((both + smoothing * overall[i]) / (pairs + smoothing))
    return scores


@given(tables, compositions, st.sampled_from([0.5, 1.0, 10.0]), st.data())
@settings(max_examples=80, deadline=None)
def test_scores_equal_naive_bayes_by_loops(training, query, smoothing, data):
    slot = data.draw(st.integers(0, len(query) - 1))
    baseline = CooccurrenceBaseline.fit(*arrays(training), smoothing=smoothing)
    scores = baseline.log_scores(*arrays([query]), [slot])[0]
    visible = [e for column, e in enumerate(query) if column != slot]
    expected = naive_elements(training, visible, smoothing)
    assert scores.shape == (LAST + 1,)
    assert np.flatnonzero(np.isfinite(scores)).tolist() == sorted(expected)
    np.testing.assert_allclose(scores[sorted(expected)], [expected[e] for e in sorted(expected)], atol=1e-9)


def slot_pattern(amounts, element):
    """Reduced amounts and the amount of the slot, from integers."""
    divisor = np.gcd.reduce(list(amounts.values()))
    return tuple(sorted(a // divisor for a in amounts.values())), amounts[element] // divisor


@given(tables, st.data())
@settings(max_examples=80, deadline=None)
def test_pattern_adds_how_often_each_element_fills_that_place(training, data):
    query = data.draw(st.sampled_from(training))
    element = data.draw(st.sampled_from(sorted(query)))
    slot = list(query).index(element)
    baseline = CooccurrenceBaseline.fit(*arrays(training), smoothing=2.0)
    plain = baseline.log_scores(*arrays([query]), [slot])[0]
    detailed = baseline.log_scores(*arrays([query]), [slot], detail="pattern")[0]

    wanted, filled = slot_pattern(query, element), [(e, slot_pattern(row, e)) for row in training for e in row]
    codes = len({pattern for pattern, _ in (slot_pattern(row, e) for row in training for e in row)}) * 5
    share = (1 + sum(pattern == wanted for _, pattern in filled)) / (codes + len(filled))
    for e in np.flatnonzero(np.isfinite(plain)):
        here = sum(found == e and pattern == wanted for found, pattern in filled)
        total = sum(found == e for found, _ in filled)
        assert detailed[e] - plain[e] == pytest.approx(log((here + 2.0 * share) / (total + 2.0)), abs=1e-9)


@given(tables, compositions, st.data(), st.sampled_from(["elements", "fraction", "pattern"]))
@settings(max_examples=80, deadline=None)
def test_the_masked_element_is_never_looked_at(training, query, data, detail):
    slot = data.draw(st.integers(0, len(query) - 1))
    baseline = CooccurrenceBaseline.fit(*arrays(training))
    elements, fractions = arrays([query])
    hidden = elements.copy()
    hidden[0, slot] = data.draw(st.sampled_from([0, 55, 103]))
    np.testing.assert_array_equal(
        baseline.log_scores(elements, fractions, [slot], detail=detail),
        baseline.log_scores(hidden, fractions, [slot], detail=detail),
    )


def test_elements_of_the_composition_and_padding_are_ruled_out():
    baseline = CooccurrenceBaseline.fit(*arrays([{3: 2, 8: 1}, {11: 2, 8: 1}]))
    scores = baseline.log_scores(*arrays([{3: 2, 8: 1}]), [1], detail="pattern")[0]
    assert scores[0] == scores[3] == -np.inf
    assert np.argmax(scores) == 8


def test_the_amount_tells_a_cation_from_an_anion():
    # Na and Cl meet each other and O alike; only the amounts of Na2O and ClO2 tell which one is missing.
    training = [{11: 2, 8: 1}] * 3 + [{17: 1, 8: 2}] * 3
    baseline = CooccurrenceBaseline.fit(*arrays(training))
    elements, fractions = arrays([{11: 2, 8: 1}, {17: 1, 8: 2}])
    plain = baseline.log_scores(elements, fractions, [0, 0])
    np.testing.assert_allclose(plain[:, 11], plain[:, 17])
    for detail in ("fraction", "pattern"):
        scores = baseline.log_scores(elements, fractions, [0, 0], detail=detail)
        assert scores.argmax(1).tolist() == [11, 17]


def test_rounding_never_moves_a_fraction_to_another_bin():
    table = [{8: a, 11: 20 - a} for a in range(1, 20)]
    elements, single = arrays(table)
    baseline = CooccurrenceBaseline.fit(elements, single)
    masked = [0] * len(table)
    expected = baseline.log_scores(elements, single, masked, detail="fraction")
    for shift in (-1e-7, 1e-7):
        moved = np.where(single > 0, single.astype(np.float64) + shift, 0)
        np.testing.assert_array_equal(expected, baseline.log_scores(elements, moved, masked, detail="fraction"))


def test_an_unseen_stoichiometry_is_scored_by_its_fraction():
    baseline = CooccurrenceBaseline.fit(*arrays([{11: 2, 8: 1}, {17: 1, 8: 2}, {3: 2, 16: 1}]))
    elements, fractions = arrays([{11: 7, 8: 3}])
    np.testing.assert_array_equal(
        baseline.log_scores(elements, fractions, [0], detail="pattern"),
        baseline.log_scores(elements, fractions, [0], detail="fraction"),
    )


def test_wider_padding_than_in_training_is_read():
    baseline = CooccurrenceBaseline.fit(*arrays([{3: 2, 8: 1}, {11: 2, 16: 1}], width=2))
    for detail in ("elements", "fraction", "pattern"):
        narrow, wide = (
            baseline.log_scores(*arrays([{3: 2, 8: 1}], width=width), [0], detail=detail) for width in (2, 8)
        )
        np.testing.assert_array_equal(narrow, wide)


def test_every_slot_of_a_compound_is_masked_once_and_no_element_alone():
    rows, columns = masked_slots(arrays([{8: 1}, {11: 1, 17: 1}, {3: 1, 8: 2, 25: 1}])[0])
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"masked": [2]}, "padding"),
        ({"masked": [9]}, "columns from 0"),
        ({"masked": [0, 1]}, "1 columns"),
        ({"detail": "fractions"}, "Did you mean 'fraction'"),
        ({"elements": np.array([[104, 8, 0, 0, 0]])}, "Atomic numbers"),
        ({"fractions": np.zeros((1, 2))}, "shape"),
    ],
)
def test_bad_queries_are_refused(change, words):
    elements, fractions = arrays([{3: 2, 8: 1}])
    query = {"elements": elements, "fractions": fractions, "masked": [0]} | change
    with pytest.raises(DataError, match=words):
        CooccurrenceBaseline.fit(elements, fractions).log_scores(**query)


def test_bad_training_tables_are_refused():
    elements, fractions = arrays([{3: 2, 8: 1}])
    with pytest.raises(DataError, match="no compositions"):
        CooccurrenceBaseline.fit(elements[:0], fractions[:0])
    with pytest.raises(DataError, match="above 0"):
        CooccurrenceBaseline.fit(elements, fractions, smoothing=0)
    with pytest.raises(DataError, match="padding"):
        CooccurrenceBaseline.fit(elements[:, ::-1], fractions)
