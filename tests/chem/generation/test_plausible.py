from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement, product
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import (
    ELEMENTS,
    VOLATILE,
    composition_from_amounts,
    parse_formula,
    plausible_by_class,
    plausible_precursors,
)
from rrgraph.chem.charges import ANIONS, CHARGES
from rrgraph.chem.generation.plausible import _compounds
from rrgraph.data import load_table

CHEMICAL = sorted(CHARGES.keys() | ANIONS.keys() | {"O"})
systems = st.sets(st.sampled_from(CHEMICAL), min_size=1, max_size=5)


def made(formula: str) -> set[str]:
    """Keys of what is made up for a target."""
    return {precursor.key for precursor in plausible_precursors(parse_formula(formula))}


def keys(formulas: str) -> set[str]:
    return {parse_formula(formula).key for formula in formulas.split()}


@settings(deadline=None)
@given(systems)
def test_precursors_hold_elements_of_the_target_and_what_salts_bring(elements):
    target = composition_from_amounts(dict.fromkeys(sorted(elements), 1))
    found = plausible_precursors(target)
    assert all(precursor.elements <= elements | VOLATILE for precursor in found)
    assert all(precursor.elements & elements for precursor in found)
    assert len({precursor.key for precursor in found}) == len(found)
    assert target.key not in {precursor.key for precursor in found}


@settings(deadline=None)
@given(systems)
def test_the_order_is_fixed_and_a_larger_system_keeps_what_a_smaller_one_has(elements):
    elements = elements - {"O"} or {"Fe"}
    classes = plausible_by_class(elements)
    assert plausible_by_class(sorted(elements)) == classes
    larger = plausible_by_class(elements | {"Mg"})
    assert all({c.key for c in found} <= {c.key for c in larger[name]} for name, found in classes.items())


@settings(deadline=None)
@given(systems)
def test_ionic_classes_are_neutral(elements):
    classes = plausible_by_class(elements)
    for name in ("oxide", "binary salt", "ternary salt", "ternary oxide", "two anions", "mixed anions", "oxoanion"):
        for precursor in classes[name]:
            assert is_neutral(dict(precursor.amounts)), (name, precursor.formula)


@given(st.sampled_from(sorted(CHARGES.keys() - {"C", "N"})))
def test_salts_are_neutral(symbol):
    """Carbon of oxalates, carbonates and nitrogen of nitrates at their highest charge; acetate and formate aside."""
    classes = plausible_by_class({symbol})
    for name in ("hydroxide or acid", "carbonate", "nitrate", "organic salt", "ammonium salt"):
        for precursor in classes[name]:
            amounts = dict(precursor.amounts)
            charges = {
                "H": (1,),
                "O": (-2,),
                "C": (3,) if "C2O4" in precursor.formula else (4,),
                "N": (-3,) if name == "ammonium salt" else (5, 3),
            }
            if "COO" not in precursor.formula and "OC" not in precursor.formula:
                assert is_neutral(amounts, charges), (name, precursor.formula)


def is_neutral(amounts: Mapping[str, int], known: Mapping[str, tuple[int, ...]] | None = None) -> bool:
    """Whether some charge for each element, one for all its atoms, makes a compound neutral."""
    options = {symbol: (known or {}).get(symbol) or _charges(symbol) for symbol in amounts}
    return any(
        sum(charge * amount for charge, amount in zip(charges, amounts.values(), strict=True)) == 0
        for charges in product(*options.values())
    )


def _charges(symbol: str) -> tuple[int, ...]:
    return (-2,) if symbol == "O" else (*CHARGES.get(symbol, ()), *([ANIONS[symbol]] if symbol in ANIONS else []))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("BaTiO3", "Ba BaO BaO2 BaCO3 Ba(NO3)2 Ba(OH)2 Ba(CH3COO)2 BaC2O4 Ti TiO2 Ti2O3 TiO TiH4O4 Ti(OC4H9)4 Ba2TiO4"),
        ("LiFePO4", "Li2CO3 LiOH LiNO3 Li3PO4 LiH2PO4 LiPO3 FeC2O4 Fe3O4 FeOOH FePO4 NH4H2PO4 (NH4)2HPO4 H3PO4 P2O5"),
        ("LiNi0.8Co0.1Mn0.1O2", "NiO Ni(OH)2 NiCO3 Co3O4 MnO2 Mn3O4 MnCO3 Mn(CH3COO)2 Ni3CO3(OH)4 Co(NO3)2 Li2O2"),
        ("PrTbMoO6", "Pr6O11 Tb4O7 MoO3 (NH4)6Mo7O24 H2MoO4 (NH4)2MoO4 Pr2(MoO4)3 Pr2(C2O4)3 Pr2O2CO3 Tb2(CO3)3"),
        ("Cr2AlB2", "B Cr Al AlB2 AlB12 CrB CrB2 Cr2B Cr3B4 Cr5B3 AlCr2 Al8Cr5"),
        ("Ba(GaSb)2", "Ba Ga Sb GaSb Ba3Sb2 BaGa2 BaH2"),
        ("Ga2Mo2C", "C Ga Mo Mo2C MoC"),
        ("Na2NpO4", "Na2CO3 NpO2 NaNO3 NpO3"),
        ("Sr2SiN2O4", "Sr3N2 Si3N4 SrCO3 SiO2 Sr2N Si2N2O CO(NH2)2"),
        ("BiCuSeO", "Bi2O3 Bi Se Cu2Se CuSe Bi2Se3 Bi2O2Se Cu2O Bi2O2CO3 SeO2"),
        ("CsPbCl2I", "CsCl CsI PbI2 PbCl2 NH4Cl PbClI Cs2PbCl6 CsPb2Cl5"),
        ("La3Te2Li3O12", "La2O3 La(OH)3 TeO2 TeO3 Te(OH)6 H2TeO4 Li2TeO4"),
        ("Na3AlH6", "NaH AlH3 NaAlH4 Na Al"),
        ("KAl(SO4)2F", "K2SO4 KHSO4 Al2(SO4)3 AlF3 K3AlF6 KHF2 (NH4)2SO4"),
    ],
)
def test_reagents_of_known_syntheses_are_made_up(target, expected):
    assert keys(expected) <= made(target)


