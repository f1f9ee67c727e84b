from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.baselines.language_model import parse_answer, prompt_text, read_answers, write_prompts
from rrgraph.chem import parse_formula
from rrgraph.errors import DataError

TWO = [{"BaCO3", "TiO2"}, {"BaO", "TiO2"}]


def names(answer):
    return [{precursor.formula for precursor in each} for each in answer.sets]


def test_the_prompt_of_the_paper():
    prompt = prompt_text(parse_formula("BaTiO3"), size=2)
    assert prompt.startswith("You are tasked with identifying precursors for synthesizing the target material BaTiO3.")
    assert "You should choose exactly 2 precursors. Generate 20 possible" in prompt
    assert "Each list should have a length of 2. The response" in prompt


def test_without_a_size_the_prompt_is_silent_about_it():
    prompt = prompt_text(parse_formula("BaTiO3"), sets=5)
    assert "BaTiO3. Generate 5 possible" in prompt
    assert "exactly" not in prompt
    assert "length" not in prompt


@pytest.mark.parametrize(
    "text",
    [
        '[["BaCO3", "TiO2"], ["BaO", "TiO2"]]',
        "Here's the list:\n```python\n[['BaCO3', 'TiO2'],\n ['BaO', 'TiO2']]\n```\nGood luck, it's easy!",
        "[[BaCO3, TiO2], [BaO, TiO2]]",
        '[["BaCO3", "TiO2"], ["BaO", "TiO2"], ["BaO2", "Ti',
        '["BaCO3", "TiO2"]\n["BaO", "TiO2"]\n["TiO2", "BaCO3"]',
        '1. ["BaCO3", "TiO2"]\n2. ["BaO", "TiO2"]',
        "1. BaCO3 + TiO2\n2. BaO + TiO2",
        "1) BaCO3, TiO2\n2) BaO and TiO2",
        "- `BaCO3`; `TiO2`\n* **BaO**, **TiO2**",
        "Sure, these might work:\n\n• BaCO3 (barium carbonate) + TiO2 (rutile)\n• 2 BaO + 1.5 TiO2\n\nTell me more.",
        "Route 1: BaCO3 + TiO2 -> BaTiO3 + CO2\nRoute 2: BaO + TiO2 → BaTiO3",
        "[“BaCO3”, “TiO2”], [“BaO”, “TiO2”]",
    ],
)
def test_answers_in_every_dress(text):
    answer = parse_answer(text)
    assert names(answer) == TWO
    assert answer.invalid == 0


def test_brackets_within_a_quoted_formula_belong_to_it():
    assert names(parse_answer('[["Ba(NO3)2", "[NH4]2[TiO(C2O4)2]"]]')) == [{"Ba(NO3)2", "[NH4]2[TiO(C2O4)2]"}]


def test_sets_with_what_is_no_formula_are_dropped_and_counted():
    answer = parse_answer('[["barium carbonate", "TiO2"], ["BaCO3", "TiO2"], ["unobtainium"], ["Xx2O3", "BaO"]]')
    assert names(answer) == [{"BaCO3", "TiO2"}]
    assert answer.invalid == 3
    assert parse_answer("1. BaCO3 + rutile\n2. BaO + TiO2").invalid == 1


@pytest.mark.parametrize("text", ["", "[]", "[[]]", "[[[", "]]", "I cannot help with that.", "1.\n2.\n-"])
def test_answers_without_a_set(text):
    answer = parse_answer(text)
    assert (answer.sets, answer.invalid) == ((), 0)


@given(st.text(alphabet="[]\"',BaTiO23+-> \n1.()`é", max_size=60))
def test_no_answer_is_an_error(text):
    assert parse_answer(text).invalid >= 0


ROWS = [("BaTiO3", "BaCO3;TiO2"), ("LiCoO2", "Li2CO3;Co3O4")]


def test_prompts_are_one_a_row(make_table, tmp_path):
    path = tmp_path / "folder" / "prompts.jsonl"
    assert write_prompts(path, make_table([*ROWS, ("CaO", "CaCO3")]), sets=7) == 3
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["target"] for line in lines] == ["BaTiO3", "LiCoO2", "CaO"]
    assert lines[2]["prompt"] == prompt_text(parse_formula("CaO"), sets=7, size=1)


def write(path, lines):
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_answers_become_predictions(make_table, tmp_path):
    first = '[["BaCO3", "TiO2"], ["BaCO3"], ["TiO2", "BaCO3"], ["BaO", "rutile"], ["Ba", "Ti"]]'
    lines = [{"target": "Ba2Ti2O6", "answer": first}, {"target": "LiCoO2", "answer": "no"}]
    answers = read_answers(write(tmp_path / "a.jsonl", lines), make_table(ROWS))
    assert [prediction.target.formula for prediction in answers.predictions] == ["BaTiO3", "LiCoO2"]
    assert names(answers.predictions[0]) == [{"BaCO3", "TiO2"}, {"Ba", "Ti"}]
    assert (answers.invalid, answers.incomplete, answers.empty) == (1, 1, 1)


GOOD = [{"target": "BaTiO3", "answer": ""}, {"target": "LiCoO2", "answer": ""}]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (GOOD[:1], "1 answers for the 2 rows"),
        ([*GOOD, GOOD[0]], "more answers than the 2 rows"),
        (GOOD[::-1], "Line 1 .* is for LiCoO2, expected BaTiO3"),
        ([GOOD[0], {"target": "LiCoO2"}], "Line 2 .* keys target and answer"),
        ([GOOD[0], {"target": "LiCoO2", "answer": ["x"]}], "Line 2 .* keys target and answer"),
        (["{", GOOD[1]], "Line 1 .* not valid JSON"),
        ([{"target": "?", "answer": ""}], "Line 1 .* has an invalid formula"),
    ],
)
def test_answers_that_do_not_fit_are_refused(make_table, tmp_path, lines, message):
    with pytest.raises(DataError, match=message):
        read_answers(write(tmp_path / "a.jsonl", lines), make_table(ROWS))


def test_a_missing_file_is_named(make_table, tmp_path):
    write(tmp_path / "answers.jsonl", GOOD)
    with pytest.raises(DataError, match=r"Did you mean '.*answers\.jsonl'"):
        read_answers(tmp_path / "answer.jsonl", make_table(ROWS))
