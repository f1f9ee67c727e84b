from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.chem import VOLATILE, parse_formula
from rrgraph.data import CleaningOptions, clean_recipes, load_recipes, read_recipes, split_table
from rrgraph.errors import DataError

EXPAND = CleaningOptions(expand_variables=True)
KEEP = CleaningOptions(keep_composites=True, keep_additives=True)


def material(*parts: tuple[str, Mapping[str, str]], formula: str = "", **changes: Any) -> dict[str, Any]:
    joined = formula or "·".join(text for text, _ in parts)
    structure = {
        "material_string": joined,
        "material_formula": joined,
        "composition": [{"formula": text, "elements": dict(elements), "amount": "1"} for text, elements in parts],
        "amounts_vars": {},
        "elements_vars": {},
        "additives": [],
        "oxygen_deficiency": None,
    }
    return structure | changes


def simple(text: str) -> dict[str, Any]:
    try:
        amounts = {symbol: str(amount) for symbol, amount in parse_formula(text).amounts}
    except ValueError:
        amounts = {"Qq": "1"}
    return material((text, amounts))


def variable(text: str, elements: Mapping[str, str], **values: list[float]) -> dict[str, Any]:
    listed = {name: {"values": v, "min_value": None, "max_value": None} for name, v in values.items()}
    return material((text, elements), amounts_vars=listed)


def recipe(target: dict[str, Any] | str, precursors: str, **changes: Any) -> dict[str, Any]:
    return {
        "doi": "10.1000/a",
        "paragraph_string": "Powders were mixed.",
        "target": simple(target) if isinstance(target, str) else target,
        "precursors": [simple(text) for text in precursors.split(";")],
        "reaction": {"element_substitution": {}},
        "operations": [],
    } | changes


MANGANITE = variable("La1-xSrxMnO3", {"La": "1-x", "Sr": "x", "Mn": "1", "O": "3 - del_O"}, x=[0.0, 0.3, 0.3, 0.5])


def test_a_plain_recipe_keeps_its_spelling_and_source():
    table, report = clean_recipes([recipe("LiCoO2", "Li2CO3;Co3O4")], years={"10.1000/a": 2003})
    assert table.frame.iloc[0][["target", "precursors", "year", "doi", "group"]].tolist() == [
        "LiCoO2",
        "Li2CO3;Co3O4",
        2003,
        "10.1000/a",
        "10.1000/a#1",
    ]
    assert (report.recipes, report.rows_in, report.rows_out, report.dropped) == (1, 1, 1, {})


@pytest.mark.parametrize(
    ("formula", "text", "elements", "is_kept"),
    [
        ("LiCoO2", "LiCoO2", {"Li": "1", "Co": "1", "O": "2"}, True),
        ("Lithium cobalt oxide LiCoO2", "LiCoO2", {"Li": "1", "Co": "1", "O": "2"}, True),
        ("lithium cobalt oxide", "Li2CoO3", {"Li": "2", "Co": "1", "O": "3"}, False),
        ("LCO", "LiCoO2", {"Li": "1", "Co": "1", "O": "2"}, False),
        ("LiCoO2/C", "LiCoO2", {"Li": "1", "Co": "1", "O": "2"}, False),
        ("LiCoO2:Mn", "LiCoO2", {"Li": "1", "Co": "1", "O": "2"}, False),
        ("LiCo 0.9 M 0.1O2", "LiCo0.9", {"Li": "1", "Co": "0.9"}, False),
    ],
)
def test_a_mined_composition_has_the_elements_of_the_formula(formula, text, elements, is_kept):
    table, report = clean_recipes([recipe(material((text, elements), formula=formula), "Li2CO3;Co3O4")])
    assert len(table) == is_kept
    reason = "mined composition with other elements than the formula"
    assert report.dropped == ({} if is_kept else {reason: 1})


