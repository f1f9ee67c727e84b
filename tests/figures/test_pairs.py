from __future__ import annotations

from itertools import combinations
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.figures import FigureOptions, gather
from rrgraph.figures.pairs import collect_pairs, draw_pairs, pair_correlation

PRECURSORS = ("Li2CO3", "BaCO3", "TiO2", "Co3O4", "MnO2")
TARGETS = ("LiCoO2", "BaTiO3", "LiMn2O4", "Li2TiO3", "BaMnO3", "BaCoO3")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sets(st.sampled_from(PRECURSORS), min_size=1), min_size=1, max_size=6))
def test_correlation_is_that_of_a_naive_count(make_table, sets):
    table = make_table([(target, ";".join(sorted(each))) for target, each in zip(TARGETS, sets, strict=False)])
    found = pair_correlation(table)
    n = len(sets)
    expected = {}
    for a, b in combinations(PRECURSORS, 2):
        joint = sum({a, b} <= each for each in sets)
        if joint:
            p_a, p_b = (sum(name in each for each in sets) / n for name in (a, b))
            expected[frozenset((a, b))] = (log(joint / n / (p_a * p_b)), joint)
    assert {frozenset(pair) for pair in found.pairs} == expected.keys()
    for pair, value, count in zip(found.pairs, found.correlation, found.count, strict=True):
        assert (value, count) == pytest.approx(expected[frozenset(pair)])
    assert np.all(np.diff(found.correlation) <= 1e-12)


def test_repeated_reactions_count_once(make_table):
    rows = [("LiCoO2", "Li2CO3;Co3O4"), ("BaTiO3", "BaCO3;TiO2")]
    once, twice = pair_correlation(make_table(rows)), pair_correlation(make_table([*rows, rows[0]]))
    assert once.reactions == twice.reactions == 2
    assert once.count.tolist() == twice.count.tolist() == [1, 1]


def test_the_drawn_curve_and_bars(run_folder):
    (data,) = collect_pairs(gather([run_folder]), FigureOptions())
    assert data.reactions <= len(gather([run_folder])[0].first.data.train)
    figure = draw_pairs([data])
    top, bottom = figure.axes
    drawn = np.concatenate([line.get_ydata() for line in top.get_lines()[1:]])
    assert sorted(drawn[np.isfinite(drawn)]) == pytest.approx(sorted(c for c in data.correlation if c))
    assert len(bottom.collections[0].get_segments()) == len(data.pairs)
    assert bottom.get_ylim()[1] > data.count.max()
    assert "reactions" in bottom.get_ylabel()
    best = data.pairs[int(np.argmax(data.count))]
    assert best[0].rstrip("0123456789") in bottom.texts[0].get_text()
