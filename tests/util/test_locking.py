from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from rrgraph.errors import ConfigError, DataError
from rrgraph.util import locking
from rrgraph.util.locking import LOCK_FILE, abandon, locked_folder

HOLDER = """\
import sys, time
from pathlib import Path
from rrgraph.util.locking import locked_folder
with locked_folder(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def write_owner(folder, **changes):
    owner = {"pid": os.getppid(), "host": socket.gethostname(), "since": "2026-01-02 03:04:05"}
    owner["started"] = locking._started(owner["pid"])
    (folder / LOCK_FILE).write_text(json.dumps(owner | changes))


def is_free(folder):
    with locked_folder(folder):
        return True


def test_a_folder_is_for_one_at_a_time_and_nothing_is_left(tmp_path):
    with locked_folder(tmp_path):
        with pytest.raises(ConfigError, match=rf"is in use by process {os.getpid()} on .*, since 20.*wait for it"):
            is_free(tmp_path)
        assert [entry.name for entry in tmp_path.iterdir()] == [LOCK_FILE]
    assert is_free(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_left_empty_is_removed_with_those_made_for_it(tmp_path):
    folder = tmp_path / "runs" / "one"
    with pytest.raises(ZeroDivisionError), locked_folder(folder):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
    with locked_folder(folder):
        (folder / "config.yaml").touch()
    assert [entry.name for entry in folder.iterdir()] == ["config.yaml"]


def test_a_lock_ends_with_its_process_however_it_ends(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"locked\n"
        with pytest.raises(ConfigError, match=f"process {process.pid} on"):
            is_free(tmp_path)
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / LOCK_FILE).exists()
    assert is_free(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_that_a_killed_process_has_not_written_is_taken_over(tmp_path):
    (tmp_path / LOCK_FILE).touch()
    assert is_free(tmp_path)


OWNER = '{"pid": %s, "host": "elsewhere", "since": "", "started": ""}'


@pytest.mark.parametrize(
    "text",
    ["my notes\n", "{", "[]", '{"pid": 1}', "[" * 4000, "\udcff", *(OWNER % pid for pid in (-1, 0, 10**23, "true"))],
)
def test_a_file_of_somebody_else_is_in_the_way(tmp_path, text):
    (tmp_path / LOCK_FILE).write_text(text, errors="surrogateescape")
    before = (tmp_path / LOCK_FILE).read_bytes()
    with pytest.raises(DataError, match=rf"{LOCK_FILE}' is in the way"):
        is_free(tmp_path)
    abandon(tmp_path)
    assert (tmp_path / LOCK_FILE).read_bytes() == before


@pytest.mark.parametrize("kind", ["link", "dangling", "hard", "folder", "pipe"])
def test_what_is_no_file_or_has_another_name_is_in_the_way(tmp_path, kind):
    notes, path = tmp_path / "notes", tmp_path / "run" / LOCK_FILE
    path.parent.mkdir()
    notes.touch()
    make = {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "hard": lambda: path.hardlink_to(notes)}
    make.get(kind, lambda: path.symlink_to(notes if kind == "link" else tmp_path / "nowhere"))()
    with pytest.raises(DataError, match="is in the way"):
        is_free(path.parent)
    assert os.path.lexists(path)
    assert notes.read_text() == ""
    assert not (tmp_path / "nowhere").exists()


def test_nobody_here_knows_whether_a_process_elsewhere_is_dead(tmp_path):
    write_owner(tmp_path, host="elsewhere", pid=7)
    with pytest.raises(ConfigError, match=rf"process 7 on elsewhere.*if it is dead remove '.*{LOCK_FILE}'"):
        is_free(tmp_path)
    abandon(tmp_path)
    assert is_free(tmp_path)
    abandon(tmp_path)
    with locked_folder(tmp_path):
        abandon(tmp_path)
        assert (tmp_path / LOCK_FILE).exists()


@pytest.mark.skipif(locking.fcntl is None, reason="no flock")
def test_without_locks_of_the_system_a_living_process_counts(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError("no locks here")

    monkeypatch.setattr(locking.fcntl, "flock", unsupported)
    write_owner(tmp_path)
    with pytest.raises(ConfigError, match=f"process {os.getppid()} on"):
        is_free(tmp_path)
    write_owner(tmp_path, started="another time")
    assert is_free(tmp_path)
    write_owner(tmp_path, pid=2**22 + 1)
    assert is_free(tmp_path)


def test_what_is_no_folder_and_what_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"Cannot write '.*file': File exists"):
        is_free(tmp_path / "file")
    with pytest.raises(DataError, match=r"Cannot write '.*file/run': Not a directory"):
        is_free(tmp_path / "file" / "run")
