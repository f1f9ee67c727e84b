"""Molar masses and batch masses."""

import math
import subprocess
import sys

import pytest

from rrgraph.chem import balance, batch_masses, molar_mass, parse_formula
from rrgraph.errors import RRGraphError


@pytest.mark.parametrize(
    ("formula", "mass"),
    [("H2O", 18.015), ("Li2CO3", 73.89), ("La2O3", 325.81), ("CuSO4·5H2O", 249.68), ("Fe4O6", 319.38)],
)
def test_molar_mass_is_that_of_the_typed_unit(formula, mass):
    assert molar_mass(parse_formula(formula)) == pytest.approx(mass, abs=0.02)


def test_batch_of_lithium_cobalt_oxide():
    equation = balance(parse_formula("LiCoO2"), [parse_formula("Li2CO3"), parse_formula("Co3O4")])
    masses = batch_masses(equation, 97.87)  # one mole
    assert list(masses) == [precursor for precursor, _ in equation.precursors]
    assert masses[parse_formula("Li2CO3")] == pytest.approx(73.89 / 2, rel=1e-3)
    assert masses[parse_formula("Co3O4")] == pytest.approx(240.80 / 3, rel=1e-3)


def test_mass_is_conserved_with_the_gases():
    equation = balance(parse_formula("Li7La3Zr2O12"), [parse_formula(f) for f in ("LiOH·H2O", "La2O3", "ZrO2")])
    grams = sum(batch_masses(equation, 25.0).values())
    moles = 25.0 / molar_mass(equation.target)
    gases = sum(float(c) * molar_mass(g) for g, c in equation.byproducts)
    gases -= sum(float(c) * molar_mass(g) for g, c in equation.reactant_gases)
    assert grams - moles * gases == pytest.approx(25.0)


def test_another_spelling_of_a_precursor_needs_the_same_grams():
    target = parse_formula("BiFeO3")
    grams = [
        batch_masses(balance(target, [parse_formula("Bi2O3"), parse_formula(oxide)]), 10.0)[parse_formula("Fe2O3")]
        for oxide in ("Fe2O3", "Fe4O6")
    ]
    assert grams[0] == pytest.approx(grams[1])


@pytest.mark.parametrize("grams", [0, -1.0, math.nan, math.inf, 10**400, "10", None, True])
def test_impossible_batches_are_refused(grams):
    equation = balance(parse_formula("BaTiO3"), [parse_formula("BaO"), parse_formula("TiO2")])
    with pytest.raises(RRGraphError, match="batch size"):
        batch_masses(equation, grams)


def test_importing_chem_does_not_load_pymatgen():
    code = "import sys, rrgraph.chem; sys.exit('pymatgen' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
