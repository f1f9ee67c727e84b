"""Reaction energies from measured, predicted and given formation energies."""

from __future__ import annotations

import numpy as np
import pytest

from rrgraph.chem import balance, measured_solids, parse_formula
from rrgraph.errors import RRGraphError
from rrgraph.models.sources import PredictedEnergies, energy_source
from rrgraph.planning import ReactionEnergy


def energy(target: str, *precursors: str, temperature: float | str | None = None, **given) -> ReactionEnergy:
    source = PredictedEnergies(given, temperature=temperature)
    return source.reaction_energies([balance(parse_formula(target), [parse_formula(name) for name in precursors])])[0]


class Encoder:
    """Predicts -3 ± 0.05 eV/atom for everything."""

    def formation_energies(self, compositions):
        return np.full(len(compositions), -3.0), np.full(len(compositions), 0.05)


@pytest.fixture
def encoder(monkeypatch):
    monkeypatch.setattr("rrgraph.models.model_registry.load_encoder", Encoder)


@pytest.mark.parametrize(
    ("target", "precursors", "kj"),  # CRC Handbook and NIST-JANAF, enthalpies at 298.15 K
    [
        ("BaTiO3", ("BaCO3", "TiO2"), 1213.0 + 944.0 - 1659.8 - 393.5),
        ("SrTiO3", ("SrCO3", "TiO2"), 1220.1 + 944.0 - 1672.4 - 393.5),
        ("MgAl2O4", ("MgO", "Al2O3"), 601.6 + 1675.7 - 2299.1),
        ("CaO", ("CaCO3",), 178.3),
        ("MgO", ("Mg(OH)2",), 924.5 - 601.6 - 241.8),
        ("BaO", ("Ba(NO3)2",), 988.0 - 548.0 + 2 * 33.2),
        ("Li2TiO3", ("Li2CO3", "TiO2"), 1215.9 + 944.0 - 1670.7 - 393.5),
    ],
)
def test_measured_reactions(target, precursors, kj):
    found = energy(target, *precursors)
    assert found.kj_per_mol == pytest.approx(kj, abs=10)
    assert set(found.measured) == {target, *precursors} and not found.predicted
    assert 0 < found.kj_per_mol_uncertainty < 12


def test_measured_free_energies_give_the_temperature_at_which_carbonate_falls_apart():
    at = {text: energy("CaO", "CaCO3", temperature=text).kj_per_mol for text in ("850 °C", "920 °C")}
    assert at["850 °C"] > 0 > at["920 °C"]
    assert energy("CaO", "CaCO3", temperature=1193.15).kj_per_mol == at["920 °C"]


def test_predicted_and_measured_energies_mix(encoder):
    found = energy("BaTi2O5", "BaCO3", "TiO2")
    assert (found.measured, found.predicted) == (("BaCO3", "TiO2"), ("BaTi2O5",))
    # Nearly all of the uncertainty is that of the prediction, over eight atoms.
    assert found.kj_per_mol_uncertainty == pytest.approx(8 * 96.485 * np.hypot(0.05, 0.08), rel=0.1)


def test_given_energies_win_over_measured_ones(encoder):
    carbonate = measured_solids()["BaCO3"].enthalpy
    usual = energy("BaTiO3", "BaCO3", "TiO2").kj_per_mol
    found = energy("BaTiO3", "BaCO3", "TiO2", BaCO3=(-2.0, 0.02))
    assert found.given == ("BaCO3",) and "BaCO3" not in found.measured
    assert found.kj_per_mol - usual == pytest.approx(carbonate + 2.0 * 5 * 96.48533, abs=0.01)
    assert found.kj_per_mol_uncertainty > 5 * 96.485 * 0.02


@pytest.mark.parametrize("temperature", ["hot", "900F", "", "K", "1200 K K", "20C", "3000", 20.0, True])
def test_bad_temperatures_are_refused(temperature):
    with pytest.raises(RRGraphError, match=r"expected (K or °C such as 1200|298 to 2500 K)"):
        energy_source(True, temperature=temperature)
