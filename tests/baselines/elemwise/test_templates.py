from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.baselines.elemwise.templates import AnionTemplates, anion_template, elementwise_sources
from rrgraph.chem import parse_formula

TARGETS = ["LiCoO2", "Li2TiO3", "CoTiO3", "LiCoPO4", "LiF", "Li2CoF4", "H2O"]
PRECURSORS = ["Li2CO3", "LiOH", "LiF", "Li", "Co3O4", "CoO", "Co", "TiO2", "LiTiO2", "NH4H2PO4", "P2O5", "H2O", "ZnO"]

rows = st.lists(
    st.tuples(st.sampled_from(TARGETS), st.lists(st.sampled_from(PRECURSORS), min_size=1, max_size=3, unique=True)),
    min_size=1,
    max_size=20,
)


@pytest.mark.parametrize(
    ("precursor", "expected"),
    [
        ("Li2CO3", ("Li", "CO3")),
        ("Fe2O3", ("Fe", "O")),
        ("Fe3O4", ("Fe", "O")),
        ("Ba(NO3)2", ("Ba", "NO3")),
        ("BaCl2", ("Ba", "Cl")),
        ("(NH4)2HPO4", ("P", "H9N2O4")),
        ("Cu", ("Cu", "")),
        ("Se", ("Se", "")),
        ("LiTiO2", None),
        ("BaSO4", None),
        ("H2O", None),
        ("NH4Cl", None),
    ],
)
def test_a_template_is_the_rest_of_a_precursor_with_one_source_element(precursor, expected):
    assert anion_template(parse_formula(precursor)) == expected


def test_source_elements_exclude_halogens_and_the_volatile():
    assert elementwise_sources(parse_formula("La2CoO3FNCl")) == {"La", "Co"}
    assert elementwise_sources(parse_formula("NH4Cl")) == frozenset()


def naive(reactions):
    """Read the documentation aloud: the accepted reactions, and how often each precursor is in them."""
    distinct = {(parse_formula(t).key, frozenset(parse_formula(p).key for p in ps)): t for t, ps in reactions}
    accepted, counts = [], Counter()
    for (_, keys), target in distinct.items():
        found = [anion_template(parse_formula(key)) for key in keys]
        if None in found:
            continue
        if sorted(symbol for symbol, _ in found) == sorted(elementwise_sources(parse_formula(target))):
            accepted.append((parse_formula(target).key, frozenset(found)))
            counts.update(keys)
    return accepted, counts


@given(rows)
@settings(max_examples=80, deadline=None)
def test_tables_equal_naive_counts(make_table, reactions):
    found = AnionTemplates.of(make_table([(target, ";".join(members)) for target, members in reactions]))
    accepted, counts = naive(reactions)
    named = [
        (target.key, frozenset((symbol, found.templates[place]) for symbol, place in chosen.items()))
        for target, chosen in found.examples
    ]
    assert sorted(named, key=repr) == sorted(accepted, key=repr)
    table = {}
    for key in counts:
        table.setdefault(anion_template(parse_formula(key)), []).append(key)
    expected = {pair: min(keys, key=lambda key: (-counts[key], key)) for pair, keys in table.items()}
    assert {
        (symbol, found.templates[place]): formula.key for (symbol, place), formula in found.formulas.items()
    } == expected
    assert list(found.templates) == sorted({template for _, template in expected})


def test_the_most_frequent_stoichiometry_wins_and_repeated_rows_count_once(make_table):
    rows = [("LiFeO2", "Li2CO3;Fe3O4")] * 5 + [("LiFeO2", "LiOH;Fe2O3"), ("Fe2TiO5", "Fe2O3;TiO2")]
    found = AnionTemplates.of(make_table(rows))
    assert found.formulas["Fe", found.templates.index("O")] == parse_formula("Fe2O3")
