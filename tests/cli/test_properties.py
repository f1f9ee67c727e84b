from __future__ import annotations

import io
import json
import math
import re
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.chem import parse_formula
from rrgraph.models import load_encoder
from rrgraph.nn import EncoderConfig
from rrgraph.properties import (
    PROPERTY_SOURCES,
    PropertyCheckpoint,
    PropertyModel,
    PropertyTask,
    built_in_sources,
    class_name,
    property_name,
    save_property_checkpoint,
    shown_tasks,
    with_uncertainty,
)

TASKS = tuple(dict.fromkeys(source.task for source in built_in_sources()))


@pytest.fixture
def properties(rrgraph, pretrained):
    """Return a function that predicts with the pretrained model of the tests."""
    return lambda *argv: rrgraph("properties", "--model", pretrained, *argv)


@pytest.fixture(scope="session")
def untrained(tmp_path_factory):
    """A model of every built-in property that has learned nothing."""
    folder = tmp_path_factory.mktemp("untrained")
    model = PropertyModel(EncoderConfig(width=16, layers=1, heads=2, feedforward=2), TASKS)
    save_property_checkpoint(PropertyCheckpoint(model.eval()), folder)
    return folder


def test_a_table_for_each_formula(properties, pretrained):
    result = properties("BaTiO3", "Li2SiN2")
    assert result.code == 0
    first, second, *notes = result.out.strip().split("\n\n")
    assert first.splitlines()[0] == "BaTiO3"
    assert second.splitlines()[0] == "Li2SiN2"
    header, negativity, size, *classes = second.splitlines()[1:]
    assert re.split("  +", header) == ["property", "prediction", "learned from"]
    prediction = load_encoder(str(pretrained)).predict([parse_formula("Li2SiN2")])["negativity"]
    shown = with_uncertainty(prediction.value[0], prediction.uncertainty[0])
    assert re.split("  +", negativity) == ["negativity", f"{shown} eV"]
    assert re.fullmatch(r"size +[\d.]+ ± [\d.]+", size)
    assert re.fullmatch(r"anion +class 0 \d+ %", classes[0])
    assert len(classes) == 3
    assert notes == ["± one standard deviation of the error"]


def test_the_most_asked_for_come_first_and_all_shows_the_rest(rrgraph, untrained):
    short, full = (
        rrgraph("properties", "BaTiO3", "--model", untrained, "--json", *more).lines[0]["properties"]
        for more in ((), ("--all",))
    )
    assert list(short) == [
        *("formation_energy_mp20", "e_above_hull_mp", "band_gap_mp", "band_gap_oqmd", "volume_oqmd"),
        *("bulk_modulus", "shear_modulus", "debye_temperature", "crystal_system", "space_group"),
    ]
    assert set(full) == {task.name for task in TASKS}
    assert list(full)[: len(short)] == list(short)
    assert full["volume_oqmd"]["unit"] == "Å³/atom"


def test_the_table_says_whose_gap_it_is_and_names_space_groups(rrgraph, untrained):
    result = rrgraph("properties", "BaTiO3", "--model", untrained)
    assert result.code == 0
    lines = result.out.splitlines()
    gaps = [re.split("  +", line)[2] for line in lines if line.startswith("band gap")]
    assert gaps == ["Materials Project", "OQMD"]
    start = next(number for number, line in enumerate(lines) if line.startswith("space group"))
    symbols = [re.split("  +", line)[1] for line in lines[start : start + 5]]
    assert all(re.fullmatch(r"[A-Z]\S+ \(\d+\) (< )?\d+ %", symbol) for symbol in symbols)
    assert "learned from PBE calculations" in result.out
    assert "PBE gaps are smaller than measured ones" in result.out


def test_json_holds_values_units_and_classes(properties, pretrained):
    (line,) = properties("BaTiO3", "--json").lines
    predicted = load_encoder(str(pretrained)).predict([parse_formula("BaTiO3")])
    assert line["formula"] == "BaTiO3"
    assert set(line["properties"]) == {"negativity", "size", "anion"}
    negativity = line["properties"]["negativity"]
    assert negativity["unit"] == "eV"
    assert negativity["value"] == pytest.approx(predicted["negativity"].value[0], rel=1e-5)
    assert negativity["uncertainty"] == pytest.approx(predicted["negativity"].uncertainty[0], rel=1e-5)
    classes = line["properties"]["anion"]["classes"]
    assert [held["probability"] for held in classes] == pytest.approx(
        sorted(predicted["anion"].probabilities[0], reverse=True), rel=1e-5
    )
    assert classes[0] == {"class": 1, "name": None, "probability": classes[0]["probability"]}


