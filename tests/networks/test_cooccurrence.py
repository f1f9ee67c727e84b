from __future__ import annotations

from itertools import combinations
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import parse_formula, source_elements
from rrgraph.errors import ConfigError
from rrgraph.networks import cooccurrence_graph, pair_statistics
from rrgraph.networks.cooccurrence import _adjusted

PRECURSORS = ("Li2CO3", "LiOH", "BaCO3", "TiO2", "Co3O4", "MnO2", "SrCO3")
ATTRIBUTES = {"count", "pmi", "npmi", "jaccard", "expected", "z", "p_value", "q_value", "context", "context_count"}


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_measures_are_those_of_naive_counts(make_records, recorded_rows, data):
    rows = data.draw(recorded_rows)
    pairs = pair_statistics(make_records(rows))
    distinct = list({(target, frozenset(each)) for target, each in rows})
    n = len(distinct)
    found = {frozenset((row["first"], row["second"])): row for row in pairs.rows()}
    for one, two in combinations(PRECURSORS, 2):
        together = sum({one, two} <= each for _, each in distinct)
        row = found.get(frozenset((one, two)))
        if not together:
            assert row is None or (row["count"], row["pmi"], row["npmi"]) == (0, None, -1)
            continue
        a, b = (sum(name in each for _, each in distinct) for name in (one, two))
        pmi = log(together * n / (a * b))
        assert row["count"] == together
        assert row["pmi"] == pytest.approx(pmi, abs=1e-12)
        assert row["npmi"] == pytest.approx(1.0 if together == n else pmi / -log(together / n), abs=1e-9)
        assert row["jaccard"] == pytest.approx(together / (a + b - together))
        assert row["npmi"] <= 1 + 1e-9


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_contexts_are_those_of_naive_counts(make_records, recorded_rows, data):
    rows = data.draw(recorded_rows)
    pairs = pair_statistics(make_records(rows))
    distinct = list({(target, frozenset(each)) for target, each in rows})
    for row in pairs.rows():
        ends = {row["first"], row["second"]}
        needed = source_elements(parse_formula(row["first"])) | source_elements(parse_formula(row["second"]))
        context = [each for target, each in distinct if needed <= source_elements(parse_formula(target))]
        one, two = (sum(name in each for each in context) for name in (row["first"], row["second"]))
        assert row["context"] == len(context)
        assert row["context_count"] == sum(ends <= each for each in context)
        # Every target here is an oxide, so there is one stratum.
        assert row["context_expected"] == pytest.approx(one * two / len(context) if context else 0)


def test_q_values_count_pairs_that_are_not_returned_as_tests():
    p_values = np.array([0.04, 0.001, 0.02])
    assert _adjusted(p_values, 10) == pytest.approx([0.04 * 10 / 3, 0.001 * 10, 0.02 * 10 / 2])
    assert _adjusted(np.array([0.04, 0.05]), 2) == pytest.approx([0.05, 0.05])
    assert _adjusted(np.array([0.5, 0.9]), 30) == pytest.approx([1, 1])


def test_anion_classes_are_strata(make_records):
    rows = [
        ("TiZr", ["Ti", "Zr"]),
        ("Ti2Zr", ["Ti", "Zr"]),
        ("TiZrO4", ["TiO2", "ZrO2"]),
        ("TiZr2O6", ["TiO2", "ZrO2"]),
    ]
    (row,) = (
        row for row in pair_statistics(make_records(rows)).rows() if {row["first"], row["second"]} == {"Ti", "Zr"}
    )
    assert (row["context"], row["context_count"]) == (4, 2)
    assert row["context_expected"] == pytest.approx(2)  # all alloys are made so, and no oxide; not 2 * 2 / 4
    assert row["context_p_value"] == 1


def test_precursors_for_one_element_exclude_each_other(make_records):
    lithium = [(f"Li{n}CoO2", ["Li2CO3" if n % 2 else "LiOH", "Co3O4"]) for n in range(1, 41)]
    barium = [(f"Ba{n}TiO3", ["BaCO3", "TiO2"]) for n in range(1, 41)]
    pairs = pair_statistics(make_records(lithium + barium))
    rows = {frozenset((row["first"], row["second"])): row for row in pairs.rows()}
    rivals = rows[frozenset(("Li2CO3", "LiOH"))]
    assert (rivals["count"], rivals["shared_elements"]) == (0, "Li")
    assert rivals["context_expected"] == pytest.approx(10)
    assert rivals["context_q_value"] < 0.001
    partners = rows[frozenset(("BaCO3", "TiO2"))]
    assert partners["z"] > 3
    assert partners["q_value"] < 0.001
    assert partners["context_pmi"] == pytest.approx(0)  # given Ba and Ti, nothing is left to explain


def test_pairs_that_were_expected_are_listed_though_they_never_meet(make_records):
    rows = [(f"Li{n}CoO2", ["Li2CO3" if n % 2 else "LiOH", "Co3O4"]) for n in range(1, 21)]
    pairs = pair_statistics(make_records(rows))
    graph = cooccurrence_graph(pairs)
    assert 0 in pairs.count
    assert not graph.has_edge("Li2CO3", "LiOH")


def test_graph_carries_what_programs_read(make_records):
    rows = [("BaTiO3", ["BaCO3", "TiO2"]), ("Ba2TiO4", ["BaCO3", "TiO2"]), ("SrTiO3", ["SrCO3", "TiO2"])]
    graph = cooccurrence_graph(pair_statistics(make_records(rows, year=[2001, 2003, None])))
    assert graph.graph["kind"] == "cooccurrence"
    assert graph.graph["reactions"] == 3
    assert graph.nodes["TiO2"] == {
        "elements": "O Ti", "kind": "oxide", "reactions": 3, "first_year": 2001, "last_year": 2003,
    }  # fmt: skip
    assert "first_year" not in graph.nodes["SrCO3"]
    edge = graph.edges["BaCO3", "TiO2"]
    assert edge.keys() >= ATTRIBUTES
    assert {type(value) for value in edge.values()} <= {int, float, str}
    assert all(np.isfinite(value) for value in edge.values() if not isinstance(value, str))


def test_edges_can_be_limited(make_records):
    rows = [("BaTiO3", ["BaCO3", "TiO2"]), ("Ba2TiO4", ["BaCO3", "TiO2"]), ("SrTiO3", ["SrCO3", "TiO2"])]
    pairs = pair_statistics(make_records(rows))
    assert list(cooccurrence_graph(pairs, min_count=2).edges) == [("TiO2", "BaCO3")]
    assert not cooccurrence_graph(pairs, max_q_value=1e-9).edges
    assert len(cooccurrence_graph(pairs, min_count=2)) == 3


def test_swaps_are_another_way_to_the_same(make_records):
    rows = [(f"Ba{n}TiO3", ["BaCO3", "TiO2"]) for n in range(1, 12)] + [
        (f"Li{n}CoO2", ["Li2CO3", "Co3O4"]) for n in range(1, 9)
    ]
    records = make_records(rows)
    analytic, sampled = (pair_statistics(records, null=null, samples=300) for null in ("analytic", "swaps"))
    assert sampled.expected == pytest.approx(analytic.expected, abs=0.5)
    with pytest.raises(ConfigError, match="Did you mean 'swaps'"):
        pair_statistics(records, null="swap")
