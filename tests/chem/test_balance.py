"""Balanced equations: textbook cases word for word, conservation and choice against naive oracles."""

from fractions import Fraction
from importlib import import_module
from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rrgraph.chem import BalanceError, balance, composition_from_amounts, parse_formula
from rrgraph.chem.gases import EXCLUSIVE, TABLE, gas_lists
from rrgraph.chem.linear import reduce_rows

TEXTBOOK = """
3.5 Li2CO3 + 1.5 La2O3 + 2 ZrO2 → Li7La3Zr2O12 + 3.5 CO2
0.5 Li2CO3 + 1/3 Co3O4 + 1/12 O2 → LiCoO2 + 0.5 CO2
LiOH·H2O + 1/3 Co3O4 + 1/12 O2 → LiCoO2 + 1.5 H2O
LiOH·H2O + Ni0.8Co0.1Mn0.1(OH)2 + 0.25 O2 → LiNi0.8Co0.1Mn0.1O2 + 2.5 H2O
LiOH + 0.8 NiO + 1/30 Co3O4 + 0.1 MnO2 + 11/60 O2 → LiNi0.8Co0.1Mn0.1O2 + 0.5 H2O
0.5 Li2CO3 + 2 MnO2 → LiMn2O4 + 0.25 O2 + 0.5 CO2
0.5 Li2CO3 + MnO + 0.25 O2 → LiMnO2 + 0.5 CO2
0.5 Li2CO3 + FeC2O4·2H2O + NH4H2PO4 → LiFePO4 + 1.5 CO2 + 3.5 H2O + NH3 + CO
1/3 Li3PO4 + 1/3 Fe3(PO4)2 → LiFePO4
LiH2PO4 + 0.5 Fe2O3 + 0.5 C → LiFePO4 + H2O + 0.5 CO
1.5 Na2CO3 + 2 ZrO2 + 2 SiO2 + NH4H2PO4 → Na3Zr2Si2PO12 + 1.5 CO2 + 1.5 H2O + NH3
BaCO3 + TiO2 → BaTiO3 + CO2
Ba(NO3)2 + TiO2 → BaTiO3 + 0.5 O2 + 2 NO2
0.5 Y2O3 + 2 BaCO3 + 3 CuO + 0.25 O2 → YBa2Cu3O7 + 2 CO2
0.5 Y2O3 + 2 BaO2 + 3 CuO → YBa2Cu3O7 + 0.75 O2
0.35 La2O3 + 0.3 SrCO3 + MnO2 → La0.7Sr0.3MnO3 + 0.175 O2 + 0.3 CO2
0.5 Bi2O3 + 0.5 Fe2O3 → BiFeO3
1.5 Y2O3 + 2.5 Al2O3 → Y3Al5O12
NaHCO3 + Al(OH)3 → NaAlO2 + CO2 + 2 H2O
4 CaCO3 + 6 CaHPO4 → Ca10(PO4)6(OH)2 + 4 CO2 + 2 H2O
3 CaCO3 + 6 CaHPO4 + CaF2 → Ca10(PO4)6F2 + 3 CO2 + 3 H2O
CaCO3 + 1/7 (NH4)6Mo7O24·4H2O → CaMoO4 + CO2 + H2O + 6/7 NH3
2 SrCO3 + 0.5 Fe2O3 + 5/6 MoO3 + 1/6 Mo → Sr2FeMoO6 + 2 CO2
CoCl2·6H2O + 2 FeCl3·6H2O → CoFe2O4 + 14 H2O + 8 HCl
CuSO4·5H2O → CuO + 0.5 O2 + 5 H2O + SO2
La2(SO4)3 + 6 H2 → La2O2S + 6 H2O + 2 SO2
BaCl2 + H2SO4 → BaSO4 + 2 HCl
0.5 La2O3 + NH4Cl → LaOCl + 0.5 H2O + NH3
0.5 La2O3 + 3 NH4F → LaF3 + 1.5 H2O + 3 NH3
2 KF + NiF2 → K2NiF4
CsBr + PbBr2 → CsPbBr3
2 Mg + Si → Mg2Si
Cu + Fe + 2 S → CuFeS2
2 CrB + Al → Cr2AlB2
Mg + H2 → MgH2
CaH2 + Si → CaSi + H2
Li2S + FeS2 → Li2FeS2 + S
3 Si + 2 N2 → Si3N4
2/3 Ca3N2 + 5/3 Si3N4 → Ca2Si5N8
0.5 Ga2O3 + NH3 → GaN + 1.5 H2O
0.5 Al2O3 + 1.5 C + 0.5 N2 → AlN + 1.5 CO
SiO2 + 3 C → SiC + 2 CO
NaOH + Al + 0.75 O2 → NaAlO2 + 0.5 H2O
CaO + CO2 → CaCO3
2 ZnO + Ge(CH3COO)4 + 8 O2 → Zn2GeO4 + 8 CO2 + 6 H2O
0.25 Li2CO3 + 0.5 LiOH + 1/3 Co3O4 + 1/12 O2 → LiCoO2 + 0.25 CO2 + 0.25 H2O
LiCoO2 → LiCoO2
2 NiO + NH4H2PO4 + 4.5 H2 → Ni2P + 6 H2O + NH3
0.5 V2O5 + NH4H2PO4 → VOPO4 + 1.5 H2O + NH3
0.5 V2O5 + NH4H2PO4 → VPO4 + 2.5 H2O + 1/3 N2 + 1/3 NH3
MoO3 + H2 → MoO2 + H2O
3 MnO2 → Mn3O4 + O2
0.3 Fe2O3 + SrO2 + 0.2 Sc2O3 → SrSc0.4Fe0.6O3 + 0.25 O2
Gd2O3 + 1.5 S → Gd2O2S + 0.5 SO2
CuO + 0.5 Fe2O3 + 3.25 S → CuFeS2 + 1.25 SO2
0.5 La2O3 + 1.5 B4C → LaB6 + 1.5 CO
0.5 La2O3 + 7 B → LaB6 + 0.5 B2O3
ZrO2 + 5/7 B4C → ZrB2 + 5/7 CO + 3/7 B2O3
CaSO4 + 4 H2 → CaS + 4 H2O
2 MoO3 + 4 NH3 → Mo2N + 6 H2O + 1.5 N2
Ni(NO3)2·6H2O + 2 Fe(NO3)3·9H2O + 20/3 CO(NH2)2 → NiFe2O4 + 20/3 CO2 + 112/3 H2O + 32/3 N2
""".strip().splitlines()