def test_an_abbreviated_precursor_is_not_what_is_left_of_it():
    acetate = material(("Li(ac)", {"Li": "1"}), ("H2O", {"H": "2", "O": "1"}))
    carbonates = material(("NiCO3", {"Ni": "1", "C": "1", "O": "3"}), ("Ni(OH)2", {"Ni": "1", "O": "2", "H": "2"}))
    carbonates["material_formula"] = "NiCO3-Ni(OH)2"
    both = recipe("LiNiO2", "NiO") | {"precursors": [acetate, carbonates]}
    assert clean_recipes([both])[1].dropped == {"precursor is not a valid formula": 1}
    table, _ = clean_recipes([recipe("NiO", "NiO") | {"precursors": [carbonates]}])
    assert table.frame["precursors"].tolist() == ["Ni2CO5H2"]


def test_variables_of_elements_and_amounts_are_symbols_of_the_formula():
    target = material(
        ("Li1-xMyNaxO2", {"Li": "1-x", "M": "y", "Na": "x", "O": "2"}),
        elements_vars={"M": ["Co"]},
        amounts_vars={name: {"values": [0.5], "min_value": None, "max_value": None} for name in "xy"},
    )
    table, report = clean_recipes([recipe(target, "Li2O;Co3O4;Na2O")], options=EXPAND)
    assert (table.frame["target"].tolist(), report.dropped) == (["Li0.5Na0.5O2Co0.5"], {})


def test_variables_are_dropped_or_expanded():
    recipes = [recipe(MANGANITE, "La2O3;SrCO3;MnO2")]
    table, report = clean_recipes(recipes)
    assert (len(table), report.dropped) == (0, {"variables in the target": 1})
    table, report = clean_recipes(recipes, options=EXPAND)
    assert table.frame["target"].tolist() == ["LaMnO3", "La0.7Sr0.3MnO3", "La0.5Sr0.5MnO3"]
    assert table.frame["precursors"].tolist() == ["La2O3;MnO2", "La2O3;SrCO3;MnO2", "La2O3;SrCO3;MnO2"]
    assert table.frame["group"].nunique() == 1
    assert report.changed["oxygen deficiency of the target set to zero"] == 3


def test_element_variables_follow_the_substitution_or_the_list():
    target = material(("MTiO3", {"M": "1", "Ti": "1", "O": "3"}), elements_vars={"M": ["Ba", "Sr"]})
    chosen = recipe(target, "BaCO3;SrCO3;TiO2", reaction={"element_substitution": {"M": "Sr"}})
    both = recipe(target, "BaCO3;SrCO3;TiO2")
    assert clean_recipes([chosen], options=EXPAND)[0].frame["target"].tolist() == ["SrTiO3"]
    table, _ = clean_recipes([both], options=EXPAND)
    assert table.frame[["target", "precursors"]].to_numpy().tolist() == [
        ["BaTiO3", "BaCO3;TiO2"],
        ["SrTiO3", "SrCO3;TiO2"],
    ]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (variable("LixCoO2", {"Li": "x", "Co": "1", "O": "2"}), "variable of the target without listed values"),
        (variable("Li1-xCoO2", {"Li": "1-x", "Co": "1", "O": "2"}, x=[2.0]), "listed value gives an impossible amount"),
        (variable("LixCoO2", {"Li": "x", "Co": "1", "O": "2"}, x=[600.0]), "listed value gives an impossible amount"),
        (
            variable("LixCoyO2", {"Li": "x", "Co": "y", "O": "2"}, x=[*range(1, 20)], y=[*range(1, 20)]),
            "more than 200 combinations of listed values",
        ),
        (material(("Li2O", {"Li": "2", "O": "1"}), ("CoO", {"Co": "1", "O": "1"})), "target is a composite"),
        (
            material(("LiCoO2", {"Li": "1", "Co": "1", "O": "2"}), additives=["Eu"]),
            "additive missing from the target formula",
        ),
        (material(), "target is not a valid formula"),
        (variable("LiCoO2", {"Li": "1", "Co": "1,,2", "O": "2"}), "target is not a valid formula"),
        ("LiCoO2;", "malformed recipe"),
    ],
)
def test_targets_without_a_meaning_are_dropped(target, reason):
    broken = recipe(target, "Li2CO3;Co3O4") if not isinstance(target, str) else {"doi": "10.1000/a", "target": None}
    table, report = clean_recipes([broken], options=EXPAND)
    assert (len(table), report.dropped) == (0, {reason: 1})


