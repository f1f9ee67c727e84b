"""Which gases enter and leave together, and the atmosphere that an equation implies; one test for each kind."""

from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import ATMOSPHERE, BYPRODUCTS, Atmosphere, BalancedEquation, BalanceError, balance, batch_masses
from rrgraph.chem import parse_formula as parse
from rrgraph.chem.gases import TABLE


def sides(equation: BalancedEquation) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """Return what stands on the left and on the right, by formula."""
    left = {each.formula: amount for each, amount in (*equation.precursors, *equation.reactant_gases)}
    right = {each.formula: amount for each, amount in equation.byproducts}
    return left, right | {equation.target.formula: Fraction(1)}


def made(text: str) -> BalancedEquation:
    """Balance ``"LiFePO4: FeC2O4 LiH2PO4"``."""
    target, precursors = text.split(": ")
    return balance(target, precursors.split())


def refused(text: str) -> None:
    with pytest.raises(BalanceError, match="does not balance"):
        made(text)


def test_an_oxalate_leaves_iron_two_as_it_is() -> None:
    left, right = sides(made("LiFePO4: FeC2O4 LiH2PO4"))
    assert right == {"LiFePO4": 1, "CO": 1, "CO2": 1, "H2O": 1}
    assert "O2" not in left


@pytest.mark.parametrize(
    "text",
    [
        "LiFePO4: Li2CO3 FeC2O4·2H2O NH4H2PO4",
        "LiFePO4: CH3COOLi Fe(CH3COO)2 NH4H2PO4",
        "Li2FeSiO4: Li2CO3 FeC2O4 SiO2",
        "FeO: FeC2O4",
        "Fe3O4: FeC2O4",
        "MnO: MnC2O4",
        "LiMnPO4: LiH2PO4 MnC2O4·2H2O",
        "SnO: SnC2O4",
        "FeTiO3: FeC2O4 TiO2",
        "Li3V2P3O12: Li2CO3 V2O5 NH4H2PO4 C",
        "SrVO3: SrCO3 V2O3",
        "TiC: TiO2 C",
        "LiFePO4: LiOH FePO4 C",
        "AlN: Al2O3 C NH3",
    ],
)
def test_oxalates_and_carbon_give_co_under_inert_gas(text: str) -> None:
    equation = made(text)
    left, right = sides(equation)
    assert "CO" in right and "O2" not in left
    assert equation.atmosphere == ("ammonia" if "NH3" in text.split() else "inert")


@pytest.mark.parametrize("text", ["LiCoO2: Li2CO3 CoC2O4·2H2O", "FePO4: FeC2O4 NH4H2PO4", "LiCoPO4: LiH2PO4 CoC2O4"])
def test_in_air_oxalates_burn(text: str) -> None:
    equation = made(text)
    assert equation.atmosphere == "air" and "O2" in sides(equation)[0] and "CO" not in sides(equation)[1]


@pytest.mark.parametrize(
    "text",
    [
        *("SrV2O5: SrO V2O3", "VO2: V", "VO2: V2O3", "Ti2O3: Ti", "NbO2: Nb", "MoO2: Mo", "EuO: Eu"),
        *("FeO: Fe", "Fe3O4: Fe", "WO2: W", "Y2O2S: Y2S3 Y", "V2FeO4: Fe V2O3", "CuAlO2: Cu Al2O3"),
    ],
)
def test_no_oxygen_is_taken_up_to_make_something_reduced(text: str) -> None:
    refused(text)


@pytest.mark.parametrize(
    "text",
    ["TiC: Ti(OC4H9)4", "SiC: Si(OC2H5)4", "Li2MnSiO4: CH3COOLi Mn(CH3COO)2 SiO2", "Li2FeSiO4: LiOH Fe(OH)2 SiC8H20O4"],
)
def test_organic_compounds_leave_carbon_under_inert_gas(text: str) -> None:
    equation = made(text)
    assert not equation.reactant_gases and equation.atmosphere == "inert"
    assert [each.formula for each, _ in equation.solid_byproducts] == ["C"]