METALS = ["Li", "Na", "Ba", "La", "Y", "Ti", "Mn", "Fe", "Co", "Cu", "Al"]
ANIONS = [{"O": 1}, {"C": 1, "O": 3}, {"O": 1, "H": 1}, {"N": 1, "O": 3}, {"Cl": 1}, {"S": 1, "O": 4}, {"C": 2, "O": 4}]
ANIONS += [{"S": 1}, {"N": 1}, {"F": 1}, {"N": 1, "H": 4, "P": 1, "O": 4}, {}]
COUNTS = st.integers(1, 40).map(lambda n: Fraction(n, 10))


@st.composite
def reactions(draw):
    """A target and a few salts, oxides or elements of its metals, sometimes one too many."""
    metals = draw(st.lists(st.sampled_from(METALS), min_size=1, max_size=3, unique=True))
    anion = draw(st.sampled_from([{"O": 1}, {"O": 1, "P": 1}, {"N": 1}, {"S": 1}, {"F": 1, "O": 1}, {}]))
    target = {element: draw(COUNTS) for element in [*metals, *anion]}
    chosen = [*metals, *draw(st.lists(st.sampled_from(METALS if draw(st.booleans()) else metals), max_size=2))]
    precursors = []
    for metal in chosen:
        salt = {metal: draw(st.integers(1, 3))}
        for element, count in draw(st.sampled_from(ANIONS)).items():
            salt[element] = salt.get(element, 0) + count * draw(st.integers(1, 3))
        precursors.append(composition_from_amounts(salt))
    return composition_from_amounts(target), precursors


def parse_all(text):
    return [parse_formula(formula) for formula in text.split()]


def sides(text):
    """Split an equation written with the target first on the right into its formulas, coefficients dropped."""
    left, right = ([term.split()[-1] for term in side.split(" + ")] for side in text.split(" → "))
    return [parse_formula(formula) for formula in left], parse_formula(right[0])


