"""Gases against each other and against equilibria that were measured or tabulated elsewhere."""

import math

import pytest

from rrgraph.chem import (
    ATMOSPHERE,
    BYPRODUCTS,
    GASES,
    KJ_PER_EV,
    balance,
    check_temperature,
    gas_energy,
    gas_uncertainty,
    parse_formula,
    solid_uncertainty,
)
from rrgraph.chem.thermo import solid_free_energy
from rrgraph.errors import RRGraphError

GAS_CONSTANT = 8.314462618e-3  # kJ/(mol K)


def reaction(text: str, temperature: float) -> float:
    """Free energy in kJ/mol of a reaction of gases such as ``2 CO + O2 > 2 CO2``."""
    total = 0.0
    for side, sign in zip(text.split(">"), (-1, 1), strict=True):
        for term in side.split(" + "):
            *count, name = term.split()
            gas = GASES[parse_formula(name).key]
            assert gas.composition.amounts == parse_formula(name).amounts
            total += sign * float(*count or [1]) * gas.free_energy(temperature)
    return total


@pytest.mark.parametrize("gas", [*BYPRODUCTS, *ATMOSPHERE], ids=str)
def test_every_gas_of_an_equation_has_a_value(gas):
    data = GASES[gas.key]
    assert 130 < data.entropy < 270
    assert data.atoms == sum(amount for _, amount in data.composition.amounts)
    for temperature in (None, 298.15, 1000.0, 2500.0):
        assert -3 < gas_energy(gas, temperature=temperature) < 1


def test_elements_that_are_gases_are_zero():
    for name in ("H2", "N2", "O2", "Cl2"):
        assert gas_energy(parse_formula(name)) == 0
        assert not GASES[parse_formula(name).key].is_condensed_element
    for name in ("S", "Br2", "I2"):
        assert gas_energy(parse_formula(name)) > 0
        assert GASES[parse_formula(name).key].is_condensed_element


@pytest.mark.parametrize(
    ("gas", "kj"),  # CODATA key values, independent of the table
    [
        ("H2O", -241.826),
        ("CO2", -393.51),
        ("CO", -110.53),
        ("NH3", -45.94),
        ("SO2", -296.81),
        ("HF", -273.30),
        ("HCl", -92.31),
        ("HBr", -36.29),
        ("HI", 26.50),
        ("H2S", -20.6),
        ("Br2", 30.91),
        ("I2", 62.42),
    ],
)
def test_enthalpies_agree_with_codata(gas, kj):
    parsed = parse_formula(gas)
    atoms = sum(amount for _, amount in parsed.amounts)
    assert gas_energy(parsed) * float(atoms) * KJ_PER_EV == pytest.approx(kj, abs=0.9)


@pytest.mark.parametrize(
    ("gas", "minus_free_energy_over_t"),  # -(G - H(298.15 K)) / T at 1000 K, J/(mol K): NIST-JANAF
    [("O2", 220.875), ("N2", 206.708), ("H2", 145.536), ("CO2", 235.901), ("H2O", 206.738), ("CO", 212.848)],
)
def test_fitted_heat_capacities_give_the_tabulated_free_energies(gas, minus_free_energy_over_t):
    data = GASES[parse_formula(gas).key]
    assert (data.enthalpy - data.free_energy(1000)) == pytest.approx(minus_free_energy_over_t, abs=0.1)


@pytest.mark.parametrize(
    ("text", "temperature", "kj"),  # NIST-JANAF free energies of formation
    [
        ("H2 + 0.5 O2 > H2O", 1000, -192.590),
        ("0.5 N2 + 1.5 H2 > NH3", 1000, 61.910),
        ("0.5 N2 + 0.5 O2 > NO", 1500, 71.425),
        ("0.5 H2 + 0.5 Cl2 > HCl", 1000, -100.799),
        ("0.5 N2 + O2 > NO2", 1000, 95.779),
        ("0.5 S2 + O2 > SO2", 1000, -288.725),
        ("H2 + 0.5 S2 > H2S", 1000, -40.984),
    ],
)
def test_free_energies_of_formation(text, temperature, kj):
    assert reaction(text, temperature) == pytest.approx(kj, abs=0.4)


