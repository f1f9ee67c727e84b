from __future__ import annotations

import gzip
import io
import json
import re
import sys

import pandas as pd
import pytest

from rrgraph.chem import parse_formula, plausible_precursors
from rrgraph.models import Model

OXIDES = "BaCO3,BaO,TiO2,SrCO3,Al2O3,Al"


@pytest.fixture
def plan(rrgraph, trained):
    """Return a function that plans with the trained model."""
    return lambda *argv: rrgraph("plan", *argv, "--model", trained)


def first_sets(lines):
    return [set(line["sets"][0]) if line["sets"] else None for line in lines]


def test_a_table_shows_rank_probability_precursors_and_equation(plan):
    result = plan("BaTiO3", "--candidates", OXIDES, "--top-k", 2, "--no-conditions")
    assert result.code == 0
    title, header, first, second = result.out.strip().splitlines()[:4]
    assert title == "BaTiO3"
    assert re.split("  +", header) == [
        "rank",
        "link product",
        "precursors",
        "alternative (link product)",
        "balanced equation",
    ]
    swap = r"BaO\* for BaCO3 \(0\.\d+\)"
    assert re.search(rf"^ +1 +0\.\d+ +BaCO3 \+ TiO2 +{swap} +BaCO3 \+ TiO2 → BaTiO3 \+ CO2$", first)
    assert re.search(r"^ +2 .* → BaTiO3( \+ .*)?$", second)


@pytest.mark.parametrize("width", [70, 100, 200])
def test_a_terminal_never_cuts_an_equation(plan, monkeypatch, width):
    targets = ["Li7La3Zr2O12", "LiFePO4", "--grams", 5, "--top-k", 5]
    lines = plan(*targets, "--json").lines
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    shown = re.sub("\x1b\\[[0-9;]*m", "", plan(*targets).out)
    assert all(len(line) <= width for line in shown.splitlines())
    words = " ".join(shown.split())
    equations = [equation for line in lines for equation in line["equations"] if equation]
    assert equations
    assert all(equation in words for equation in equations)


def test_json_lines_follow_the_predictions_format(plan):
    result = plan("BaTiO3", "Ba1Ti1O3", "--json", "--top-k", 3)
    assert result.code == 0
    typed, other = result.lines
    assert (typed["target"], other["target"]) == ("BaTiO3", "Ba1Ti1O3")
    assert typed["sets"] == other["sets"]
    assert len(typed["sets"]) == len(typed["scores"]) == len(typed["probabilities"]) == 3
    assert typed["scores"] == sorted(typed["scores"], reverse=True)
    assert all(0 < probability <= 1 for probability in typed["probabilities"])
    assert typed["equations"][typed["sets"].index(["BaCO3", "TiO2"])] == "BaCO3 + TiO2 → BaTiO3 + CO2"


def test_each_set_shows_the_set_with_one_precursor_exchanged(plan, tmp_path):
    argv = ("BaTiO3", "--candidates", "BaCO3,BaO,TiO2", "--set-size", 2)
    (line,) = plan(*argv, "--json").lines
    assert line["sets"] == [["BaCO3", "TiO2"], ["BaO", "TiO2"]]
    first, second = line["alternatives"]
    assert first == {
        "replaces": "BaCO3",
        "by": "BaO",
        "precursors": ["BaO", "TiO2"],
        "probability": line["probabilities"][1],
        "unseen": True,
    }
    assert (second["replaces"], second["by"], second["unseen"]) == ("BaO", "BaCO3", False)
    assert second["probability"] == line["probabilities"][0]
    for suffix in ("csv", "parquet"):
        path = tmp_path / f"plans.{suffix}"
        plan(*argv, "--output", path)
        frame = pd.read_csv(path, float_precision="round_trip") if suffix == "csv" else pd.read_parquet(path)
        assert frame["alternative"].tolist() == ["BaO;TiO2", "BaCO3;TiO2"]
        assert frame["alternative_replaces"].tolist() == ["BaCO3", "BaO"]
        assert frame["alternative_by"].tolist() == ["BaO", "BaCO3"]
        assert frame["alternative_probability"].tolist() == [first["probability"], second["probability"]]