def net(equation):
    """Element balance, left minus right, in exact arithmetic."""
    total = {}
    left = (*equation.precursors, *equation.reactant_gases)
    right = ((equation.target, Fraction(1)), *equation.byproducts)
    for sign, terms in ((1, left), (-1, right)):
        for composition, coefficient in terms:
            for element, amount in composition.amounts:
                total[element] = total.get(element, 0) + sign * coefficient * amount
    return {element: amount for element, amount in total.items() if amount}


@pytest.mark.parametrize("text", TEXTBOOK)
def test_textbook(text):
    left, target = sides(text)
    gases = ("O2", "N2", "H2", "CO2") if "Mo2N" in text else ("O2", "N2", "H2", "NH3", "CO2")
    precursors = [solid for solid in left if solid.formula not in gases]
    equation = balance(target, precursors)
    assert str(equation) == text
    assert not net(equation)


@settings(deadline=None, max_examples=150)
@given(reactions())
def test_equations_conserve_every_element_and_are_positive(reaction):
    target, precursors = reaction
    try:
        equation = balance(target, precursors)
    except BalanceError as error:
        assert "does not balance" in str(error)
        assume(False)
    assert not net(equation)
    gases = (*equation.reactant_gases, *equation.byproducts)
    assert all(coefficient > 0 for _, coefficient in (*equation.precursors, *gases))
    assert {precursor.key for precursor, _ in equation.precursors} == {precursor.key for precursor in precursors}
    assert len({gas.key for gas, _ in gases}) == len(gases)
    assert equation.target == target
    taken_up = {gas.formula for gas, _ in equation.reactant_gases}
    released = {product.formula for product, _ in equation.byproducts}
    assert_consistent(equation, taken_up, released)


def assert_consistent(equation, taken_up, released):
    """The atmosphere named is one in which these gases enter and leave."""
    if equation.atmosphere in ("air", "oxygen"):
        assert not taken_up & {"H2", "NH3", "N2"} and not released & {"H2", "CO", "H2S", "S", "B2O3", "C"}
    elif equation.atmosphere in ("inert", "vacuum"):
        assert not taken_up
        assert not released or equation.atmosphere == "inert"
    else:
        needed = {"reducing": "H2", "ammonia": "NH3", "nitrogen": "N2"}[equation.atmosphere]
        assert taken_up == {needed}
        assert not released & {"O2", "NO2", "NO", "Cl2", "Br2", "I2"}
    row = next(
        row
        for row in TABLE
        if row.atmosphere.value == {"oxygen": "air", "vacuum": "inert"}.get(equation.atmosphere, equation.atmosphere)
    )
    assert taken_up <= set(row.taken_up.split())
    assert released <= set(f"{row.released} {row.rarely}".split())


@settings(deadline=None, max_examples=60)
@given(reactions(), st.randoms())
def test_the_order_of_the_precursors_does_not_matter(reaction, random):
    target, precursors = reaction
    assume(len(set(precursors)) == len(precursors))  # of Ba and Ba2 the first counts, which has another formula unit
    shuffled = random.sample(precursors, len(precursors))
    try:
        equation = balance(target, precursors)
    except BalanceError:
        with pytest.raises(BalanceError):
            balance(target, shuffled)
        return
    again = balance(target, shuffled)
    assert set(again.precursors) == set(equation.precursors)
    assert again.byproducts == equation.byproducts and again.reactant_gases == equation.reactant_gases


def naive_species(target, precursors, gases):
    """The fewest gases of one menu with any positive solution, by brute force; None if no choice works.

    Solutions are searched where the columns are independent, which holds for precursors without redundancy.
    """
    import sympy

    solids = [target, *precursors]
    elements = sorted({element for c in [*solids, *(gas.composition for gas in gases)] for element in c.elements})

    def column(composition, sign=1):
        amounts = dict(composition.amounts)
        return [sign * sympy.Rational(str(amounts.get(element, 0))) for element in elements]

    goal = sympy.Matrix(column(target))
    for species in range(len(elements) + 1):
        for chosen in combinations(gases, species):
            pairs = {frozenset({one.side, other.side}) for one, other in combinations(chosen, 2)}
            if len({gas.composition.key for gas in chosen}) < species or pairs & EXCLUSIVE:
                continue
            columns = [column(p) for p in precursors] + [column(g.composition, 1 if g.taken_up else -1) for g in chosen]
            matrix = sympy.Matrix(columns).T
            if matrix.rank() < len(columns) or matrix.row_join(goal).rank() > len(columns):
                continue
            solution = (matrix.T * matrix).LUsolve(matrix.T * goal)
            if all(value > 0 for value in solution):
                return species
    return None