@pytest.mark.parametrize("text", ["BaTiO3: Ba(CH3COO)2 Ti(OC4H9)4", "TiC: TiO2 C", "LiFePO4: CH3COOLi FeC2O4 NH4H2PO4"])
def test_no_carbon_is_left_where_it_can_burn_or_leave(text: str) -> None:
    assert not made(text).solid_byproducts


@pytest.mark.parametrize("text", ["Mn3O4: MnCO3", "Co3O4: CoC2O4", "Cu2O: Cu", "PrO2: Pr6O11", "Fe2O3: Fe", "CuO: Cu"])
def test_oxygen_is_taken_up_where_air_leads_to_the_target(text: str) -> None:
    equation = made(text)
    assert "O2" in sides(equation)[0] and equation.atmosphere == "air"


@pytest.mark.parametrize(
    ("text", "salt"),
    [
        ("LiAlH4: LiH AlCl3", "LiCl"),
        ("NaAlH4: NaH AlCl3", "NaCl"),
        ("NaBH4: NaH BCl3", "NaCl"),
        ("MgH2: LiH MgCl2", "LiCl"),
        ("Ti: Mg TiCl4", "MgCl2"),
        ("GaN: Li3N GaCl3", "LiCl"),
        ("MoS2: Na2S MoCl5", "NaCl"),
    ],
)
def test_halides_are_not_oxidised_beside_hydrides_and_metals(text: str, salt: str) -> None:
    refused(text)
    target, precursors = text.split(": ")
    for allowed in (salt, "salts", ["KBr", parse(salt)]):
        equation = balance(target, precursors.split(), byproducts=allowed)
        assert salt in sides(equation)[1]
        assert [each.formula for each, _ in equation.solid_byproducts] == [salt]
        assert not equation.reactant_gases
        assert equation.atmosphere == "inert"


def test_a_salt_in_whole_numbers() -> None:
    equation = balance("LiAlH4", ["LiH", "AlCl3"], byproducts="NaCl, LiCl")
    assert str(equation) == "4 LiH + AlCl3 → LiAlH4 + 3 LiCl"
    assert str(balance("BaTiO3", ["BaCl2", "Na2CO3", "TiO2"], byproducts="salts")) == (
        "BaCl2 + Na2CO3 + TiO2 → BaTiO3 + CO2 + 2 NaCl"
    )


@pytest.mark.parametrize(
    ("text", "ammonia", "acid", "nitrogen"),
    [
        ("TiN: TiCl4", "4/3", ("HCl", 4), "1/6"),
        ("VN: VCl4", "4/3", ("HCl", 4), "1/6"),
        ("NbN: NbCl5", "5/3", ("HCl", 5), "1/3"),
        ("AlN: AlCl3", "1", ("HCl", 3), "0"),
        ("Si3N4: SiBr4", "4", ("HBr", 12), "0"),
    ],
)
def test_ammonia_turns_halides_into_acids(text: str, ammonia: str, acid: tuple[str, int], nitrogen: str) -> None:
    for line in (text, f"{text} NH3"):
        equation = made(line)
        left, right = sides(equation)
        assert left["NH3"] == Fraction(ammonia)
        assert right[acid[0]] == acid[1]
        assert right.get("N2", 0) == Fraction(nitrogen)
        assert not right.keys() & {"Cl2", "Br2", "H2"}
        assert equation.atmosphere == "ammonia"


def test_boron_leaves_boric_oxide() -> None:
    equation = made("ZrB2: ZrO2 B")
    left, right = sides(equation)
    assert left == {"ZrO2": 1, "B": Fraction(10, 3)}
    assert right == {"ZrB2": 1, "B2O3": Fraction(2, 3)}
    assert batch_masses(equation, 10)[parse("B")] == pytest.approx(3.193, abs=5e-4)
    assert [each.formula for each, _ in equation.solid_byproducts] == ["B2O3"]


@pytest.mark.parametrize("text", ["TiB2: TiO2 B", "LaB6: La2O3 B", "TaB2: Ta2O5 B", "ZrB2: ZrO2 B4C"])
def test_boric_oxide_in_place_of_hydrogen(text: str) -> None:
    left, right = sides(made(text))
    assert "B2O3" in right and "H2" not in left