@pytest.mark.parametrize(
    ("target", "absent"),
    [
        ("BaTiO3", "BaTi BaTiO3 TiC TiN Ba2Ti TiCO3 P2O5 BaSO4 O2 Ti(OH)6"),
        ("CsPbBr3", "CsPbBr3 CsBrO4 HBr CsPb2Br"),
        ("Na2SO4", "NaS4O9 SO2 SO3 P(OH)5 Na2SO4"),
        ("HeAr", "He Ar"),
        ("CuInSe2", "CuInO2 Cu2In2O5 CuInSe2"),
        ("LiAlSi", "LiAlO2 LiAlSi"),
    ],
)
def test_what_is_not_plausible_is_not_made_up(target, absent):
    assert not keys(absent) & made(target)


def test_a_generated_formula_that_looks_like_a_slip_is_left_out():
    keys = {each.key for each in plausible_precursors(parse_formula("Rb2Se3H2"))}
    assert "H20Rb2Se3" not in keys and parse_formula("Rb2Se").key in keys


def test_borides_carbides_and_silicides_do_not_need_charges():
    classes = {name: {c.key for c in found} for name, found in plausible_by_class({"Ca", "B", "C", "Si"}).items()}
    assert keys("CaB6 CaC2 B4C SiC") <= classes["phase"]
    assert keys("CaSi2 Ca2Si") <= classes["alloy"]
    assert not keys("CaB6 CaC2") & classes["binary salt"]


def test_alloys_are_for_targets_without_oxygen_and_pairs_of_oxides_for_those_with():
    assert keys("AlNi Al3Ni") <= made("Al2NiTi") and not keys("AlNi Al3Ni") & made("NiAl2O4")
    assert keys("NiTiO3") <= made("NiTiAlO4") and not keys("NiTiO3") & made("Al2NiTi")


@pytest.mark.parametrize("formula", ["Co3O4", "Fe3O4", "Mn3O4", "Pr6O11", "Tb4O7", "U3O8", "Pb3O4"])
def test_oxides_of_mixed_valence_are_listed(formula):
    (symbol,) = parse_formula(formula).elements - {"O"}
    assert parse_formula(formula).key in made(f"{symbol}2Zr3O9")


def test_classes_hold_what_is_returned():
    target = parse_formula("LiMnPO4F")
    classes = plausible_by_class(target.elements)
    found = {precursor.key for members in classes.values() for precursor in members}
    assert found - {target.key} == made("LiMnPO4F")
    assert all(len({c.key for c in members}) == len(members) for members in classes.values())


def test_a_target_of_any_elements_has_a_list():
    for symbols in _some_systems():
        plausible_by_class(symbols)


def _some_systems() -> Iterator[tuple[str, ...]]:
    yield from ((symbol,) for symbol in ELEMENTS)
    yield from combinations_with_replacement(ELEMENTS[::9], 3)


def test_lists_are_bearable_and_made_once():
    targets = [parse_formula(text) for text in ("Ba0.5Sr0.5Co0.8Fe0.2O3", "La0.6Ca0.4MnCrCoFeNiO15", "Y3Al5O12")]
    sizes = [len(plausible_precursors(target)) for target in targets]
    assert all(30 < size < 2000 for size in sizes)
    made = _compounds.cache_info().misses
    assert [len(plausible_precursors(target)) for target in targets] == sizes
    assert _compounds.cache_info().misses == made


@pytest.mark.slow
@pytest.mark.data
def test_most_recorded_precursors_are_made_up(data_folder):
    table = load_table("nms_validation")
    uses = [
        (precursor.key, precursor.key in {candidate.key for candidate in plausible_precursors(target)})
        for target, precursors in zip(table.targets, table.precursor_sets, strict=True)
        for precursor in precursors
    ]
    distinct, found = {key for key, _ in uses}, {key for key, is_made in uses if is_made}
    assert sum(is_made for _, is_made in uses) > 0.97 * len(uses)
    assert len(found) > 0.9 * len(distinct)
    sizes = [len(plausible_precursors(target)) for target in table.targets]
    assert median(sizes) < 200 and max(sizes) < 1000