def test_an_alternative_lies_beyond_the_listed_sets(plan):
    (one,) = plan("BaTiO3", "--candidates", OXIDES, "--top-k", 1, "--json").lines
    assert one["alternatives"][0]["by"] not in one["sets"][0]
    (only,) = plan("BaTiO3", "--candidates", "BaO,TiO2", "--json").lines
    assert only["alternatives"] == [None]
    assert re.search(r"BaO\* \+ TiO2 +- +BaO", plan("BaTiO3", "--candidates", "BaO,TiO2").out)


def test_an_alternative_never_seen_in_training_is_flagged(plan):
    result = plan("BaTiO3", "--candidates", "BaCO3,TiO2,Ba(CH3COO)2", "--set-size", 2, "--top-k", 1)
    assert "BaCO3 + TiO2" in result.out
    assert "Ba(CH3COO)2* for BaCO3 (" in result.out
    assert "* never seen in training" in result.out


def test_formulas_may_stand_after_options(plan):
    assert [line["target"] for line in plan("BaTiO3", "--json", "SrTiO3").lines] == ["BaTiO3", "SrTiO3"]


def test_grams_conserve_the_balanced_equation(plan):
    (line,) = plan("BaTiO3", "--candidates", "BaO,TiO2", "--grams", 10, "--json").lines
    assert line["sets"] == [["BaO", "TiO2"]]
    assert sum(line["grams"][0].values()) == pytest.approx(10, abs=1e-3)
    table = plan("BaTiO3", "--candidates", "BaO,TiO2", "--grams", 10).out
    assert re.search(r"6\.57\d* g BaO, 3\.42\d* g TiO2", table)


def test_a_set_that_does_not_balance_says_so(plan):
    options = ("BaTiO3", "--candidates", "BaCO3,TiO2,Al2O3", "--require", "Al")
    assert "does not balance" in plan(*options, "--unbalanced").out
    (line,) = plan(*options, "--unbalanced", "--json", "--grams", 1).lines
    assert line["equations"] == line["grams"] == [None] * len(line["sets"])
    hidden = plan(*options)
    assert f"; {len(line['sets'])} cannot be balanced or must not be mixed." in hidden.err
    assert "does not balance" not in hidden.out


def test_an_alkali_metal_and_an_acid_are_not_mixed(plan):
    options = ("K2SiF6", "--candidates", "K,H2SiF6,K2CO3,SiO2,KF", "--top-k", "20")
    listed, every = plan(*options, "--json").lines[0], plan(*options, "--json", "--unbalanced").lines[0]
    assert ["K", "H2SiF6"] in every["sets"]
    assert ["K", "H2SiF6"] not in listed["sets"]
    assert listed["hidden"]["sets"] > 0
    assert every["hidden"]["sets"] == 0
    assert "K reacts violently with the acid H2SiF6" in plan(*options, "--unbalanced").out


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_output_files(plan, tmp_path, suffix):
    path = tmp_path / "deep" / f"plans.{suffix}"
    result = plan("BaTiO3", "Hello", "SrTiO3", "--top-k", 2, "--candidates", "vocabulary", "--output", path)
    assert result.code == 2
    assert result.out == ""
    assert "'Hello'" in result.err
    if suffix == "jsonl":
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [line["target"] for line in lines] == ["BaTiO3", "Hello", "SrTiO3"]
        assert lines[1]["sets"] == []
        return
    frame = pd.read_csv(path) if suffix == "csv" else pd.read_parquet(path)
    assert frame["row"].tolist() == [1, 1, 2, 3, 3]
    assert frame["rank"].isna().tolist() == [False, False, True, False, False]
    assert "Hello" in frame["message"][2]
    assert all(";" in precursors for precursors in frame["precursors"].dropna())


def test_equations_can_be_asked_for_in_files_and_json_goes_along(plan, tmp_path):
    path = tmp_path / "plans.csv"
    result = plan("BaTiO3", "--candidates", "BaO,TiO2", "--equations", "--json", "--output", path)
    assert result.lines[0]["equations"] == ["BaO + TiO2 → BaTiO3"]
    assert pd.read_csv(path)["equation"].tolist() == ["BaO + TiO2 → BaTiO3"]


