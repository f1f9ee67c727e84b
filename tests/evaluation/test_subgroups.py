from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import source_elements
from rrgraph.errors import ConfigError, ScoreError
from rrgraph.evaluation import SUBGROUPINGS, Subgrouping, Subgroups, subgroup_accuracy, system_distances
from rrgraph.graph import anion_class
from rrgraph.metrics import RowRanks, top_k_accuracy

ROWS = [
    ("LiCoO2", "Li2CO3;Co3O4"),
    ("LiCoO2", "LiOH;Co3O4"),
    ("BaTiO3", "BaCO3;TiO2"),
    ("LiFePO4", "Li2CO3;FeC2O4;NH4H2PO4"),
    ("CuInSe2", "Cu;In;Se"),
    ("NaCl", "NaCl"),
    ("Mg2Si", "Mg;Si"),
    ("La0.5Sr0.5Co0.5Fe0.5O3", "La2O3;SrCO3;Co3O4;Fe2O3"),
]
YEARS = [1979, 2000, 2001, 2005, 2011, 2014, 2015, 2019]
SYSTEMS = {"Co-Li-O", "Ba-O", "Fe-Li-O", "Cu-In-Se-Te", "K-Cl"}

elements = st.sets(st.sampled_from(["H", "Li", "O", "Fe", "Co", "Lr"]), min_size=1)
systems = st.lists(elements.map(lambda found: "-".join(sorted(found))), min_size=1, max_size=12)


def outcome(table, ranks, unseen=None):
    values = np.array(ranks, dtype=np.float64)
    unseen = None if unseen is None else np.array(unseen)
    return RowRanks([str(key) for key in table.target_keys], values, values, unseen)


def steps(system, known):
    """The fewest elements that are added or removed one by one to get from one system to another, by search."""
    start, goals = frozenset(system.split("-")), {frozenset(found.split("-")) for found in known}
    alphabet = start.union(*goals)
    reached, number = {start}, 0
    while not reached & goals:
        reached |= {found ^ {element} for found in reached for element in alphabet}
        number += 1
    return number


@given(systems, systems)
@settings(max_examples=80, deadline=None)
def test_distance_is_the_number_of_steps_to_the_nearest_known_system(asked, known):
    assert system_distances(asked, known).tolist() == [steps(system, known) for system in asked]


def test_distances_are_the_same_in_chunks(monkeypatch):
    asked = ["Fe-O", "Ba-O-Ti", "Fe-O", "Cu", "Li-O", "Ba-Li-O-Ti"]
    whole = system_distances(asked, SYSTEMS)
    monkeypatch.setattr("rrgraph.evaluation.subgroups._BATCH_SIZE", 2)
    assert system_distances(asked, SYSTEMS).tolist() == whole.tolist() == [1, 1, 1, 3, 1, 2]


def test_one_element_in_place_of_another_counts_as_two():
    assert system_distances(["Li-O"], {"Na-O"}).tolist() == [2]


def test_distances_need_known_systems_of_elements():
    with pytest.raises(ScoreError, match="no element system is known"):
        system_distances(["Fe-O"], [])
    with pytest.raises(ScoreError, match="'Ox' in the element system 'Fe-Ox' is not an element"):
        system_distances(["Fe-O"], ["Fe-Ox"])


def naive(table, ranks, label):
    """Top-k accuracy of the rows that share a label, by sorting rows out one by one."""
    rows = {}
    for row, (target, year) in enumerate(zip(table.targets, table.years.tolist(), strict=True)):
        rows.setdefault(label(target, year), []).append(row)
    return {
        name: {k: np.mean([ranks[row] <= k for row in chosen]) for k in (1, 3, 5, 10)} for name, chosen in rows.items()
    }


def period(target, year):
    if year != year:
        return "unknown"
    for first, last in ((2001, 2005), (2006, 2010), (2011, 2014)):
        if first <= year <= last:
            return f"{first}-{last}"
    return "up to 2000" if year <= 2000 else str(int(year))


NAIVE = {
    "anion_class": lambda target, year: anion_class(target.elements),
    "source_elements": lambda target, year: (
        "6 or more" if len(source_elements(target)) > 5 else str(len(source_elements(target)))
    ),
    "year": period,
    "distance": lambda target, year: {0: "0 (known system)", 1: "1", 2: "2"}.get(
        min(steps("-".join(target.elements), SYSTEMS), 3), "3 or more"
    ),
}
rows = st.tuples(
    st.sampled_from(ROWS),
    st.one_of(st.none(), st.integers(1990, 2025)),
    st.one_of(st.integers(1, 12).map(float), st.just(np.inf)),
)


@given(st.lists(rows, min_size=1, max_size=15))
@settings(max_examples=50, deadline=None)
def test_strata_equal_sorting_rows_out_one_by_one(make_table, data):
    table = make_table([row for row, _, _ in data], year=[year for _, year, _ in data])
    ranks = [rank for _, _, rank in data]
    for groups in subgroup_accuracy(outcome(table, ranks), table, list(NAIVE), systems=SYSTEMS, resamples=5):
        expected = naive(table, ranks, NAIVE[groups.by])
        assert {
            name: {k: interval.value for k, interval in top.top.items()} for name, top in groups.accuracy.items()
        } == {name: pytest.approx(shares) for name, shares in expected.items()}
        assert sum(top.rows for top in groups.accuracy.values()) == len(data)