@pytest.mark.parametrize(
    "text",
    ["LiCoO2: Li2CO3 Co3O4", "BaTiO3: Ba(NO3)2 TiO2", "LaOF: LaF3 La2O3", "GaN: Ga2O3", "NaAlO2: NaOH Al", "Fe: FeCl3"],
)
def test_no_fewer_gases_would_do(text):
    target, *precursors = parse_all(text.replace(":", ""))
    equation = balance(target, precursors)
    for allowed in gas_lists(target, precursors):
        species = naive_species(target, precursors, allowed.gases)
        if species is not None:
            assert len(equation.byproducts) + len(equation.reactant_gases) == species
            break
    else:
        pytest.fail("brute force found no solution")


AMMONIUM = "NH4H2PO4 (NH4)2HPO4 NH4VO3 (NH4)6Mo7O24·4H2O (NH4)10W12O41·5H2O NH4ReO4 CO(NH2)2 NH4Cl NH4F"


@pytest.mark.parametrize("ammonium", AMMONIUM.split())
@pytest.mark.parametrize("others", ["NiO", "Fe2O3", "Li2CO3 V2O5", "Ni(NO3)2·6H2O", "BaO2"])
def test_ammonium_never_burns_to_nitrogen_oxides(ammonium, others):
    precursors = parse_all(f"{ammonium} {others}")
    total = {}
    for precursor in precursors:
        for element, amount in precursor.amounts:
            total[element] = total.get(element, 0) + amount
    balanced = 0
    for oxygen in (0, 1, 2, 4, 6, 8):
        kept = {element: amount for element, amount in total.items() if element not in {"C", "H", "N", "O"}}
        target = composition_from_amounts(kept | ({"O": oxygen} if oxygen else {}))
        try:
            gases = {gas.formula for gas, _ in balance(target, precursors).byproducts}
        except BalanceError:  # neither hydrogen nor ammonia reduces all of them
            continue
        balanced += 1
        assert gases & {"NH3", "N2"} and not gases & {"NO2", "NO"}
    assert balanced >= 2


def test_redundant_precursors_share_the_work():
    target = parse_formula("Cr2AlB2")
    equation = balance(target, parse_all("CrB Al Cr B"))
    assert str(equation) == "CrB + Al + Cr + B → Cr2AlB2"  # the mean of 2 CrB + Al and 2 Cr + 2 B + Al
    pool = parse_all("B Cr Al AlB2 Al45Cr7 Al8Cr5 AlCr2 CrB CrB4 Cr3B4 Cr5B3 Cr2B3 CrB2 Cr2B")
    equation = balance(target, pool)
    assert len(equation.precursors) == len(pool) and not net(equation)


def test_a_precursor_that_only_evaporates_counts_as_one_unit():
    equation = balance(parse_formula("CaTiO3"), parse_all("CaO TiO2 NH4Cl"))
    assert str(equation) == "CaO + TiO2 + NH4Cl → CaTiO3 + NH3 + HCl"


def test_decimals_that_were_cut_are_read_within_the_tolerance():
    equation = balance(parse_formula("Li0.8889P0.2222S1"), parse_all("Li2S P2S5"))
    assert not net(equation)
    assert equation.target.key == "Li8P2S9"
    assert not equation.byproducts