def test_a_failed_run_leaves_no_output_file(plan, tmp_path):
    targets = tmp_path / "targets.csv.gz"
    targets.write_bytes(gzip.compress(b"target\n" + b"BaTiO3\n" * 40)[:-12])
    result = plan("--input", targets, "--output", tmp_path / "plans.csv")
    assert result.code == 2
    assert "Cannot read" in result.err
    assert [entry.name for entry in tmp_path.iterdir()] == ["targets.csv.gz"]


CSV = 'target,size\nBaTiO3,2\nLixCoO2,2\nSrTiO3,BaCO3;TiO2\n"CaTiO3,2\n\nMgAl2O4,-1\n"Y3Al5O12",2.0,more\nNiO\n,2\n'


def test_a_bad_row_is_reported_with_its_line_and_keeps_its_place(plan, tmp_path):
    path = tmp_path / "targets.csv"
    path.write_bytes(CSV.encode() + b"\xff\xfe,2\nCaTiO3,2\n")
    result = plan("--input", path, "--set-size", "column:size", "--json", "--top-k", 1)
    assert result.code == 2
    found = result.lines
    assert [line["target"] for line in found[:7]] == ["BaTiO3", "LixCoO2", "SrTiO3", "", "MgAl2O4", "Y3Al5O12", "NiO"]
    assert len(found) == 10
    planned = [bool(line["sets"]) for line in found]
    assert planned == [True, False, True, False, False, True, False, False, False, True]
    assert all(len(line["sets"][0]) == 2 for line in found if line["sets"])
    for number in (3, 5, 7, 9, 10, 11):
        assert f"line {number} of '{path}'" in result.err
    assert "'x' after Li" in result.err
    assert "a quote is not closed" in result.err


def test_planned_rows_do_not_depend_on_the_bad_ones(plan, tmp_path):
    path = tmp_path / "targets.txt"
    path.write_text("BaTiO3\n# a comment\nABO3\n\nSrTiO3\n")
    among = plan("--input", path, "--json").lines
    alone = plan("BaTiO3", "SrTiO3", "--json").lines
    assert [among[0]["sets"], among[2]["sets"]] == [alone[0]["sets"], alone[1]["sets"]]
    assert among[1]["message"].startswith(f"line 3 of '{path}'")


def test_jsonl_rows_are_judged_one_by_one(plan, tmp_path):
    path = tmp_path / "targets.jsonl"
    path.write_text(
        '{"target": "BaTiO3", "n": 2}\n{"target": \n{"formula": "SrTiO3", "n": ["A", "B"]}\n[1]\n{"n": 2}\n'
        '{"formula": "SrTiO3", "n": ["SrO", "TiO2", "Ti"]}\n{"target": 5, "n": 2}\n' + "[" * 100_000 + "\n"
    )
    result = plan("--input", path, "--set-size", "column:n", "--json", "--top-k", 1)
    assert result.code == 2
    assert [len(line["sets"][0]) if line["sets"] else 0 for line in result.lines] == [2, 0, 0, 0, 0, 3, 0, 0]
    assert "line 5" in result.lines[4]["message"]
    assert "'target'" in result.lines[4]["message"]


