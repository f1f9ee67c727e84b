from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import parse_formula
from rrgraph.data import PrecursorSet
from rrgraph.errors import DataError, ScoreError
from rrgraph.evaluation import Prediction, parse_prediction, read_predictions, write_predictions

GOOD = '{"target": "LiCoO2", "sets": [["Li2CO3", "Co3O4"], ["LiOH", "Co3O4"]], "scores": [-0.5, -2]}'


def write(tmp_path, text, name="predictions.jsonl"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_line_is_read(tmp_path):
    (prediction,) = read_predictions(write(tmp_path, GOOD + "\n"))
    assert prediction.target == parse_formula("LiCoO2")
    assert [precursors.keys for precursors in prediction.sets] == [
        {parse_formula("Co3O4").key, parse_formula("Li2CO3").key},
        {parse_formula("Co3O4").key, parse_formula("LiOH").key},
    ]
    assert prediction.scores == (-0.5, -2.0)


def test_the_last_line_break_and_empty_lines_at_the_end_do_not_matter(tmp_path):
    for end in ("", "\n", "\n\n  \n", "\r\n"):
        assert len(list(read_predictions(write(tmp_path, f"{GOOD}\n{GOOD}{end}")))) == 2


def test_extra_keys_are_ignored_and_scores_are_optional():
    prediction = parse_prediction({"target": "BaTiO3", "sets": [["BaCO3", "TiO2"]], "model": "x", "row": 7})
    assert prediction.scores is None


def test_a_set_listed_twice_counts_at_its_first_place():
    prediction = parse_prediction(
        {
            "target": "Fe4O6",
            "sets": [["Fe2O3", "LiOH"], ["Fe"], ["HOLi", "Fe4O6"], ["Fe", "Fe2"]],
            "scores": [4, 3, 2, 1],
        }
    )
    assert [len(precursors) for precursors in prediction.sets] == [2, 1]
    assert prediction.scores == (4.0, 3.0)


formulas = st.sampled_from(["Li2CO3", "Co3O4", "TiO2", "BaCO3", "Fe2O3", "(NH4)2HPO4", "La0.5Sr0.5MnO3"])
sets = st.lists(st.lists(formulas, min_size=1, max_size=4, unique=True), max_size=5, unique_by=frozenset)


@given(st.lists(st.tuples(formulas, sets, st.booleans()), max_size=6), st.data())
@settings(max_examples=40, deadline=None)
def test_writing_and_reading_give_the_same(tmp_path_factory, rows, data):
    predictions = [
        Prediction(
            target=parse_formula(target),
            sets=tuple(PrecursorSet([parse_formula(formula) for formula in entry]) for entry in entries),
            scores=tuple(
                sorted(data.draw(st.lists(st.floats(-9, 0), min_size=len(entries), max_size=len(entries))))[::-1]
            )
            if scored
            else None,
        )
        for target, entries, scored in rows
    ]
    for name in ("p.jsonl", "p.jsonl.gz"):
        path = tmp_path_factory.mktemp("predictions") / name
        assert write_predictions(path, iter(predictions)) == len(predictions)
        assert list(read_predictions(path)) == predictions


def test_reading_is_lazy(tmp_path):
    lines = read_predictions(write(tmp_path, GOOD + "\n" + "broken\n"))
    assert next(lines).target.formula == "LiCoO2"
    with pytest.raises(DataError, match="Line 2"):
        next(lines)


def test_nothing_is_left_behind_when_writing_fails(tmp_path):
    def broken():
        yield parse_prediction(json.loads(GOOD))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_predictions(tmp_path / "p.jsonl", broken())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ("{'target'}", DataError, "not valid JSON"),
        ("[1, 2]", DataError, "not a JSON object"),
        ("[" * 100_000, DataError, "not valid JSON"),
        ('{"target": "LiCoO2", "sets": [], "row": ' + "1" * 9000 + "}", DataError, "not valid JSON"),
        ('{"sets": []}', DataError, "no 'target'"),
        ('{"target": "LiCoO2"}', DataError, "no 'sets'"),
        ('{"target": 3, "sets": []}', DataError, "target 3"),
        ('{"target": "Hello", "sets": []}', DataError, "invalid formula"),
        ('{"target": "LiCoO2", "sets": "Li2CO3"}', DataError, "not a list"),
        ('{"target": "LiCoO2", "sets": ["Li2CO3", "Co3O4"]}', DataError, "set 1"),
        ('{"target": "LiCoO2", "sets": [["Li2CO3", null]]}', DataError, "set 1"),
        ('{"target": "LiCoO2", "sets": [["Li2CO3", "Qq7"]]}', DataError, "Qq7"),
        ('{"target": "LiCoO2", "sets": [["Li2CO3"]], "scores": 1}', ScoreError, "not a list of numbers"),
        ('{"target": "LiCoO2", "sets": [["Li2CO3"]], "scores": ["1"]}', ScoreError, "not a list of numbers"),
        ('{"target": "LiCoO2", "sets": [["Li2CO3"]], "scores": [1, 2]}', ScoreError, "2 scores for 1 sets"),
        ('{"target": "LiCoO2", "sets": [["Li2CO3"]], "scores": [1' + "0" * 400 + "]}", ScoreError, "finite"),
        ('{"target": "LiCoO2", "sets": [["Li2CO3"]], "scores": [NaN]}', ScoreError, "nan"),
        ('{"target": "LiCoO2", "sets": [["Li2CO3"]], "scores": [-Infinity]}', ScoreError, "-inf"),
        ('{"target": "LiCoO2", "sets": [["Li2CO3"], ["LiOH"]], "scores": [1, 2]}', ScoreError, "best first"),
    ],
)
def test_a_malformed_line_is_named_by_its_number(tmp_path, line, error, words):
    path = write(tmp_path, f"{GOOD}\n{GOOD}\n{line}\n{GOOD}\n")
    with pytest.raises(error, match=words) as caught:
        list(read_predictions(path))
    assert "Line 3 " in str(caught.value)


