"""Tests of handling notes: rules of materials, of mixing and of the furnace."""

import csv
from itertools import product

import pytest

from rrgraph.chem import balance, parse_formula, reagent_classes, reagent_library
from rrgraph.errors import FormulaError
from rrgraph.lab import HandlingNote, Hazard, handling_notes, merged, set_notes, summary
from rrgraph.lab.check_handling import CLASSES, compare
from rrgraph.lab.compatibility import is_acid


def hazards(formula):
    return {note.hazard for note in handling_notes(formula)}


def set_hazards(*formulas, **options):
    return {note.hazard for note in set_notes(map(parse_formula, formulas), **options)}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("PbO", {Hazard.TOXIC, Hazard.CARCINOGENIC}),
        ("Na2Cr2O7", {Hazard.TOXIC, Hazard.CARCINOGENIC, Hazard.OXIDISER}),
        ("KNO3", {Hazard.OXIDISER, Hazard.TOXIC_GAS}),
        ("Co(NO3)2·6H2O", {Hazard.CARCINOGENIC, Hazard.OXIDISER, Hazard.HYGROSCOPIC}),
        ("Na", {Hazard.WATER_REACTIVE, Hazard.AIR_SENSITIVE, Hazard.CORROSIVE}),
        ("LiAlH4", {Hazard.WATER_REACTIVE, Hazard.PYROPHORIC}),
        ("Al4C3", {Hazard.WATER_REACTIVE}),
        ("P2S5", {Hazard.WATER_REACTIVE, Hazard.TOXIC_GAS}),
        ("NaN3", {Hazard.EXPLOSIVE, Hazard.TOXIC}),
        ("NH4ClO4", {Hazard.EXPLOSIVE, Hazard.OXIDISER}),
        ("NH4HF2", {Hazard.CORROSIVE, Hazard.TOXIC_GAS}),
        ("AlCl3", {Hazard.CORROSIVE, Hazard.TOXIC_GAS, Hazard.AIR_SENSITIVE}),
        ("UO2", {Hazard.RADIOACTIVE, Hazard.TOXIC}),
        ("FeC2O4·2H2O", {Hazard.HARMFUL, Hazard.TOXIC_GAS}),
        ("MnO2", {Hazard.OXYGEN}),
        ("La2O3", {Hazard.HYGROSCOPIC}),
        ("B(OH)3", {Hazard.REPROTOXIC}),
        ("Ba(NO3)2", {Hazard.TOXIC, Hazard.OXIDISER}),
    ],
)
def test_rules_name_the_hazards_of_a_material(formula, expected):
    assert expected <= hazards(formula)


@pytest.mark.parametrize("formula", ["BaSO4", "TiO2", "ZrO2", "Al2O3", "NaCl", "CaCO3", "K4Fe(CN)6", "Mn2O3", "CaF2"])
def test_common_materials_are_not_called_poisons(formula):
    assert not hazards(formula) & {Hazard.TOXIC, Hazard.CARCINOGENIC, Hazard.HARMFUL, Hazard.OXIDISER}


def test_notes_agree_with_the_classes_of_reagents():
    noted = {
        "toxic": {Hazard.TOXIC, Hazard.CARCINOGENIC, Hazard.HARMFUL},
        "oxidisers": {Hazard.OXIDISER, Hazard.OXYGEN},
        "pyrophoric": {Hazard.PYROPHORIC},
        "air-sensitive": {Hazard.AIR_SENSITIVE},
        "radioactive": {Hazard.RADIOACTIVE},
        "hydrates": {Hazard.HYGROSCOPIC},
    }
    silent = [
        (name, reagent.composition.formula)
        for reagent in reagent_library().values()
        for name in noted.keys() & reagent_classes(reagent.composition)
        if noted[name].isdisjoint(hazards(reagent.composition))
    ]
    assert silent == []


def test_an_alkali_metal_with_an_acid_or_a_halogen_is_never_passed_over():
    metals = ["Li", "Na", "K", "Rb", "Cs", "NaK"]
    library = [reagent.composition for reagent in reagent_library().values()]
    acids = [each.formula for each in library if is_acid(each) or "acids" in reagent_classes(each)]
    halogens = ["F2", "Cl2", "Br2", "I2", "ICl", "IBr", "BrF3"]
    assert len(acids) > 30
    for metal, other in product(metals, [*acids, *halogens]):
        assert Hazard.INCOMPATIBLE in set_hazards(metal, other), (metal, other)
        assert Hazard.INCOMPATIBLE in set_hazards("TiO2", other, metal), (metal, other)


@pytest.mark.parametrize(
    ("members", "hazard", "words"),
    [
        ("Na LiOH·H2O", Hazard.INCOMPATIBLE, "hydrogen"),
        ("Al KNO3", Hazard.INCOMPATIBLE, "oxidiser"),
        ("NaN3 AgCl", Hazard.INCOMPATIBLE, "heavy-metal azide"),
        ("Al Fe2O3", Hazard.MIXING, "thermite"),
        ("FeC2O4 LiNO3", Hazard.MIXING, "burns fast"),
        ("NH4Cl NaNO2", Hazard.MIXING, "ammonium nitrites"),
        ("NaF H3PO4", Hazard.MIXING, "HF"),
        ("Zn H2SO4", Hazard.MIXING, "hydrogen"),
        ("Na S", Hazard.MIXING, "small portions"),
    ],
)
def test_what_members_do_to_each_other(members, hazard, words):
    for order in (members.split(), members.split()[::-1]):
        notes = [note for note in set_notes(map(parse_formula, order)) if note.hazard is hazard]
        assert any(words in note.text for note in notes)


