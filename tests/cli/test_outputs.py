"""Files that commands write: what they refuse before any work, and what they leave alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from rrgraph.data import load_table


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a table, a link to it, a read-only file, a read-only folder and a run folder."""
    monkeypatch.chdir(tmp_path)
    load_table("textbook").select(range(3)).write("in.csv")
    (tmp_path / "link.csv").symlink_to("in.csv")
    for name in ("kept.csv", "kept.json", "kept.jsonl", "kept.html", "kept.parquet"):
        (tmp_path / name).write_text("kept")
        (tmp_path / name).chmod(0o444)
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed").chmod(0o555)
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "train.csv").write_bytes((tmp_path / "in.csv").read_bytes())
    (tmp_path / "predictions.jsonl").write_text("")
    (tmp_path / "run").mkdir()
    for name in ("metrics.json", "model.json"):
        (tmp_path / "run" / name).write_text("{}")
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "command",
    [
        "plan --input in.csv --output {}",
        "plan --input targets.csv --stock in.csv --output {}",
        "plan --input targets.csv --table in.csv --output {}",
        "plan --input in.csv --rejects {} --output out.csv",
        "plan --domain organic --input in.csv --output {} --model none",
        "properties --input in.csv --output {}",
        "properties --input in.csv --rejects {}",
        "embed --input in.csv --output {}",
        "embed --input in.csv --rejects {} --output out.csv",
        "prompts in.csv --output {}",
        "prompts table.csv --answers in.csv --output {}",
        "score p.jsonl --truth in.csv --output {}",
        "score p.jsonl --truth t.csv --train in.csv --output {}",
        "score in.csv --truth t.csv --rejects {}",
        "data clean in.csv --output {}",
        "data clean in.csv --output out.csv --report {}",
        "cooccur in.csv --output {}",
        "cooccur in.csv --pairs {}",
        "cooccur in.csv --substitutions {}",
        "cooccur in.csv --kinds {}",
        "cooccur in.csv --html {}",
    ],
)
@pytest.mark.parametrize("name", ["in.csv", "link.csv", "none/../in.csv"])
def test_nothing_is_written_onto_what_is_read(rrgraph, place, command, name):
    before = contents(place)
    result = rrgraph(*command.format(name).split())
    assert result.code == 2
    assert f"is '{name}', which is the file of " in result.err
    assert result.err.count("\n") == 1
    assert contents(place) == before


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "data split splits/train.csv random --output splits",
            "the train table is 'splits/train.csv', which is the file",
        ),
        ("evaluate run --split test --output run/metrics.json", "--output is 'run/metrics.json', which is the file of"),
        ("evaluate run --split test --predictions run/model.json", "--predictions is 'run/model.json', which is the"),
        ("report run --output run/metrics.json", "--output is 'run/metrics.json', which is the file of the folder."),
        ("cooccur in.csv --pairs a.csv --kinds a.csv", "--kinds is 'a.csv', which is the file of --pairs."),
        ("cooccur in.csv --output a.csv --pairs a.nodes.csv", "is 'a.nodes.csv', which is the file of --pairs."),
        (
            "plan --input in.csv --output a.csv --rejects ./a.csv",
            "--rejects is './a.csv', which is the file of --output.",
        ),
    ],
)
def test_files_that_are_needed_or_written_twice_are_refused(rrgraph, place, command, words):
    before = contents(place)
    result = rrgraph(*command.split())
    assert result.code == 2
    assert words in result.err
    assert contents(place) == before


@pytest.mark.parametrize(
    "command",
    [
        "plan BaTiO3 --output {}.csv",
        "plan --input in.csv --output out.csv --rejects {}.csv",
        "plan --domain organic CCO --model none --output {}.jsonl",
        "properties BaTiO3 --output {}.csv",
        "embed --input in.csv --output {}.parquet",
        "prompts in.csv --output {}.jsonl",
        "score predictions.jsonl --truth in.csv --output {}.json",
        "score predictions.jsonl --truth in.csv --rejects {}.csv",
        "evaluate run --split test --output {}.json",
        "evaluate run --split test --predictions {}.jsonl",
        "report run --output {}.html",
        "data clean in.csv --output {}.csv",
        "data clean in.csv --output out.csv --report {}.json",
        "cooccur in.csv --output {}.json",
        "cooccur in.csv --html {}.html",
        "cooccur in.csv --pairs {}.csv",
    ],
)
@pytest.mark.parametrize(
    ("name", "reason"), [("kept", "it is read-only"), ("closed/a", "is read-only"), ("in.csv/a", "is not a folder")]
)
def test_files_that_cannot_be_written_are_refused_before_the_work(rrgraph, place, command, name, reason):
    before = contents(place)
    result = rrgraph(*command.format(name).split())
    assert result.code == 2
    assert f"Cannot write '{name}." in result.err
    assert result.err.endswith(f"{reason}.\n")
    assert result.err.count("\n") == 1
    assert contents(place) == before


