from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors import safe_open

import rrgraph.models
from rrgraph.chem import ELEMENTS, parse_formula
from rrgraph.cli.main import main
from rrgraph.data import load_table
from rrgraph.models import DEFAULT_ENCODER, DEFAULT_MODEL, load_encoder, load_model
from rrgraph.planning import Planner

FOLDER = Path(rrgraph.models.__file__).parent / "bundled" / DEFAULT_MODEL
MEGABYTE = 10**6
BORIDES = "B,Cr,Al,AlB2,Al45Cr7,Al8Cr5,AlCr2,CrB,CrB4,Cr3B4,Cr5B3,Cr2B3,CrB2,Cr2B"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the bundled model has not been added yet")


@pytest.fixture(scope="module")
def predictor():
    return load_model(DEFAULT_MODEL)


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_quick_start_works(capsys):
    assert main(["plan", "Li7La3Zr2O12"]) == 0
    assert "La2O3" in capsys.readouterr().out
    assert main(["plan", "Li7La3Zr2O12", "--json"]) == 0
    (line,) = lines(capsys)
    assert len(line["sets"]) == 10
    assert {"La2O3", "ZrO2"} <= set(line["sets"][0])


@pytest.mark.parametrize(
    ("target", "expected"),
    [("BaTiO3", {"BaCO3", "TiO2"}), ("LiMn2O4", {"Li2CO3", "MnO2"}), ("Y3Al5O12", {"Y2O3", "Al2O3"})],
)
def test_classics_are_among_the_first(predictor, target, expected):
    (plan,) = Planner(predictor, predictor.vocabulary).plan([parse_formula(target)], top_k=5)
    assert expected in [{precursor.formula for precursor in found.precursors} for found in plan.sets]


def test_never_seen_borides_can_be_planned_with(capsys):
    assert main(["plan", "Cr2AlB2", "--candidates", BORIDES, "--json"]) == 0
    (line,) = lines(capsys)
    assert len(line["sets"]) == 10
    assert any(line["unseen"])
    assert {name for members in line["sets"] for name in members} <= set(BORIDES.split(","))


def test_it_is_small():
    assert sum(entry.stat().st_size for entry in FOLDER.rglob("*") if entry.is_file()) < 12 * MEGABYTE


def test_it_holds_weights_counts_and_vocabulary_but_no_reactions(predictor):
    assert {entry.name for entry in FOLDER.iterdir()} <= {
        "card.md",
        "config.yaml",
        "environment.json",
        "history.csv",
        "metrics.json",
        "model.json",
        "model.safetensors",
        "set_history.csv",
    }
    description = json.loads((FOLDER / "model.json").read_text(encoding="utf-8"))
    expected = {"format", "rrgraph", "checksums", "model", "vocabulary", "metadata"}
    assert set(description) - {"systems", "sets", "prior", "parts"} == expected
    # Which elements occurred together, never a composition.
    assert all(set(system.split("-")) <= set(ELEMENTS) for system in description.get("systems") or [])
    assert all(set(entry) == {"formula", "count"} for entry in description["vocabulary"])
    assert all(not isinstance(value, list | dict) for value in description["metadata"].values())
    assert len(predictor.vocabulary) > 500
    texts = "".join(entry.read_text(encoding="utf-8") for entry in FOLDER.iterdir() if entry.suffix != ".safetensors")
    known = {precursor.key for precursor in predictor.vocabulary}
    targets = ["Li7La3Zr2O12", "YBa2Cu3O7", "LiNi0.8Co0.1Mn0.1O2", "Y3Al5O12", "LiFePO4", "La0.7Sr0.3MnO3"]
    for target in targets:
        if parse_formula(target).key not in known:
            assert target not in texts
    with safe_open(FOLDER / "model.safetensors", framework="pt") as handle:
        assert set(handle.metadata()) == {"format"}


def test_it_recognises_what_it_learned(predictor):
    metadata = predictor.checkpoint.metadata
    # The re-ranker learned from further targets.
    assert metadata["training_targets"] < len(predictor.learned.targets) < 30_000
    assert predictor.learned.has_reactions(load_table("textbook")).all()


def test_the_card_says_what_a_user_must_know():
    card = (FOLDER / "card.md").read_text(encoding="utf-8")
    for title in ("## Data", "## Metrics", "## Limits"):
        assert title in card
    assert "CC BY 4.0" in card


ENCODER = FOLDER.parent / DEFAULT_ENCODER


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


@pytest.mark.parametrize(
    ("formula", "measured"),
    [("MgO", -3.12), ("Al2O3", -3.47), ("BaTiO3", -3.44), ("Fe2O3", -1.71), ("NaCl", -2.13), ("ZnS", -1.07)],
)
def test_formation_energies_are_near_measured_enthalpies(encoder, formula, measured):
    """Enthalpies of formation of the handbooks, in eV/atom."""
    value, deviation = encoder.formation_energies([parse_formula(formula)])
    assert abs(value[0] - measured) < 0.35
    assert 0 < deviation[0] < 0.5


def test_metals_have_no_gap_and_insulators_one(encoder):
    gap = encoder.predict([parse_formula(formula) for formula in ("Cu3Au", "MgO", "LiF")])["band_gap_mp"].value
    assert gap[0] < 0.1
    assert gap[1] > 3
    assert gap[2] > 6


def test_the_link_model_keeps_the_pretrained_encoder(predictor, encoder):
    """The default model is trained with its encoder fixed, so both embed alike."""
    formulas = [parse_formula(formula) for formula in ("BaTiO3", "Li2CO3", "La0.7Sr0.3MnO3")]
    assert predictor.embeddings(formulas).numpy() == pytest.approx(encoder.embed(formulas), abs=2e-3)


def test_reaction_energies_come_with_the_package(capsys):
    assert main(["plan", "BaTiO3", "--energies", "--top-k", "3", "--json"]) == 0
    (line,) = lines(capsys)
    energies = [energy for energy in line["reaction_energies"] if energy is not None]
    assert energies
    assert all(energy["kj_per_mol_uncertainty"] > 0 for energy in energies)


def test_the_encoder_is_small():
    assert sum(entry.stat().st_size for entry in ENCODER.rglob("*") if entry.is_file()) < 12 * MEGABYTE
