from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

POOL = ("--candidates", "BaCO3,BaO,TiO2,Ti", "--top-k", 10)
#: Formation energies, eV/atom.
KNOWN = {"BaO3Ti": -3.44, "BaCO3": -2.52, "BaO": -2.87, "O2Ti": -3.26, "O3SrTi": -3.46}


class FakeEncoder:
    """Answers from `KNOWN` with 0.05 eV/atom, and remembers what it was asked; nothing is measured or corrected."""

    def __init__(self):
        self.asked = []

    def formation_energies(self, compositions):
        self.asked.append(
            [*dict.fromkeys(composition.formula for composition in compositions)]
        )  # batches are filled up
        return np.array([KNOWN.get(c.key, -1.0) for c in compositions]), np.full(len(compositions), 0.05)


@pytest.fixture
def encoder(monkeypatch):
    fake = FakeEncoder()
    monkeypatch.setattr("rrgraph.models.model_registry.load_encoder", lambda: fake)
    monkeypatch.setattr("rrgraph.models.sources.measured_solids", dict)
    monkeypatch.setattr("rrgraph.models.sources.corrected_energy", lambda _, value, deviation: (value, deviation))
    return fake


@pytest.fixture
def plan(rrgraph, trained, encoder):
    """Return a function that plans with the trained model and the fake encoder."""
    return lambda *argv: rrgraph("plan", *argv, "--model", trained)


def energy_of(line, *members):
    place = [set(names) for names in line["sets"]].index(set(members))
    return line["reaction_energies"][place]


def test_energies_in_json_by_hand(plan):
    (line,) = plan("BaTiO3", *POOL, "--energies", "--json").lines
    assert line["temperature_k"] is None
    found = energy_of(line, "BaO", "TiO2")
    total = 5 * KNOWN["BaO3Ti"] - 2 * KNOWN["BaO"] - 3 * KNOWN["O2Ti"]
    spread = 0.05 * (25 + 4 + 9) ** 0.5
    assert found["ev_per_atom"] == pytest.approx(total / 5, rel=1e-5)
    assert found["kj_per_mol"] == pytest.approx(total * 96.48533, rel=1e-5)
    assert found["ev_per_atom_uncertainty"] == pytest.approx(spread / 5, rel=1e-5)
    assert found["kj_per_mol_uncertainty"] == pytest.approx(spread * 96.48533, rel=1e-5)
    carbonate = energy_of(line, "BaCO3", "TiO2")
    assert carbonate["ev_per_atom"] > 0  # at 298.15 K the carbonate is stable
    assert len(line["reaction_energies"]) == len(line["sets"]) == len(line["equations"])


def test_without_the_option_nothing_is_predicted_or_shown(plan, encoder):
    assert "reaction_energies" not in plan("BaTiO3", *POOL, "--json").lines[0]
    assert "reaction energy" not in plan("BaTiO3", *POOL).out
    assert encoder.asked == []


def test_the_table_shows_energies_with_units_and_uncertainty(plan):
    result = plan("BaTiO3", *POOL, "--energies", "--grams", 5, "--no-conditions")
    header, *rows = result.out.strip().splitlines()[1:]
    assert re.search(r"balanced equation +reaction energy +grams$", header)
    row = next(row for row in rows if "BaO + TiO2 → BaTiO3 " in row)
    assert re.search(r" -?0\.\d{3} ± 0\.062 eV/atom \(-?\d+ ± 30 kJ/mol\)  +\d", row)
    assert "negative releases energy" in result.out
    hot = plan("BaTiO3", *POOL, "--energies", "--temperature", 1200).out
    assert "reaction energy at 1200 K" in hot


def test_a_terminal_never_cuts_an_energy(plan, monkeypatch):
    argv = ["BaTiO3", *POOL, "--energies"]
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "70")
    shown = re.sub("\x1b\\[[0-9;]*m", "", plan(*argv).out)
    table = shown.split("reaction energy:")[0]
    assert all(len(line) <= 70 for line in table.splitlines())
    assert re.search(r"-?0\.\d{3} ± 0\.\d{3} eV/atom \(-?\d+ ± \d+ kJ/mol\)", table)


