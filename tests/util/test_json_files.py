from __future__ import annotations

import pytest

from rrgraph.errors import ConfigError, DataError
from rrgraph.util.json_files import parse_json, read_json, reading


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 100_000, r"not valid JSON \(it is nested too deeply\)"),
        (b'{"a": "\n"}', r"not valid JSON \(Invalid control character at column 8\)"),
        (b'{"a": 1, "a": 2}', r"not valid JSON \(the key 'a' is given twice\)"),
        (b"[NaN]", r"not valid JSON \(NaN is no JSON number\)"),
        (b"\xff", "it is not UTF-8 text"),
    ],
)
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path, content, words):
    (tmp_path / "t.json").write_bytes(content)
    with pytest.raises(ConfigError, match=rf"^'.*t\.json' is damaged: {words}\.$"):
        read_json(tmp_path / "t.json", error=ConfigError, missing={})


def test_a_file_that_is_missing():
    assert read_json("nowhere.json", missing={}) == {}
    with pytest.raises(DataError, match=r"^Cannot read 'nowhere\.json': No such file or directory\.$"):
        read_json("nowhere.json")


def test_files_of_users_may_hold_what_python_writes():
    assert parse_json("[Infinity, 1e999]", finite=False) == [float("inf")] * 2
    with pytest.raises(ValueError, match="1e999 is no JSON number"):
        parse_json("[1e999]")


@pytest.mark.parametrize(
    ("value", "reason"),
    [({}, "'rows' is missing"), ([], "a value is of another kind than expected"), ({"rows": "x"}, "a value is of .*")],
)
def test_values_of_another_kind_are_refused_without_words_of_python(value, reason):
    with pytest.raises(DataError, match=rf"^It cannot be read: {reason}\.$"), reading("It"):
        int(value["rows"])
