"""The instrument itself: what goes wrong in a case is counted by its kind, and the other cases are carried out."""

import ctypes
import faulthandler
import os
import time

import pytest

from rrgraph.errors import FormulaError

from .harness import command, one_sentence, refusals, run_cases


def go_wrong(choose, place):
    (place / "file.txt").write_text("kept")
    number = int(place.name.rpartition("-")[2])
    if number == 1:
        raise TypeError("x")
    if number == 2:
        faulthandler.disable()
        ctypes.string_at(0)  # a crash of the process
    if number == 3:
        while True:
            time.time()
    if number == 4:
        assert b"1" * 2**27
    if number == 5:
        os._exit(0)
    assert number != 6, "a kind\nand details"


@pytest.mark.slow
def test_every_kind_is_counted_and_kept(tmp_path):
    outcome = run_cases("cases", go_wrong, tries=12, seed=0, folder=tmp_path, seconds=1, gigabytes=0.1)
    kinds = outcome.kinds()
    assert kinds == {
        "TypeError in tests/robustness/test_harness.py:go_wrong": 1,
        "crash": 2,
        "hang": 1,
        "memory": 1,
        "a kind": 1,
    }
    assert (outcome.tried, outcome.found, outcome.count("hang")) == (12, 4, 1)
    kept = {path.name for path in (tmp_path / "failures").iterdir()}
    assert kept == {f"cases-{number}" for number in range(1, 7)}
    assert (tmp_path / "failures" / "cases-1" / "file.txt").read_text() == "kept"
    assert {path.name for path in tmp_path.iterdir()} == {"failures"}


def test_a_refusal_is_a_sentence():
    with refusals():
        raise FormulaError("'x' is not a valid formula.")
    with pytest.raises(AssertionError, match="nothing"), refusals():
        raise FormulaError(" ")
    code, out, err = command("config", "show", "nothing")
    one_sentence(code, out, err)
    for wrong in (("Traceback (most recent call last)", 2), ("", 2), ("rrgraph: \x1b[31m", 2), ("rrgraph: no", 1)):
        with pytest.raises(AssertionError):
            one_sentence(wrong[1], "", wrong[0])
