from __future__ import annotations

import csv
import json
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from rrgraph.chem import ELEMENTS, find_reagent, parse_formula, reagent_library, usual_spelling
from rrgraph.chem.reagents import make_reagents
from rrgraph.chem.reagents.groups import read_groups
from rrgraph.data import load_table
from rrgraph.errors import FormulaError

FOLDER = Path(str(resources.files("rrgraph.chem.reagents")))
#: Compounds that plans lack without the library: each must be there, under this spelling.
EXPECTED = """
    NaN3 KN3 KO2 RbO2 CsO2 Na2O2 KOH RbOH CsOH LiH NaH CaH2 NaBH4 LiAlH4 KF KHF2 NH4F NH4HF2 RbF CsF PbF2 LaF3
    CeCl3 TaCl5 NH4VO3 (NH4)6Mo7O24 (NH4)10H2W12O42 (NH4)2HPO4 Na2S K2Se Cs2Te P2S5 CuBr PbI2 SnI2 CH3NH3I
    CH(NH2)2I Ba3N2 Mg3N2 Li3P Ca3P2 LaB6 CaC2 TiC MoSi2 Ti(OC3H7)4 Si(OC2H5)4 Nb(OC2H5)5 Fe(C5H7O2)3
    Y(CH3COO)3 La2(C2O4)3 Ce(NO3)3 H2WO4 H3PO4 H6TeO6 Ca(H2PO4)2·H2O K2C2O4 Pb(CH3COO)2 CO(NH2)2 Na3AlF6
    K2SiF6 LiPF6 KMnO4 Mg5(CO3)4(OH)2 ZrO(NO3)2 UO2(NO3)2 Nb2(C2O4)5
"""


@pytest.mark.parametrize("formula", EXPECTED.split())
def test_reagents_have_their_usual_spelling(formula):
    read = parse_formula(parse_formula(formula).key)
    assert usual_spelling(read).formula == formula
    assert usual_spelling(read) == read


def test_the_library_is_as_large_as_its_page_says():
    hydrates = sum(each.is_hydrate for each in reagent_library().values())
    assert 2900 < len(reagent_library()) - hydrates < 3100
    assert 260 < hydrates < 280
    assert (FOLDER / "reagents.csv").stat().st_size < 250_000


def test_each_composition_has_one_line_with_a_name():
    with (FOLDER / "reagents.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(reagent_library())
    assert all(row["name"].strip() == row["name"] != "" for row in rows)
    assert all(make_reagents._is_cas(row["cas"]) for row in rows if row["cas"])
    numbers = Counter(row["cas"] for row in rows if row["cas"])
    assert max(numbers.values()) == 1


def test_every_formula_can_be_read_by_its_groups():
    """And the groups hold the atoms of the formula."""
    for each in reagent_library().values():
        counts = read_groups(each.composition.formula)
        assert counts is not None
        atoms: Counter[str] = Counter()
        for part, number in counts.items():
            for symbol, amount in parse_formula(part).amounts:
                atoms[symbol] += float(amount) * number
        assert atoms == pytest.approx({symbol: float(amount) for symbol, amount in each.composition.amounts})


def test_plain_salts_are_neutral():
    """Formulas of one cation of one charge and anions of known charge, which is most of them."""
    charged = [each for each in reagent_library().values() if not make_reagents._is_neutral(each.composition)]
    assert len(charged) < 100  # mixed valence, peroxides, covalent molecules
    assert not {"BaTiO3", "Pb(CH3COO)2", "K2C2O4"} & {each.composition.formula for each in charged}
    assert not make_reagents._is_neutral(parse_formula("LiCO3"))
    assert not make_reagents._is_neutral(parse_formula("Ba2CO3"))


def test_no_exotic_elements():
    allowed = {"NpO2", "PuO2", "AmO2"}  # of the textbook table
    exotic = set(ELEMENTS[88:]) - {"Th", "U"} | {"Po", "At", "Rn", "Fr", "Ra", "He", "Ne", "Ar", "Kr", "Xe", "Pm"}
    for each in reagent_library().values():
        assert not each.composition.elements & exotic or each.composition.formula in allowed


def test_all_textbook_precursors_are_in_the_library():
    missing = [key for key in load_table("textbook").precursors() if key not in reagent_library()]
    assert missing == []


def test_entries_are_found_by_composition():
    found = find_reagent(parse_formula("BaN2O6"))
    assert found is not None
    assert (found.composition.formula, found.name, found.cas) == ("Ba(NO3)2", "barium nitrate", "10022-31-8")
    assert find_reagent(parse_formula("Ba45Ti7O99")) is None
    assert usual_spelling(parse_formula("Ba45Ti7O99")) is None


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("FeC2O4", "iron(II) oxalate"),
        ("FeC2O4·2H2O", "iron(II) oxalate dihydrate"),
        ("Fe2O3", "iron(III) oxide"),
        ("Fe3O4", "iron(II,III) oxide"),
        ("Hg2Cl2", "mercury(I) chloride"),
        ("NiCl2", "nickel chloride"),
        ("Cs2CO3", "caesium carbonate"),
        ("KO2", "potassium superoxide"),
        ("LaB6", "lanthanum hexaboride"),
        ("Na2S2", "disodium disulfide"),
        ("CH(NH2)2I", "formamidinium iodide"),
        ("Al", "aluminium"),
    ],
)
def test_names(formula, name):
    assert find_reagent(parse_formula(formula)).name == name


def test_the_handwritten_list_is_read_as_its_head_says():
    text = '# a comment\nCO3: ALKALI Fe2 NH4\nLaB6 Fe3O4 "magnetite" FeCO3\n'
    read = make_reagents.read_handwritten(text, {})
    assert {each.composition.formula: each.name for each in read.values()} == {
        "Li2CO3": "lithium carbonate",
        "Na2CO3": "sodium carbonate",
        "K2CO3": "potassium carbonate",
        "Rb2CO3": "rubidium carbonate",
        "Cs2CO3": "caesium carbonate",
        "FeCO3": "iron(II) carbonate",
        "(NH4)2CO3": "ammonium carbonate",
        "LaB6": "lanthanum hexaboride",
        "Fe3O4": "magnetite",
    }
    with pytest.raises(FormulaError, match="Qq"):
        make_reagents.read_handwritten("QqO2", {})


def test_the_file_is_what_the_script_makes_of_the_list():
    read = make_reagents.read_handwritten((FOLDER / "handwritten.txt").read_text(encoding="utf-8"), {})
    assert [each.composition.formula for each in read.values()] == [
        each.composition.formula for each in reagent_library().values()
    ]


def test_the_bundled_vocabulary_is_readable():
    description = json.loads((FOLDER.parents[1] / "models/bundled/default/model.json").read_text(encoding="utf-8"))
    vocabulary = [parse_formula(entry["formula"]) for entry in description["vocabulary"]]
    unknown = [each.formula for each in vocabulary if usual_spelling(each) is None]
    assert len(unknown) < 40
    assert not any(
        "(" in formula and formula not in ("Mn(OH)3", "Mn(OH)4", "Ce(PO3)3", "Zr(CO3)2") for formula in unknown
    )
