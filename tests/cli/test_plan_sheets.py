"""Tests of what `rrgraph plan` gives for the bench: batches, handling notes, sheets and the figure."""

import json

import pytest


@pytest.fixture
def plan(rrgraph, trained, monkeypatch, tmp_path):
    """Return a function that plans BaTiO3 in an empty folder, from BaCO3 and TiO2."""
    monkeypatch.chdir(tmp_path)
    return lambda *argv: rrgraph("plan", "BaTiO3", "--route", "BaCO3;TiO2", "--no-evidence", *argv, "--model", trained)


def test_excess_purity_and_balance_change_what_is_weighed(plan):
    plain = plan("--grams", 10, "--json").lines[0]["grams"][0]
    options = ["--grams", 10, "--excess", "Ba=5", "--purity", "TiO2=80", "--purity", 99, "--balance", 0.01]
    (line,) = plan(*options, "--json").lines
    assert line["grams"] == [{"TiO2": round(plain["TiO2"] / 0.8, 2), "BaCO3": round(plain["BaCO3"] * 1.05 / 0.99, 2)}]
    assert {each["formula"]: each["excess_percent"] for each in line["weigh_out"][0]["portions"]} == {
        "BaCO3": 5,
        "TiO2": 0,
    }
    shown = plan(*options).out
    assert "grams: divided by the purity (" in shown and "grams: with an excess (Ba 5 %)" in shown


@pytest.mark.parametrize("option", ["excess", "purity"])
def test_a_precursor_of_no_listed_set_is_told(rrgraph, trained, option):
    def told(name: str, *targets: str) -> str:
        argv = ["plan", "BaTiO3", *targets, "--no-evidence", "--top-k", 2, "--grams", 5, f"--{option}", f"{name}=90"]
        return rrgraph(*argv, "--model", trained).err

    sentence = f"BaCo3 is none of the precursors, so its {option} is not used. Did you mean 'BaCO3'?"
    assert sentence in told("BaCo3")
    assert "is none of" not in told("BaCO3", "SrTiO3")


def test_notes_are_shown_and_can_be_left_out(plan):
    shown = plan().out
    assert "handling, by general rules; no safety data sheet:" in shown and "  toxic: BaCO3" in shown
    assert "handling" not in plan("--no-handling").out
    handling = plan("--json").lines[0]["handling"]
    assert handling["materials"]["BaCO3"][0]["hazard"] == "toxic" and len(handling["sets"]) == 1
    assert "no safety data sheet" in handling["disclaimer"]
    assert "handling" not in plan("--json", "--no-handling").lines[0]


def test_files_hold_notes_where_they_are_asked_for(plan, tmp_path):
    import pandas as pd

    plan("--output", "plain.csv")
    plan("--output", "noted.csv", "--handling")
    plain, noted = pd.read_csv("plain.csv"), pd.read_csv("noted.csv")
    assert "toxic: barium" in noted["handling"][0]
    assert noted.drop(columns="handling").equals(plain)


def test_the_workbook_has_the_table_and_a_sheet_for_each_target(plan, tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="needs the extra 'xlsx'")
    plan("--output", "plan.xlsx", "--excess", "Ba=5")
    book = openpyxl.load_workbook("plan.xlsx")
    assert book.sheetnames == ["rrgraph", "BaTiO3"] and book.active.title == "BaTiO3"
    assert [cell.value for cell in book["rrgraph"][1]][:4] == ["row", "target", "rank", "precursors"]
    assert book["BaTiO3"]["B3"].value == 10
    plan("--output", "again.xlsx", "--excess", "Ba=5")
    assert (tmp_path / "again.xlsx").read_bytes() == (tmp_path / "plan.xlsx").read_bytes()


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_pages_and_texts_hold_equation_masses_and_notes(plan, tmp_path, suffix):
    pytest.importorskip("jinja2", reason="needs the extra 'figures'")
    grams = plan("--grams", 5, "--balance", 0.001, "--json").lines[0]["grams"][0]
    plan("--grams", 5, "--balance", 0.001, "--output", f"plan.{suffix}")
    text = (tmp_path / f"plan.{suffix}").read_text(encoding="utf-8")
    assert all(f"{mass:g}" in text for mass in grams.values())
    assert "barium carbonate" in text and "toxic" in text and "no safety data sheet" in text
    plan("--output", f"plan.{suffix}", "--no-handling")
    assert "toxic" not in (tmp_path / f"plan.{suffix}").read_text(encoding="utf-8")


def test_only_the_first_targets_of_a_list_get_sheets(rrgraph, trained, tmp_path, monkeypatch):
    openpyxl = pytest.importorskip("openpyxl", reason="needs the extra 'xlsx'")
    monkeypatch.setattr("rrgraph.cli.plan.sheets._MOST_SHEETS", 2)
    path = tmp_path / "plans.xlsx"
    rrgraph("plan", "BaTiO3", "SrTiO3", "CaTiO3", "--model", trained, "--top-k", 1, "--output", path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["rrgraph", "BaTiO3", "SrTiO3"]
    assert book["rrgraph"].max_row == 4


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_figure_of_a_plan(plan, tmp_path, suffix):
    pytest.importorskip("matplotlib", reason="needs the extra 'figures'")
    result = plan("--figure", f"plan.{suffix}", "--json")
    assert json.loads(result.out)["target"] == "BaTiO3"
    content = (tmp_path / f"plan.{suffix}").read_bytes()
    assert content.startswith(b"\x89PNG") if suffix == "png" else b"<svg" in content
    plan("--figure", f"again.{suffix}")
    assert (tmp_path / f"again.{suffix}").read_bytes() == content


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--excess", "Ba=5"], "--excess changes what is weighed out, which --grams asks for"),
        (["--purity", "99", "--output", "x.csv"], "--purity changes what is weighed out"),
        (["--balance", "0.1"], "--balance changes what is weighed out"),
        (["--grams", 1, "--excess", "Bb=5"], "--excess names 'Bb', which is neither an element nor a formula"),
        (["--grams", 1, "--purity", "TiO2=0"], "--purity is '0', expected percent"),
        (["--figure", "x.jpg"], "--figure is 'x.jpg', expected a name that ends with .svg or .png"),
        (["--figure", "x.svg", "--output", "x.svg"], "--output is 'x.svg', expected a name that ends with"),
        (["--output", "x.htm"], "Did you mean '.html'?"),
    ],
)
def test_options_that_do_not_fit_are_refused(plan, tmp_path, options, words):
    result = plan(*options)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert list(tmp_path.iterdir()) == []


def test_a_figure_shows_one_target(rrgraph, trained):
    result = rrgraph("plan", "BaTiO3", "SrTiO3", "--figure", "x.svg", "--model", trained)
    assert result.code == 2 and "--figure draws one target" in result.err