def test_an_empty_line_in_the_middle_is_named(tmp_path):
    with pytest.raises(DataError, match=r"Line 2 .* is empty"):
        list(read_predictions(write(tmp_path, f"{GOOD}\n\n{GOOD}\n")))


def test_a_cut_off_last_line_is_called_so(tmp_path):
    with pytest.raises(DataError, match=r"Line 2 .*cut off"):
        list(read_predictions(write(tmp_path, GOOD + "\n" + GOOD[:40])))


def test_a_cut_off_archive_is_called_so(tmp_path):
    whole = gzip.compress("\n".join([GOOD] * 500).encode())
    path = tmp_path / "p.jsonl.gz"
    path.write_bytes(whole[:-20])
    with pytest.raises(DataError, match=r"Cannot read|cut off"):
        list(read_predictions(path))


def test_files_that_are_not_there_or_not_text(tmp_path):
    with pytest.raises(DataError, match="no predictions file"):
        list(read_predictions(tmp_path / "none.jsonl"))
    (tmp_path / "binary.jsonl").write_bytes(bytes(20))
    with pytest.raises(DataError, match="is not text"):
        list(read_predictions(tmp_path / "binary.jsonl"))
    with pytest.raises(DataError, match="is a folder"):
        list(read_predictions(tmp_path))


def test_equal_predictions_make_equal_files(tmp_path, monkeypatch):
    prediction = parse_prediction(json.loads(GOOD))
    for folder, now in (("a", 1e9), ("b", 2e9)):
        monkeypatch.setattr("time.time", lambda now=now: now)
        assert write_predictions(tmp_path / folder / f"{folder}.jsonl.gz", [prediction]) == 1
    one, two = (path.read_bytes() for path in sorted(tmp_path.rglob("*.gz")))
    assert one == two
    assert list(read_predictions(tmp_path / "a" / "a.jsonl.gz")) == [prediction]