def test_hot_gases_drive_the_carbonate_out_and_leave_oxides_alone(plan):
    cold = plan("BaTiO3", *POOL, "--energies", "--json").lines[0]
    hot = plan("BaTiO3", *POOL, "--energies", "--temperature", "1400", "--json").lines[0]
    assert hot["temperature_k"] == 1400
    assert hot["sets"] == cold["sets"]
    assert energy_of(hot, "BaCO3", "TiO2")["kj_per_mol"] < energy_of(cold, "BaCO3", "TiO2")["kj_per_mol"] - 150
    oxides = energy_of(hot, "BaO", "TiO2"), energy_of(cold, "BaO", "TiO2")
    assert oxides[0]["kj_per_mol"] == pytest.approx(oxides[1]["kj_per_mol"], abs=25)
    assert oxides[0]["kj_per_mol_uncertainty"] > oxides[1]["kj_per_mol_uncertainty"]


def test_sets_that_do_not_balance_show_a_dash(plan):
    pool = ("--candidates", "BaCO3,TiO2,Al2O3", "--require", "Al")
    argv = ("BaTiO3", *pool, "--energies", "--unbalanced", "--no-conditions")
    (line,) = plan(*argv, "--json").lines
    assert line["reaction_energies"] == [None] * len(line["sets"])
    row = next(row for row in plan(*argv).out.splitlines() if "does not balance" in row)
    assert row.endswith("  -")


def test_compositions_are_predicted_once_for_a_batch_and_elements_never(plan, encoder, tmp_path):
    targets = tmp_path / "targets.txt"
    targets.write_text("BaTiO3\nHello\nBa1Ti1O3\nSrTiO3\n" * 70)  # more than one batch
    result = plan("--input", targets, "--candidates", "BaO,SrO,BaCO3,TiO2,Ti", "--energies", "--json")
    assert result.code == 2
    asked = [name for names in encoder.asked for name in names]
    assert sorted(asked) == sorted(["BaTiO3", "SrTiO3", "BaO", "SrO", "BaCO3", "TiO2"])
    energies = [line["reaction_energies"] for line in result.lines]
    assert energies[1] == []
    assert energies[0] == energies[4] == energies[-4]


