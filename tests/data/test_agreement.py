from __future__ import annotations

from collections import Counter
from itertools import permutations, product
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.data import publication_agreement, table_statistics

SETS = ["BaCO3;TiO2", "BaO;TiO2", "BaCO3;Ti"]
reports = st.lists(
    st.tuples(st.sampled_from(["BaTiO3", "Ba2TiO4"]), st.sampled_from(SETS), st.sampled_from(["a", "b", "c", None])),
    min_size=1,
    max_size=9,
)


def naive(rows):
    """Draw every combination of one set a publication, and count."""
    pairs, majority = [], []
    for target in {target for target, _, _ in rows}:
        papers = {}
        for other, members, paper in rows:
            if other == target and paper:
                papers.setdefault(paper, set()).add(members)
        if len(papers) < 2:
            continue
        pairs.append(fmean(fmean(x == y for x, y in product(a, b)) for a, b in permutations(papers.values(), 2)))
        right = []
        for paper, own in papers.items():
            weights = Counter()
            for other, sets in papers.items():
                if other != paper:
                    weights.update({each: 60 // len(sets) for each in sets})
            best = [each for each in weights if weights[each] == max(weights.values())]
            right.append(fmean(each == mine for each, mine in product(best, own)))
        majority.append(fmean(right))
    return (len(pairs), fmean(pairs), fmean(majority)) if pairs else None


@given(reports)
@settings(deadline=None)
def test_agreement_is_that_of_drawn_publications(make_table, rows):
    found = publication_agreement(
        make_table([(target, members) for target, members, _ in rows], doi=[paper for _, _, paper in rows])
    )
    expected = naive(rows)
    assert (found is None) == (expected is None)
    if found is not None:
        assert (found.targets, found.pairs, found.majority) == pytest.approx(expected)


def test_statistics_of_a_table_have_it(make_table):
    rows = [("BaTiO3", "BaCO3;TiO2"), ("BaTiO3", "TiO2;BaCO3"), ("BaTiO3", "BaO;TiO2")]
    agreement = table_statistics(make_table(rows, doi=["a", "b", "c"])).agreement
    assert (agreement.targets, agreement.pairs, agreement.majority) == pytest.approx((1, 1 / 3, 1 / 3))
    assert table_statistics(make_table(rows)).agreement is None
