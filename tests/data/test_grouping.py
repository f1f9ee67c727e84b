from __future__ import annotations

import numpy as np
import pytest

from rrgraph.chem import ELEMENTS, parse_formula
from rrgraph.data import group_reactions, preferred_spelling
from rrgraph.data.grouping import GROUPED

ROWS = [
    ("BaTiO3", "BaCO3;TiO2"),
    ("Ba2Ti2O6", "TiO2;BaCO3"),
    ("BaTiO3", "BaCO3;TiO2"),
    ("BaTiO3", "BaCO3;TiO2"),
    ("BaTiO3", "BaO;TiO2"),
    ("NiO", "Ni"),
]
COLUMNS = {
    "doi": ["10.1000/b", "10.1000/a", "10.1000/c", "10.1000/c", "10.1000/d", None],
    "year": [2005, 1999, 2011, 2011, None, None],
    "temperature_c": [1100.0, 1000.0, None, 1400.0, None, 600.0],
    "time_h": [4.0, 2.0, None, 12.0, None, None],
    "atmosphere": ["air", "air", None, "oxygen", None, None],
}


@pytest.fixture
def grouped(make_table):
    return group_reactions(make_table(ROWS, **COLUMNS))


def test_one_target_and_set_is_one_reaction_with_its_papers(grouped):
    assert [*grouped.columns] == ["key", *GROUPED, *ELEMENTS]
    assert grouped["target"].tolist() == ["BaTiO3", "BaTiO3", "NiO"]
    first = grouped.iloc[0]
    assert first["precursors"] == "BaCO3;TiO2"
    assert first["reports"] == 3
    assert first[["year", "doi", "first_year", "first_doi"]].tolist() == [2011, "10.1000/c", 1999, "10.1000/a"]


def test_conditions_are_medians_over_papers_with_the_range(grouped):
    first, second, third = (grouped.iloc[row] for row in range(3))
    temperatures = ["temperature_c", "temperature_low_c", "temperature_high_c", "time_h"]
    assert first[temperatures].tolist() == [1100, 1000, 1400, 4]
    assert first["atmosphere"] == "air"
    assert second[[*temperatures, "atmosphere"]].isna().all()
    assert third[temperatures[:3]].tolist() == [600, 600, 600]


def test_fractions_stand_under_their_symbols(grouped):
    assert grouped.loc[0, ["Ba", "Ti", "O"]].tolist() == pytest.approx([0.2, 0.2, 0.6])
    assert grouped[list(ELEMENTS)].sum(axis=1).tolist() == pytest.approx([1, 1, 1])


def test_rows_without_a_doi_count_one_by_one(make_table):
    found = group_reactions(make_table([("BaTiO3", "BaO;TiO2")] * 3 + [("SrTiO3", "SrO;TiO2")]))
    assert dict(zip(found["target"], found["reports"], strict=True)) == {"BaTiO3": 3, "SrTiO3": 1}
    assert found[["year", "doi", "temperature_c", "atmosphere"]].isna().all(axis=None)


def test_the_most_reported_set_of_a_target_comes_first(make_table):
    rows = [("NiO", "Ni")] + [("NiO", "Ni(OH)2")] * 2 + [("NiO", "NiCO3")]
    found = group_reactions(make_table(rows, year=[1990, 1991, 1992, 2015]))
    assert found["precursors"].tolist() == ["Ni(OH)2", "NiCO3", "Ni"]


def test_precursors_may_be_spelled_otherwise(make_table):
    table = make_table([("LiCoO2", "LiHO;Co3O4")])
    assert group_reactions(table)["precursors"].tolist() == ["LiHO;Co3O4"]
    assert group_reactions(table, spell=preferred_spelling)["precursors"].tolist() == ["LiOH;Co3O4"]


def test_an_empty_table_has_no_reactions(make_table):
    assert len(group_reactions(make_table([]))) == 0


def test_numbers_that_are_none_are_not_known(make_table):
    found = group_reactions(make_table([("NiO", "Ni")], temperature_c=["hot"], time_h=["3"]))
    assert np.isnan(found["temperature_c"][0])
    assert found["time_h"][0] == 3
    assert found["key"][0] == parse_formula("NiO").key
