"""Screenings whose processes are killed: nothing is lost but what was being worked on, and bytes stay the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from rrgraph.screening import ScreeningSettings, screen

from .conftest import contents

LONG = 600
"""Seconds after which a test fails."""
MARK = "RRGRAPH_TEST_SCREENING"
FORMULAS = ["BaTiO3", "SrTiO3", "LiFePO4", "Li2MnO3", "NaCoO2", "Y3Al5O12", "LaFeO3", "CaZrO3", "Xx2", "KNbO3"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found below /proc"),
]


def waited_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def workers(mark: str, name: bytes) -> list[int]:
    """Return the processes with a mark in their environment and a name in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            own = f"{MARK}={mark}".encode() in (path / "environ").read_bytes()
            if own and name in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:  # it has ended
            continue
    return found


@pytest.mark.parametrize(("engine", "name"), [("local", b"spawn_main"), ("ray", b"ray::_Actor")])
def test_killed_processes_change_nothing(engine, name, tmp_path):
    if engine == "ray":
        pytest.importorskip("ray")
    table = tmp_path / "targets.txt"
    table.write_text("\n".join([*FORMULAS, *FORMULAS[::-1]]) + "\n")
    settings = ScreeningSettings(input=str(table), shard_rows=2, energies=False, conditions=False, device="auto")
    screen(settings, tmp_path / "whole", engine="serial")
    folder = tmp_path / "cut"
    options = ["--no-energies", "--no-conditions", "--shard-rows", "2", "--engine", engine, "--jobs", "2"]
    command = [sys.executable, "-m", "rrgraph", "screen", str(table), "--output", str(folder), *options]
    mark = uuid4().hex
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), MARK: mark}
    done = folder / "done"

    first = subprocess.Popen(command, env=environment)
    waited_for(lambda: list(done.glob("[0-9]*.json")) and len(workers(mark, name)) >= 2)
    os.kill(workers(mark, name)[0], signal.SIGKILL)
    before = len(list(done.glob("[0-9]*.json")))
    waited_for(lambda: len(list(done.glob("[0-9]*.json"))) > before or first.poll() is not None)
    first.kill()
    first.wait()
    waited_for(lambda: not workers(mark, name))

    kept = {path.name: path.stat().st_mtime_ns for path in done.glob("[0-9]*.json")}
    screen(settings, folder, engine="serial", resume=True)
    assert kept.items() <= {path.name: path.stat().st_mtime_ns for path in done.glob("[0-9]*.json")}.items()
    assert contents(folder / "shards") == contents(tmp_path / "whole" / "shards")
    assert (folder / "rejects.csv").read_bytes() == (tmp_path / "whole" / "rejects.csv").read_bytes()


def test_a_cluster_that_loses_one_of_two_nodes_leaves_the_same_bytes(tmp_path, monkeypatch):
    clusters = pytest.importorskip("ray.cluster_utils")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.chdir(tmp_path)
    Path("targets.txt").write_text("\n".join([*FORMULAS, *FORMULAS[::-1]]) + "\n")
    screen(
        ScreeningSettings(input="targets.txt", shard_rows=2, energies=False, conditions=False), "whole", engine="serial"
    )
    node = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100_000_000}
    before = signal.getsignal(signal.SIGTERM)  # Ray sets a handler that ends the process
    try:
        cluster = clusters.Cluster(initialize_head=True, head_node_args=node)
        second = cluster.add_node(**node)
    except Exception as error:  # what Ray raises where it starts too slowly
        pytest.skip(f"no cluster: {error}")
    finally:
        signal.signal(signal.SIGTERM, before)
    try:
        options = [
            "--no-energies",
            "--no-conditions",
            "--shard-rows",
            "2",
            "--engine",
            "ray",
            "--address",
            cluster.address,
            "--jobs",
            "2",
        ]
        command = [sys.executable, "-m", "rrgraph", "screen", "targets.txt", "--output", "cut", *options]
        with subprocess.Popen(command) as process:
            waited_for(lambda: list(Path("cut", "done").glob("[0-9]*.json")) or process.poll() is not None)
            cluster.remove_node(second, allow_graceful=False)
            assert process.wait(LONG) == 0
    finally:
        cluster.shutdown()
    assert contents(Path("cut", "shards")) == contents(Path("whole", "shards"))


@pytest.mark.usefixtures("heed_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_no_process_and_can_be_resumed(number, tmp_path):
    table = tmp_path / "targets.txt"
    table.write_text("\n".join(FORMULAS * 20) + "\n")
    mark = uuid4().hex
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), MARK: mark}
    command = [sys.executable, "-m", "rrgraph", "screen", str(table), "--output", str(tmp_path / "out")]
    command += ["--shard-rows", "2", "--jobs", "1", "--no-energies", "--no-conditions"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    waited_for(lambda: list((tmp_path / "out" / "done").glob("[0-9]*.json")))
    process.send_signal(number)
    _, said = process.communicate(timeout=LONG)
    assert process.returncode == 128 + number
    assert "the same command with --resume goes on" in said and "Traceback" not in said
    waited_for(lambda: not workers(mark, b""))
    assert not (tmp_path / "out" / ".lock").exists()
