"""Recipes become rows: what repeats itself counts once, papers stay on one side, and what is left out is counted."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from rrgraph.chem import parse_formula
from rrgraph.conditions import condition_rows, labelled_rows, load_conditions, split_conditions
from rrgraph.data import load_table


def material(formula, *, amounts=None, **values):
    composition = (
        {symbol: str(amount) for symbol, amount in parse_formula(formula).amounts} if amounts is None else amounts
    )
    return {
        "material_string": formula,
        "material_formula": formula,
        "composition": [{"formula": formula, "elements": composition, "amount": "1"}],
        "amounts_vars": {name: {"values": each, "min_value": None, "max_value": None} for name, each in values.items()},
        "elements_vars": {},
        "additives": [],
        "oxygen_deficiency": None,
    }


def heating(word, celsius, hours=()):
    return {
        "type": "HeatingOperation",
        "token": word,
        "conditions": {
            "heating_temperature": [
                {"units": "C", "min_value": None, "max_value": each, "values": [each]} for each in celsius
            ],
            "heating_time": [{"units": "h", "min_value": None, "max_value": each, "values": [each]} for each in hours],
            "heating_atmosphere": [],
        },
    }


def recipe(target, precursors, doi, paragraph, *operations):
    return {
        "doi": doi,
        "paragraph_string": paragraph,
        "target": material(target) if isinstance(target, str) else target,
        "precursors": [material(each) for each in precursors.split(";")],
        "reaction": {"element_substitution": {}},
        "operations": list(operations),
    }


@pytest.fixture
def read(tmp_path):
    """Return a function that writes recipes, and returns the table that is read and what was left out."""

    def read(*recipes):
        (tmp_path / "raw.json").write_text(json.dumps(recipes))
        return load_conditions(tmp_path / "raw.json", years="")

    return read


FIRED = heating("sintered", [1200.0], [4.0])


def test_what_a_paper_or_a_paragraph_repeats_counts_once(read):
    table, dropped = read(
        recipe("BaTiO3", "BaCO3;TiO2", "10.1/A", "One.", FIRED),
        recipe("BaTiO3", "BaCO3;TiO2", "10.1/a", "One.", FIRED),  # in other letter case
        recipe("BaTiO3", "BaCO3;TiO2", "10.2/b", "One.", FIRED),  # under another DOI
        recipe("BaTiO3", "BaCO3;TiO2", "10.3/c", "Two.", FIRED),
    )
    assert table.frame["doi"].tolist() == ["10.1/a", "10.3/c"]
    assert dropped["recipe: repeated"] == 2


def test_materials_of_one_paragraph_share_the_weight_of_a_recipe(read):
    series = material("Ba1-xSrxTiO3", amounts={"Ba": "1-x", "Sr": "x", "Ti": "1", "O": "3"}, x=[0.2, 0.4])
    table, _ = read(
        recipe(series, "BaCO3;SrCO3;TiO2", "10.1/a", "One.", FIRED),
        recipe("BaTiO3", "BaCO3;TiO2", "10.2/b", "Two.", FIRED),
    )
    rows = condition_rows(table)
    first = rows.label == 0
    assert sorted(rows.weight[first].tolist()) == [0.5, 0.5, 1.0]


def test_drops_are_counted(read):
    table, dropped = read(
        recipe(
            "BaTiO3",
            "BaCO3;TiO2",
            "10.1/a",
            "One.",
            heating("dried", [120.0]),
            heating("heated", [], [10.0]),
            heating("sintered", [1200.0, 4720.0]),
        )
    )
    assert dropped["temperature above 2500"] == 1
    found: Counter[str] = Counter()
    rows = condition_rows(table, found)
    assert +found == {"drying step": 1, "time of a step without a temperature": 1}
    assert set(rows.temperature.tolist()) == {1200.0}


def test_what_cannot_be_read_of_labelled_rows_is_counted(tmp_path):
    (tmp_path / "curated.csv").write_text(
        "target,precursors,temperature_C,atmosphere\nBaTiO3,BaCO3;TiO2,1200,air\nXx2,BaCO3,900,air\n"
        "SrTiO3,SrCO3;TiO2,4720,in a furnace\nCaTiO3,CaCO3;TiO2,549.85,O2\n"
    )
    dropped: Counter[str] = Counter()
    rows = labelled_rows(tmp_path / "curated.csv", dropped)
    np.testing.assert_array_equal(rows.temperature, [1200.0, np.nan, 550.0])
    assert rows.atmosphere.tolist() == ["air", None, "oxygen"]
    assert +dropped == {
        "row that cannot be read": 1,
        "temperature above 2500": 1,
        "atmosphere without a class: in a furnace": 1,
    }


def write(rows, path, **columns):
    rows.with_columns(temperature_c=[1000.0] * len(rows), time_h=[4.0] * len(rows), **columns).write(path)
    return str(path)


def test_a_paper_is_in_one_subset_whatever_the_letter_case_of_its_doi(tmp_path):
    rows = load_table("textbook").select(range(120))
    dois = [f"10.1/{'x' if number % 2 else 'X'}{number // 12}" for number in range(len(rows))]
    found = split_conditions(write(rows, tmp_path / "mine.csv", doi=dois), "random")
    papers = [set(found[name].table.frame["doi"].str.lower()) for name in ("train", "validation", "test")]
    assert all(papers)
    assert not papers[0] & papers[1] and not papers[0] & papers[2] and not papers[1] & papers[2]
    assert found.report["dropped"]["recipe: its paper is in a later subset"] > 0


@pytest.mark.parametrize(("systems", "shared"), [(False, "target_keys"), (True, "element_systems")])
def test_targets_or_systems_are_held_out(tmp_path, systems, shared):
    rows = load_table("textbook").select(range(120))
    held = rows.select(range(0, 120, 6))
    held.write(tmp_path / "held.csv")
    found = split_conditions(
        write(rows, tmp_path / "mine.csv"), "random", holdout=str(tmp_path / "held.csv"), holdout_systems=systems
    )
    kept = np.concatenate([getattr(found[name].table, shared) for name in ("train", "validation", "test")])
    assert len(kept) and not set(kept.tolist()) & set(getattr(held, shared).tolist())
    assert found.report["dropped"]["recipe: held out"] >= len(held)
