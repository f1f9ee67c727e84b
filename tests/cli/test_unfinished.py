"""Runs of a list that are killed, and go on from where they were."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

import rrgraph as rr
from rrgraph.cli import main
from rrgraph.cli.common.unfinished import open_unfinished
from rrgraph.errors import DataError

TARGETS = (
    "formula,note\nBaTiO3,a\nHello,b\nSrTiO3,c\nCaTiO3:Eu2+,d\nLiFePO4,e\nMgAl2O4,f\nX9,g\nLaMnO3,h\nZnO,i\nBaZrO3,j\n"
)
HIDDEN = ("equations", "evidence", "handling", "conditions")
"""What is not shown where a table is written."""
SUFFIXES = ("jsonl", "csv", "parquet", "xlsx", "csv.gz", "jsonl.gz", "html", "md")


class KilledError(BaseException):
    """The end of a process, as far as one process can tell."""


@pytest.fixture
def targets(tmp_path):
    (tmp_path / "targets.csv").write_text(TARGETS)
    return tmp_path / "targets.csv"


@pytest.fixture
def plan(rrgraph, trained, monkeypatch, tmp_path):
    """Return a function that plans in batches of 3 and can be ended before a batch; it knows what was planned."""
    monkeypatch.setattr("rrgraph.cli.plan.command._BATCH_SIZE", 3)
    monkeypatch.chdir(tmp_path)
    planner = rr.Model.plan

    def planned(self, compositions, **options):
        if len(plan.batches) == plan.end_before:
            raise plan.end
        plan.batches.append([each.formula for each in compositions])
        return planner(self, compositions, **options)

    def plan(*argv, end_before=None, end=KilledError, model=trained):
        plan.batches, plan.end_before, plan.end = [], end_before, end
        arguments = ("plan", *argv, "--model", model)
        if end_before is None or end is not KilledError:
            return rrgraph(*arguments)
        with pytest.raises(KilledError):
            rrgraph(*arguments)
        return None

    monkeypatch.setattr(rr.Model, "plan", planned)
    return plan


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_run_that_was_killed_ends_like_one_that_was_not(plan, targets, tmp_path, suffix):
    if suffix == "xlsx":
        pytest.importorskip("openpyxl", reason="needs the extra 'xlsx'")
    whole = plan("--input", targets, "--output", f"whole.{suffix}", "--rejects", "whole_rejects.csv")
    assert whole.code == 2 and len(plan.batches) == 4
    given = ["--input", targets, "--output", f"plans.{suffix}", "--rejects", "rejects.csv"]
    plan(*given, end_before=1)
    plan(*given, "--resume", end_before=2)
    assert not Path(f"plans.{suffix}").exists()
    result = plan(*given, "--resume")
    assert plan.batches == [["BaZrO3"]]
    assert (result.code, result.err) == (whole.code, whole.err)
    assert Path(f"plans.{suffix}").read_bytes() == Path(f"whole.{suffix}").read_bytes()
    assert Path("rejects.csv").read_bytes() == Path("whole_rejects.csv").read_bytes()
    names = {"targets.csv", f"whole.{suffix}", f"plans.{suffix}", "whole_rejects.csv", "rejects.csv"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_json_lines_are_printed_from_the_first_on(plan, targets):
    given = ["--input", targets, "--output", "plans.csv", "--json"]
    plan(*given, end_before=2)
    resumed = plan(*given, "--resume")
    assert resumed.lines == plan("--input", targets, "--json", *(f"--no-{each}" for each in HIDDEN)).lines


def test_ctrl_c_says_how_to_go_on(plan, targets):
    given = ["--input", targets, "--output", "plans.csv"]
    result = plan(*given, end_before=2, end=KeyboardInterrupt)
    assert result.code == 130
    assert "kept in 'plans.csv.partial'; the same command with --resume goes on from there." in result.err
    before = Path("plans.csv.partial").read_bytes()
    refused = plan(*given)
    assert refused.code == 2 and not plan.batches
    assert "--resume goes on from there, and --restart discards it." in refused.err
    assert Path("plans.csv.partial").read_bytes() == before
    assert plan(*given, "--restart").code == 2
    assert len(plan.batches) == 4 and not Path("plans.csv.partial").exists()


def test_nothing_is_kept_of_a_run_that_did_nothing(plan, targets, tmp_path):
    plan("--input", targets, "--output", "plans.csv", end_before=0)
    assert [path.name for path in tmp_path.iterdir()] == ["targets.csv"]
    assert plan("--input", targets, "--output", "plans.csv", "--top-k", 0).code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["targets.csv"]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("option", "it was begun with no --foreign, not with --foreign"),
        ("value", "it was begun with no --grams, not with --grams 5.0"),
        ("input", "the content of --input targets.csv has changed"),
        ("stock", "the content of --stock stock.txt has changed"),
        ("model", "the content of --model"),
        ("version", "it was begun by rrgraph 0.0.1 and this is"),
    ],
)
def test_what_was_asked_otherwise_is_not_resumed(plan, targets, trained, monkeypatch, change, difference):
    shutil.copytree(trained, "model")
    Path("stock.txt").write_text("BaO\nTiO2\nSrO\n")
    given = ["--input", "targets.csv", "--output", "plans.jsonl", "--stock", "stock.txt"]
    with monkeypatch.context() as patch:
        if change == "version":
            patch.setattr("rrgraph.cli.common.unfinished.__version__", "0.0.1")
        plan(*given, model="model", end_before=2)
    if change in ("input", "stock", "model"):
        changed = {"input": "targets.csv", "stock": "stock.txt", "model": "model/model.json"}[change]
        with Path(changed).open("a") as file:
            file.write("\n")
    more = {"option": ["--foreign"], "value": ["--grams", 5]}.get(change, [])
    before = Path("plans.jsonl.partial").read_bytes()
    result = plan(*given, *more, "--resume", model="model")
    assert result.code == 2 and not plan.batches
    assert f"'plans.jsonl.partial' cannot be resumed: {difference}" in result.err.splitlines()[-1]
    assert Path("plans.jsonl.partial").read_bytes() == before and not Path("plans.jsonl").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["BaTiO3", "--output", "plans.csv", "--resume"], "--resume is for a run from --input FILE to --output FILE"),
        (["--input", "targets.csv", "--restart"], "--restart is for a run from --input FILE to --output FILE"),
    ],
)
def test_only_a_run_from_file_to_file_is_resumed(plan, targets, given, message):
    result = plan(*given)
    assert result.code == 2 and message in result.err and not plan.batches


def test_a_file_that_is_in_the_way_stays(plan, targets):
    Path("plans.csv.partial").write_text("my notes\n")
    for option in ([], ["--resume"], ["--restart"]):
        result = plan("--input", targets, "--output", "plans.csv", *option)
        assert result.code == 2 and "'plans.csv.partial' is in the way" in result.err
    assert Path("plans.csv.partial").read_text() == "my notes\n"


def opened(folder, *, resume=True, output="out.csv"):
    given = {"command": "plan", "input": str(folder / "in.csv"), "output": str(folder / output)}
    return open_unfinished(argparse.Namespace(**given, resume=resume, restart=False), model="none")


def keep_all(folder, **options):
    """Keep four batches of two answers; return the content of the file in the end, and how many were computed."""
    computed = 0
    with opened(folder, **options) as keep:
        for number in range(4):
            expected = [[None, {"é": 0.1 * number}], ["line 2: \ud800", []]]

            def answers(expected=expected):
                nonlocal computed
                computed += 1
                yield from expected

            assert keep(2, answers()) == expected
        return (folder / "out.csv.partial").read_bytes(), computed


def test_a_line_that_was_cut_off_is_dropped_wherever_that_was(tmp_path):
    (tmp_path / "in.csv").write_text("formula\n")
    whole, computed = keep_all(tmp_path, resume=False)
    partial = tmp_path / "out.csv.partial"
    ends = [index + 1 for index, byte in enumerate(whole) if byte == 10]
    assert computed == 4 and len(ends) == 5 and not partial.exists()
    for cut in range(len(whole) + 1):
        partial.write_bytes(whole[:cut])
        content, computed = keep_all(tmp_path)
        assert content == whole
        assert computed == 4 - max(sum(end <= cut for end in ends) - 1, 0)


def test_a_damaged_line_is_dropped_with_all_behind_it(tmp_path):
    (tmp_path / "in.csv").write_text("formula\n")
    whole, _ = keep_all(tmp_path, resume=False)
    lines = whole.splitlines(keepends=True)
    changed = lines[2].replace(b"0.1", b"0.7")
    deep = b"[" * 100_000 + b"\n"
    for damaged in (b"\0" * len(lines[2]), b"[]\n", b"7\n", changed, deep, b"", lines[1], lines[3]):
        (tmp_path / "out.csv.partial").write_bytes(b"".join([*lines[:2], damaged, *lines[3:]]))
        assert keep_all(tmp_path) == (whole, 3)


@pytest.mark.parametrize("first", ['{"rrgraph": 1}', '{"rrgraph": "1", "options": []}', '{"rrgraph": ' + "[" * 100_000])
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_damaged_first_line_is_refused(tmp_path, first, is_whole):
    (tmp_path / "in.csv").write_text("formula\n")
    partial = tmp_path / "out.csv.partial"
    partial.write_text(f"{first}\t{zlib.crc32(first.encode()):08x}\n" if is_whole else f"{first}\n")
    before = partial.read_bytes()
    with pytest.raises(DataError, match="its first line is damaged; --restart discards it"), opened(tmp_path):
        pass
    assert partial.read_bytes() == before


def test_an_output_is_the_same_by_all_its_names(tmp_path):
    (tmp_path / "in.csv").write_text("formula\n")
    (tmp_path / "alias.csv").symlink_to("out.csv")
    with opened(tmp_path, output="alias.csv") as keep:
        keep(1, [1])
        assert (tmp_path / "out.csv.partial").stat().st_size
        with pytest.raises(DataError, match="Another process is writing"), opened(tmp_path, output="none/../out.csv"):
            pass
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "alias.csv"}


def test_a_link_that_is_in_the_way_stays(tmp_path):
    (tmp_path / "in.csv").write_text("formula\n")
    (tmp_path / "notes").touch()
    (tmp_path / "out.csv.partial").symlink_to("notes")
    with pytest.raises(DataError, match=r"out\.csv\.partial' is in the way"), opened(tmp_path, resume=False) as keep:
        keep(1, [1])
    assert (tmp_path / "notes").read_text() == ""
    assert (tmp_path / "out.csv.partial").is_symlink()


def test_a_second_process_is_refused(tmp_path):
    (tmp_path / "in.csv").write_text("formula\n")
    with opened(tmp_path) as keep, pytest.raises(DataError, match=r"Another process is writing '.*out\.csv'\."):
        keep(1, [1])
        with opened(tmp_path):
            pass
    assert not (tmp_path / "out.csv.partial").exists()


def test_of_streams_nothing_is_kept(tmp_path):
    (tmp_path / "in.csv").write_text("formula\n")
    os.mkfifo(tmp_path / "pipe.csv")
    with opened(tmp_path, resume=False, output="pipe.csv") as keep:
        assert list(keep(1, iter([1]))) == [1]
        assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "pipe.csv"}
    with pytest.raises(DataError, match="--resume is for"), opened(tmp_path, output="pipe.csv"):
        pass


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "in.csv").write_text("formula\n")
    with (
        pytest.raises(DataError, match=r"Cannot write '.*in\.csv/out\.csv': "),
        opened(tmp_path, output="in.csv/out.csv"),
    ):
        pass


@pytest.mark.slow
def test_a_process_that_was_killed_is_resumed(tmp_path):
    formulas = dict.fromkeys(row.target.formula for row in rr.load_reactions("textbook"))
    (tmp_path / "targets.txt").write_text("\n".join([*formulas][:32]))
    command = ["plan", "--input", str(tmp_path / "targets.txt"), "--top-k", "3"]
    assert main([*command, "--output", str(tmp_path / "whole.jsonl")]) == 0
    output, partial = tmp_path / "plans.jsonl", tmp_path / "plans.jsonl.partial"
    resumed = [*command, "--output", str(output), "--resume"]
    for batches in (1, 2):
        process = subprocess.Popen([sys.executable, "-m", "rrgraph", *resumed], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while not (partial.exists() and partial.read_bytes().count(b"\n") > batches):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert not output.exists()
    assert main(resumed) == 0
    assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert not partial.exists()
