from __future__ import annotations

import numpy as np
import pytest

from rrgraph.chem import KJ_PER_EV, measured_solids, parse_formula
from rrgraph.models import load_encoder
from rrgraph.models.energy_corrections import corrected_energy, correction_terms
from rrgraph.models.make_energy_corrections import fit_terms, remaining_spread


@pytest.mark.parametrize(
    ("formula", "groups"),
    [
        ("BaCO3", {"CO3": 1}),
        ("CaMg(CO3)2", {"CO3": 2}),
        ("BaC2O4", {}),
        ("Ba(NO3)2", {"NO3": 2}),
        ("NaNO2", {"NO2": 1}),
        ("NH4Cl", {}),
        ("FeSO4*7H2O", {"SO4": 1, "OH": 14}),
        ("Na2SO3", {"SO3": 1}),
        ("Li3PO4", {"PO4": 1}),
        ("KClO4", {"XO3": 1}),
        ("Mg(OH)2", {"OH": 2}),
        ("BaTiO3", {}),
        ("BiOCl", {}),
    ],
)
def test_groups_of_atoms_are_told_from_elements(formula, groups):
    found = correction_terms(parse_formula(formula))
    elements = {symbol: float(n) for symbol, n in parse_formula(formula).amounts}
    assert found == elements | groups


def test_corrections_add_up_and_uncertainties_in_quadrature():
    carbonate, nitrate = parse_formula("BaCO3"), parse_formula("Ba(NO3)2")
    value, deviation = corrected_energy(carbonate, -2.6, 0.06)
    assert corrected_energy(carbonate, -2.5, 0.06)[0] - value == pytest.approx(0.1)
    assert deviation == pytest.approx(np.hypot(0.06, corrected_energy(carbonate, 0.0, 0.0)[1]))
    assert corrected_energy(nitrate, 0.0, 0.0)[0] > 0.3  # density functional theory binds nitrates too strongly
    assert corrected_energy(parse_formula("Ba2C2O6"), -2.6, 0.06)[0] == pytest.approx(value)


def test_a_robust_fit_finds_the_terms_and_ignores_outliers():
    rng = np.random.default_rng(0)
    counts = rng.random((400, 3))
    errors = counts @ [0.3, -0.2, 0.5] + rng.normal(0, 0.01, 400)
    errors[::20] += 3.0
    found = fit_terms(counts, errors, np.full(3, 1e-6), rounds=30)
    assert found == pytest.approx([0.3, -0.2, 0.5], abs=0.05)
    assert fit_terms(counts, errors, np.array([1e6, 1e-6, 1e-6]))[0] == pytest.approx(0.0, abs=1e-3)


def test_the_spread_is_what_deviations_lack():
    residuals = np.random.default_rng(1).normal(0, 0.1, 4000)
    assert remaining_spread(residuals, np.full(4000, 0.06)) == pytest.approx(0.08, abs=0.01)
    assert remaining_spread(residuals, np.full(4000, 0.2)) == 0


def test_corrected_predictions_are_nearer_to_measured_enthalpies():
    solids = [solid for solid in measured_solids().values() if len(solid.composition.amounts) > 1][::3]
    measured = np.array([solid.enthalpy / solid.atoms / KJ_PER_EV for solid in solids])
    values, deviations = load_encoder().formation_energies([solid.composition for solid in solids])
    corrected = np.array(
        [corrected_energy(solid.composition, *each) for solid, *each in zip(solids, values, deviations, strict=True)]
    )
    before, after = np.abs(values - measured), np.abs(corrected[:, 0] - measured)
    assert after.mean() < 0.09 < 0.13 < before.mean()
    assert 0.6 < np.mean(after < corrected[:, 1]) < 0.8
    nitrates = ["NO3" in correction_terms(solid.composition) for solid in solids]
    assert after[nitrates].max() < 0.15 < 0.3 < before[nitrates].min()
