from __future__ import annotations

import gzip
import io
import sys

import numpy as np
import pandas as pd
import pytest

from rrgraph.chem import parse_formula
from rrgraph.cli.embed import command
from rrgraph.models import load_encoder, load_model
from rrgraph.properties import PropertyPredictor

FORMULAS = ["BaTiO3", "Li2SiN2", "Ba1Ti1O3", "O2", "Na0.5K0.5AlSi2O6"]


@pytest.fixture
def embed(rrgraph, pretrained):
    """Return a function that embeds with the pretrained model of the tests."""
    return lambda *argv: rrgraph("embed", "--model", pretrained, *argv)


@pytest.fixture
def expected(pretrained):
    """The embeddings (5, 16) of the formulas."""
    return load_encoder(str(pretrained)).embed([parse_formula(text) for text in FORMULAS])


def numbers(frame):
    return frame[[f"e{column}" for column in range(16)]].to_numpy()


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_row_for_each_formula(embed, expected, tmp_path, suffix):
    path = tmp_path / "formulas.csv"
    path.write_text("id,formula\n" + "".join(f"{n},{text}\n" for n, text in enumerate(FORMULAS)))
    output = tmp_path / "deep" / f"e.{suffix}"
    result = embed("--input", path, "--output", output)
    assert result.code == 0
    assert result.out == f"5 rows, width 16, in {output}\n"
    frame = pd.read_parquet(output) if suffix == "parquet" else pd.read_csv(output)
    assert list(frame.columns) == ["formula", "id", *(f"e{column}" for column in range(16))]
    assert frame["formula"].tolist() == FORMULAS
    assert frame["id"].astype(str).tolist() == ["0", "1", "2", "3", "4"]
    assert numbers(frame) == pytest.approx(expected, rel=1e-5, abs=1e-6)
    if suffix == "parquet":
        assert set(frame.dtypes[2:]) == {np.dtype("float32")}
        assert np.array_equal(numbers(frame)[0], numbers(frame)[2])
    assert [entry.name for entry in output.parent.iterdir()] == [output.name]


@pytest.mark.parametrize("kind", ["txt", "jsonl", "csv.gz", "column", "stdin"])
def test_every_way_to_give_formulas(embed, expected, tmp_path, monkeypatch, kind):
    path, extra = tmp_path / f"formulas.{kind}", []
    if kind == "txt":
        path.write_text("# mine\n\n" + "\n".join(FORMULAS))
    elif kind == "jsonl":
        path.write_text("".join(f'{{"target": "{text}"}}\n' for text in FORMULAS))
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(("target\n" + "\n".join(FORMULAS)).encode()))
    elif kind == "column":
        path = tmp_path / "formulas.csv"
        path.write_text("formula,compound\n" + "".join(f"wrong,{text}\n" for text in FORMULAS))
        extra = ["--column", "compound"]
    else:
        path = "-"
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(FORMULAS)))
    assert embed("--input", path, "--output", tmp_path / "e.parquet", *extra).code == 0
    assert numbers(pd.read_parquet(tmp_path / "e.parquet")) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_bad_rows_are_reported_and_keep_their_place(embed, expected, tmp_path, suffix):
    path = tmp_path / "formulas.jsonl"
    path.write_text('{"formula": "BaTiO3"}\n{"formula": "Hello"}\n{"formula": \n{"name": 1}\n{"formula": "Li2SiN2"}\n')
    result = embed("--input", path, "--output", tmp_path / f"e.{suffix}")
    assert result.code == 2
    assert "5 rows, 3 of them empty" in result.out
    first, *_ = reports = result.err.splitlines()
    assert [f"line {number} of" in report for number, report in zip((2, 3, 4), reports, strict=True)] == [True] * 3
    assert "'Hello' is not a valid formula" in first
    frame = (pd.read_parquet if suffix == "parquet" else pd.read_csv)(tmp_path / f"e.{suffix}")
    assert frame["formula"].fillna("").tolist() == ["BaTiO3", "Hello", "", "", "Li2SiN2"]
    assert numbers(frame)[[0, 4]] == pytest.approx(expected[:2], rel=1e-5, abs=1e-6)
    assert np.isnan(numbers(frame)[1:4]).all()