def test_given_formation_energies_replace_predictions(plan, encoder, tmp_path):
    path = tmp_path / "energies.csv"
    path.write_text("formula,formation_energy,uncertainty\nTi1Ba1O3,-3.5,0.01\nBa2O2,-2.8,\nTiO2,-3.2,0.02\nCO2,5,1\n")
    argv = ("BaTiO3", "--candidates", "BaO,TiO2", "--energies", "--json", "--formation-energies", path)
    found = energy_of(plan(*argv).lines[0], "BaO", "TiO2")
    assert encoder.asked == []  # nothing was left to predict
    assert found["ev_per_atom"] == pytest.approx((-17.5 + 5.6 + 9.6) / 5)
    assert found["ev_per_atom_uncertainty"] == pytest.approx((0.05**2 + 0.06**2) ** 0.5 / 5, rel=1e-5)
    mixed = plan("BaTiO3", *POOL, *argv[3:]).lines[0]
    assert encoder.asked == [["BaCO3"]]
    assert energy_of(mixed, "BaO", "TiO2") == found
    carbonate = -17.5 - 393.522 / 96.48533 + 5 * 2.52 + 9.6  # CO2 as tabulated, whatever the file says
    assert energy_of(mixed, "BaCO3", "TiO2")["ev_per_atom"] == pytest.approx(carbonate / 8, rel=1e-4)


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_output_files(plan, tmp_path, suffix):
    path = tmp_path / f"plans.{suffix}"
    argv = ("BaTiO3", "Hello", *POOL, "--energies", "--temperature", 1000, "--no-evidence")
    plan(*argv, "--output", path)
    (line, _) = plan(*argv, "--no-handling", "--no-conditions", "--json").lines
    if suffix == "jsonl":
        assert json.loads(path.read_text().splitlines()[0]) == line
        return
    frame = pd.read_csv(path) if suffix == "csv" else pd.read_parquet(path)
    energies = line["reaction_energies"]
    assert frame["reaction_energy_predicted"].dropna().tolist() == [
        ";".join(energy["predicted"]) for energy in energies
    ]
    for name in ("ev_per_atom", "ev_per_atom_uncertainty", "kj_per_mol", "kj_per_mol_uncertainty"):
        column = frame[f"reaction_energy_{name}"]
        assert column.dtype == "float64"
        assert column[: len(energies)].tolist() == [energy[name] for energy in energies]
        assert column.isna().tolist() == [False] * len(energies) + [True]
    assert frame["temperature_k"].dropna().unique().tolist() == [1000]
    assert frame["equation"].notna().sum() == len(energies)
    plain = tmp_path / f"plain.{suffix}"
    plan("BaTiO3", *POOL, "--output", plain)
    without = pd.read_csv(plain) if suffix == "csv" else pd.read_parquet(plain)
    assert not [name for name in without.columns if "energy" in name or "temperature" in name]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--temperature", "1000"], ["--temperature", "--energies"]),
        (["--formation-energies", "x.csv"], ["--formation-energies", "--energies"]),
        (["--energies", "--temperature", "3000"], ["3000 K", "298 to 2500 K"]),
        (["--energies", "--temperature", "25"], ["25 K", "298 to 2500 K"]),
        (["--energies", "--temperature", "20C"], ["20 °C (293.15 K)", "298 to 2500 K"]),
        (["--energies", "--temperature", "hot"], ["--temperature", "'hot'", "'900 °C'"]),
        (["--energies", "--temperature", "900F"], ["--temperature", "'900F'", "900C"]),
        (["--energies", "--no-equations"], ["--no-equations"]),
        (["--energies", "--formation-energies", "x.csv"], ["no file 'x.csv'"]),
    ],
)
def test_bad_options_are_refused_in_a_sentence(plan, argv, words):
    result = plan("BaTiO3", *argv)
    assert result.code == 2
    assert result.out == ""
    for word in words:
        assert word in result.err


def test_a_bad_file_of_energies_is_named_before_a_model_is_loaded(rrgraph, tmp_path):
    path = tmp_path / "energies.csv"
    path.write_text("formula,formation_energy\nTiO2,-944.7\n")
    result = rrgraph("plan", "BaTiO3", "--model", "missing", "--energies", "--formation-energies", path)
    assert result.code == 2
    assert f"Row 1 of '{path}', column 'formation_energy'" in result.err


def test_measured_energies_replace_predictions_and_are_named(rrgraph, trained, encoder, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr("rrgraph.models.model_registry.load_encoder", lambda: encoder)
    argv = ("plan", "BaTiO3", *POOL, "--energies", "--model", trained)
    (line,) = rrgraph(*argv, "--json").lines
    found = energy_of(line, "BaCO3", "TiO2")
    assert sorted(found["measured"]) == ["BaCO3", "BaTiO3", "TiO2"] and found["predicted"] == found["given"] == []
    assert found["kj_per_mol"] == pytest.approx(104, abs=6)  # CRC Handbook: BaCO3 -1213.0, TiO2 -944.0, BaTiO3 -1659.8
    assert encoder.asked == []
    assert "formation energies measured: BaTiO3, " in rrgraph(*argv).out
    unknown = ("plan", "BaTi2O5", *POOL, "--energies", "--model", trained)
    assert "; predicted: BaTi2O5" in rrgraph(*unknown).out
    assert encoder.asked == [["BaTi2O5"]]


@pytest.mark.parametrize("text", ["1173.15", "1173.15K", "900C", "900 °C", "900°c", "900 deg C", "900℃"])
def test_temperatures_with_a_unit(plan, text):
    assert plan("BaTiO3", *POOL, "--energies", "--json", "--temperature", text).lines[0]["temperature_k"] == 1173.15


def test_an_energy_that_is_no_number_is_an_error(plan, monkeypatch):
    monkeypatch.setattr(FakeEncoder, "formation_energies", lambda self, c: (np.full(len(c), np.nan), np.ones(len(c))))
    result = plan("BaTiO3", *POOL, "--energies")
    assert result.code == 2
    assert "formation energy of" in result.err
