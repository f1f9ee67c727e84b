"""What is damaged in an experiment is left out, named, and gives the exit code 1."""

from __future__ import annotations

import shutil

import pytest

from rrgraph.cli.main import main
from rrgraph.errors import ConfigError
from rrgraph.figures.results import read_results

DEEP = "[" * 3000 + "]" * 3000
TABLE = "split,rows,system,protocol,k,mean,deviation,seeds,place,lead_p_value,above\n"


@pytest.fixture
def folder(experiment, tmp_path):
    shutil.copytree(experiment, tmp_path / "e", ignore=shutil.ignore_patterns("ours-*"))
    rows = (tmp_path / "e" / "results.csv").read_text().splitlines(keepends=True)
    (tmp_path / "e" / "results.csv").write_text("".join(row for row in rows if not row.startswith("ours")))
    return tmp_path / "e"


@pytest.fixture
def call(folder, tmp_path, capsys):
    """Return a function that calls a command on the experiment and gives its exit code and complaints."""

    def called(command):
        output = ["--output", str(tmp_path / ("page.html" if command == "report" else "drawn"))]
        only = "target_embeddings" if command == "report" else "top_k"  # which no run here has
        code = main([command, str(folder), "--only", only, *output])
        return code, capsys.readouterr().err.splitlines()

    return called


def unlist(folder, name):
    """Take a run out of the results, as `rrgraph experiment` does with a damaged one."""
    system, split, seed = name.split("-")
    rows = (folder / "results.csv").read_text().splitlines(keepends=True)
    kept = [row for row in rows if not row.startswith(f"{system},{split},{seed},")]
    assert len(kept) == len(rows) - 1
    (folder / "results.csv").write_text("".join(kept))


@pytest.mark.parametrize("command", ["figures", "report"])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(
    ("name", "content"), [("metrics.json", "{"), ("ranks.json", "[1]"), ("config.yaml", "a: !!set")]
)
def test_a_damaged_run_among_good_ones_is_named(folder, call, command, listed, name, content):
    run = folder / "runs" / "invented-dr-1"
    (run / name).write_text(content)
    if not listed:
        unlist(folder, run.name)
    code, (sentence,) = call(command)
    assert code == 1
    assert sentence.startswith(f"rrgraph {command}: left out: ") and str(run) in sentence


def test_a_measured_run_without_results_is_named_if_it_was_asked_for(folder, call):
    unlist(folder, "invented-dr-1")
    asked = "systems: {popularity: {config: a}, invented: {config: b}}\nsplits: [dr, random]\nseeds: [0, %d]\n"
    (folder / "experiment.yaml").write_text(asked % 2)
    assert call("report") == (0, [])
    (folder / "experiment.yaml").write_text(asked % 1)
    code, (sentence,) = call("report")
    assert code == 1
    assert f"The run in '{folder / 'runs' / 'invented-dr-1'}' is not among the results" in sentence
    (folder / "runs" / "invented-dr-1" / "metrics.json").unlink()  # not finished
    assert call("report") == (0, [])


@pytest.mark.parametrize("content", ["", "{", "[1, NaN]", "\x00", DEEP])
@pytest.mark.parametrize("name", ["environment.json", "data.json"])
def test_a_damaged_record_beside_the_results_is_left_out(folder, call, name, content):
    (folder / name).write_text(content)
    code, (sentence,) = call("report")
    assert code == 1
    assert f"'{folder / name}'" in sentence


@pytest.mark.parametrize("content", ["", "split,rows\ndr,all\n", TABLE, "\x00\xff", TABLE + "x" * 200_000])
def test_a_damaged_table_is_made_again_from_the_results(folder, call, tmp_path, content):
    (folder / "table.csv").write_text(content)
    code, (sentence, *_) = call("report")
    assert code == 1
    assert f"'{folder / 'table.csv'}'" in sentence
    assert "Split dr" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    "row",
    ["dr,all,b,open,one,6,,1,2,,False", "dr,all,b,open,1,nan,,1,2,,False", "dr,all,b", "dr,all,b,open,1,6,x,1,,,"],
)
def test_a_damaged_row_of_a_table_stops_only_itself(folder, call, tmp_path, row):
    (folder / "table.csv").write_text(f"{TABLE}dr,all,a,open,1,61.25,0.5,3,1,0.01,True\n{row}\n")
    code, (sentence,) = call("report")
    assert code == 1
    assert f"Line 3 of '{folder / 'table.csv'}' is damaged: " in sentence
    assert "61.2 ± 0.5" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    "change",
    [("dr,1,33,1.5,0.", "dr,1,33,1.5,high"), ("dr,1,33", "../x,1,33"), ("dr,1,33", "dr,,33"), ("dr,1,33", "33")],
)
def test_a_damaged_row_of_results_stops_only_itself(folder, call, change):
    before, after = (f"popularity,{part}" for part in change)
    text = (folder / "results.csv").read_text()
    assert text.count(before) == 1
    (folder / "results.csv").write_text(text.replace(before, after))
    code, (sentence, *_) = call("report")
    assert code == 1
    assert f"Line 3 of '{folder / 'results.csv'}' is damaged: " in sentence


def test_a_damaged_configuration_of_the_experiment_is_left_out(folder, call):
    (folder / "experiment.yaml").write_text("name: [")
    code, (sentence,) = call("report")
    assert code == 1
    assert "experiment.yaml' is not valid YAML" in sentence


def test_results_without_a_row_that_is_left_are_refused(folder, call):
    (folder / "results.csv").write_text("system,split,seed\na,b,c\n")
    with pytest.raises(ConfigError, match=r"Line 2 of .* is damaged: its seed is 'c'"):
        read_results(folder)
    for command in ("figures", "report"):
        assert call(command)[0] == 2