@pytest.mark.parametrize("text", ["BaTiO3\nSrTiO3\n", "name,formula\na,BaTiO3\nb,SrTiO3\n"])
def test_standard_input_is_text_or_csv(plan, monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    result = plan("--input", "-", "--json", "--candidates", "vocabulary")
    assert first_sets(result.lines) == [{"BaCO3", "TiO2"}, {"SrCO3", "TiO2"}]


def test_input_streams(plan, monkeypatch):
    """The first targets are planned before the last ones are read."""
    seen = []

    def lines():
        for number in range(600):
            seen.append(number)
            yield "BaTiO3\n"

    class Endless(io.StringIO):
        def __iter__(self):
            return self

        def __next__(self):
            return next(source)

    source = lines()
    read_at_first_scores = []
    score = Model.logits

    def watched(self, targets, candidates):
        read_at_first_scores.append(len(seen))
        return score(self, targets, candidates)

    monkeypatch.setattr(Model, "logits", watched)
    monkeypatch.setattr(sys, "stdin", Endless())
    result = plan("--input", "-", "--json", "--top-k", 1, "--candidates", "BaO,TiO2")
    assert len(result.lines) == 600
    assert read_at_first_scores[0] < 600


@pytest.mark.parametrize(("size", "allowed"), [("2", {2}), ("3", {3}), ("2-3", {2, 3}), ("1", set())])
def test_set_sizes(plan, size, allowed):
    (line,) = plan("BaTiO3", "--set-size", size, "--candidates", OXIDES, "--json").lines
    assert {len(members) for members in line["sets"]} == allowed


def test_never_seen_candidates_are_flagged(plan, tmp_path):
    listed = tmp_path / "candidates.txt"
    listed.write_text("# borides\nB\nCr\nAl\nAlB2\nCrB2\nAl45Cr7\n")
    result = plan("Cr2AlB2", "--candidates", listed, "--top-k", 40)
    assert result.code == 0
    assert "Al45Cr7*" in result.out
    assert "B*" not in result.out
    assert "* never seen in training" in result.out
    (line,) = plan("Cr2AlB2", "--candidates", "B,Al45Cr7,Al", "--foreign", "--json").lines
    assert line["unseen"] == [[name for name in members if name == "Al45Cr7"] for members in line["sets"]]


def test_train_and_all_candidates(plan):
    (train,) = plan("BaTiO3", "--candidates", "train", "--json").lines
    assert train["unseen"] == [[]] * 10
    assert plan("BaTiO3", "--candidates", "vocabulary", "--json").lines == [train]
    every = plan("BaTiO3", "--candidates", "all", "--json", "--top-k", 100)
    assert every.lines == plan("BaTiO3", "--json", "--top-k", 100).lines
    assert any(every.lines[0]["unseen"])


def test_lists_are_joined_by_plus_signs(plan):
    (joined,) = plan("BaTiO3", "--candidates", "train+BaUO4,BaO2", "--json", "--top-k", 200, "--foreign").lines
    assert {"BaO2"} <= {name for members in joined["sets"] for name in members}
    (joined,) = plan("BaTiO3", "--candidates", "train+library", "--json", "--top-k", 200).lines
    assert {"BaCO3", "BaO2"} <= {name for members in joined["sets"] for name in members}


def test_stock_exclude_and_require(plan):
    stock = plan("BaTiO3", "--stock", "BaO,TiO2,BaCO3", "--json").lines[0]
    assert {name for members in stock["sets"] for name in members} == {"BaO", "TiO2", "BaCO3"}
    assert plan("BaTiO3", "--stock", "Ba(CH3COO)2,TiO2", "--json").lines[0]["unseen"] == [["Ba(CH3COO)2"]]
    without = plan("BaTiO3", "--exclude", "C,BaO", "--json").lines[0]
    names = {name for members in without["sets"] for name in members}
    assert not names & {"BaO", "BaCO3"}
    assert not any("C" in parse_formula(name).elements for name in names)
    required = plan("BaTiO3", "--require", "Ba2O2", "--candidates", "BaO,TiO2,BaCO3", "--json").lines[0]
    assert all("BaO" in members for members in required["sets"])


def test_exclude_takes_several_values_and_classes(plan):
    pool = ("--candidates", "BaCO3,BaO,Ba(NO3)2,BaSO4,BaH2,TiO2,Ti", "--json", "--top-k", 50)
    every = {name for members in plan("BaTiO3", *pool).lines[0]["sets"] for name in members}
    assert every == {"BaCO3", "BaO", "Ba(NO3)2", "BaSO4", "BaH2", "TiO2", "Ti"} - {"BaSO4"}
    kept = plan("BaTiO3", *pool, "--exclude", "nitrates", "Hydride", "BaO", "--exclude", "Metals,Pb").lines[0]["sets"]
    assert {name for members in kept for name in members} == {"BaCO3", "TiO2"}
    required = plan("BaTiO3", *pool, "--require", "carbonate", "hydrides").lines[0]["sets"]
    assert required
    assert all({"BaCO3", "BaH2"} <= set(members) for members in required)


def test_a_required_class_that_nothing_is_of_is_named(plan):
    result = plan("BaTiO3", "--candidates", OXIDES, "--require", "azides", "--json")
    assert result.lines[0]["message"] == "No candidate that may be used for BaTiO3 supplies azides."


def test_the_only_target_may_stand_behind_one_excluded_value(plan):
    before, behind = plan("BaTiO3", "--exclude", "C", "--json"), plan("--exclude", "C", "BaTiO3", "--json")
    assert (behind.code, behind.lines) == (0, before.lines)
    lost = plan("--exclude", "C", "N", "BaTiO3")
    assert lost.code == 2
    assert "no target" in lost.err
    assert "rrgraph plan BaTiO3 --exclude C N'" in lost.err
    assert plan("--exclude", "nitrates", "hydrides").code == 2


def test_balanced_leaves_out_sets_that_do_not_balance(plan):
    pool = ("--candidates", "Cr,Al,B,CrB,CrB2,AlB2,Al8Cr5,Cr2B", "--top-k", "20", "--json")
    every, balanced = plan("Cr2AlB2", "--unbalanced", *pool).lines[0], plan("Cr2AlB2", *pool).lines[0]
    assert plan("Cr2AlB2", "--balanced", *pool).lines[0] == balanced
    assert None in every["equations"]
    assert balanced["equations"]
    assert None not in balanced["equations"]


def test_the_table_counts_what_does_not_balance_and_shows_other_scores(plan):
    pool = ("--candidates", "Cr,Al,B,CrB,CrB2,AlB2,Al8Cr5,Cr2B")
    product, geometric = (plan("Cr2AlB2", *pool, "--unbalanced", *mode).out for mode in ((), ("--mode", "geometric")))
    unbalanced = product.count("does not balance")
    assert f"{unbalanced} of 10 sets cannot be balanced; --balanced leaves such sets out" in product
    assert "(score)" not in product
    assert "link product (score)" in geometric
    assert "--balanced" not in plan("Cr2AlB2", *pool, "--balanced").out


def test_an_element_symbol_is_the_element_and_al1_the_precursor(plan):
    by_element, by_precursor = (
        plan("BaTiO3", "--candidates", OXIDES, "--require", name, "--unbalanced", "--json").lines[0]["sets"]
        for name in ("Al", "Al1")
    )
    assert any("Al2O3" in members and "Al" not in members for members in by_element)
    assert by_precursor
    assert all("Al" in members for members in by_precursor)
    without_element = plan("Y3Al5O12", "--exclude", "Al", "--json")
    assert without_element.lines[0]["sets"] == []
    without_metal = plan("Y3Al5O12", "--exclude", "Al1", "--json").lines[0]["sets"]
    assert without_metal
    assert not any("Al" in members for members in without_metal)


def test_strict_cover_asks_for_oxygen(plan):
    assert ["Ba", "Ti"] in plan("BaTiO3", "--candidates", "Ba,Ti,TiO2", "--json").lines[0]["sets"]
    strict = plan("BaTiO3", "--candidates", "Ba,Ti,TiO2", "--cover", "strict", "--json").lines[0]["sets"]
    assert strict == [["Ba", "TiO2"], ["Ba", "Ti", "TiO2"]]


def test_modes_rank_by_different_scores(plan):
    found = {mode: plan("BaTiO3", "--mode", mode, "--json").lines[0] for mode in ("product", "log_odds", "geometric")}
    assert len({tuple(line["scores"]) for line in found.values()}) == 3


def test_fewer_sets_than_asked_for(plan):
    result = plan("BaTiO3", "--candidates", "BaCO3,BaO,TiO2", "--top-k", 10)
    assert result.code == 0
    assert "Only 3 precursor sets for BaTiO3" in result.out


def test_a_target_without_a_set_says_why(plan):
    result = plan("UO2", "BaTiO3", "--candidates", "BaCO3,TiO2", "--json")
    assert result.code == 0
    assert "supplies U" in result.err
    assert result.lines[0]["sets"] == []
    assert "supplies U" in result.lines[0]["message"]
    assert result.lines[1]["sets"] == [["BaCO3", "TiO2"]]


def test_delta_is_read_as_zero_with_a_warning(plan):
    result = plan("La0.7Sr0.3MnO3-δ", "--json", "--top-k", 1)
    assert result.code == 0
    assert result.err.startswith("warning: ")
    assert result.lines[0]["target"] == "La0.7Sr0.3MnO3-δ"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], ["target formulas", "--input"]),
        (["BaTiO3", "--input", "x.csv"], ["either"]),
        (["BaTiO3", "--output", "plans.xls"], ["'plans.xls'", ".parquet"]),
        (["BaTiO3", "--output", "plans.jsnl"], ["Did you mean '.jsonl'?"]),
        (["BaTiO3", "--mode", "produkt"], ["'produkt'", "Did you mean 'product'?"]),
        (["BaTiO3", "--cover", "stric"], ["Did you mean 'strict'?"]),
        (["BaTiO3", "--set-size", "3-2"], ["'3-2'"]),
        (["BaTiO3", "--set-size", "0"], ["'0'"]),
        (["BaTiO3", "--set-size", "²"], ["'²'"]),
        (["BaTiO3", "--set-size", "1-999999999"], ["largest"]),
        (["BaTiO3", "--set-size", "column:size"], ["--input"]),
        (["BaTiO3", "--top-k", "0"], ["--top-k", "at least 1"]),
        (["BaTiO3", "--top-k", "many"], ["'many'"]),
        (["BaTiO3", "--max-candidates", "²"], ["'²'", "'all'"]),
        (["BaTiO3", "--grams", "-1"], ["'-1'"]),
        (["BaTiO3", "--grams", "nan"], ["'nan'"]),
        (["BaTiO3", "--grams", "5", "--no-equations"], ["--no-equations"]),
        (["BaTiO3", "--candidates", "trian"], ["Did you mean 'train'?"]),
        (["BaTiO3", "--candidates", "missing.txt"], ["'missing.txt'"]),
        (["BaTiO3", "--candidates", "BaO,Hello"], ["'Hello'"]),
        (["BaTiO3", "--candidates", ","], ["--candidates"]),
        (["BaTiO3", "--stock", ""], ["--stock"]),
        (["BaTiO3", "--stock", "AlB12", "--candidates", "train"], ["stock", "candidates"]),
        (["BaTiO3", "--exclude", ""], ["--exclude"]),
        (["BaTiO3", "--require", "TiO2", "--exclude", "Ti2O4"], ["both required and excluded"]),
        (["BaTiO3", "--require", "Al", "--exclude", "Al"], ["Al is both"]),
        (["BaTiO3", "--require", "TiO2", "--stock", "BaO"], ["not in stock"]),
        (["BaTiO3", "--require", "Ba45Cr7"], ["'Ba45Cr7'", "not among"]),
        (["BaTiO3", "--exclude", "nitrats"], ["--exclude", "'nitrats'", "Did you mean 'nitrates'?"]),
        (["BaTiO3", "--require", "oxides", "--exclude", "oxide"], ["oxides is both"]),
        (["BaTiO3", "--require", "BaCO3", "--exclude", "carbonates"], ["excluded class carbonates"]),
    ],
)
def test_bad_options_are_refused_in_a_sentence(plan, argv, words):
    result = plan(*argv)
    assert result.code == 2
    assert result.out == ""
    for word in words:
        assert word in result.err