@pytest.mark.parametrize("text", ["TiB2: TiO2 B4C C", "TiB2: TiO2 B2O3 C", "LaBO3: La2O3 B", "AlB2: Al B", "BN: B2O3"])
def test_boric_oxide_leaves_nothing_else(text: str) -> None:
    assert "B2O3" not in sides(made(text))[1]


@pytest.mark.parametrize("text", ["Y2O2S: Y2O2SO4", "La2O2S: La2(SO4)3", "CaS: CaSO4", "BaS: BaSO4", "Na2S: Na2SO4"])
def test_sulfates_go_to_sulfides_with_hydrogen(text: str) -> None:
    equation = made(text)
    left, right = sides(equation)
    assert left["H2"] == right["H2O"] and "O2" not in right
    assert equation.atmosphere == "reducing"


def test_an_oxysulfide_from_its_oxysulfate() -> None:
    assert str(made("Y2O2S: Y2O2SO4")) == "Y2O2SO4 + 4 H2 → Y2O2S + 4 H2O"


@pytest.mark.parametrize("text", ["CaS: CaSO4 C", "SrS: SrSO4 C", "La2O2S: La2O2SO4 C", "Li2S: Li2SO4 C"])
def test_sulfates_go_to_sulfides_with_carbon(text: str) -> None:
    left, right = sides(made(text))
    assert left["C"] == right["CO"] == 4 and not left.keys() & {"H2", "O2"}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Mg3N2: MgO",
            "Ca3N2: CaO",
            "Li3N: Li2O",
            "AlN: Al2O3",
            "Si3N4: SiO2",
            "ZrN: ZrO2",
            "CaAlSiN3: CaO Al2O3 SiO2",
        ),
        *("Mg: MgO", "Al: Al2O3", "LaNi5: La2O3 Ni", "TiAl: TiO2 Al2O3", "TiO: TiO2", "EuO: Eu2O3", "Cr: Cr2O3"),
    ],
)
def test_stubborn_oxides_yield_to_neither_hydrogen_nor_ammonia(text: str) -> None:
    refused(text)
    refused(f"{text} {'NH3' if 'N' in parse(text.split(':')[0]).elements else 'H2'}")


@pytest.mark.parametrize(
    "text", ["GaN: Ga2O3", "TiN: TiO2", "VN: V2O5", "NbN: Nb2O5", "TaON: Ta2O5", "Ta3N5: Ta2O5", "LaTiO2N: La2O3 TiO2"]
)
def test_other_oxides_yield_to_ammonia(text: str) -> None:
    for line in (text, f"{text} NH3"):
        equation = made(line)
        assert "H2O" in sides(equation)[1] and equation.atmosphere == "ammonia"


@pytest.mark.parametrize(
    "text",
    [
        *("CsPbI3: CsI I2 PbI2", "CsPbBr3: CsBr Br2 PbBr2", "CsPbI3: CsI HI PbI2", "MgB2: Mg B I2", "SnSe: Sn S Se"),
        *("ZnO: ZnCO3 S", "BaCu2S2: BaS Cu2S S"),
    ],
)
def test_a_superfluous_precursor_conjures_up_no_atmosphere(text: str) -> None:
    try:
        assert not made(text).reactant_gases
    except BalanceError:
        return


def test_what_evaporates_by_itself_may_be_superfluous() -> None:
    equation = made("BaTiO3: BaCO3 TiO2 NH4Cl")
    assert not equation.reactant_gases and equation.atmosphere == "air"


