from __future__ import annotations

import json
import lzma
import os

import numpy as np
import pytest

from rrgraph.chem import ELEMENTS, fraction_matrix, parse_formula
from rrgraph.data import CATALOGUE, LITERATURE, load_known_reactions, load_table
from rrgraph.data.literature import tables
from rrgraph.errors import DataError


def material(formula):
    amounts = {symbol: str(amount) for symbol, amount in parse_formula(formula).amounts}
    return {
        "material_string": formula,
        "material_formula": formula,
        "composition": [{"formula": formula, "elements": amounts, "amount": "1"}],
        "amounts_vars": {},
        "elements_vars": {},
        "additives": [],
        "oxygen_deficiency": None,
    }


def recipe(doi, target, precursors, celsius):
    heating = {"heating_temperature": [{"values": [celsius], "max_value": celsius, "units": "C"}]}
    return {
        "doi": doi,
        "paragraph_string": "Powders were mixed.",
        "target": material(target),
        "precursors": [material(text) for text in precursors.split(";")],
        "reaction": {"element_substitution": {}},
        "operations": [{"type": "HeatingOperation", "conditions": heating}],
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty data folder, and an empty user cache beside it."""
    monkeypatch.setenv("RRGRAPH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: tmp_path / "cache")
    return tmp_path / "data"


@pytest.fixture
def mined(folder, make_table):
    """The text-mined table, invented."""
    table = make_table(
        [
            ("BaTiO3", "BaCO3;TiO2"),
            ("Ba0.9Sr0.1TiO3", "BaCO3;SrCO3;TiO2"),
            ("LiCoO2", "LiHO;Co3O4"),
            ("NiO", "NiO"),
            ("CoO", "Co"),
        ],
        doi=["10.1000/a", "10.1000/b", "10.1000/c", "10.1000/d", "10.1000/e"],
        year=[2000, 2001, 2002, 2003, 2004],
    )
    path = folder / CATALOGUE["text_mined"].path
    table.write(path)
    return path


@pytest.fixture
def recipes(folder):
    """The raw recipes, invented."""
    found = [
        recipe("10.1000/a", "BaTiO3", "BaCO3;TiO2", 1200.0),
        recipe("10.1000/b", "Ba0.5Sr0.5TiO3", "SrCO3;TiO2;BaCO3", 1300.0),
        recipe("10.1000/x", "LiCoO2", "LiOH;Co3O4", 900.0),
    ]
    path = folder / CATALOGUE["text_mined_recipes"].path
    path.parent.mkdir(parents=True, exist_ok=True)
    with lzma.open(path, "wt", encoding="utf-8") as file:
        json.dump(found, file)
    return path


def nearest(formula, name="text_mined", count=1):
    return load_known_reactions(name).nearest([parse_formula(formula)], count)[0]


def test_the_literature_of_the_package_needs_no_other_file(folder):
    known = load_known_reactions(LITERATURE)
    assert len(known) > 25_000
    (found,) = known.nearest([parse_formula("BaTiO3")], 1)[0:1]
    best = found[0]
    assert best.same_composition
    assert best.target == "BaTiO3"
    assert set(best.precursors) == {"BaCO3", "TiO2"}
    assert best.reports > 100
    assert best.first_year < best.year
    assert best.first_doi != best.doi
    assert best.temperature_low_c < best.temperature_c < best.temperature_high_c
    assert known.nearest([parse_formula("Ba2Ti2O6")], 1)[0][0] == best


def test_the_literature_of_the_package_is_what_grouping_gives():
    """Keys, sets and fractions that are worked out from the file are those of its formulas."""
    frame = tables._bundled()
    rows = frame.sample(300, random_state=0)
    targets = [parse_formula(text) for text in rows["target"]]
    assert [target.key for target in targets] == rows["key"].tolist()
    np.testing.assert_allclose(rows[list(ELEMENTS)].to_numpy(), fraction_matrix(targets), atol=1e-4)
    single = rows["reports"] == 1
    assert (rows["first_doi"] == rows["doi"])[single].all()
    assert (frame["doi"] == frame["doi"].str.lower()).all()
    assert not frame.duplicated(["key", "precursors"]).any()
    assert load_table(LITERATURE).frame["target"].tolist() == frame["target"].tolist()


def test_a_catalogued_table_is_cleaned_and_spelled_as_usual(mined):
    (found,) = nearest("LiCoO2")
    assert set(found.precursors) == {"LiOH", "Co3O4"}
    assert (found.year, found.doi, found.temperature_c) == (2002, "10.1000/c", None)
    assert not nearest("NiO")[0].same_composition  # a target among its own precursors


def test_conditions_come_from_the_recipes_of_the_same_paper(mined, recipes):
    assert nearest("BaTiO3")[0].temperature_c == 1200
    assert nearest("Ba0.9Sr0.1TiO3")[0].temperature_c == 1300  # another target of the paper from the same set
    assert nearest("LiCoO2")[0].temperature_c is None  # another paper


def test_recipes_are_known_reactions_themselves(recipes):
    found = nearest("LiCoO2", "text_mined_recipes")[0]
    assert (found.temperature_c, found.doi, found.year, found.same_composition) == (900, "10.1000/x", None, True)
    assert nearest("LiCoO2", recipes)[0] == found


def test_a_file_is_taken_as_it_is(recipes, make_table, tmp_path):
    path = tmp_path / "mine.csv"
    make_table(
        [("LiCoO2", "LiHO;Co3O4"), ("BaTiO3", "BaCO3;TiO2")], doi=[None, "10.1000/a"], temperature_c=[850, None]
    ).write(path)
    known = load_known_reactions(path)
    assert known.name == "mine.csv"
    (lithium,), (barium,) = known.nearest([parse_formula("LiCoO2"), parse_formula("BaTiO3")], 1)
    assert (lithium.precursors, lithium.temperature_c) == (("LiHO", "Co3O4"), 850)
    assert barium.temperature_c == 1200


def test_what_is_made_of_a_table_is_kept_until_it_changes(mined, recipes, tmp_path, monkeypatch):
    first = nearest("BaTiO3", count=9)
    kept = sorted(path.name.split("-")[0] for path in (tmp_path / "cache" / "evidence").iterdir())
    assert kept == ["conditions", "text_mined"]
    with monkeypatch.context() as patched:
        patched.setattr(tables, "group_reactions", None)  # not called again
        assert nearest("BaTiO3", count=9) == first
    os.utime(mined, (1, 1))
    assert nearest("BaTiO3", count=9) == first
    recipes.unlink()
    assert nearest("BaTiO3", count=9) != first
    assert len(list((tmp_path / "cache" / "evidence").glob("text_mined-*"))) == 1


def test_a_broken_or_forbidden_cache_does_no_harm(mined, tmp_path, caplog):
    first = nearest("BaTiO3")
    (kept,) = (tmp_path / "cache" / "evidence").iterdir()
    kept.write_bytes(b"PAR1 no more")
    assert nearest("BaTiO3") == first
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.write_text("a file where the folder should be")
    assert nearest("BaTiO3") == first
    assert "cannot be kept" in caplog.text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("text_mind", "Did you mean 'text_mined'"),
        ("precursor_pool", "not a reaction table"),
        ("nms_validation", "not on this computer"),
        ("missing.csv", "There is no file"),
        ("missing.json", "There is no file"),
    ],
)
def test_problems_are_named(mined, folder, name, message):
    (folder / CATALOGUE["precursor_pool"].path).write_text("BaO\n")
    with pytest.raises(DataError, match=message):
        load_known_reactions(name)


def test_the_embedded_table_has_neither_papers_nor_conditions(folder):
    (found,) = nearest("BaTiO3", "textbook")
    assert found.same_composition
    assert (found.doi, found.year, found.temperature_c) == (None, None, None)