def test_bad_formulas_are_reported_with_a_near_match_and_the_others_go_on(properties):
    result = properties("BaTiO3", "Hello", "BaTIO3", "Li2SiN2")
    assert result.code == 2
    assert "'Hello' is not a valid formula" in result.err
    assert [line for line in result.out.splitlines() if line in ("BaTiO3", "Li2SiN2", "Hello")] == ["BaTiO3", "Li2SiN2"]
    lines = properties("BaTiO3", "BaTiO_3x", "--json").lines
    assert lines[1]["properties"] == {}
    assert lines[1]["message"]
    assert "Did you mean" in properties("baTiO3").err
    assert properties("Hello").code == 2


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_output_files_have_units_and_keep_bad_rows(properties, tmp_path, suffix):
    source = tmp_path / "formulas.csv"
    source.write_text("id,formula\n1,BaTiO3\n2,Hello\n3,Li2SiN2\n")
    path = tmp_path / f"properties.{suffix}"
    result = properties("--input", source, "--output", path)
    assert result.code == 2
    assert result.out == ""
    assert "line 3 of" in result.err
    lines = properties("--input", source, "--json").lines
    if suffix == "jsonl":
        assert [json.loads(line) for line in path.read_text().splitlines()] == lines
        return
    frame = pd.read_csv(path) if suffix == "csv" else pd.read_parquet(path)
    assert list(frame.columns) == [
        *("row", "formula", "negativity (eV)", "negativity_uncertainty (eV)", "size", "size_uncertainty"),
        *("anion", "anion_probability", "message", "id"),
    ]
    assert frame["row"].tolist() == [1, 2, 3]
    assert frame["formula"].tolist() == ["BaTiO3", "Hello", "Li2SiN2"]
    assert frame["negativity (eV)"].isna().tolist() == [False, True, False]
    for place in (0, 2):
        held = lines[place]["properties"]
        assert frame["negativity (eV)"][place] == held["negativity"]["value"]
        assert frame["size_uncertainty"][place] == held["size"]["uncertainty"]
        assert frame["anion"][place] == held["anion"]["classes"][0]["class"]
    assert frame["message"].isna().tolist() == [True, False, True]


def test_named_classes_in_a_file(rrgraph, untrained, tmp_path):
    rrgraph("properties", "BaTiO3", "--model", untrained, "--output", tmp_path / "p.csv")
    row = pd.read_csv(tmp_path / "p.csv").iloc[0]
    assert row["space_group_name"] == class_name(PROPERTY_SOURCES["space_group"].task, row["space_group"] - 1)[1]
    assert (
        row["crystal_system_name"] in ("triclinic", "monoclinic", "cubic", "orthorhombic") or row["crystal_system"] > 2
    )
    assert 0 < row["space_group_probability"] < 1


def test_a_column_and_standard_input(properties, tmp_path, monkeypatch):
    path = tmp_path / "formulas.csv"
    path.write_text("formula,compound\nwrong,BaTiO3\n")
    assert properties("--input", path, "--column", "compound", "--json").lines[0]["formula"] == "BaTiO3"
    monkeypatch.setattr(sys, "stdin", io.StringIO("BaTiO3\nLi2SiN2\n"))
    assert len(properties("--input", "-", "--json").lines) == 2
    monkeypatch.setattr(sys, "stdin", io.StringIO("compound,x\nBaTiO3,1\n"))
    assert len(properties("--input", "-", "--column", "compound", "--json").lines) == 1


