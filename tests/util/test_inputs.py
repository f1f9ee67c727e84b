from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import threading
from pathlib import Path

import pytest

from rrgraph.errors import DataError
from rrgraph.util import inputs
from rrgraph.util.inputs import check_input, open_binary, open_lines, read_json
from rrgraph.util.json_files import parse_json

PACK = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(PACK.get(path.suffix, bytes)(content))
    return path


@pytest.mark.parametrize("suffix", PACK)
def test_a_file_that_gives_far_more_than_it_has_is_stopped(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(inputs, "_FREE", 1 << 16)
    monkeypatch.setattr(inputs.check_expansion, "__kwdefaults__", {"free": 1 << 16})
    path = write(tmp_path, f"t.csv{suffix}", bytes(1 << 22))
    with open_binary(path) as file, pytest.raises(DataError, match=r"gives more than 200 times its own size"):
        file.read()


@pytest.mark.parametrize("suffix", PACK)
def test_what_tables_give_is_read(tmp_path, suffix):
    content = b"".join(b"Ba%dTiO3,BaCO3;TiO2\n" % number for number in range(20_000))
    with open_binary(write(tmp_path, f"t.csv{suffix}", content)) as file:
        assert file.read() == content


def test_a_line_that_is_too_long_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "MAX_LINE", 1000)
    with open_lines(write(tmp_path, "t.txt", b"a" * 999 + b"\n" + b"b" * 1000)) as lines:
        assert [len(line) for line in lines] == [1000, 1000]
    with (
        open_lines(write(tmp_path, "t.txt", b"ab\n" + b"a" * 5000)) as lines,
        pytest.raises(DataError, match=r"Line 2 of .* is longer than 1,000 characters"),
    ):
        list(lines)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bytes(100), "not text"),
        (os.urandom(4000), "not text"),
        (gzip.compress(b"a"), "compressed by gzip, which a name that ends with .gz says"),
        (b"PAR1\x15\x04", "Parquet file"),
    ],
    ids=["zeros", "random", "gzip", "parquet"],  # gzip writes the time
)
def test_what_is_no_text_is_named(tmp_path, content, words):
    with pytest.raises(DataError, match=words), open_lines(write(tmp_path, "t.txt", content)):
        pass


def test_folders_and_missing_files(tmp_path):
    with pytest.raises(DataError, match=r"is a folder, expected a file"):
        check_input(tmp_path)
    for name in ("a\0b", "a" * 5000, str(tmp_path / "none")):
        with pytest.raises(DataError, match=r"^There is no predictions file '"):
            check_input(name, "predictions file")


def test_pipes_and_devices_are_read(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("BaTiO3\nSrTiO3\n"))
    writer.start()
    with open_lines(pipe) as lines:
        assert list(lines) == ["BaTiO3\n", "SrTiO3\n"]
    writer.join()
    if Path("/dev/zero").exists():
        with pytest.raises(DataError, match="is not text"), open_lines("/dev/zero"):
            pass


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("suffix", ["", *PACK])
def test_json_of_any_encoding_and_compression(tmp_path, encoding, suffix):
    assert read_json(write(tmp_path, f"t.json{suffix}", '{"a": ["é"]}'.encode(encoding))) == {"a": ["é"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"not valid JSON \(Expecting value at column 1\)"),
        ("{\n'a'}", r"at line 2, column 1"),
        ('{"a": "\n"}', r"\(Invalid control character at column 8\)"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("1" * 5000, "more than 4300 digits"),
        ('[{"a": 1, "b": 2, "a": 3}]', "key 'a' is given twice"),
    ],
)
def test_json_that_cannot_be_decoded(tmp_path, text, words):
    with pytest.raises(ValueError, match=words) as caught:
        parse_json(text, finite=False)
    assert len(str(caught.value)) < 200
    with pytest.raises(DataError, match=rf"^'.*t\.json' cannot be read as JSON: .*{words}.*\.$"):
        read_json(write(tmp_path, "t.json", text.encode()))


@pytest.mark.parametrize("part", ["[],", "{},", '{"a":1},', '"ab",'])
def test_json_that_would_take_too_much_memory_is_refused_before(tmp_path, monkeypatch, part):
    monkeypatch.setenv(inputs.MEMORY_VARIABLE, "1")
    text = f"[{part * 20_000}0]"
    assert len(json.loads(text)) == 20_001
    with pytest.raises(DataError, match=r"more than 1 MB of memory; RRGRAPH_MEMORY_MB=2 in the environment allows"):
        read_json(write(tmp_path, "t.json", text.encode()))
    monkeypatch.setenv(inputs.MEMORY_VARIABLE, "100")
    assert len(read_json(write(tmp_path, "t.json", text.encode()))) == 20_001
