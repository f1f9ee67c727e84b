from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from rrgraph.errors import DataError
from rrgraph.nn.storage import write_model
from rrgraph.util import files
from rrgraph.util.files import (
    atomic_path,
    check_files,
    check_writable,
    disk_errors,
    is_temporary,
    sweep,
    write_json,
    write_text,
)
from rrgraph.util.inputs import read_json
from rrgraph.util.tabular import write_frame


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def small_files():
    """Let no file of this process grow beyond 4 KiB, also not the one that the results of tests are written to."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def full_disk(tmp_path):
    """A file system of 64 KiB."""
    place = tmp_path / "full"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user cannot mount a small file system")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_block_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, 1)
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "1\n"
    assert names(tmp_path) == ["a.json"]


def test_permissions_stay_and_new_files_have_the_usual_ones(tmp_path):
    path = tmp_path / "a.txt"
    umask = os.umask(0o027)
    try:
        write_text(path, "one")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    finally:
        os.umask(umask)
    path.chmod(0o604)
    write_text(path, "two")
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_links_are_followed(tmp_path):
    (tmp_path / "there").mkdir()
    link, chain = tmp_path / "a.txt", tmp_path / "b.txt"
    link.symlink_to("there/real.txt")
    chain.symlink_to(link)
    for path in (link, chain):  # the first creates what the link points to
        write_text(path, path.name)
        assert path.is_symlink()
        assert (tmp_path / "there" / "real.txt").read_text() == path.name
    assert names(tmp_path / "there") == ["real.txt"]
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(DataError, match=r"^Cannot write '.*loop': Too many levels of symbolic links.$"):
        write_text(tmp_path / "loop", "")


def test_pipes_and_devices_are_written_through(tmp_path):
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    reader: list[str] = []
    thread = threading.Thread(target=lambda: reader.append(pipe.read_text()))
    thread.start()
    write_text(pipe, "through")
    thread.join(10)
    assert reader == ["through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    (tmp_path / "null").symlink_to(os.devnull)
    write_text(tmp_path / "null", "gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    with pytest.raises(DataError, match=r"^Cannot write '/dev/full': No space left on device.$"):
        write_text("/dev/full", "x" * 100)
    assert names(tmp_path) == ["null", "pipe.txt"]


def test_descriptors_are_written_behind_what_was_printed(capfd):
    print("first")
    write_text("/dev/stdout", "second\n")
    print("third")
    assert capfd.readouterr().out == "first\nsecond\nthird\n"
    with pytest.raises(DataError, match=r"^Cannot write '/dev/fd/987': Bad file descriptor\.$"):
        check_writable("/dev/fd/987")


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path):
    read_only, closed, file = tmp_path / "kept.txt", tmp_path / "closed", tmp_path / "file"
    for path in (read_only, file):
        path.write_text("kept")
    closed.mkdir()
    read_only.chmod(0o444)
    closed.chmod(0o555)
    refused = [
        (read_only, False, "it is read-only"),
        (tmp_path, False, "it is a folder"),
        (file, True, "it is not a folder"),
        (closed, True, "it is read-only"),
        (closed / "a.txt", False, f"the folder '{closed}' is read-only"),
        (closed / "deep" / "a.txt", False, f"the folder '{closed}' is read-only"),
        (file / "a.txt", False, f"'{file}' is not a folder"),
    ]
    for path, folder, reason in refused:
        with pytest.raises(DataError) as error:
            check_writable(path, folder=folder)
        assert str(error.value) == f"Cannot write '{path}': {reason}."
    with pytest.raises(DataError, match="is not a file name"):
        check_writable("a\0b")
    with pytest.raises(DataError, match="File name too long"):
        check_writable(tmp_path / ("x" * 300))
    with pytest.raises(DataError, match="read-only"):
        write_text(read_only, "lost")
    assert read_only.read_text() == "kept"
    check_writable(tmp_path / "new" / "deep" / "a.txt")
    assert names(tmp_path) == ["closed", "file", "kept.txt"]


def test_a_file_that_is_read_is_not_written_by_any_of_its_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = tmp_path / "in.csv"
    given.write_text("target\n")
    (tmp_path / "soft.csv").symlink_to(given)
    (tmp_path / "hard.csv").hardlink_to(given)
    (tmp_path / "here").symlink_to(tmp_path)
    for name in ("in.csv", "./in.csv", "soft.csv", "hard.csv", "here/in.csv", "none/../in.csv", str(given)):
        for path, other in ((name, "in.csv"), ("in.csv", name)):
            with pytest.raises(DataError) as error:
                check_files({"--output": path}, {"--input": other})
            assert str(error.value) == f"--output is '{path}', which is the file of --input."
    for pair in (("new.csv", "here/new.csv"), ("new.csv", "none/../new.csv"), ("soft.csv", "hard.csv")):
        with pytest.raises(DataError, match=r"^--rejects is '.*', which is the file of --output.$"):
            check_files(dict(zip(("--output", "--rejects"), pair, strict=True)))
    check_files({"--output": "/dev/null", "--rejects": "/dev/null"}, {"--input": "/dev/null"})
    check_files(
        {"--output": "out.csv", "--rejects": None}, {"--stock": ",".join(["BaTiO3"] * 100), "--input": "in.csv"}
    )
    (tmp_path / "book.xlsx").touch()
    with pytest.raises(DataError, match="--input"):
        check_files({"--output": "book.xlsx"}, {"--input": "book.xlsx:Sheet1"})


def test_temporary_files_of_dead_processes_are_swept(tmp_path):
    code = (
        "import os, sys\n"
        "from rrgraph.util.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as path:\n"
        "    path.write_text('half')\n"
        "    print(path.name, flush=True)\n"
        "    sys.stdin.read() or os._exit(9)\n"
    )
    command = [sys.executable, "-c", code, tmp_path / "a.csv.gz"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = process.stdout.readline().strip()
        assert is_temporary(left)
        assert left.endswith(".tmp.csv.gz")
        sweep(tmp_path)  # it lives
        assert names(tmp_path) == [left]
        process.kill()
    mine = [f"{left}x.y.z", ".rrgraph-notes.tmp", "rrgraph.tmp", ".rrgraph-host-abc.tmp", ".abcdefgh.csv"]
    for name in mine:
        (tmp_path / name).touch()
    other = tmp_path / ".rrgraph-elsewhere-abcdefgh.tmp.csv"
    other.touch()  # of another computer, whose locks may not be seen here
    (tmp_path / ".rrgraph-elsewhere-12345678.tmp").mkdir()
    (tmp_path / ".rrgraph-elsewhere-87654321.tmp").symlink_to("rrgraph.tmp")
    write_text(tmp_path / "b.csv", "")
    assert left not in names(tmp_path)
    assert {*mine, other.name, ".rrgraph-elsewhere-12345678.tmp", ".rrgraph-elsewhere-87654321.tmp"} < {
        *names(tmp_path)
    }
    os.utime(other, (0, 0))
    sweep(tmp_path)
    assert not other.exists()


def test_many_writers_of_one_file_leave_one_of_theirs(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_sweep_once", sweep)  # at every file
    path = tmp_path / "a.txt"
    texts = [str(number) * 50_000 for number in range(4)]
    threads = [threading.Thread(target=lambda text=text: [write_text(path, text) for _ in range(20)]) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet", "model"])
def test_files_that_grow_too_large_are_one_sentence(tmp_path, suffix):
    import pandas as pd

    path = tmp_path / f"a.{suffix}"
    path.write_text("before")
    table = pd.DataFrame(np.random.default_rng(0).random((2000, 2)), columns=["a", "b"])
    with pytest.raises(DataError) as error, small_files():
        if suffix == "model":
            path = tmp_path / "model.safetensors"
            write_model(tmp_path, "test", {"a": torch.rand(5000)}, {})
        else:
            write_frame(table, path)
    assert str(error.value) == f"Cannot write '{path}': File too large."
    assert (tmp_path / f"a.{suffix}").read_text() == "before"
    assert names(tmp_path) == [f"a.{suffix}"]


def test_a_full_disk_is_one_sentence_and_keeps_what_was_there(full_disk):
    path = full_disk / "a.txt"
    write_text(path, "before")
    with pytest.raises(DataError) as error:
        write_text(path, "x" * 200_000)
    assert str(error.value) == f"Cannot write '{path}': No space left on device."
    with pytest.raises(DataError, match="No space left on device"):
        write_model(full_disk, "test", {"a": torch.zeros(100_000)}, {})
    assert path.read_text() == "before"
    assert names(full_disk) == ["a.txt"]


def test_only_errors_of_the_written_file_are_named_so():
    with pytest.raises(OSError, match="other"), disk_errors("out.csv", ".tmp"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "other.csv")
    with pytest.raises(FileNotFoundError), disk_errors("out.csv", ".tmp"):
        raise FileNotFoundError(errno.ENOENT, "No such file", "in.csv")
    for message in ("Error: I/O error: full (os error 28)", "IO_ENOSPC"):  # of safetensors, of lxml
        with pytest.raises(DataError, match=r"'out\.csv': No space left"), disk_errors("out.csv"):
            raise RuntimeError(message)
    with pytest.raises(DataError, match=r"'out\.csv': No space left"), disk_errors("out.csv"):
        try:
            raise OSError(errno.ENOSPC, "full")
        finally:
            raise ValueError("closed")  # as a writer complains that is closed afterwards


def test_what_is_not_unicode_is_written_as_an_escape(tmp_path):
    write_json(tmp_path / "a.json.gz", {"table": "x\udcff", "same": "é\r\n"})
    assert read_json(tmp_path / "a.json.gz") == {"table": "x\udcff", "same": "é\r\n"}
    write_text(tmp_path / "a.txt", "x\udcff\r\n")
    assert (tmp_path / "a.txt").read_bytes() == b"x\\udcff\r\n"