@pytest.mark.parametrize(("temperature", "constant"), [(600, 27.0), (1000, 1.44), (1500, 0.39)])
def test_water_gas_shift(temperature, constant):
    found = math.exp(-reaction("CO + H2O > CO2 + H2", temperature) / GAS_CONSTANT / temperature)
    assert found == pytest.approx(constant, rel=0.06)


def test_sulfur_trioxide_falls_apart_near_1050_kelvin():
    assert reaction("SO2 + 0.5 O2 > SO3", 1000) < 0 < reaction("SO2 + 0.5 O2 > SO3", 1100)


def test_an_average_solid_has_the_entropy_and_heat_capacity_of_one():
    def slope(temperature: float) -> float:
        return -1000 * (solid_free_energy(temperature + 0.5) - solid_free_energy(temperature - 0.5))

    assert slope(298.15) == pytest.approx(16.0, abs=0.05)
    assert 1000 * (slope(1000.5) - slope(999.5)) == pytest.approx(24.9, rel=0.03)  # Dulong and Petit, 1000 dS/dT


#: Enthalpies of formation, kJ/mol, from handbooks.
ENTHALPIES = {
    "CaCO3": -1206.9,
    "CaO": -635.1,
    "Mg(OH)2": -924.5,
    "MgO": -601.6,
    "Ca(OH)2": -986.1,
    "BaCO3": -1216.3,
    "TiO2": -944.7,
    "BaTiO3": -1659.8,
}


def decomposition(target: str, precursors: list[str], temperature: float | None) -> float:
    """Energy in kJ/mol of a reaction that gives off one gas."""
    equation = balance(parse_formula(target), [parse_formula(name) for name in precursors])
    ((gas, amount),) = equation.byproducts
    atoms = float(amount * sum(count for _, count in gas.amounts))
    solids = ENTHALPIES[target] - sum(float(c) * ENTHALPIES[p.formula] for p, c in equation.precursors)
    return solids + atoms * KJ_PER_EV * gas_energy(gas, temperature=temperature)


@pytest.mark.parametrize(
    ("target", "precursors", "measured", "error"),
    [
        ("CaO", ["CaCO3"], 1165, 30),
        ("CaO", ["Ca(OH)2"], 790, 75),
        ("MgO", ["Mg(OH)2"], 540, 75),
    ],
)
def test_decomposition_temperatures(target, precursors, measured, error):
    assert decomposition(target, precursors, measured - error) > 0 > decomposition(target, precursors, measured + error)


def test_barium_titanate_from_carbonate_takes_up_heat_and_is_driven_by_the_gas():
    assert decomposition("BaTiO3", ["BaCO3", "TiO2"], None) == pytest.approx(107.7, abs=0.5)
    entropy = decomposition("BaTiO3", ["BaCO3", "TiO2"], 298.15) - decomposition("BaTiO3", ["BaCO3", "TiO2"], None)
    assert -1000 * entropy / 298.15 == pytest.approx(159.0, abs=8)  # third-law entropies of all four


def test_uncertainty_grows_with_temperature_and_with_valences():
    carbon_dioxide, oxygen = parse_formula("CO2"), parse_formula("O2")
    assert gas_uncertainty(carbon_dioxide) == 0
    hot = gas_uncertainty(carbon_dioxide, temperature=1200)
    assert hot == pytest.approx(1.2 * gas_uncertainty(carbon_dioxide, temperature=1000))
    assert gas_uncertainty(oxygen, temperature=1200) == pytest.approx(10 * hot)
    assert solid_uncertainty(None) == 0
    assert solid_uncertainty(1200) == pytest.approx(hot / 2)


@pytest.mark.parametrize("temperature", [0.0, 297.0, 2501.0, math.nan, math.inf, -5.0])
def test_temperatures_without_data_are_refused(temperature):
    with pytest.raises(RRGraphError, match="298 to 2500 K"):
        check_temperature(temperature)
    for function in (gas_energy, gas_uncertainty):
        with pytest.raises(RRGraphError, match="298 to 2500 K"):
            function(parse_formula("O2"), temperature=temperature)


def test_other_gases_are_refused():
    with pytest.raises(RRGraphError, match=r"'PH3'.*CO2"):
        gas_energy(parse_formula("PH3"))