@pytest.mark.parametrize(
    ("text", "atmosphere"),
    [
        ("BaTiO3: BaCO3 TiO2", "air"),
        ("LiCoO2: Li2CO3 Co3O4", "air"),
        ("LiNi0.3333Co0.3333Mn0.3333O2: Li2CO3 NiO Co3O4 MnO2", "air"),
        ("LiNiO2: LiOH NiO", "oxygen"),
        ("LiNi0.8Co0.1Mn0.1O2: LiOH·H2O Ni0.8Co0.1Mn0.1(OH)2", "oxygen"),
        ("YBa2Cu3O7: Y2O3 BaCO3 CuO", "oxygen"),
        ("LiFePO4: Li3PO4 Fe3(PO4)2·8H2O", "inert"),
        ("LaOCl: La2O3 NH4Cl", "air"),
        ("K2NiF4: KF NiF2", "inert"),
        ("NaScO2: Na2O Sc2O3", "inert"),
        ("Ti3SiC2: Ti Si C", "inert"),
        ("CuInSe2: Cu In Se", "vacuum"),
        ("VO2: V2O5 V2O3", "vacuum"),
        ("Sr2FeMoO6: SrO FeO MoO3", "vacuum"),
        ("HgTeO3: HgO TeO2", "vacuum"),
        ("AlN: Al", "nitrogen"),
        ("AlN: Al2O3 C", "nitrogen"),
        ("GaN: Ga2O3", "ammonia"),
        ("MoO2: MoO3", "reducing"),
        ("MgH2: Mg", "reducing"),
        ("Sr0.99Eu0.01Al2O4: SrCO3 Eu2O3 Al2O3", "reducing"),
        ("Zn0.98Al0.02O: ZnO Al2O3", "air"),
    ],
)
def test_atmospheres(text: str, atmosphere: str) -> None:
    found = made(text).atmosphere
    assert found is Atmosphere(atmosphere) and found == atmosphere


def test_the_table_names_known_gases_only() -> None:
    taken_up = {gas.formula for gas in ATMOSPHERE}
    released = {gas.formula for gas in BYPRODUCTS} | {"B2O3", "C"}
    for row in TABLE:
        assert set(row.taken_up.split()) <= taken_up
        assert set(f"{row.released} {row.rarely}".split()) <= released
        assert not set(row.released.split()) & set(row.rarely.split())
    assert {gas for row in TABLE for gas in row.taken_up.split()} == taken_up
    assert {gas for row in TABLE for gas in f"{row.released} {row.rarely}".split()} == released


KINDS = (
    "LiFePO4: FeC2O4 LiH2PO4; TiN: TiCl4 NH3; ZrB2: ZrO2 B; Y2O2S: Y2O2SO4; CsPbI3: CsI PbI2 I2; GaN: Ga2O3 NH3; "
    "LaB6: La2O3 B4C; VPO4: V2O5 NH4H2PO4; Sr2FeMoO6: SrCO3 Fe2O3 MoO3 Mo; MgB2: Mg B I2; Cr2AlB2: CrB Al Cr B"
)


@pytest.mark.parametrize("text", KINDS.split("; "))
def test_the_order_of_the_precursors_does_not_matter(text: str) -> None:
    target, precursors = text.split(": ")
    found = set()
    for order in permutations(precursors.split()):
        try:
            left, right = sides(balance(target, order))
            found.add((frozenset(left.items()), frozenset(right.items())))
        except BalanceError:
            found.add(None)
    assert len(found) == 1


SALTS = "LiCl NaF KBr Na2SO4 KNO3 CaCl2 BaCl2 SrBr2"
OTHERS = "AlCl3 TiCl4 Na2S Li3N LiH Na2CO3 K2CO3 CaO TiO2 Al FeSO4 Ni(NO3)2"


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.sampled_from(OTHERS.split()), min_size=1, max_size=3, unique=True),
    st.sets(st.sampled_from(SALTS.split())),
)
def test_with_salts_more_balances_and_every_element_is_conserved(precursors: list[str], salts: set[str]) -> None:
    elements = set().union(*(parse(each).elements for each in precursors)) & {"Al", "Ti", "Fe", "Ni", "Ca"}
    target = "".join(sorted(elements)) + "O2" if elements else "O2"
    try:
        without = balance(target, precursors)
    except BalanceError:
        without = None
    try:
        equation = balance(target, precursors, byproducts=sorted(salts))
    except BalanceError:
        assert without is None
        return
    total: dict[str, Fraction] = {}
    for sign, terms in (
        (1, (*equation.precursors, *equation.reactant_gases)),
        (-1, ((equation.target, Fraction(1)), *equation.byproducts)),
    ):
        for material, coefficient in terms:
            assert coefficient > 0
            for element, amount in material.amounts:
                total[element] = total.get(element, Fraction(0)) + sign * coefficient * amount
    assert not any(total.values())
    assert {each.formula for each, _ in equation.solid_byproducts} <= salts


