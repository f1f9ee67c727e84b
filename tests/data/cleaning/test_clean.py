from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.chem import VOLATILE
from rrgraph.data import CleaningOptions, clean_table, load_table

TARGETS = ["BaTiO3", "LiCoO2", "LaMnO3-δ", "CaO·SiO2", "CuSO4·5H2O", "LixCoO2", "WC", "Ba(OH)2·8H2O", "BaTiO3:Eu"]
PRECURSORS = ["BaCO3", "Ba2CO3", "TiO2", "LiCO3", "LiOH·H2O", "Co3O4", "La2O3(4N)", "MnO3", "MnO2", "C", "C2H5OH"]
PRECURSORS += ["O2", "NaCl", "WO3", "CaO", "SiO2", "CuO", "H2SO4", "Hello", "BaTiO3"]

rows = st.lists(
    st.tuples(st.sampled_from(TARGETS), st.lists(st.sampled_from(PRECURSORS), min_size=1, max_size=5).map(";".join)),
    max_size=25,
)
switches = st.fixed_dictionaries(
    dict.fromkeys(["correct_formulas", "remove_media", "remove_water", "keep_composites"], st.booleans())
)


@given(rows, switches)
def test_every_row_is_kept_or_counted(make_table, rows, switches):
    table = make_table(rows, number=range(len(rows)))
    cleaned, report = clean_table(table, CleaningOptions(**switches))
    assert report.rows_in == len(rows)
    assert report.rows_out == len(cleaned)
    assert report.rows_in == report.rows_out + sum(report.dropped.values())
    assert json.loads(json.dumps(report.to_dict()))["rows_in"] == len(rows)
    for reaction, number in zip(cleaned, cleaned.frame["number"], strict=True):
        assert reaction.target.elements - VOLATILE <= reaction.precursors.elements
        assert reaction.target not in reaction.precursors
        assert reaction.target.elements <= set().union(*map(_elements, rows[number]))


def _elements(text: str) -> set[str]:
    return set(re.findall("[A-Z][a-z]?", text))


@given(rows, switches)
def test_cleaning_twice_changes_nothing_more(make_table, rows, switches):
    once, _ = clean_table(make_table(rows), CleaningOptions(**switches))
    twice, report = clean_table(once, CleaningOptions(**switches))
    assert list(once) == list(twice)
    assert report.dropped == {}


def test_one_row_of_each_reason(make_table):
    table = make_table(
        [
            ("BaTiO3", "Ba2CO3;TiO2;C2H5OH"),
            ("LaMnO3-δ", "La2O3(4N);MnO2"),
            ("LixCoO2", "Li2CO3;Co3O4"),
            ("CaO·SiO2", "CaO;SiO2"),
            ("BaTiO3", "BaCO3;Hello"),
            ("BaTiO3", "BaCO3"),
            ("LiMn2O4", "LiOH;MnO3"),
            ("BaTiO3", "BaTiO3;TiO2"),
        ],
        year=range(2000, 2008),
        note=list("abcdefgh"),
    )
    cleaned, report = clean_table(table)
    assert cleaned.frame[["target", "precursors", "year", "note"]].to_numpy().tolist() == [
        ["BaTiO3", "BaCO3;TiO2", 2000, "a"],
        ["LaMnO3", "La2O3;MnO2", 2001, "b"],
    ]
    assert report.dropped == {
        "target is not a valid formula": 1,
        "target is a composite": 1,
        "precursor is not a valid formula": 1,
        "target element missing from the precursors": 1,
        "impossible precursor formula": 1,
        "target among its own precursors": 1,
    }
    assert report.changed == {
        "impossible precursor formula corrected": 1,
        "solvent or organic auxiliary removed": 1,
        "oxygen deficiency of the target set to zero": 1,
        "water or grade removed from a precursor": 1,
    }
    assert str(report).startswith("8 rows, 2 kept, 6 dropped\n  dropped, ")


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("YBa2Cu3O7-δ", "YBa2Cu3O7"),
        ("La0.7Sr0.3MnO3-x", "La0.7Sr0.3MnO3"),
        ("La2NiO4+delta", "La2NiO4"),
        ("SrFeO(3-δ)", "SrFeO3"),
    ],
)
def test_offsets_are_not_spelled_any_more(make_table, typed, plain):
    cleaned, _ = clean_table(make_table([(typed, "Y2O3;BaCO3;CuO;La2O3;SrCO3;MnO2;NiO;Fe2O3")]))
    assert cleaned.frame["target"].tolist() == [plain]


def test_the_embedded_table_is_clean():
    table = load_table("textbook")
    cleaned, report = clean_table(table)
    assert report.dropped == {}
    assert set(report.changed) <= {"water or grade removed from a precursor"}
    assert cleaned.target_keys.tolist() == table.target_keys.tolist()


@pytest.mark.slow
@pytest.mark.data
def test_the_text_mined_table_is_cleaned_as_measured(data_folder):
    table = load_table("text_mined")
    cleaned, report = clean_table(table)
    assert report.rows_in == len(table) == len(cleaned) + sum(report.dropped.values())
    assert 0.99 < len(cleaned) / len(table) < 1
    assert report.changed["impossible precursor formula corrected"] > 300