def test_a_long_list_is_embedded_in_batches(embed, tmp_path, monkeypatch):
    """Never more than one batch is held, a batch of bad rows is no obstacle, and batches do not change the numbers."""
    sizes, original = [], PropertyPredictor.embed
    monkeypatch.setattr(command, "_BATCH_SIZE", 8)
    monkeypatch.setattr(PropertyPredictor, "embed", lambda self, c: sizes.append(len(c)) or original(self, c))
    path = tmp_path / "formulas.txt"
    path.write_text("BaTiO3\n" * 16 + "Hello\n" * 8 + "SrTiO3\n" * 3)
    assert embed("--input", path, "--output", tmp_path / "e.parquet").code == 2
    assert sizes == [8, 8, 0, 3]
    frame = pd.read_parquet(tmp_path / "e.parquet")
    assert len(frame) == 27
    assert (numbers(frame)[:16] == numbers(frame)[0]).all()
    assert not np.allclose(numbers(frame)[-1], numbers(frame)[0])


def test_the_encoder_of_a_link_model(rrgraph, trained, tmp_path):
    (tmp_path / "formulas.txt").write_text("\n".join(FORMULAS))
    argv = ("embed", "--input", tmp_path / "formulas.txt", "--output", tmp_path / "e.parquet")
    assert rrgraph(*argv, "--model", trained).code == 0
    compositions = [parse_formula(text) for text in FORMULAS]
    expected = load_model(str(trained)).embeddings(compositions).numpy()
    assert numbers(pd.read_parquet(tmp_path / "e.parquet")) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_the_bundled_encoder_is_the_default(rrgraph, pretrained, monkeypatch, tmp_path):
    asked = []

    def load(name, **_):
        asked.append(name)
        return load_encoder(str(pretrained))

    monkeypatch.setattr("rrgraph.load_encoder", load)
    (tmp_path / "formulas.txt").write_text("BaTiO3\n")
    assert rrgraph("embed", "--input", tmp_path / "formulas.txt", "--output", tmp_path / "e.csv").code == 0
    assert asked == ["encoder"]


def test_nothing_is_left_when_writing_is_interrupted(embed, tmp_path, monkeypatch):
    def interrupt(self, compositions):
        raise KeyboardInterrupt

    monkeypatch.setattr(PropertyPredictor, "embed", interrupt)
    (tmp_path / "formulas.txt").write_text("BaTiO3\n")
    for suffix in ("csv", "parquet"):
        result = embed("--input", tmp_path / "formulas.txt", "--output", tmp_path / "out" / f"e.{suffix}")
        assert result.code == 130
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--output", "e.csv"], ["--input"]),
        (["--input", "f.csv"], ["--output"]),
        (["--input", "missing.csv", "--output", "e.csv"], ["'missing.csv'"]),
        (["--input", "f.csv", "--output", "e.npz"], ["'e.npz'", ".parquet or .csv"]),
        (["--input", "f.csv", "--output", "e.parqet"], ["Did you mean '.parquet'?"]),
        (["--input", "f.csv", "--output", "e.csv", "--column", "fromula"], ["'fromula'", "Did you mean 'formula'?"]),
        (["--input", "f.txt", "--output", "e.csv", "--column", "formula"], ["an entry a line", "'formula'"]),
        (["--input", "f.csv", "--output", "e.csv", "--model", "missing"], ["no pretrained encoder 'missing'"]),
        (["--input", "f.csv", "--output", "e.csv", "--modle", "x"], ["Did you mean '--model'?"]),
    ],
)
def test_bad_options_end_in_a_sentence(embed, tmp_path, monkeypatch, argv, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.csv").write_text("formula\nBaTiO3\n")
    (tmp_path / "f.txt").write_text("BaTiO3\n")
    result = embed(*argv)
    assert result.code == 2
    assert result.out == ""
    for word in words:
        assert word in result.err
    assert {entry.name for entry in tmp_path.iterdir()} == {"f.csv", "f.txt"}
