"""How formulas are read that chemists type and the plain grammar does not hold: each case stands for its kind."""

import warnings
from fractions import Fraction

import pytest

from rrgraph.chem import Dopant, FormulaWarning, parse_formula
from rrgraph.chem.acronyms import _table
from rrgraph.chem.charges import charge_fit
from rrgraph.errors import FormulaError


def read(text):
    """Return the composition and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        composition = parse_formula(text)
    assert all(issubclass(each.category, FormulaWarning) for each in caught)
    return composition, [str(each.message) for each in caught]


def refusal(text):
    with pytest.raises(FormulaError) as caught:
        parse_formula(text)
    message = str(caught.value)
    assert repr(text) in message and "\n" not in message
    return message


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        # full stops between materials
        ("CaO.2Al2O3", "CaAl4O7"),
        ("NiCO3.2Ni(OH)2.4H2O", "Ni3CO11H12"),
        ("20BaO.55Bi2O3.25B2O3", "Ba20Bi110B50O260"),
        ("20Ag2O·20SeO2.60MoO3", "Ag40Se20Mo60O240"),
        ("3Y2O3.5Al2O3", "Y6Al10O24"),
        ("Na2O.2SiO2", "Na2Si2O5"),
        ("12CaO.7Al2O3", "Ca12Al14O33"),
        ("5MgO.4CO2.5H2O", "Mg5C4O18H10"),
        ("K2SO4.2CaSO4", "K2Ca2S3O12"),
        ("MgCl2.6NH3", "MgCl2N6H18"),
        ("CaO.0.5Al2O3", "CaAlO2.5"),
        ("CaO..2Al2O3", "CaAl4O7"),
        # and inside of amounts
        ("MgO·1.8Al2O3", "MgAl3.6O6.4"),
        ("CsPbI2.4Br0.6", "CsPbI12/5Br3/5"),
        ("La0.7Sr0.3MnO2.9", "La7Sr3Mn10O29"),
        ("Li1.2Ni0.2Mn0.6O2", "Li6NiMn3O10"),
        ("LiMn1.5Ni0.5O3.95F0.05", "Li20Mn30Ni10O79F"),
        ("CaAlSi1.2N2.8O0.2", "Ca5Al5Si6N14O"),
        ("Bi0.5Sb1.5Te2.7Se0.3", "Bi5Sb15Te27Se3"),
        ("Ba8Ta4.2ZnSb1.8O24", "Ba40Ta21Zn5Sb9O120"),
        ("Zn(NO3)2.6H2O", "ZnN2O12H12"),
        # organic groups
        ("Zn(OAc)2", "ZnC4H6O4"),
        ("Zn(Ac)2·2H2O", "ZnC4H10O6"),
        ("NaOAc", "NaC2H3O2"),
        ("NH4Ac", "NH4C2H3O2"),
        ("HAc", "C2H4O2"),
        ("AcONa", "NaC2H3O2"),
        ("Ti(OPr)4", "TiC12H28O4"),
        ("Ti(OiPr)4", "TiC12H28O4"),
        ("Ti(O-i-Pr)4", "TiC12H28O4"),
        ("Ti(i-OPr)4", "TiC12H28O4"),
        ("Pr(OPr)3", "PrC9H21O3"),
        ("Si(OEt)4", "SiC8H20O4"),
        ("Ti(OBu)4", "TiC16H36O4"),
        ("Zr(OnBu)4", "ZrC16H36O4"),
        ("LiOtBu", "LiOC4H9"),
        ("KOt-Bu", "KOC4H9"),
        ("NaOMe", "NaOCH3"),
        ("Fe(acac)3", "FeC15H21O6"),
        ("VO(acac)2", "VO5C10H14"),
        ("Me4NOH", "NC4H13O"),
        ("Me3SiCl", "SiC3H9Cl"),
        ("AlMe3", "AlC3H9"),
        ("Et2Zn", "ZnC4H10"),
        ("ZnEt2", "ZnC4H10"),
        ("SnBu4", "SnC16H36"),
        ("n-BuLi", "LiC4H9"),
        ("PPh3", "PC18H15"),
        ("EtOH", "C2H6O"),
        ("MeOH", "CH4O"),
        # elements that look like groups
        ("Ac2O3", "O3Ac2"),
        ("AcCl3", "Cl3Ac1"),
        ("Ac(NO3)3", "N3O9Ac1"),
        ("PrOCl", "ClOPr"),
        ("Pr6O11", "O11Pr6"),
        # separators
        ("Ni(NO3)2◦6H2O", "NiN2O12H12"),
        ("Ni(NO3)2°6H2O", "NiN2O12H12"),
        ("CsVI3", "CsVI3"),
        ("NaVIO3", "NaVIO3"),
        ("La(NO3)3･6H2O", "LaN3O15H12"),
        ("Mn(NO3)2×4H2O", "MnN2O10H8"),
        ("Mn(NO3)2 x 4H2O", "MnN2O10H8"),
        ("16Na2O∗10CaO", "Na32Ca10O26"),
        ("CuSO4∘5H2O", "CuSO9H10"),
        ("CuSO4··5H2O", "CuSO9H10"),
        ("CuSO4 · · 5H2O", "CuSO9H10"),
        ("CuSO4..5H2O", "CuSO9H10"),
        # solid solutions
        ("0.5PbTiO3-0.5BiFeO3", "PbBiTiFeO6"),
        ("0.94(Bi0.5Na0.5)TiO3-0.06BaTiO3", "Bi0.47Na0.47Ba0.06TiO3"),
        ("0.9BaTiO3–0.1CaZrO3", "Ba0.9Ca0.1Ti0.9Zr0.1O3"),
        ("0.9BaTiO3 + 0.1 CaZrO3", "Ba0.9Ca0.1Ti0.9Zr0.1O3"),
        ("0.9BaTiO3·0.1CaZrO3", "Ba0.9Ca0.1Ti0.9Zr0.1O3"),
        ("(BaTiO3)0.9-(CaZrO3)0.1", "Ba0.9Ca0.1Ti0.9Zr0.1O3"),
        ("(BaTiO3)0.9(CaZrO3)0.1", "Ba0.9Ca0.1Ti0.9Zr0.1O3"),
        ("90 mol% BaTiO3-10 mol% CaZrO3", "Ba0.9Ca0.1Ti0.9Zr0.1O3"),
        ("90%BaTiO3-10%CaZrO3", "Ba0.9Ca0.1Ti0.9Zr0.1O3"),
        ("75Li2S-25P2S5 (mol%)", "Li3PS4"),
        ("75Li2S·25P2S5", "Li3PS4"),
        ("50mol%Li2O·50mol%P2O5", "LiPO3"),
        # quotes
        ('"(Li2S)0.5(P2S5)0.5"', "LiPS3"),
        ("'BaTiO3'", "BaTiO3"),
        ("“BaTiO3”", "BaTiO3"),
        # subscripts of LaTeX and HTML
        ("LiFePO_4", "LiFePO4"),
        ("La$_{0.7}$Sr$_{0.3}$MnO$_3$", "La0.7Sr0.3MnO3"),
        ("Fe<sub>2</sub>O<sub>3</sub>", "Fe2O3"),
        # iodine and vanadium in brackets
        ("Pb(I)2", "PbI2"),
        ("[Co(NH3)6](I)3", "CoN6H18I3"),
        ("Na3(V)2(PO4)3", "Na3V2P3O12"),
    ],
)
def test_reads(text, plain):
    assert read(text)[0] == parse_formula(plain)


@pytest.mark.parametrize(
    ("text", "plain", "label"),
    [
        ("α-RuCl3", "RuCl3", "'α-'"),
        ("β-Ga2O3", "Ga2O3", "'β-'"),
        ("γ-Al2O3", "Al2O3", "'γ-'"),
        ("alpha-Al2O3", "Al2O3", "'alpha-'"),
        ("α'-NaV2O5", "NaV2O5", '"α\'-"'),
        ("c-ZrO2", "ZrO2", "'c-'"),
        ("h-BN", "BN", "'h-'"),
        ("4H-SiC", "SiC", "'4H-'"),
        ("1T'-MoTe2", "MoTe2", '"1T\'-"'),
        ("P2-Na0.67MnO2", "Na0.67MnO2", "'P2-'"),
        ("TiO2 (anatase)", "TiO2", "(anatase)"),
        ("rutile TiO2", "TiO2", "rutile"),
        ("TiO2-anatase", "TiO2", "anatase"),
        ("tetragonal BaTiO3", "BaTiO3", "tetragonal"),
        ("BaTiO3, cubic", "BaTiO3", "cubic"),
        ("cubic phase ZrO2", "ZrO2", "cubic phase"),
        ("BaTiO3 (P4mm)", "BaTiO3", "(P4mm)"),
        ("ZrO2 (monoclinic, P21/c)", "ZrO2", "P21/c"),
        ("TiO2(B)", "TiO2", "(B)"),
        ("VO2(M)", "VO2", "(M)"),
        ("NaCl(s)", "NaCl", "(s)"),
        ("TiO2 nanoparticles", "TiO2", "nanoparticles"),
        ("TiO2 P25", "TiO2", "P25"),
        ("4H SiC", "SiC", "4H"),
        ("SiC-6H", "SiC", "6H"),
        ("MoS2 (2H)", "MoS2", "(2H)"),
        ("Ga2O3-β", "Ga2O3", "-β"),
        ("HT-LiCoO2", "LiCoO2", "HT-"),
        ("BaTiO3 (t)", "BaTiO3", "(t)"),
        ("rutile-TiO2", "TiO2", "rutile-"),
    ],
)
def test_labels_of_phases_are_dropped_with_a_note(text, plain, label):
    composition, notes = read(text)
    assert composition == parse_formula(plain) and composition.formula == plain
    assert len(notes) == 1 and label in notes[0] and repr(text) in notes[0]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        # isotopes, charges, raised amounts
        ("Mg¹¹B₂", "Did you mean 'MgB2'?"),
        ("⁵⁸NiCl₂⋅6H₂O", "'⁵⁸' is a mass number"),
        ("Fe³⁺", "is a charge"),
        ("CuSO⁴·5H2O", "Did you mean 'CuSO4·5H2O'?"),
        # zeros
        ("(Ba0.6Sr04)TiO3", "Did you mean '(Ba0.6Sr0.4)TiO3'?"),
        ("La07Sr03MnO3", "Did you mean 'La0.7Sr0.3MnO3'?"),
        ("Pb(Zr00.65Ti0.35)O3", "Did you mean 'Pb(Zr0.65Ti0.35)O3'?"),
        ("BaTi03", "Did you mean 'BaTiO3'?"),
        ("LiFeP04", "Did you mean 'LiFePO4'?"),
        ("Si02", "Did you mean 'SiO2'?"),
        ("Fe203", "Did you mean 'Fe2O3'?"),
        ("BaFe12019", "Did you mean 'BaFe12O19'?"),
        ("FeC204·2H2O", "Did you mean 'FeC2O4·2H2O'?"),
        ("CuSO4·5H20", "Did you mean 'CuSO4·5H2O'?"),
        ("Ba(0H)2", "Did you mean 'Ba(OH)2'?"),
        ("Ba(N03)2", "Did you mean 'Ba(NO3)2'?"),
        ("Li20", "Did you mean 'Li2O'?"),
        ("Zn0", "Did you mean 'ZnO'?"),
        ("Na20·2Si02", "Did you mean 'Na2O·2SiO2'?"),
        ("LiNi0.5Mn1.504", "Did you mean 'LiNi0.5Mn1.5O4'?"),
        ("LaO.7SrO.3MnO3", "Did you mean 'La0.7Sr0.3MnO3'?"),
        # other scripts
        ("Fe٣O4", "Did you mean 'Fe3O4'?"),
        ("Fe３Ｏ٤", "another script"),
        ("СаСО3", "Did you mean 'CaCO3'?"),
        # oxidation states
        ("Cu(I)O", "'(I)' looks like an oxidation state"),
        ("Cu(I)2O", "'(I)' looks like an oxidation state"),
        ("V(V)2O5", "'(V)' looks like an oxidation state"),
        ("Os(VIII)O4", "'(VIII)' looks like an oxidation state"),
        ("Ce(iv)O2", "oxidation state"),
        ("Fe(Ⅲ)Cl3", "oxidation state"),
        # composites
        ("LiFePO4/C", "plan 'LiFePO4' alone"),
        ("TiO2@C", "plan 'TiO2' alone"),
        ("Fe3O4-graphene", "plan 'Fe3O4' alone"),
        ("MnO2/CNT", "plan 'MnO2' alone"),
        ("LiFePO4-C", "plan 'LiFePO4' alone"),
        ("CdS/ZnO", "plan 'CdS' or 'ZnO' alone"),
        ("(Mg/Zn)O", "'/' in brackets"),
        # groups that may be elements
        ("NaAc", "acetate or actinium"),
        ("PbAc2·3H2O", "Pb(CH3COO)2"),
        ("Ac2O", "acetic anhydride"),
        ("NaOPr", "propoxide"),
        ("Pr4NBr", "tetrapropylammonium"),
        ("MeGeO4", "methyl or any metal"),
        ("MAPbI3", "CH3NH3"),
        ("FA0.85MA0.15PbI3", "CH(NH2)2"),
        # several materials without amounts
        ("(1-x)BaTiO3-xCaTiO3", "'1-x' depends on 'x'"),
        ("xLi2O-(1-x)SiO2", "'x' has no value"),
        ("BaCO3 + TiO2", "without an amount of 'BaCO3' and 'TiO2'"),
        ("NaCl-KCl", "without an amount"),
        ("BaTiO3 + 2 wt% MnO2", "wt%"),
        ("Ca2Gd-0.4Zr2O7", "negative amount"),
        ("Li1..2O", "'..' could be"),
        # abbreviations and names
        ("PZT", "such as Pb(Zr0.52Ti0.48)O3"),
        ("YAG", "write Y3Al5O12"),
        ("YAG:Ce", "write Y3Al5O12"),
        ("0.7PMN-0.3PT", "write Pb(Mg1/3Nb2/3)O3"),
        ("NMC811", "write LiNi0.8Mn0.1Co0.1O2"),
        ("8YSZ", "'YSZ' is an abbreviation"),
        ("LCO/C", "write LiCoO2"),
        ("niobium(V) oxide Nb2O5", "Did you mean 'Nb2O5'?"),
        ("TEOS", "write Si(OC2H5)4"),
        ("na2co3", "Did you mean 'Na2CO3'?"),
        ("lifepo4", "Did you mean 'LiFePO4'?"),
        ("licoo2", "Did you mean 'LiCoO2'?"),
        ("nh4no3", "Did you mean 'NH4NO3'?"),
        ("NiCl2 hexahydrate", "Did you mean 'NiCl2·6H2O'?"),
        ("LiOH monohydrate", "Did you mean 'LiOH·H2O'?"),
        ("CuSO4/5H2O", "Did you mean 'CuSO4·5H2O'?"),
        ("FeIIIPO4", "Did you mean 'FePO4'?"),
        ("MnIVO2", "Did you mean 'MnO2'?"),
        ("Li⁷2CO3", "Did you mean 'Li2CO3'?"),
        # dopants
        ("SrAl2O4:xEu2+", "depends on 'x'"),
        ("Al2O3:Fe2O3", "'Fe2O3' is not a dopant"),
        ("Y2O3:", "one side of ':'"),
        ("Y2O3:5Eu", "5%Eu"),
        ("Y2O3:Eu,Eu", "named twice"),
        ("Y2O3:0Eu", "not positive"),
        ("Y2O3:Eu:Tb", "2 colons"),
        ("Y2O3:2wt%Eu", "weight"),
    ],
)
def test_refuses_by_name(text, named):
    assert named in refusal(text)


@pytest.mark.parametrize(
    "text", ["SnO2:Ff", "La0.7Sr0.3MO3", "BaMO3", "Li-1O2", "CuSO4 5H2O", "Fe2O3;Al", "Zn(OAq)2", "TiO2·nH2O"]
)
def test_suggests_nothing_that_is_not_a_formula_or_where_no_letter_is_wrong(text):
    assert "Did you mean" not in refusal(text)


@pytest.mark.parametrize(
    ("text", "host", "dopants"),
    [
        ("SnO2:F", "SnO2", [Dopant("F")]),
        ("CaAlSiN3:Eu", "CaAlSiN3", [Dopant("Eu")]),
        ("CaAlSiN3:Eu2+", "CaAlSiN3", [Dopant("Eu", charge=2)]),
        ("CaAlSiN3:Eu²⁺", "CaAlSiN3", [Dopant("Eu", charge=2)]),
        ("SnO2:F-", "SnO2", [Dopant("F", charge=-1)]),
        ("Sr2MgSi2O7:Eu,Dy", "Sr2MgSi2O7", [Dopant("Eu"), Dopant("Dy")]),
        ("K2SiF6:Mn4+", "K2SiF6", [Dopant("Mn", charge=4)]),
        ("Y2O3:0.05Eu", "Y2O3", [Dopant("Eu", Fraction(1, 20))]),
        ("Y2O3:Eu0.05", "Y2O3", [Dopant("Eu", Fraction(1, 20))]),
        ("Y2O3:5%Eu3+", "Y2O3", [Dopant("Eu", Fraction(1, 20), 3)]),
        ("Y2O3: 5 mol% Eu3+", "Y2O3", [Dopant("Eu", Fraction(1, 20), 3)]),
        ("Y2O3:Eu3+ (5 mol%)", "Y2O3", [Dopant("Eu", Fraction(1, 20), 3)]),
        (
            "NaYF4:20%Yb3+,2%Er3+",
            "NaYF4",
            [Dopant("Yb", Fraction(1, 5), 3), Dopant("Er", Fraction(1, 50), 3)],
        ),
        ("NaYF4:Yb3+/Er3+", "NaYF4", [Dopant("Yb", charge=3), Dopant("Er", charge=3)]),
        ("ZnO:Al(2%)", "ZnO", [Dopant("Al", Fraction(1, 50))]),
        ("Nd:YVO4", "YVO4", [Dopant("Nd")]),
        ("Si:P", "Si", [Dopant("P")]),
        ("NaI(Tl)", "NaI", [Dopant("Tl")]),
        ("LiF(Mg, Ti)", "LiF", [Dopant("Mg"), Dopant("Ti")]),
        ("Y2O3:(0.05Eu)", "Y2O3", [Dopant("Eu", Fraction(1, 20))]),
        ("Al-doped ZnO", "ZnO", [Dopant("Al")]),
        ("ZnO doped with Al", "ZnO", [Dopant("Al")]),
        ("α-Al2O3:Cr", "Al2O3", [Dopant("Cr")]),
        ("Y2O3：Eu", "Y2O3", [Dopant("Eu")]),
    ],
)
def test_dopants_stand_beside_their_host(text, host, dopants):
    composition, notes = read(text)
    assert composition == parse_formula(host) and composition.formula == host
    assert list(composition.dopants) == dopants
    assert "dopant" in notes[-1] and repr(text) in notes[-1]
    with pytest.raises(FormulaError, match="names a dopant"):
        parse_formula(text, dopants=False)


@pytest.mark.parametrize(
    ("text", "taken", "other"),
    [
        ("MgO.2TiO2", "MgO·2TiO2", "MgO1/5TiO2"),
        ("(PbS)2.18(TiS2)2", "(PbS)109/50(TiS2)2", "(PbS)2·18(TiS2)2"),
    ],
)
def test_full_stops_that_could_mean_two_things(text, taken, other):
    composition, notes = read(text)
    assert composition == parse_formula(taken)
    assert len(notes) == 1 and repr(other) in notes[0]
    assert read(other)[1] == [] and parse_formula(other) != composition


@pytest.mark.parametrize(
    ("text", "meant"),
    [("BSCF", "Ba0.5Sr0.5Co0.8Fe0.2O3"), ("YBCO", "YBa2Cu3O7"), ("KNN", "K0.5Na0.5NbO3"), ("LiFSI", "LiF2NO4S2")],
)
def test_abbreviations_made_of_element_symbols_bring_a_warning(text, meant):
    _, (note,) = read(text)
    assert "abbreviation" in note and meant in note


@pytest.mark.parametrize(
    "text",
    ["KSCN", "HCN", "KOH", "KHCOO", "YOOH", "YOF", "C60", "Ac2Ag", "H3PO4", "SiO2", "Bi0.8O2.5B0.2Te0.5", "PbTiO3"],
)
def test_compounds_that_look_like_slips_are_read_without_a_warning(text):
    assert read(text)[1] == []


@pytest.mark.parametrize(
    ("text", "share"), [("BaTiO3-5mol%CaO", "0.95"), ("BaTiO3+5mol%CaO", "taken as 1"), ("CuSO4-5H2O", "taken as 1")]
)
def test_an_amount_that_is_assumed_is_told(text, share):
    _, (note,) = read(text)
    assert share in note


def test_what_abbreviations_stand_for_is_neutral_and_read_without_a_warning():
    for name, (formula, varies) in _table().items():
        composition, notes = read(formula)
        assert notes == [] and (varies or charge_fit(dict(composition.amounts))), name


def test_messages_show_what_was_typed():
    assert refusal(" BaTi03 ").startswith("' BaTi03 '")


@pytest.mark.parametrize(
    ("text", "same"),
    [("2/3BaTiO3-1/3CaTiO3", "Ba2CaTi3O9"), ("1/2PbTiO3-1/2BiFeO3", "0.5PbTiO3-0.5BiFeO3"), ("2/3BaTiO3", "BaTiO3")],
)
def test_coefficients_may_be_fractions(text, same):
    assert parse_formula(text) == parse_formula(same)


@pytest.mark.parametrize("text", ["(Ba,Sr)TiO3", "(Y,Gd)BO3:Eu", "1/0BaTiO3-1CaTiO3"])
def test_open_amounts_are_refused(text):
    with pytest.raises(FormulaError, match=r"amounts open|not positive|cannot be parsed"):
        parse_formula(text)


@pytest.mark.parametrize("text", ["AcIIn", "AgIIn2", "CrIV", "CeIV", "CsVI3", "LaIIr"])
def test_iodine_beside_indium_and_vanadium_is_no_numeral(text):
    assert "I" in parse_formula(text).elements


def test_a_nought_before_a_point_changes_nothing_after_water():
    assert parse_formula("CuSO4.5H2O0.5O3") == parse_formula("CuSO4.5H2O.5O3")
