"""What `rrgraph plan` says of probabilities, with a model that ranks whole sets and with one that does not."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from rrgraph.planning import RANKING_MODES
from rrgraph.util.text import percent

OXIDES = "BaCO3,BaO,TiO2,SrCO3,Al2O3,Al"


@pytest.fixture
def plan(rrgraph, ranked):
    """Return a function that plans with the model that has a second stage."""
    return lambda *argv: rrgraph("plan", *argv, "--model", ranked)


def test_the_table_shows_probabilities_in_percent_and_what_they_leave(plan):
    argv = ("LiCoO2", "--top-k", 4)
    (line,) = plan(*argv, "--json").lines
    out = plan(*argv).out
    header, *rows = out.strip().splitlines()[1:6]
    assert re.split("  +", header)[:4] == ["rank", "probability", "precursors", "alternative (probability)"]
    shown = [re.match(r" +\d+ +([<>]? ?[\d.]+ %)", row)[1] for row in rows]
    assert shown == [percent(probability) for probability in line["probabilities"]]
    swap = line["alternatives"][0]
    assert f"{swap['by']} for {swap['replaces']} ({percent(swap['probability'])})" in rows[0]
    meaning = "probability: chance that this is the set reported in the literature"
    assert f"\nanother set: {percent(line['none_of_these'])}\n{meaning}\n" in out


def test_what_sets_and_none_of_these_say_adds_up(plan):
    for number in (1, 3, 10):
        for line in plan("LiCoO2", "BaTiO3", "--top-k", number, "--json").lines:
            assert sum(line["probabilities"]) + line["none_of_these"] == pytest.approx(1)


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_files_carry_none_of_these(plan, tmp_path, suffix):
    argv = ("BaTiO3", "Hello", "UO2", "--candidates", OXIDES, "--top-k", 2)
    lines = plan(*argv, "--json").lines
    assert lines[0]["none_of_these"] == pytest.approx(1 - sum(lines[0]["probabilities"]))
    assert lines[1]["none_of_these"] is None
    assert lines[2]["none_of_these"] > 0.5
    path = tmp_path / f"plans.{suffix}"
    plan(*argv, "--output", path)
    if suffix == "jsonl":
        assert [json.loads(line)["none_of_these"] for line in path.read_text().splitlines()] == [
            line["none_of_these"] for line in lines
        ]
        return
    frame = pd.read_csv(path) if suffix == "csv" else pd.read_parquet(path)
    assert frame["row"].tolist() == [1, 1, 2, 3]
    assert frame["none_of_these"].isna().tolist() == [False, False, True, False]
    assert frame["none_of_these"][:2].tolist() == [lines[0]["none_of_these"]] * 2


@pytest.mark.parametrize("mode", ["product", "log_odds", "geometric"])
def test_link_products_are_not_called_probabilities(plan, mode):
    argv = ("LiCoO2", "--top-k", 3, "--mode", mode, "--no-conditions")
    out = plan(*argv).out
    assert "link product" in out.splitlines()[2]
    assert "alternative (link product)" in out.splitlines()[2]
    assert "link product: of link probabilities, to compare sets" in out
    assert "another set" not in out
    assert "%" not in out
    assert plan(*argv, "--json").lines[0]["none_of_these"] is None


def test_forbidding_the_best_set_makes_no_other_more_probable(plan):
    (usual,) = plan("BaTiO3", "--top-k", 16, "--json").lines
    known = {frozenset(members): p for members, p in zip(usual["sets"], usual["probabilities"], strict=True)}
    (member, *_) = usual["sets"][0]
    (line,) = plan("BaTiO3", "--exclude", member, "--top-k", 16, "--json").lines
    shared = [
        (p, known[frozenset(s)])
        for s, p in zip(line["sets"], line["probabilities"], strict=True)
        if frozenset(s) in known
    ]
    assert shared
    for now, before in shared:
        assert now <= before * 1.5
    assert line["none_of_these"] >= usual["probabilities"][0]


def test_a_told_size_is_named(plan):
    told = plan("BaTiO3", "--set-size", 2).out
    assert "set reported in the literature, given its size" in told
    assert "given its size" not in plan("BaTiO3", "--set-size", "2-3").out


def test_a_target_that_nothing_supplies_has_no_sets(plan):
    for others in ((), ("BaTiO3",)):
        result = plan("UTe2", *others, "--stock", "BaCO3,TiO2", "--json")
        assert result.code == 0
        assert result.lines[0]["sets"] == []
        assert "supplies Te, U" in result.lines[0]["message"]
    (line,) = plan("He", "--json").lines
    assert (line["sets"], line["none_of_these"]) == ([], 1)


@pytest.mark.parametrize("width", [60, 100])
def test_a_terminal_keeps_the_notes_whole(plan, monkeypatch, width):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    shown = plan("LiCoO2", "--top-k", 4, "--set-size", 2).out
    assert all(len(line) <= width for line in re.sub("\x1b\\[[0-9;]*m", "", shown).splitlines())


def test_without_equations_none_is_said_not_to_balance(plan):
    out = plan("LiCoO2", "--no-equations").out
    assert "balance" not in out
    assert "→" not in out


def test_a_model_without_a_re_ranker_is_refused_for_listwise(rrgraph, trained, table):
    for argv in (
        ("plan", "BaTiO3", "--model", trained, "--mode", "listwise"),
        ("plan", "BaTiO3", "--model", trained, "--mode", "listwise", "--candidates", "generated"),
        ("evaluate", trained, "--test", table, "--mode", "listwise"),
    ):
        result = rrgraph(*argv)
        assert result.code == 2
        assert result.out == ""
        assert result.err.count("\n") == 1
        assert "The mode 'listwise' needs a model with a re-ranker, which this one lacks." in result.err


@pytest.mark.parametrize("command", ["plan", "evaluate"])
def test_help_names_every_mode(rrgraph, command):
    text = " ".join(rrgraph(command, "--help").out.split())
    described = re.search(r"--mode NAME what sets are ranked by: (.*?); default:", text)[1]
    assert all(mode in described for mode in RANKING_MODES)


def test_a_near_mode_is_suggested(plan):
    result = plan("BaTiO3", "--mode", "listwize")
    assert result.code == 2
    assert "Did you mean 'listwise'?" in result.err