def test_missing_files_and_columns_have_near_matches(plan, tmp_path):
    path = tmp_path / "targets.csv"
    path.write_text("targte,size\nHello,2\n")
    assert f"Did you mean '{path}'?" in plan("--input", tmp_path / "target.csv").err
    missing = plan("--input", path)
    assert missing.code == 2
    assert f"'{path}' has no column of formulas, such as one named 'target', found targte, size" in missing.err
    missing = plan("--input", path, "--column", "target")
    assert missing.code == 2
    assert "no column 'target', which --column asks for" in missing.err
    assert "Did you mean 'targte'?" in missing.err
    path.write_text("target,size\nBaTiO3,2\n")
    assert "Did you mean 'size'?" in plan("--input", path, "--set-size", "column:siz").err
    assert "column" in plan("--input", path, "--set-size", "column:").err
    assert ".jsonl" in plan("--input", path.rename(tmp_path / "targets.xls")).err
    assert plan("--input", tmp_path).code == 2


def test_arguments_are_checked_before_a_model_is_loaded(rrgraph):
    result = rrgraph("plan", "BaTiO3", "--model", "missing", "--cover", "stric")
    assert "stric" in result.err
    result = rrgraph("plan", "BaTiO3", "--model", "missing")
    assert result.code == 2
    assert "There is no link model 'missing'" in result.err


