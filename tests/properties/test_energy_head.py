from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rrgraph.chem import GASES, KJ_PER_EV, parse_formula
from rrgraph.graph import featurise
from rrgraph.properties import EnergyHead, PropertyPredictor, reaction_energies

COMPOSITIONS = [parse_formula(text) for text in ("SrTiO3", "NaCl", "Cu", "Y2.94Ce0.06Al5O12")]


def test_the_head_predicts_what_the_property_model_predicts(make_checkpoint):
    checkpoint = make_checkpoint()
    head = EnergyHead.of(checkpoint.model)
    with torch.no_grad():
        energies = head(checkpoint.model.encoder(*featurise(COMPOSITIONS)))
    expected, _ = PropertyPredictor(checkpoint).formation_energies(COMPOSITIONS)
    assert energies.numpy() == pytest.approx(expected, abs=1e-4)


def test_of_several_formation_energies_the_best_is_taken(make_checkpoint, tasks):
    other = replace(tasks[0], name="formation_energy_mp20")
    checkpoint = make_checkpoint((*tasks, other))
    predictor = PropertyPredictor(checkpoint)
    with torch.no_grad():
        energies = EnergyHead.of(checkpoint.model)(checkpoint.model.encoder(*featurise(COMPOSITIONS)))
    assert energies.numpy() == pytest.approx(predictor.predict(COMPOSITIONS)["formation_energy_mp20"].value, abs=1e-4)


def test_a_model_without_formation_energies_has_no_head(make_checkpoint, tasks):
    assert EnergyHead.of(make_checkpoint(tasks[1:]).model) is None


def test_the_head_is_a_copy(make_checkpoint):
    model = make_checkpoint().model
    head = EnergyHead.of(model)
    embeddings = torch.randn(3, 16)
    before = head(embeddings)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert torch.equal(head(embeddings), before)


def test_reaction_energies_by_hand():
    # BaCO3 + TiO2 -> BaTiO3 + CO2, and 2 LiOH + 2 CoO + 1/2 O2 -> 2 LiCoO2 + H2O, for an atom of target.
    found = reaction_energies(
        np.array([-3.4, -1.7]),
        np.array([[-2.4, -3.2], [-1.6, -1.2]]),
        np.array([[1.0, 0.6], [0.75, 0.5]]),
        np.array([0.2, 0.0]),
        np.array([0.0, 0.25]),
    )
    carbon_dioxide, water = (GASES[name].enthalpy / KJ_PER_EV for name in ("CO2", "H2O"))
    expected = [-3.4 + 0.2 * carbon_dioxide + 2.4 + 0.6 * 3.2, -1.7 + 0.125 * water + 0.75 * 1.6 + 0.5 * 1.2]
    assert found == pytest.approx(expected)


def test_gases_taken_up_cost_nothing_and_energies_are_cut():
    nothing = np.zeros((1, 1))
    taken = reaction_energies(np.array([-1.0]), nothing, nothing, np.array([-0.5]), np.array([-0.5]))
    assert taken.tolist() == [-1.0]
    far = reaction_energies(np.array([0.0]), np.array([[-90.0]]), np.array([[1.0]]), np.zeros(1), np.zeros(1))
    assert far.tolist() == [5.0]