def test_composites_and_additives_can_be_kept():
    composite = material(("Li2O", {"Li": "2", "O": "1"}), ("CoO", {"Co": "1", "O": "1"}))
    doped = material(("LiCoO2", {"Li": "1", "Co": "1", "O": "2"}), additives=["Eu"])
    table, report = clean_recipes([recipe(t, "Li2CO3;Co3O4") for t in (composite, doped)], options=KEEP)
    assert [target.key for target in table.targets] == ["CoLi2O2", "CoLiO2"]
    assert report.dropped == {}


def test_water_and_grades_are_taken_off():
    hydrate = material(("CaSO4", {"Ca": "1", "S": "1", "O": "4"}), ("H2O", {"H": "2", "O": "1"}), formula="CaSO4·2H2O")
    mixed = material(
        ("MgCO3", {"Mg": "4", "C": "4", "O": "12"}),
        ("Mg(OH)2", {"Mg": "1", "O": "2", "H": "2"}),
        formula="4MgCO3-Mg(OH)2",
    )
    table, report = clean_recipes(
        [recipe(hydrate, "CaCO3·6H2O;(NH4)2SO4"), recipe("MgO", "MgCO3") | {"precursors": [mixed]}]
    )
    assert [target.key for target in table.targets] == ["CaO4S", "MgO"]
    assert table.set_keys[1] == {parse_formula("Mg5(CO3)4(OH)2").key}
    assert report.changed == {"water or grade removed from the target": 1, "water or grade removed from a precursor": 1}


def test_an_unreadable_precursor_drops_the_row():
    table, report = clean_recipes([recipe("LiCoO2", "Li2CO3;cobalt oxide")])
    assert (len(table), report.dropped) == (0, {"precursor is not a valid formula": 1})


def test_rows_of_one_paragraph_share_a_group_and_stay_on_one_side():
    other = recipe("BaTiO3", "BaCO3;TiO2", paragraph_string="Another one.")
    recipes = [
        recipe(MANGANITE, "La2O3;SrCO3;MnO2"),
        recipe("SrTiO3", "SrCO3;TiO2"),
        other,
        recipe("BaO", "BaCO3", doi="10.1000/b"),
    ]
    table, _ = clean_recipes(recipes, options=EXPAND)
    assert table.frame["group"].tolist() == ["10.1000/a#1"] * 4 + ["10.1000/a#2", "10.1000/b#1"]
    for seed in range(5):
        split = split_table(table, "random", seed=seed, validation_fraction=0.6)
        groups = [set(part.frame["group"]) for part in (split.train, split.validation, split.test)]
        assert sum(map(len, groups)) == len(set().union(*groups)) == 3


def test_conditions_become_columns():
    firing = {
        "type": "HeatingOperation",
        "conditions": {
            "heating_temperature": [{"max_value": 900.0, "values": [900.0], "units": "C"}],
            "heating_time": [{"max_value": 12.0, "values": [12.0], "units": "h"}],
            "heating_atmosphere": ["air"],
        },
    }
    table, _ = clean_recipes([recipe("LiCoO2", "Li2CO3;Co3O4", operations=[firing]), recipe("BaTiO3", "BaO;TiO2")])
    frame = table.frame[["temperature_c", "time_h", "atmosphere"]]
    assert frame.iloc[0].tolist() == [900.0, 12.0, "air"]
    assert frame.iloc[1].isna().all()


