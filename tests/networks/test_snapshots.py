from __future__ import annotations

import pytest

from rrgraph.errors import ConfigError
from rrgraph.networks import class_shares, select_years

ROWS = [
    ("BaTiO3", ["BaCO3", "TiO2"]),
    ("BaTiO3", ["BaCO3", "TiO2"]),
    ("SrTiO3", ["Sr(NO3)2", "TiO2"]),
    ("MgSi", ["Mg", "Si"]),
]


def test_shares_of_classes_by_year(make_records):
    shares = class_shares(make_records(ROWS, year=[2001, 2002, 2002, None]))
    found = {(each["year"], each["kind"]): each["share"] for each in shares if each["share"]}
    assert found == {
        (2001, "carbonate"): 0.5,
        (2001, "oxide"): 0.5,
        (2002, "carbonate"): 0.25,
        (2002, "nitrate"): 0.25,
        (2002, "oxide"): 0.5,
    }
    assert {(each["year"], each["reactions"]) for each in shares} == {(2001, 1), (2002, 2)}
    assert sum(each["share"] for each in shares) == pytest.approx(2)


def test_repeated_reports_of_a_year_count_once(make_records):
    shares = class_shares(make_records(ROWS[:2], year=[2001, 2001]))
    assert {each["reactions"] for each in shares} == {1}


def test_tables_without_years_have_no_shares(make_records):
    assert class_shares(make_records(ROWS)) == []


def test_records_of_a_span(make_records):
    records = make_records(ROWS, year=[2001, 2005, 2002, None])
    early = select_years(records, None, 2001)
    assert [target.formula for target in early.targets] == ["BaTiO3"]
    assert early.report_year.tolist() == [2001]
    assert early.names == ["BaCO3", "TiO2"]
    assert len(select_years(records)) == 2
    assert select_years(records, 2005).report_year.tolist() == [2005]
    with pytest.raises(ConfigError, match="dated from 2010 up to 2012"):
        select_years(records, 2010, 2012)
