from __future__ import annotations

import json

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
        ([PREDICTIONS[0], '{"target": ', PREDICTIONS[2]], ["Line 2", "JSON"]),
        ([PREDICTIONS[0], "[]", PREDICTIONS[2]], ["Line 2", "object"]),
        ([PREDICTIONS[0], "", PREDICTIONS[2]], ["Line 2", "empty"]),
        ([{"target": "BaTiO3"}], ["Line 1", "'sets'"]),
        ([{"target": "BaTiO3", "sets": [["Hello"]]}], ["Line 1", "'Hello'"]),
        ([{"target": "BaTiO3", "sets": [["BaO"]], "scores": [float("nan")]}], ["Line 1", "nan"]),
        ([PREDICTIONS[1], *PREDICTIONS[1:]], ["Row 1", "'SrTiO3'", "'BaTiO3'"]),
    ],
)
def test_malformed_predictions_are_refused(score, lines, words):
    result = score(lines, "--json")
    assert result.code == 2
    assert result.out == ""
    for word in words:
        assert word in result.err


def test_missing_files(rrgraph, score, tmp_path):
    score(PREDICTIONS)
    predictions, truth = tmp_path / "predictions.jsonl", tmp_path / "truth.csv"
    assert "missing.jsonl" in rrgraph("score", tmp_path / "missing.jsonl", "--truth", truth).err
    assert f"Did you mean '{truth}'?" in rrgraph("score", predictions, "--truth", tmp_path / "truht.csv").err
    assert "Did you mean 'open'?" in rrgraph("score", predictions, "--truth", truth, "--protocol", "opne").err