def test_a_precursor_listed_twice_counts_once():
    target = parse_formula("BiFeO3")
    equation = balance(target, parse_all("Fe2O3 Bi2O3 Fe4O6"))
    assert str(equation) == "0.5 Fe2O3 + 0.5 Bi2O3 → BiFeO3"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("LiCoO2: Na2CO3 Co3O4", "the target's Li is in none"),
        ("LiCoO2: Li2CO3 Co3O4 Al2O3", "Al in Al2O3"),
        ("La2O2S: La2O3 Na2S", "Na in Na2S"),
        ("CdSe: Se CdSe", "no positive amounts"),
        ("CaCN2: CaC2", "no positive amounts"),
        ("Ca5P3O12F: Ca3(PO4)2 CaF2 CaCl2", "no positive amounts"),
        ("CaO:", "no precursor"),
    ],
)
def test_what_does_not_balance_says_why(text, reason):
    target, *precursors = parse_all(text.replace(":", ""))
    with pytest.raises(BalanceError, match=f"does not balance: .*{reason}"):
        balance(target, precursors)


def test_the_allowed_gases_are_a_choice():
    target, precursors = parse_formula("LiCoO2"), parse_all("Li2CO3 Co3O4")
    with pytest.raises(BalanceError, match="C in Li2CO3"):
        balance(target, precursors, released=[parse_formula("H2O")])
    inert = balance(target, precursors, atmosphere=())
    assert str(inert) == "0.5 Li2CO3 + 1/3 Co3O4 → LiCoO2 + 1/3 CO2 + 1/6 CO"


def test_nitrogen_is_not_taken_up_where_oxygen_leaves():
    with pytest.raises(BalanceError):
        balance(parse_formula("GaN"), [parse_formula("Ga2O3")], atmosphere=[parse_formula("N2")])


@pytest.mark.parametrize("target", ["LiFePO4", "SrTiO2.5", "BaS", "V2O3"])
def test_quick_refusals_change_no_equation(target, monkeypatch):
    module = import_module("rrgraph.chem.balance")
    elements = parse_formula(target).elements | {"C", "N", "H", "O"}
    oxides = parse_all("Fe2O3 P2O5 Y2O3 BaO2 CuO SrO TiO2 TiO SiO2 V2O5")
    others = parse_all("Li2CO3 FeC2O4 FePO4 BaCO3 Ba(NO3)2 BaS SrCO3 NH4H2PO4 Cu Ti V S")
    usable = [each for each in (*oxides, *others) if each.elements <= elements]
    sets = [chosen for size in (1, 2, 3) for chosen in combinations(usable, size)]

    def equations():
        for chosen in sets:
            try:
                yield str(balance(target, chosen))
            except BalanceError:
                yield None

    quick, refused = module._is_refused, []

    def spied(allowed, *given, search):
        return quick(allowed, *given, search=search) and not refused.append(allowed)

    monkeypatch.setattr(module, "_is_refused", spied)
    found = [*equations()]
    assert {allowed.traces for allowed in refused} == {False, True}
    monkeypatch.setattr(module, "_is_refused", lambda *_, search: False)
    assert found == [*equations()]
    assert None in found and len({*found}) > 1


def test_balancing_solves_few_systems(monkeypatch):
    solved = []
    module = import_module("rrgraph.chem.balance")  # its name in the package is that of the function
    monkeypatch.setattr(module, "reduce_rows", lambda *given: solved.append(given) or reduce_rows(*given))
    for line in TEXTBOOK:
        solved.clear()
        left, target = sides(line)
        balance(target, [solid for solid in left if len(solid.elements) > 1 or solid.key not in ("O", "N", "H")])
        assert 0 < len(solved) < 20


@pytest.mark.parametrize(
    ("target", "precursors"),
    [("Mg2Si", "MgO Si"), ("LaNi5", "La2O3 Ni"), ("TiAl", "TiO2 Al2O3"), ("Ti3SiC2", "TiO2 SiC")],
)
def test_stubborn_oxides_are_not_reduced_by_hydrogen_or_into_carbides_by_co2(target, precursors):
    with pytest.raises(BalanceError, match="does not balance"):
        balance(parse_formula(target), [parse_formula(text) for text in precursors.split()])


def test_hydrogen_reduces_other_oxides_and_carbon_reduces_stubborn_ones():
    assert "H2" in str(balance(parse_formula("FeNi3"), [parse_formula("Fe2O3"), parse_formula("NiO")]))
    assert "CO" in str(balance(parse_formula("TiC"), [parse_formula("TiO2"), parse_formula("C")]))