values = st.lists(st.sampled_from([-1.0, 0.0, 0.2, 1.0, 500.0]), max_size=4)
targets = st.one_of(
    st.sampled_from(["LiCoO2", "BaTiO3", "WC", "Li2CO3"]).map(simple),
    values.map(lambda x: variable("La1-xSrxMnO3", {"La": "1-x", "Sr": "x", "Mn": "1", "O": "3 - del_O"}, x=x)),
    st.just(material(("Al2O3", {"Al": "2", "O": "3"}), ("SiO2", {"Si": "1", "O": "2"}))),
    st.just({"composition": 5}),
)
sets = st.lists(
    st.sampled_from(["Li2CO3", "Co3O4", "La2O3", "SrCO3", "MnO2", "BaCO3", "TiO2", "WO3", "C", "O2", "LiCO3", "Mn2O7"]),
    min_size=1,
    max_size=5,
).map(";".join)


@given(st.lists(st.tuples(targets, sets).map(lambda pair: recipe(*pair)), max_size=12), st.booleans())
def test_every_row_is_kept_or_counted(recipes, expand):
    table, report = clean_recipes(recipes, options=CleaningOptions(expand_variables=expand))
    assert report.recipes == len(recipes)
    assert report.rows_out == len(table)
    assert report.rows_in == report.rows_out + sum(report.dropped.values())
    assert report.rows_in >= len(recipes) if expand else report.rows_in == len(recipes)
    for reaction in table:
        assert reaction.target.elements - VOLATILE <= reaction.precursors.elements
        assert reaction.target not in reaction.precursors


@pytest.mark.parametrize("suffix", [".json", ".json.xz", ".json.gz"])
@pytest.mark.parametrize("wrap", [True, False])
def test_files_are_read(tmp_path: Path, suffix, wrap):
    recipes = [recipe("LiCoO2", "Li2CO3;Co3O4")]
    path = tmp_path / f"recipes{suffix}"
    opener: Any = {".json": open, ".json.xz": lzma.open, ".json.gz": gzip.open}[suffix]
    with opener(path, "wt", encoding="utf-8") as file:
        json.dump({"reactions": recipes} if wrap else recipes, file)
    assert load_recipes(path) == recipes
    assert len(read_recipes(path)[0]) == 1


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1}', b"5"])
def test_a_file_without_recipes_is_refused(tmp_path: Path, content):
    path = tmp_path / "recipes.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"recipes\.json"):
        load_recipes(path)
    with pytest.raises(DataError, match="no file"):
        load_recipes(tmp_path / "missing.json")


def test_a_cut_file_is_refused(tmp_path: Path):
    path = tmp_path / "recipes.json.xz"
    path.write_bytes(lzma.compress(b"[1, 2, 3, 4]" * 1000)[:-20])
    with pytest.raises(DataError, match="cannot be read"):
        load_recipes(path)


@pytest.mark.slow
@pytest.mark.data
def test_the_raw_recipes_are_cleaned_as_measured(data_folder):
    from rrgraph.data import data_path

    recipes = load_recipes(data_path("text_mined_recipes"))
    assert len(recipes) == 27_487
    some = recipes[::6]
    table, report = clean_recipes(some)
    assert report.recipes == report.rows_in == len(some)
    assert report.rows_in == len(table) + sum(report.dropped.values())
    assert 12 / 27 < len(table) / len(some) < 15 / 27
    expanded, report = clean_recipes(some, options=EXPAND)
    assert report.rows_in == len(expanded) + sum(report.dropped.values())
    assert len(expanded) > 1.5 * len(table)


def test_what_is_not_unicode_is_written_as_escapes():
    table, _ = clean_recipes([recipe("BaTiO3", "BaCO3;TiO2", doi="10.1/\udcff")])
    assert table.frame["doi"].tolist() == ["10.1/\\udcff"]
