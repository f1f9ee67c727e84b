from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
from pathlib import Path

import pytest

TRUTH = "target,precursors\nBaTiO3,BaCO3;TiO2\nSrTiO3,SrCO3;TiO2\nBaTiO3,BaO;TiO2\n"
PREDICTIONS = [
    {"target": "BaTiO3", "sets": [["TiO2", "BaCO3"]], "scores": [0.9]},
    {"target": "SrTiO3", "sets": [["SrO", "TiO2"], ["SrCO3", "TiO2"]], "scores": [0.5, 0.5]},
    {"target": "BaTiO3", "sets": [["BaO2", "TiO2"], ["BaCO3", "TiO2"]], "scores": [0.8, 0.1]},
]


@pytest.fixture
def score(rrgraph, tmp_path):
    """Return a function that scores predictions (lines or JSON values) against three rows."""
    truth, predictions = tmp_path / "truth.csv", tmp_path / "predictions.jsonl"
    truth.write_text(TRUTH)

    def call(lines, *argv):
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        predictions.write_text("".join(f"{text}\n" for text in texts))
        return rrgraph("score", predictions, "--truth", truth, *argv)

    return call


def shares(result):
    assert result.code == 0, result.err
    overall = json.loads(result.out)["overall"]
    return [overall[f"top{k}"]["value"] for k in (1, 3)]


def test_protocols_differ_in_ties_and_truth(score):
    paper = shares(score(PREDICTIONS, "--protocol", "paper", "--json"))
    assert paper == pytest.approx([2 / 3, 2 / 3])
    assert shares(score(PREDICTIONS, "--json")) == pytest.approx([1 / 3, 1.0])
    assert shares(score(PREDICTIONS, "--json", "--ties", "optimistic")) == pytest.approx([2 / 3, 1.0])


def test_unseen_precursors_and_output(score, tmp_path):
    (tmp_path / "train.csv").write_text("target,precursors\nCaTiO3,CaCO3;TiO2\nBaO2,BaCO3\nBaO,BaO2\nSr2O2,SrCO3\n")
    result = score(PREDICTIONS, "--train", tmp_path / "train.csv", "--output", tmp_path / "m.json", "--json")
    assert json.loads((tmp_path / "m.json").read_text()) == json.loads(result.out)
    assert json.loads(result.out)["unseen"]["rows"] == 1


def test_rows_are_told_apart(score, tmp_path):
    (tmp_path / "train.csv").write_text("target,precursors\nBa2TiO4,BaCO3;TiO2\n")
    options = ["--train", tmp_path / "train.csv", "--by", "all"]
    strata = json.loads(score(PREDICTIONS, *options, "--json").out)["strata"]
    assert {kind: stratum["rows"] for kind, stratum in strata["distance"].items()} == {"0 (known system)": 2, "2": 1}
    assert {kind: stratum["rows"] for kind, stratum in strata["unseen"].items()} == {"none": 1, "at least one": 2}
    assert "\nby distance from training\n" in score(PREDICTIONS, *options).out
    alone = score(PREDICTIONS, "--by", "distance")
    assert alone.code == 2
    assert "training rows are not known" in alone.err