def test_generated_candidates_are_those_of_each_target(plan):
    both = plan("BaTiO3", "Cr2AlB2", "--candidates", "generated", "--json", "--foreign").lines
    alone = plan("Cr2AlB2", "--candidates", "generated", "--json", "--foreign").lines
    assert [line["target"] for line in both] == ["BaTiO3", "Cr2AlB2"]
    assert both[1]["sets"] == alone[0]["sets"]
    for line in both:
        allowed = {precursor.key for precursor in plausible_precursors(parse_formula(line["target"]))}
        members = [parse_formula(member).key for members in line["sets"] for member in members]
        assert members and set(members) <= allowed
    assert any(line["unseen"] for line in both)


def test_generated_candidates_join_others(plan):
    options = ["BaTiO3", "--foreign", "--set-size", 2, "--json", "--top-k", 1000, "--unbalanced"]
    sets = {frozenset(members) for members in plan(*options, "--candidates", "BaUO4,Ba+generated").lines[0]["sets"]}
    assert {"BaUO4", "TiO2"} in sets and {"Ba", "TiO2"} in sets


def test_what_is_required_is_a_candidate_beside_generated_ones(plan):
    (line,) = plan("BaTiO3", "--candidates", "generated", "--require", "BaZrO3", "--unbalanced", "--json").lines
    assert line["sets"] and all("BaZrO3" in members for members in line["sets"])