def test_the_bundled_encoder_is_the_default(rrgraph, pretrained, monkeypatch):
    asked = []

    def load(*names, **_):
        asked.append(names)
        return load_encoder(str(pretrained))

    monkeypatch.setattr("rrgraph.load_encoder", load)
    assert rrgraph("properties", "BaTiO3").code == 0
    assert rrgraph("properties", "BaTiO3", "--model", "encoder").code == 0
    assert asked == [("encoder",), ("encoder",)]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], ["either formulas or --input"]),
        (["BaTiO3", "--input", "x.csv"], ["either formulas or --input"]),
        (["BaTiO3", "--column", "x"], ["--column", "--input"]),
        (["BaTiO3", "--output", "p.xls"], ["'p.xls'", ".parquet"]),
        (["BaTiO3", "--output", "p.jsnl"], ["Did you mean '.jsonl'?"]),
        (["--input", "missing.csv"], ["'missing.csv'"]),
        (["BaTiO3", "--model", "missing"], ["no pretrained encoder 'missing'"]),
        (["BaTiO3", "--alll"], ["Did you mean '--all'?"]),
    ],
)
def test_bad_options_are_refused_in_a_sentence(properties, argv, words):
    result = properties(*argv)
    assert result.code == 2
    assert result.out == ""
    for word in words:
        assert word in result.err


def test_a_link_model_is_no_encoder(rrgraph, trained):
    result = rrgraph("properties", "BaTiO3", "--model", trained)
    assert result.code == 2
    assert "holds a link model, expected a pretrained encoder" in result.err


def test_a_model_of_other_tasks_shows_its_own():
    own = PropertyTask(name="hardness", unit="GPa")
    built_in = [PROPERTY_SOURCES[name].task for name in ("sites", "bulk_modulus")]
    assert shown_tasks([own, *built_in], every=False) == [built_in[1], own]
    assert shown_tasks([own, *built_in], every=True) == [built_in[1], built_in[0], own]
    assert shown_tasks(built_in[:1], every=False) == built_in[:1]


def test_a_property_of_ones_own_is_not_called_built_in():
    """Only the name is the same; where the numbers come from is not known."""
    assert property_name(PropertyTask(name="bulk_modulus", unit="kbar")) == ("bulk_modulus", "")
    assert property_name(PROPERTY_SOURCES["bulk_modulus"].task) == ("bulk modulus", "Materials Project")
    three = PropertyTask(name="space_group", kind="classification", classes=3)
    assert class_name(three, 2) == (2, None)
    assert all(property_name(task)[1] for task in TASKS)


@pytest.mark.parametrize(
    ("number", "symbol"),
    [(1, "P1"), (4, "P2_1"), (8, "Cm"), (12, "C2/m"), (14, "P2_1/c"), (62, "Pnma"), (166, "R-3m"), (221, "Pm-3m")],
)
def test_space_groups_have_short_international_symbols(number, symbol):
    assert class_name(PROPERTY_SOURCES["space_group"].task, number - 1) == (number, symbol)


@pytest.mark.parametrize(
    ("value", "deviation", "text"),
    [
        (-3.4617, 0.0512, "-3.46 ± 0.05"),
        (1.2345, 0.1234, "1.23 ± 0.12"),
        (1.2345, 0.2999, "1.23 ± 0.30"),
        (112.7, 26.1, "113 ± 26"),
        (112.7, 54.1, "110 ± 50"),
        (1534.2, 420.0, "1500 ± 400"),
        (0.0, 0.38, "0.0 ± 0.4"),
        (-0.001, 0.5, "0.0 ± 0.5"),
        (5.0, 0.0996, "5.00 ± 0.10"),
        (3.21e-5, 4.1e-6, "(3.2 ± 0.4)×10⁻⁵"),
        (0.0004, 0.002, "0.0004 ± 0.0020"),
        (2.5, 0.0, "2.5"),
        (2.5, math.nan, "2.5"),
    ],
)
def test_the_uncertainty_decides_the_digits(value, deviation, text):
    assert with_uncertainty(value, deviation) == text


@given(
    st.floats(-1e8, 1e8),
    st.floats(1e-7, 1e7),
)
def test_what_is_shown_is_what_was_predicted_to_a_sixth_of_the_deviation(value, deviation):
    shown = with_uncertainty(value, deviation)
    found = re.fullmatch(r"\(?(-?[\d.]+) ± ([\d.]+)(?:\)×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", shown)
    assert found
    power = 10.0 ** int((found[3] or "0").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
    assert float(found[1]) * power == pytest.approx(value, abs=deviation / 6 * 1.001, rel=1e-9)
    assert float(found[2]) * power == pytest.approx(deviation, rel=0.17)
    assert len(found[1].partition(".")[2]) == len(found[2].partition(".")[2])
    assert np.isfinite(power)