def test_a_stratum_has_the_interval_of_its_rows_alone(make_table):
    table = make_table(ROWS, year=[2015, 2015, 2015, 2015, 2016, 2016, 2016, 2016])
    ranks = [1, 3, 12, 2, 1, 1, 5, 7]
    (groups,) = subgroup_accuracy(outcome(table, ranks), table, ["year"], resamples=40, seed=3)
    for name, part in (("2015", slice(0, 4)), ("2016", slice(4, 8))):
        expected = top_k_accuracy(ranks[part], table.target_keys[part].tolist(), resamples=40, seed=3)
        assert groups.accuracy[name] == expected
    assert groups.accuracy["2015"].targets == 3


def test_strata_come_in_their_natural_order(make_table):
    table = make_table(ROWS[::-1], year=[None, *YEARS[:0:-1]])
    found = {
        groups.by: list(groups.accuracy)
        for groups in subgroup_accuracy(outcome(table, [1] * 8, [False, True] * 4), table, systems=SYSTEMS, resamples=5)
    }
    assert found == {
        "alkali": ["without", "with alkali metal"],
        "atmosphere": ["unknown"],
        "redox": ["other"],
        "anion_class": ["oxide", "oxyanion", "chalcogenide", "halide", "carbide"],
        "distance": ["0 (known system)", "1", "2", "3 or more"],
        "source_elements": ["2", "3", "4"],
        "unseen": ["none", "at least one"],
        "year": ["up to 2000", "2001-2005", "2011-2014", "2015", "2019", "unknown"],
    }


def test_every_grouping_is_measured_by_default(make_table):
    table = make_table(ROWS)
    found = subgroup_accuracy(outcome(table, [1] * 8, [False] * 8), table, systems=SYSTEMS, resamples=5)
    assert [groups.by for groups in found] == list(SUBGROUPINGS)
    assert all(list(groups.accuracy) == ["unknown"] for groups in found if groups.by == "year")


def test_a_new_grouping_can_be_registered(make_table, monkeypatch):
    monkeypatch.setattr(SUBGROUPINGS, "_entries", dict(SUBGROUPINGS._entries))
    SUBGROUPINGS.register("members")(
        Subgrouping("precursors", lambda rows: [(len(keys), f"{len(keys)}") for keys in rows.table.set_keys])
    )
    table = make_table(ROWS)
    (groups,) = subgroup_accuracy(outcome(table, [1] * 8), table, ["members"], resamples=5)
    assert {name: top.rows for name, top in groups.accuracy.items()} == {"1": 1, "2": 4, "3": 2, "4": 1}
    assert groups.title == "precursors"


def test_no_rows_give_empty_strata(make_table):
    table = make_table(ROWS).select([])
    found = subgroup_accuracy(outcome(table, [], np.zeros(0, dtype=bool)), table, systems=SYSTEMS)
    assert all(groups.accuracy == {} for groups in found)


def test_the_table_and_json_carry_every_number(make_table):
    table = make_table(ROWS, year=YEARS)
    (groups,) = subgroup_accuracy(outcome(table, [1, 2, 4, 6, 11, 1, 1, 1]), table, ["year"], resamples=20)
    header, body = groups.table()
    assert header == ["year", "rows", "top-1", "top-3", "top-5", "top-10"]
    assert [line[:2] for line in body] == [
        ["up to 2000", "2"],
        ["2001-2005", "2"],
        ["2011-2014", "2"],
        ["2015", "1"],
        ["2019", "1"],
    ]
    assert body[0][2].startswith("50.0 [")
    assert Subgroups.from_dict("year", groups.to_dict()) == groups
    assert Subgroups("mine", {}).title == "mine"


@pytest.mark.parametrize("by", ["distance", "unseen"])
def test_what_is_not_known_cannot_group_rows(make_table, by):
    table = make_table(ROWS)
    with pytest.raises(ScoreError, match=f"grouped by {by}"):
        subgroup_accuracy(outcome(table, [1] * 8), table, [by])


def test_unknown_groupings_and_other_rows_are_refused(make_table):
    table = make_table(ROWS)
    with pytest.raises(ConfigError, match="Did you mean 'anion_class'"):
        subgroup_accuracy(outcome(table, [1] * 8), table, ["anion_clas"])
    with pytest.raises(ScoreError, match="not measured on the 7 rows"):
        subgroup_accuracy(outcome(table, [1] * 8), table.select(range(7)), ["year"])
    with pytest.raises(ScoreError, match="not measured on the 8 rows"):
        subgroup_accuracy(outcome(table, [1] * 8), table.select(range(7, -1, -1)), ["year"])


def test_sets_that_close_by_themselves_and_atmospheres_are_told_apart(make_table):
    rows = [
        ("VO2", "V2O3;V2O5"),
        ("MoO2", "Mo;MoO3"),
        ("LiVO3", "Li2CO3;V2O5"),
        ("BaTiO3", "BaCO3;TiO2"),
        ("LiTi2O4", "Li2CO3;TiO2;Ti2O3"),
        ("Mg2Si", "Mg;Si"),
    ]
    table = make_table(rows, atmosphere=["sealed tube", "Ar", None, "air", "5% H2/Ar", "none said"])
    ranks = outcome(table, [1, 2, 3, 1, 2, 3])
    redox, alkali, atmosphere = subgroup_accuracy(ranks, table, ["redox", "alkali", "atmosphere"])
    assert {name: top.rows for name, top in redox.accuracy.items()} == {"self-redox": 3, "other": 3}
    assert {name: top.rows for name, top in alkali.accuracy.items()} == {"without": 4, "with alkali metal": 2}
    named = {"air": 1, "inert": 1, "reducing": 1, "vacuum": 1, "unknown": 2}
    assert {name: top.rows for name, top in atmosphere.accuracy.items()} == named
    (unknown,) = subgroup_accuracy(outcome(make_table(rows), [1] * 6), make_table(rows), ["atmosphere"])
    assert list(unknown.accuracy) == ["unknown"]
