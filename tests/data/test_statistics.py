from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from rrgraph.data import table_statistics


def test_counts_of_a_small_table(make_table):
    table = make_table(
        [("BaTiO3", "BaCO3;TiO2"), ("Ba2Ti2O6", "TiO2;BaCO3"), ("BaTiO3", "BaO;TiO2"), ("LaMnO3", "La2O3;MnO2;O2")],
        year=[2001, 2001, None, 1999],
    )
    counts = table_statistics(table)
    assert (counts.rows, counts.reactions, counts.duplicates) == (4, 3, 1)
    assert (counts.targets, counts.multi_route_targets, counts.element_systems) == (2, 1, 2)
    assert (counts.precursor_sets, counts.precursors) == (3, 6)
    assert counts.set_sizes == {2: 3, 3: 1}
    assert counts.years == {1999: 1, 2001: 2}
    assert counts.rows_without_year == 1
    assert counts.elements == {"O": 4, "Ba": 3, "Ti": 3, "La": 1, "Mn": 1}
    assert list(counts.common_precursors.items())[:2] == [("TiO2", 3), ("BaCO3", 2)]
    json.dumps(counts.to_dict())


@given(st.lists(st.sampled_from([("BaTiO3", "BaCO3;TiO2"), ("BaTiO3", "BaO;TiO2"), ("Mg2Si", "Mg;Si")]), max_size=9))
def test_counts_add_up(make_table, rows):
    counts = table_statistics(make_table(rows))
    assert counts.rows == len(rows) == sum(counts.set_sizes.values()) == counts.rows_without_year
    assert counts.reactions + counts.duplicates == counts.rows
    assert counts.reactions == len(set(rows))
