from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import element_system, parse_formula, source_elements
from rrgraph.data import similarity
from rrgraph.networks import find_substitutions, substitution_graph, substitution_rows
from rrgraph.networks.odds import log_odds_trend, odds, odds_interval
from rrgraph.networks.substitution import SIMILAR


def naive(rows, *, min_reactions, min_similarity, max_together):
    """Substitutions by loops over pairs of reactions."""
    distinct = sorted({(target, frozenset(each)) for target, each in rows}, key=str)
    compositions = {target: parse_formula(target) for target, _ in distinct}

    def alike(one, two):
        a, b = compositions[one], compositions[two]
        return element_system(a) == element_system(b) or similarity([a], [b])[0, 0] >= SIMILAR

    found = {}
    # Of two that are used as often, the one that is used less in all reactions is the rarer, then the last by name.
    uses_of_all = Counter(name for _, each in distinct for name in each)
    names = sorted(uses_of_all, key=lambda name: (-uses_of_all[name], name))
    for element in ("Li", "Ba", "Ti", "Co", "Mn", "Sr"):
        inside = [(target, each) for target, each in distinct if element in source_elements(compositions[target])]
        suppliers = [name for name in names if element in source_elements(parse_formula(name))]
        for pair in combinations(suppliers, 2):
            uses = {name: [target for target, each in inside if name in each] for name in pair}
            rare, often = sorted(pair, key=lambda name: (len(uses[name]), -names.index(name)))
            together = sum({rare, often} <= each for _, each in inside)
            if len(uses[rare]) < min_reactions:
                continue
            share = np.mean([any(alike(target, other) for other in uses[often]) for target in uses[rare]])
            expected = len(uses[rare]) * len(uses[often]) / len(inside)
            if share >= min_similarity and together <= max_together * len(uses[rare]) and together < expected:
                counts = {len(uses[name]) - together for name in pair}
                found[element, frozenset(pair)] = (share, together, expected, counts)
    return found


def assert_substitutions_are_those_of_loops(make_records, rows):
    limits = {"min_reactions": 1, "min_similarity": 0.3, "max_together": 0.4}
    expected = naive(rows, **limits)
    found = {
        (each.element, frozenset((each.first, each.second))): each
        for each in find_substitutions(make_records(rows), **limits)
    }
    assert found.keys() == expected.keys()
    for key, each in found.items():
        share, together, by_chance, counts = expected[key]
        assert each.similarity == pytest.approx(share)
        assert (each.together, each.expected_together) == (together, pytest.approx(by_chance))
        assert {each.odds[0].first, each.odds[0].second} == counts


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_substitutions_are_those_of_loops(make_records, recorded_rows, data):
    assert_substitutions_are_those_of_loops(make_records, data.draw(recorded_rows))


def test_of_two_that_are_used_as_often_the_rarer_is_the_last(make_records):
    rows = [("LiCoO2", ["Li2CO3"]), ("LiCoO2", ["Li2CO3", "BaCO3"]), ("LiCoO2", ["LiOH"]), ("LiMn2O4", ["LiOH"])]
    assert_substitutions_are_those_of_loops(make_records, rows)


LITHIUM = [
    ("LiCoO2", ["Li2CO3", "Co3O4"]),
    ("Li2CoO3", ["Li2CO3", "Co3O4"]),
    ("Li3CoO3", ["Li2CO3", "Co3O4"]),
    ("LiCoPO4", ["LiOH", "Co3O4", "NH4H2PO4"]),
    ("LiCo2O4", ["LiOH", "Co3O4"]),
    ("Li6CoO4", ["LiOH", "Co3O4"]),
]


def test_odds_by_anion_class_and_by_year(make_records):
    records = make_records(LITHIUM, year=[2000, 2000, 2010, 2010, 2010, 2000])
    (found,) = find_substitutions(records, min_reactions=2)
    assert (found.element, {found.first, found.second}) == ("Li", {"Li2CO3", "LiOH"})
    assert (found.together, found.reactions) == (0, 6)
    by = {(each.by, each.value): (each.first, each.second) for each in found.odds}
    if found.first == "LiOH":
        by = {key: value[::-1] for key, value in by.items()}
    assert by == {
        ("all", "all"): (3, 3),
        ("anion_class", "oxide"): (3, 2),
        ("anion_class", "oxyanion"): (0, 1),
        ("year", "2000"): (2, 1),
        ("year", "2010"): (1, 2),
    }
    assert found.trend is not None
    assert (found.trend < 0) == (found.first == "Li2CO3")


def test_elements_can_be_chosen_and_years_may_be_missing(make_records):
    records = make_records(LITHIUM)
    assert not find_substitutions(records, min_reactions=2, elements=["Co"])
    (found,) = find_substitutions(records, min_reactions=2, elements=["Li"])
    assert found.trend is None
    assert {each.by for each in found.odds} == {"all", "anion_class"}


def test_precursors_used_together_are_no_substitutes(make_records):
    rows = [(target, ["Li2CO3", "LiOH", "Co3O4"]) for target in ("LiCoO2", "Li2CoO3", "Li3CoO3")]
    assert not find_substitutions(make_records(rows), min_reactions=2)


def test_precursors_of_unlike_targets_are_no_substitutes(make_records):
    rows = [(f"BaTi{n}O3", ["BaCO3", "TiO2"]) for n in range(1, 4)] + [
        (f"BaF2Mg{n}", ["BaF2", "Mg"]) for n in range(1, 4)
    ]
    assert not find_substitutions(make_records(rows), min_reactions=2, elements=["Ba"])
    assert find_substitutions(make_records(rows), min_reactions=2, elements=["Ba"], min_similarity=0.0)


def test_graph_and_rows(make_records):
    records = make_records(LITHIUM)
    found = find_substitutions(records, min_reactions=2)
    graph = substitution_graph(records, found)
    assert set(graph) == {"Li2CO3", "LiOH"}
    edge = graph.edges["Li2CO3", "LiOH"]
    assert edge["element"] == "Li"
    assert edge["preferred"] == found[0].first
    assert {type(value) for value in edge.values()} <= {str, int, float}
    rows = list(substitution_rows(found))
    assert [(row["by"], row["value"]) for row in rows] == [(each.by, each.value) for each in found[0].odds]
    assert rows[0]["odds"] == pytest.approx((3 + 0.5) / (3 + 0.5))


@given(st.integers(0, 50), st.integers(0, 50))
def test_odds_lie_in_their_interval_and_mirror(a, b):
    first, second = np.array([a]), np.array([b])
    value = odds(first, second)[0]
    low, high = (end[0] for end in odds_interval(first, second))
    assert low < value < high
    other_low, other_high = (end[0] for end in odds_interval(second, first))
    assert value == pytest.approx(1 / odds(second, first)[0])
    if a and b:
        assert (1 / other_high, 1 / other_low) == pytest.approx((low, high), rel=1e-6)
    else:
        assert low == 0 or np.isinf(high)


def test_trend_is_the_slope_of_exact_odds():
    years = np.array([2000, 2010, 2020])
    first = np.array([100_000, 200_000, 400_000])
    second = np.array([100_000, 100_000, 100_000])
    assert log_odds_trend(first, second, years) == pytest.approx(np.log(2), rel=1e-3)
    assert log_odds_trend(first[:1], second[:1], years[:1]) is None