def test_a_table_for_people(score):
    result = score(PREDICTIONS, "--protocol", "paper")
    assert "3 rows" in result.out
    assert "66.7 [" in result.out


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (PREDICTIONS[:2], ["2 predictions for 3 rows"]),
        ([*PREDICTIONS, PREDICTIONS[0]], ["4 predictions for 3 rows"]),
        ([PREDICTIONS[1], *PREDICTIONS[1:]], ["Row 1", "'SrTiO3'", "'BaTiO3'"]),
    ],
)
@pytest.mark.parametrize("strict", [[], ["--strict"]])
def test_predictions_for_other_rows_are_refused(score, lines, words, strict):
    result = score(lines, "--json", *strict)
    assert result.code == 2
    assert result.out == ""
    for word in words:
        assert word in result.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"target": ', ["JSON"]),
        ("[]", ["object"]),
        ("", ["empty"]),
        ({"target": "SrTiO3"}, ["'sets'"]),
        ({"target": "SrTiO3", "sets": [["Hello"]]}, ["'Hello'"]),
        ({"target": "SrTiO3", "sets": [["SrO"]], "scores": [float("nan")]}, ["nan"]),
        ({"target": "SrTiO3\ud800", "sets": []}, ["Unicode"]),
        ({"target": "SrTiO3", "sets": [["SrO\0"]]}, ["NUL"]),
        ('{"target": "SrTiO3", "sets": [], "sets": []}', ["'sets' twice"]),
        ('{"target": "SrTiO3", "sets": [], "x": ' + "1" * 5000 + "}", ["4300 digits"]),
        ("[" * 100_000, ["nested too deeply"]),
    ],
)
def test_a_bad_line_is_a_prediction_without_sets(score, tmp_path, line, words):
    lines = [PREDICTIONS[0], line, PREDICTIONS[2]]
    result = score(lines, "--json", "--ties", "optimistic", "--rejects", tmp_path / "rejects.csv")
    assert result.code == 2
    overall = json.loads(result.out)["overall"]
    assert [overall[f"top{k}"]["value"] for k in (1, 3)] == pytest.approx([1 / 3, 2 / 3])
    assert len(result.err.splitlines()) == 1
    for word in ("Line 2 ", *words):
        assert word in result.err
    assert len(list(csv.reader((tmp_path / "rejects.csv").open(newline="")))) == 2
    strict = score(lines, "--json", "--strict")
    assert strict.code == 2
    assert strict.out == ""
    assert strict.err == result.err


def test_bad_rows_of_tables_are_left_out(score, tmp_path):
    train = tmp_path / "train.csv"
    train.write_text("target,precursors\nBa2TiO4,BaCO3;TiO2\nHello,BaCO3\n")
    score(PREDICTIONS)
    truth = "target,precursors,year\nBaTiO3,BaCO3;TiO2,soon\nSrTiO3\0,SrCO3;TiO2,\nBaTiO3,BaO;TiO2,\n"
    (tmp_path / "other.csv").write_text(truth)
    argv = ["--json", "--truth", tmp_path / "other.csv", "--train", train]
    result = score(PREDICTIONS, *argv)
    assert result.code == 2
    assert json.loads(result.out)["overall"]["rows"] == 2
    assert [line.partition(": ")[2].partition(": ")[0] for line in result.err.splitlines()] == [
        f"in 1 rows of '{tmp_path / 'other.csv'}' the year is not a whole number and counts as missing.",
        f"Line 3 of '{tmp_path / 'other.csv'}'",
        f"Line 3 of '{train}'",
    ]
    assert score(PREDICTIONS, *argv, "--strict").out == ""


@pytest.mark.parametrize("name", ["p.jsonl", "p.jsonl.gz", "p.jsonl.xz", "p.jsonl.bz2"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_predictions_of_any_encoding_and_compression(rrgraph, tmp_path, name, encoding):
    (tmp_path / "truth.csv").write_text(TRUTH)
    content = "".join(json.dumps(line) + "\n" for line in PREDICTIONS).encode(encoding)
    pack = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}.get(Path(name).suffix, bytes)
    (tmp_path / name).write_bytes(pack(content))
    result = rrgraph("score", tmp_path / name, "--truth", tmp_path / "truth.csv", "--json")
    assert shares(result) == pytest.approx([1 / 3, 1.0])
    assert result.err == ""


def test_missing_files(rrgraph, score, tmp_path):
    score(PREDICTIONS)
    predictions, truth = tmp_path / "predictions.jsonl", tmp_path / "truth.csv"
    assert "missing.jsonl" in rrgraph("score", tmp_path / "missing.jsonl", "--truth", truth).err
    assert f"Did you mean '{truth}'?" in rrgraph("score", predictions, "--truth", tmp_path / "truht.csv").err
    assert "Did you mean 'open'?" in rrgraph("score", predictions, "--truth", truth, "--protocol", "opne").err