def test_nitrogen_and_hydrogen_as_precursors() -> None:
    assert str(made("TiN: TiCl4 N2 H2")) == "TiCl4 + 0.5 N2 + 2 H2 → TiN + 4 HCl"
    refused("AlN: Al2O3 N2 H2")
    refused("LaSi3N5: La2O3 Si3N4")


def test_hydrogen_sulfide_leaves_sulfur() -> None:
    assert str(made("MoS2: MoO3 H2S")) == "MoO3 + 3 H2S → MoS2 + 3 H2O + S"
    assert str(made("EuS: Eu2O3 H2S")) == "0.5 Eu2O3 + 1.5 H2S → EuS + 1.5 H2O + 0.5 S"
    assert str(made("La2S3: La2O3 H2S")) == "La2O3 + 3 H2S → La2S3 + 3 H2O"


def test_no_acid_leaves_beside_a_base_where_a_salt_may_remain() -> None:
    ferrite = balance("BiFeO3", ["BiCl3", "FeCl3", "NaOH"], byproducts="NaCl")
    assert str(ferrite) == "BiCl3 + FeCl3 + 6 NaOH → BiFeO3 + 3 H2O + 6 NaCl"
    boride = balance("ZrB2", ["ZrCl4", "NaBH4"], byproducts="NaCl")
    assert str(boride) == "ZrCl4 + 2 NaBH4 → ZrB2 + 2 HCl + 3 H2 + 2 NaCl"


def test_no_water_leaves_beside_an_ionic_hydride() -> None:
    assert str(balance("TiH2", ["TiO2", "CaH2"], byproducts="CaO")) == "TiO2 + 2 CaH2 → TiH2 + H2 + 2 CaO"


def test_air_makes_no_chlorate_and_nitrogen_no_azide() -> None:
    refused("KClO4: KCl")
    refused("AgIO3: AgI")
    refused("NaN3: NaNH2")
    assert str(made("LiIO3: Li2CO3 I2O5")) == "0.5 Li2CO3 + 0.5 I2O5 → LiIO3 + 0.5 CO2"
    assert str(made("Na3N: Na")) == "3 Na + 0.5 N2 → Na3N"
    assert str(made("BiOCl: Bi BiCl3")) == "2/3 Bi + 1/3 BiCl3 + 0.5 O2 → BiOCl"


@pytest.mark.parametrize(
    ("reaction", "equation"),
    [
        ("CrCl2: CrCl3 H2", "CrCl3 + 0.5 H2 → CrCl2 + HCl"),
        ("SmCl2: SmCl3 H2", "SmCl3 + 0.5 H2 → SmCl2 + HCl"),
        ("Si: SiHCl3 H2", "SiHCl3 + H2 → Si + 3 HCl"),
        ("B: BCl3 H2", "BCl3 + 1.5 H2 → B + 3 HCl"),
        ("Nb: NbCl5 H2", "NbCl5 + 2.5 H2 → Nb + 5 HCl"),
    ],
)
def test_hydrogen_reduces_halides_further_than_oxides(reaction, equation):
    target, precursors = reaction.split(": ")
    assert str(balance(target, precursors.split())) == equation


@pytest.mark.parametrize(
    "reaction", ["Ti: TiCl4 H2", "Mg: MgCl2 H2", "Si: SiO2 H2", "Ta: Ta2O5 H2", "NaBH4: NaH BCl3 H2"]
)
def test_what_hydrogen_does_not_reduce_does_not_balance(reaction):
    target, precursors = reaction.split(": ")
    with pytest.raises(BalanceError):
        balance(target, precursors.split())
