from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import ELEMENTS, composition_from_amounts, parse_formula
from rrgraph.data import KnownReactions, ReactionTable, group_reactions, load_table, similarity


def known(table: ReactionTable) -> KnownReactions:
    return KnownReactions(group_reactions(table), name="mine")


def overlap(one, other) -> float:
    """The definition, element by element."""

    def weighted(composition):
        parts = {symbol: f * (0.25 if symbol == "O" else 1) for symbol, f in composition.fractions.items()}
        return {symbol: part / sum(parts.values()) for symbol, part in parts.items()}

    a, b = weighted(one), weighted(other)
    return sum(sqrt(a[symbol] * b[symbol]) for symbol in a.keys() & b.keys())


amounts = st.dictionaries(st.sampled_from([*ELEMENTS[:12], "O", "Ti"]), st.integers(1, 9), min_size=1, max_size=5)
compositions = amounts.map(composition_from_amounts)


@given(compositions, compositions)
def test_similarity_is_the_overlap_of_fractions(one, other):
    found = float(similarity([one], [other])[0, 0])
    assert found == pytest.approx(overlap(one, other), abs=2e-6)
    assert found == similarity([other], [one])[0, 0]
    assert 0 <= found <= 1
    assert (found == 0) == (not one.elements & other.elements)


def test_the_scale_of_similarity():
    titanate, *others = map(parse_formula, ("BaTiO3", "Ba2Ti2O6", "Ba0.9Sr0.1TiO3", "SrTiO3", "LaAlO3", "NaCl"))
    found = similarity([titanate], others)[0].tolist()
    assert found[0] == 1
    assert found == sorted(found, reverse=True)
    assert found[1] == pytest.approx(0.98, abs=0.01)
    assert found[2] == pytest.approx(0.64, abs=0.01)
    assert found[3] == pytest.approx(0.27, abs=0.01)
    assert found[4] == 0


def test_the_very_composition_comes_first_and_is_told_apart(small_table):
    (found,) = known(small_table).nearest([parse_formula("Li2Co2O4")], 4)
    assert [reaction.same_composition for reaction in found] == [True, True, False, False]
    assert [set(reaction.precursors) for reaction in found[:2]] == [{"Li2CO3", "Co3O4"}, {"LiOH", "Co3O4"}]
    assert [reaction.reports for reaction in found[:2]] == [2, 1]
    assert found[0].similarity == 1
    assert found[2].target == "LaCoO3"


@pytest.fixture(scope="session")
def small(small_table) -> KnownReactions:
    return known(small_table)


@settings(deadline=None, max_examples=50)
@given(compositions, st.integers(1, 20))
def test_nearest_is_the_order_of_similarity(small, small_table, target, count):
    (found,) = small.nearest([target], count)
    distinct = list({composition.key: composition for composition in small_table.targets}.values())
    best = sorted(similarity([target], distinct)[0].tolist(), reverse=True)
    assert len(found) == min(count, len(small))
    seen = {reaction.target: reaction.similarity for reaction in found}
    assert list(seen.values()) == pytest.approx(best[: len(seen)], abs=1e-6)


def test_answers_do_not_depend_on_how_many_are_asked_at_once(small, monkeypatch):
    targets = [parse_formula(text) for text in ("BaTiO3", "LiNiO2", "KCl", "Y3Al4.9Ce0.1O12", "Mg2Si")] * 3
    together = small.nearest(targets)
    assert together == [small.nearest([target])[0] for target in targets]
    monkeypatch.setattr("rrgraph.data.literature.known_reactions._BATCH_SIZE", 1)
    assert small.nearest(targets) == together
    assert small.nearest([]) == []


def test_a_series_of_one_paper_counts_once(make_table):
    series = [f"Y{3 - x / 100:.2f}Ce{x / 100:.2f}Al5O12" for x in range(1, 100)]
    rows = [(target, "Y2O3;CeO2;Al2O3") for target in series]
    rows += [(series[4], "Y2O3;CeO2;Al"), ("Y3Al5O12", "Y2O3;Al2O3"), ("YAlO3", "Y2O3;Al2O3")]
    table = make_table(rows, doi=["10.1000/series"] * 100 + ["10.1000/other", None], year=[2010] * 102)
    (found,) = known(table).nearest([parse_formula("Y2.945Ce0.055Al5O12")], 4)
    assert found[0].target in (series[4], series[5])
    assert [(reaction.precursors, reaction.doi) for reaction in found[1:]] == [
        (("Y2O3", "CeO2", "Al"), "10.1000/series"),
        (("Y2O3", "Al2O3"), "10.1000/other"),
        (("Y2O3", "Al2O3"), None),
    ]
    bare = known(make_table(rows))
    assert len({reaction.target for reaction in bare.nearest([parse_formula("Y3Al5O12")], 5)[0]}) == 5


def test_a_very_small_difference_is_not_the_same(make_table):
    table = make_table([("Y2.999Ce0.001Al5O12", "Y2O3;CeO2;Al2O3"), ("Y3Al5O12", "Y2O3;Al2O3")])
    (found,) = known(table).nearest([parse_formula("Y3Al5O12")], 2)
    assert [reaction.same_composition for reaction in found] == [True, False]
    assert found[1].similarity > 0.999


def test_values_are_plain_and_unknown_ones_none(make_table):
    table = make_table([("NiO", "Ni"), ("CoO", "Co")], year=[2001, None], doi=["10.1000/a", None])
    nickel, cobalt = known(table).nearest([parse_formula("NiO")], 2)[0]
    assert (nickel.year, type(nickel.year), nickel.doi, nickel.reports) == (2001, int, "10.1000/a", 1)
    assert (cobalt.year, cobalt.doi, cobalt.temperature_c, cobalt.atmosphere) == (None, None, None, None)


def test_an_empty_table_has_nothing_near(make_table):
    empty = known(make_table([]))
    assert len(empty) == 0
    assert empty.nearest([parse_formula("NiO")]) == [[]]


def test_a_large_table_is_searched_as_a_small_one(make_table):
    rng = np.random.default_rng(0)
    rows = {f"Ba{a}Ti{b}O{c}": "BaO;TiO2" for a, b, c in rng.integers(1, 40, size=(400, 3))}
    reactions = known(make_table(list(rows.items())))
    target = parse_formula("Ba3Ti7O11")
    (first,) = reactions.nearest([target], 5)
    (all_of_them,) = reactions.nearest([target], len(reactions))
    assert all_of_them[:5] == first
    assert [r.similarity for r in all_of_them] == sorted((r.similarity for r in all_of_them), reverse=True)


@pytest.mark.data
def test_common_targets_are_found_with_their_papers(data_folder):
    table = load_table(data_folder / "reactions" / "text_mined_reactions.csv.gz")
    sample = known(table.select(range(0, len(table), 10)))
    targets = [parse_formula(text) for text in ("BaTiO3", "SrTiO3", "BiFeO3")]
    for (found,), members in zip(sample.nearest(targets, 1), ("BaCO3 TiO2", "SrCO3 TiO2", "Bi2O3 Fe2O3"), strict=True):
        assert found.same_composition
        assert set(found.precursors) == set(members.split())
        assert found.reports > 3
        assert 1980 < found.first_year < found.year < 2030
        assert found.doi.startswith("10.")