@pytest.mark.parametrize(
    "command",
    [
        "plan --domain organic CCO --model none --svg {}",
        "data split in.csv random --output {}",
        "cooccur in.csv --figures {}",
        "figures run --output {}",
        "train quickstart output={}",
        "pretrain pretrain output={}",
        "train baselines/popularity output={}",
        pytest.param("tune quickstart --trials 1 output={}", marks=pytest.mark.slow),  # imports Optuna
        "experiment table2 output={}",
    ],
)
@pytest.mark.parametrize("name", ["closed", "in.csv/a"])
def test_folders_that_cannot_be_written_are_refused_before_the_work(rrgraph, place, command, name):
    before = contents(place)
    result = rrgraph(*command.format(name).split())
    assert result.code == 2
    assert f"'{name}'" in result.err
    assert result.err.count("\n") == 1
    assert not result.out
    assert contents(place) == before


def test_a_plan_goes_to_a_device_and_behind_a_link(rrgraph, place, trained):
    (place / "plans.csv").symlink_to("splits/plans.csv")
    assert rrgraph("plan", "BaTiO3", "--model", trained, "--output", "/dev/null").code == 0
    assert rrgraph("plan", "BaTiO3", "--model", trained, "--output", "plans.csv").code == 0
    assert (place / "plans.csv").is_symlink()
    assert (place / "splits" / "plans.csv").read_text().startswith("row,target,")
    result = rrgraph("plan", "BaTiO3", "--model", trained, "--output", "/dev/full")
    assert result.code == 2
    assert result.err == "rrgraph plan: Cannot write '/dev/full': No space left on device.\n"


@pytest.mark.parametrize("name", ["../x", "x\0y"])
@pytest.mark.parametrize(
    "argv",
    [
        ["figures", "HERE", "--only", "NAME"],
        ["report", "HERE", "--only", "NAME"],
        ["cooccur", "textbook", "--graph", "NAME", "--output", "HERE/graph.json"],
        ["train", "quickstart", "name=NAME"],
        ["pretrain", "pretrain", "name=NAME"],
        ["tune", "quickstart", "--study", "NAME"],
        ["experiment", "table2", "name=NAME"],
        ["experiment", "table2", "compare_with=NAME"],
        ["experiment", "table2", 'systems={"NAME": {config: quickstart}}'],
    ],
)
def test_names_that_lead_elsewhere_are_refused(rrgraph, tmp_path, monkeypatch, argv, name):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    here = str(tmp_path / "here")
    result = rrgraph(*(word.replace("NAME", name).replace("HERE", here) for word in argv))
    assert result.code == 2
    assert len(result.err.splitlines()) <= 3
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize(
    "argv",
    [
        ["score", "predictions.jsonl", "--truth", "table.csv"],
        ["score", "predictions.jsonl", "--truth", "table.csv", "--json"],
        ["prompts", "table.csv"],
        ["prompts", "table.csv", "--answers", "answers.jsonl"],
        ["data", "clean", "table.csv"],
        ["cooccur", "table.csv"],
    ],
)
def test_standard_output_that_takes_the_file_takes_nothing_else(rrgraph, tmp_path, monkeypatch, argv):
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text("target,precursors\nBaTiO3,BaCO3;TiO2\n")
    Path("predictions.jsonl").write_text('{"target": "BaTiO3", "sets": [["BaCO3", "TiO2"]]}\n')
    Path("answers.jsonl").write_text('{"target": "BaTiO3", "answer": "[[BaCO3, TiO2]]"}\n')
    shown = rrgraph(*argv, "--output", "/dev/null")
    assert shown.code == 0
    assert shown.out
    found = rrgraph(*argv, "--output", "/dev/stdout")
    assert (found.code, found.out) == (0, "")
    assert found.err == shown.err + shown.out.replace("/dev/null", "/dev/stdout")