def test_harmless_sets_bring_no_warning_of_mixing():
    for members in ("Li2CO3 Co3O4", "BaCO3 TiO2", "Al Ti", "MgO Al2O3", "Fe2O3 C", "NH4H2PO4 Li2CO3"):
        assert not set_hazards(*members.split()) & {Hazard.INCOMPATIBLE, Hazard.MIXING}, members


def test_the_furnace_names_gases_evaporation_and_crucibles():
    target = parse_formula("LiCoO2")
    equation = balance("LiCoO2", ["LiNO3", "Co3O4"])
    notes = set_notes([parse_formula("LiNO3"), parse_formula("Co3O4")], target=target, equation=equation)
    gas = next(note for note in notes if note.hazard is Hazard.TOXIC_GAS)
    assert gas.materials == ("NO2",)
    leaving = next(note for note in notes if note.hazard is Hazard.VOLATILE)
    assert (leaving.materials, leaving.above_c) == (("Li",), 900)
    assert "from about 900 °C" in str(leaving)
    assert any("alkali oxides attack silica" in note.text for note in notes if note.hazard is Hazard.CRUCIBLE)


@pytest.mark.parametrize(
    ("target", "members", "words"),
    [
        ("MoS2", "Mo S", "sealed fused silica"),
        ("KYbS2", "K Yb S", "alumina insert"),
        ("MgB2", "Mg B", "Ta, Nb or Mo"),
        ("BiFeO3", "Bi2O3 Fe2O3", "Bi oxides attack silica"),
        ("LiFePO4", "Li2CO3 FeC2O4 NH4H2PO4", "phosphates"),
        ("CsPbBr3", "CsBr PbBr2", "halide"),
        ("LaOF", "LaF3 La2O3", "fluorides attack"),
        ("YAlO3", "Y2O3 Al2O3", "alumina"),
    ],
)
def test_crucible_hints(target, members, words):
    notes = set_notes(map(parse_formula, members.split()), target=parse_formula(target))
    assert [words in note.text for note in notes if note.hazard is Hazard.CRUCIBLE] == [True]


def test_sulfates_and_phosphates_hold_what_evaporates_elsewhere():
    def leaving(target):
        notes = set_notes([], target=parse_formula(target))
        return {note.materials[0] for note in notes if note.hazard is Hazard.VOLATILE}

    assert leaving("BaSO4") == set()
    assert leaving("FeS2") == {"S"}
    assert leaving("WO3") == {"W"} and leaving("W") == set()
    assert leaving("PbTiO3") == {"Pb"}


def test_notes_that_say_the_same_are_one_and_the_gravest_comes_first():
    toxic = HandlingNote(Hazard.TOXIC, "lead", ("PbO",))
    dry = HandlingNote(Hazard.HYGROSCOPIC, "dry it", ("PbO",))
    both = merged([dry, toxic, HandlingNote(Hazard.TOXIC, "lead", ("PbO2",))])
    assert [(note.hazard, note.materials) for note in both] == [
        (Hazard.TOXIC, ("PbO", "PbO2")),
        (Hazard.HYGROSCOPIC, ("PbO",)),
    ]
    assert summary(both) == ["toxic: PbO, PbO2", "hygroscopic: PbO"]
    assert both[0].to_dict() == {"hazard": "toxic", "text": "lead", "materials": ["PbO", "PbO2"], "above_c": None}


def test_what_is_no_formula_is_refused():
    with pytest.raises(FormulaError):
        handling_notes("hello")


def test_agreement_is_counted_by_class():
    rows = [
        ("PbO", "Acute toxicity (oral) - Category 4 | Carcinogenicity - Category 1B"),
        ("CaCO3", "Acute toxicity (oral) - Classification not possible"),
        ("TiO2", "Carcinogenicity - Category 2"),
        ("KNO3", "Oxidizing solids - Category 3"),
    ]
    found = compare(rows)
    assert (found["acute toxicity"].both, found["acute toxicity"].more) == (["PbO"], ["KNO3"])
    assert (found["carcinogenicity"].both, found["carcinogenicity"].missed) == (["PbO"], ["TiO2"])
    assert (found["oxidising"].recall, found["oxidising"].precision) == (1, 1)
    assert found["all"].recall == 3 / 4 and found["all"].precision == 3 / 4


@pytest.mark.data
def test_agreement_with_published_classes_is_as_stated(data_folder):
    path = data_folder / "lab" / "precursor_facts.csv"
    if not path.exists():
        pytest.skip(f"needs {path}")
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [(row["formula"], row["ghs_jp_kr"]) for row in csv.DictReader(stream) if row["ghs_jp_kr"].strip()]
    found = compare(rows)
    for name in CLASSES:
        assert found[name].recall >= 0.9 and found[name].precision >= 0.6, name
