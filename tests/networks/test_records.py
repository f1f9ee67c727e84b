from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.errors import ConfigError, DataError
from rrgraph.networks import reaction_records


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_records_are_the_distinct_reactions(make_records, recorded_rows, data):
    rows = data.draw(recorded_rows)
    records = make_records(rows)
    distinct = {(target, frozenset(each)) for target, each in rows}
    used = Counter(name for _, each in distinct for name in each)
    assert len(records) == len(distinct)
    assert dict(zip(records.names, records.uses.tolist(), strict=True)) == used
    found = {
        (target.formula, frozenset(records.names[column] for column in row.nonzero()[0]))
        for target, row in zip(records.targets, records.incidence.toarray(), strict=True)
    }
    assert found == distinct
    assert records.uses.tolist() == sorted(records.uses, reverse=True)


def test_spellings_of_a_precursor_are_one_column(make_records):
    records = make_records([("LiFePO4", ["Li2CO3", "Fe2O3", "NH4H2PO4"]), ("NaFePO4", ["Na2CO3", "Fe4O6", "PH6NO4"])])
    assert sorted(records.names) == ["Fe2O3", "Li2CO3", "NH4H2PO4", "Na2CO3"]
    assert records.uses[records.names.index("Fe2O3")] == 2


def test_publications_count_a_set_once_a_paper(make_records):
    rows = [("BaTiO3", ["BaCO3", "TiO2"]), ("Ba2TiO4", ["BaCO3", "TiO2"])]
    same, apart = ["10.0/a", "10.0/a"], ["10.0/a", "10.0/b"]
    assert len(make_records(rows, unit="publications", doi=same)) == 1
    assert len(make_records(rows, unit="publications", doi=apart)) == 2
    assert len(make_records(rows, unit="publications", doi=[None, None])) == 2
    again = [rows[0], rows[0]]
    assert len(make_records(again, doi=apart)) == 1
    assert len(make_records(again, unit="publications", doi=apart)) == 2


def test_years_of_reports(make_records):
    rows = [("BaTiO3", ["BaCO3", "TiO2"]), ("BaTiO3", ["BaCO3", "TiO2"]), ("SrTiO3", ["SrCO3", "TiO2"])]
    records = make_records(rows, year=[2005, 2001, None])
    assert sorted(zip(records.report_record.tolist(), records.report_year.tolist(), strict=True)) == [
        (0, 2001),
        (0, 2005),
    ]
    first, last = records.years_of_use()
    years = dict(zip(records.names, zip(first.tolist(), last.tolist(), strict=True), strict=True))
    assert years["TiO2"] == (2001, 2005)
    assert np.isnan(years["SrCO3"]).all()


def test_rare_precursors_can_be_left_out(make_records):
    rows = [("BaTiO3", ["BaCO3", "TiO2"]), ("SrTiO3", ["SrCO3", "TiO2"])]
    records = make_records(rows, min_reactions=2)
    assert records.names == ["TiO2"]
    assert records.sizes.tolist() == [1, 1]


def test_selected_records_keep_what_they_use(make_records):
    records = make_records([("BaTiO3", ["BaCO3", "TiO2"]), ("SrTiO3", ["SrCO3", "TiO2"])], year=[2001, 2002])
    chosen = records.select(np.array([False, True]))
    assert chosen.names == ["SrCO3", "TiO2"]
    assert [target.formula for target in chosen.targets] == ["SrTiO3"]
    assert (chosen.report_record.tolist(), chosen.report_year.tolist()) == ([0], [2002])


def test_bad_wishes_are_refused(make_records, make_table):
    rows = [("BaTiO3", ["BaCO3", "TiO2"])]
    with pytest.raises(ConfigError, match=r"'paper', expected one of reactions, publications"):
        make_records(rows, unit="paper")
    with pytest.raises(DataError, match="used by 2 reactions"):
        make_records(rows, min_reactions=2)
    with pytest.raises(DataError, match="no reactions"):
        reaction_records(make_table([]))
