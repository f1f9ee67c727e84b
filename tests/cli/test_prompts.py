from __future__ import annotations

import json

import pytest

ROWS = "target,precursors\nBaTiO3,BaCO3;TiO2\nYBa2Cu3O7,Y2O3;BaCO3;CuO\n"


@pytest.fixture
def table(tmp_path):
    (tmp_path / "test.csv").write_text(ROWS)
    return tmp_path / "test.csv"


def test_prompts(rrgraph, table, tmp_path):
    result = rrgraph("prompts", table, "--output", tmp_path / "prompts.jsonl", "--sets", "7", "--size", "known")
    assert result.code == 0, result.err
    assert "2 prompts" in result.out
    lines = [json.loads(line) for line in (tmp_path / "prompts.jsonl").read_text().splitlines()]
    assert [line["target"] for line in lines] == ["BaTiO3", "YBa2Cu3O7"]
    assert "exactly 3 precursors. Generate 7 possible" in lines[1]["prompt"]


def test_the_size_is_not_told_unless_asked_for(rrgraph, table, tmp_path):
    assert rrgraph("prompts", table, "--output", tmp_path / "prompts.jsonl").code == 0
    text = (tmp_path / "prompts.jsonl").read_text()
    assert "Generate 10 possible" in text
    assert "exactly" not in text


def test_answers_become_predictions_that_can_be_scored(rrgraph, table, tmp_path):
    answers = [
        {"target": "BaTiO3", "answer": '[["BaO", "TiO2"], ["BaCO3", "TiO2"], ["BaCO3", "rutile"], ["TiO2"]]'},
        {"target": "YBa2Cu3O7", "answer": "I do not know."},
    ]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in answers))
    predictions = tmp_path / "predictions.jsonl"
    result = rrgraph("prompts", table, "--answers", tmp_path / "answers.jsonl", "--output", predictions)
    assert result.code == 0, result.err
    assert "2 predictions" in result.out
    assert "1 of them empty" in result.out
    assert "1 sets with an invalid formula, 1 that lack" in result.out
    scored = json.loads(rrgraph("score", predictions, "--truth", table, "--json").out)
    assert [scored["overall"][f"top{k}"]["value"] for k in (1, 3)] == [0.0, 0.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "knwon"], "Did you mean 'known'?"),
        (["--sets", "0"], "whole number"),
        (["--answers", "missing.jsonl"], "There is no answers file 'missing.jsonl'"),
    ],
)
def test_bad_input_is_one_sentence(rrgraph, table, tmp_path, options, message):
    result = rrgraph("prompts", table, "--output", tmp_path / "out.jsonl", *options)
    assert result.code == 2
    assert message in result.err
    assert not (tmp_path / "out.jsonl").exists()


def test_an_answer_that_cannot_be_read_counts_as_none(rrgraph, table, tmp_path):
    path, output = tmp_path / "answers.jsonl", tmp_path / "predictions.jsonl"
    path.write_text('{"target": "BaTiO3", "ans\n{"target": "YBa2Cu3O7", "answer": "Y2O3 + BaO + CuO"}\n\n')
    found = rrgraph("prompts", table, "--answers", path, "--output", output)
    assert found.code == 2
    assert f"rrgraph prompts: Line 1 of '{path}' is not valid JSON" in found.err
    assert "2 predictions" in found.out
    assert [len(json.loads(line)["sets"]) for line in output.read_text().splitlines()] == [0, 1]
    output.unlink()
    strict = rrgraph("prompts", table, "--answers", path, "--output", output, "--strict")
    assert (strict.code, strict.out) == (2, "")
    assert not output.exists()