def test_stock_limits_generated_candidates(plan):
    lines = plan("BaTiO3", "CaO", "--candidates", "generated", "--stock", "BaCO3,TiO2,BaUO4", "--json").lines
    assert [set(members) for members in lines[0]["sets"]] == [{"BaCO3", "TiO2"}]
    assert lines[1]["sets"] == [] and "Ca" in lines[1]["message"]


def test_rows_without_a_target_do_not_stop_generated_candidates(plan):
    result = plan("Hello", "--candidates", "generated", "--json")
    assert (result.code, result.lines[0]["sets"]) == (2, [])
    assert plan("He", "--candidates", "generated", "--json").lines[0]["sets"] == []


def test_a_word_near_generated_is_named(plan):
    result = plan("BaTiO3", "--candidates", "generatd")
    assert result.code == 2
    assert "'generated'" in result.err
    assert plan("BaTiO3", "--candidates", "al+generated").code == 2
    assert plan("BaTiO3", "--candidates", "+generated").code == 2


def test_the_atmosphere_stands_beside_the_equation(plan, tmp_path):
    path = tmp_path / "plans.csv"
    sets = ["LiFePO4", "--candidates", "FeC2O4,LiH2PO4", "--set-size", 2]
    (line,) = plan(*sets, "--json").lines
    assert line["atmospheres"] == ["inert"]
    out = plan(*sets).out
    assert "LiFePO4 + CO2 + H2O + CO [inert]" in out and "[ ]: atmosphere" in out
    plan(*sets, "--equations", "--output", path)
    assert pd.read_csv(path)["atmosphere"].tolist() == ["inert"]
    assert "[" not in plan("BaTiO3", "--candidates", "BaCO3,TiO2", "--set-size", 2).out
    plan(*sets, "--output", path)
    assert pd.read_csv(path)["atmosphere"].isna().all()


def test_the_atmosphere_that_was_asked_for_is_said(rrgraph, tmp_path):
    path = tmp_path / "plans.csv"
    shown = rrgraph("plan", "VO2", "--atmosphere", "flowing N2", "--no-evidence").out
    assert "ranked for synthesis in this atmosphere: inert" in shown
    rrgraph("plan", "VO2", "--atmosphere", "inert", "--output", path)
    assert set(pd.read_csv(path)["asked_atmosphere"]) == {"inert"}


def test_salts_remain_on_request(plan):
    sets = ["LiAlH4", "--candidates", "LiH,AlCl3", "--set-size", 2, "--top-k", 1]
    assert plan(*sets, "--foreign", "--no-evidence").out.strip() == ""
    result = plan(*sets, "--byproducts", "NaCl,LiCl", "--grams", 1)
    assert "4 LiH + AlCl3 → LiAlH4 + 3 LiCl" in result.out
    assert "solid by-products: LiCl" in result.out
    (line,) = plan(*sets, "--byproducts", "NaCl", "--byproducts", "salts", "--json").lines
    assert line["equations"] == ["4 LiH + AlCl3 → LiAlH4 + 3 LiCl"]
    refused = plan(*sets, "--byproducts", "salt")
    assert refused.code == 2 and "Did you mean 'salts'" in refused.err
