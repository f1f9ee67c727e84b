"""The table of measured solids against values and equilibria published elsewhere, and the script that made it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

import numpy as np
import pytest

from rrgraph.chem import GASES, BalancedEquation, balance, measured_solids, parse_formula
from rrgraph.chem.make_measured import Entry, choose, fit_phase, solid_range
from rrgraph.errors import RRGraphError

SOLIDS = measured_solids()


def solid(formula: str):
    return SOLIDS[parse_formula(formula).key]


def free_energy(equation: BalancedEquation, temperature: float) -> float:
    """Return the free energy of a reaction of solids and gases at 1 bar, kJ/mol."""
    terms = [(equation.target, 1, 1), *((gas, n, 1) for gas, n in equation.byproducts)]
    terms += [(each, n, -1) for each, n in (*equation.precursors, *equation.reactant_gases)]
    total = 0.0
    for composition, count, sign in terms:
        data = GASES.get(composition.key) or SOLIDS[composition.key]
        units = composition.amounts[0][1] / data.composition.amounts[0][1]
        total += sign * float(count * units) * data.free_energy(temperature)
    return total


def equilibrium(energy: Callable[[float], float]) -> float:
    """Return the temperature at which a falling energy is 0, K."""
    low, high = 298.15, 2500.0
    while high - low > 0.5:
        middle = (low + high) / 2
        low, high = (middle, high) if energy(middle) > 0 else (low, middle)
    return low


@pytest.mark.parametrize(
    ("formula", "enthalpy", "entropy"),  # CODATA key values and Robie and Hemingway 1995
    [
        ("Al2O3", -1675.7, 50.9),
        ("B2O3", -1273.5, 54.0),
        ("BaSO4", -1473.6, 132.1),
        ("BeO", -609.4, 13.8),
        ("CaCO3", -1207.4, 91.7),
        ("CaO", -635.1, 38.1),
        ("Fe2O3", -826.2, 87.4),
        ("Fe3O4", -1115.7, 146.1),
        ("MgCO3", -1113.3, 65.1),
        ("MgO", -601.6, 26.9),
        ("Na2SO4", -1387.8, 149.6),
        ("NaCl", -411.3, 72.1),
        ("Na2CO3", -1130.8, 135.0),
        ("PbSO4", -919.97, 148.5),
        ("SiO2", -910.7, 41.5),
        ("TiO2", -944.0, 50.6),
        ("ZnO", -350.5, 43.2),
        ("ZrSiO4", -2034.2, 84.0),
    ],
)
def test_enthalpies_and_entropies_agree_with_evaluations(formula, enthalpy, entropy):
    found = solid(formula)
    assert found.enthalpy == pytest.approx(enthalpy, abs=6.5)
    assert found.entropy == pytest.approx(entropy, abs=4)


@pytest.mark.parametrize(
    ("target", "precursors", "measured", "error"),
    [
        ("CaO", ["CaCO3"], 1170, 12),
        ("SrO", ["SrCO3"], 1435, 35),
        ("MgO", ["MgCO3"], 675, 25),
        ("MgO", ["Mg(OH)2"], 540, 15),
        ("CaO", ["Ca(OH)2"], 790, 20),
        ("Cu2O", ["CuO"], 1395, 25),
        ("CoO", ["Co3O4"], 1215, 30),
    ],
)
def test_gases_leave_at_one_bar_where_they_were_seen_to(target, precursors, measured, error):
    equation = balance(parse_formula(target), [parse_formula(name) for name in precursors])
    assert equilibrium(lambda t: free_energy(equation, t)) == pytest.approx(measured, abs=error)


def test_iron_oxide_is_reduced_by_carbon_monoxide_at_any_temperature():
    equation = BalancedEquation(
        target=parse_formula("Fe"),
        precursors=((parse_formula("Fe2O3"), 0.5),),
        byproducts=((parse_formula("CO2"), 1.5),),
        reactant_gases=((parse_formula("CO"), 1.5),),
    )
    # Fe2O3 + 3 CO -> 2 Fe + 3 CO2: NIST-JANAF, free energies of formation.
    assert 2 * free_energy(equation, 298.15) == pytest.approx(3 * (137.163 - 394.389) + 743.523, abs=2)
    assert 2 * free_energy(equation, 1000.0) == pytest.approx(3 * (200.275 - 395.886) + 561.8, abs=2)


def test_barium_nitrate_takes_up_what_its_oxide_and_the_gases_lack():
    equation = balance(parse_formula("BaO"), [parse_formula("Ba(NO3)2")])
    # CRC Handbook, kJ/mol: Ba(NO3)2 -988.0, BaO -548.0, NO2 33.2.
    assert free_energy(equation, 298.15) == pytest.approx(506.4 - 0.29815 * equation_entropy(), abs=8)


def equation_entropy() -> float:
    """CRC Handbook, J/(mol K): BaO 72.1, NO2 240.1, O2 205.2, Ba(NO3)2 214."""
    return 72.1 + 2 * 240.1 + 205.2 / 2 - 214.0


def test_every_row_is_a_solid():
    assert 1300 < len(SOLIDS) < 1500
    assert (files("rrgraph.chem") / "measured.csv").stat().st_size < 300_000
    for key, found in SOLIDS.items():
        assert found.composition.key == key
        assert -1400 < found.enthalpy / found.atoms < 150 and 0 <= found.uncertainty < 200
        if len(found.composition.amounts) == 1:
            assert found.enthalpy == found.uncertainty == 0
        if found.entropy is None:
            continue
        assert 1 < found.entropy / found.atoms < 90
        steps = [found.free_energy(t) for t in (298.15, 600.0, 1000.0, 1500.0, 2500.0)]
        assert steps == sorted(steps, reverse=True)
    for gas_or_melt in ("CO2", "SiF4", "TiCl4", "Fe(CO)5", "NaF2", "O2", "Hg", "Br2"):
        assert parse_formula(gas_or_melt).key not in SOLIDS


def test_free_energies_are_continuous_where_the_heat_capacity_becomes_constant():
    for formula in ("CaCO3", "NaCl", "Fe"):
        found = solid(formula)
        below, at, above = (found.free_energy(found.highest + step) for step in (-1.0, 0.0, 1.0))
        assert below - at == pytest.approx(at - above, rel=2e-3)
    with pytest.raises(RRGraphError, match="298 to 2500 K"):
        solid("NaCl").free_energy(3000.0)


TEMPERATURES = np.arange(300.0, 2001.0, 100.0)


def series() -> np.ndarray:
    """Return H(T) - T S(T) in kJ/mol of a salt with -400 kJ/mol, 72 J/(mol K) and a heat capacity of 42 + 0.016 T."""
    t, t0 = TEMPERATURES, 298.15
    heat = 42 * (t - t0) + 0.008 * (t**2 - t0**2)
    return -400 + (heat - t * (72 + 42 * np.log(t / t0) + 0.016 * (t - t0))) / 1000


def test_a_fit_finds_what_a_phase_is_made_of():
    found, worst = fit_phase(TEMPERATURES, series(), 2.0)
    assert found[:2] == pytest.approx([-400.0, 72.0], abs=1.0)
    assert found[2] + found[3] + found[4] * 0.1 == pytest.approx(58.0, abs=1)  # heat capacity at 1000 K
    assert worst < 0.2


def test_a_solid_ends_where_its_entropy_steps():
    assert solid_range(TEMPERATURES, series(), 2.0) == len(TEMPERATURES)
    melted = series() - np.maximum(TEMPERATURES - 1050.0, 0.0) * 26 / 1000  # the entropy of fusion of NaCl
    assert TEMPERATURES[solid_range(TEMPERATURES, melted, 2.0) - 1] == 1000
    boiled = series() - np.maximum(TEMPERATURES - 1500.0, 0.0) * 120 / 1000
    assert TEMPERATURES[solid_range(TEMPERATURES, boiled, 2.0) - 1] == 1500


def entry(source: str, enthalpy: float, entropy: float | None = 50.0) -> Entry:
    return Entry(parse_formula("MgO"), enthalpy, entropy, (45.0, 10.0, -8.0), 1000.0, source)


@pytest.mark.parametrize(
    ("entries", "calculated", "source", "rule"),
    [
        ([entry("FREED", -600)], None, "FREED", "one source"),
        ([entry("FREED", -600)], -200.0, None, "dropped: one source"),
        ([entry("CRC", -601), entry("FREED", -600)], None, "FREED", "sources agree"),
        ([entry("CRC", -601), entry("FREED", -600, None)], None, "CRC", "sources agree"),
        ([entry("JANAF", -570), entry("FREED", -600), entry("CRC", -601)], None, "FREED", "two of three agree"),
        ([entry("CRC", -610), entry("FREED", -600)], None, "FREED", "sources differ slightly"),
        ([entry("JANAF", -500), entry("FREED", -600)], None, None, "dropped: sources contradict"),
        ([entry("JANAF", -500), entry("FREED", -600)], -297.0, "FREED", "sources contradict each other: near"),
        ([entry("JANAF", -500), entry("FREED", -600)], -275.0, None, "dropped: sources contradict"),
    ],
)
def test_which_source_is_taken(entries, calculated, source, rule):
    found, reason = choose(entries, calculated)
    assert (None if found is None else found.source) == source
    assert reason.startswith(rule)
