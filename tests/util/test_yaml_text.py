from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from rrgraph.errors import ConfigError
from rrgraph.util.config import NamedConfig, load_config, set_values
from rrgraph.util.names import is_plain_name
from rrgraph.util.settings import check, setting
from rrgraph.util.yaml_text import parse_yaml, plain_values

BOMB = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{', '.join([f'*{chr(97 + level)}'] * 8)}]\n" for level in range(8)
)


@dataclass
class Inner:
    """A section.

    Attributes:
        table: a text.
        names: texts.
        pool: a text, or none.
        options: anything.
    """

    table: str = "a"
    names: list[str] = field(default_factory=list)
    pool: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Outer(NamedConfig):
    """A configuration.

    Attributes:
        rate: a number.
        count: a whole number.
        inner: a section.
    """

    rate: float = 0.5
    count: int = 1
    inner: Inner = setting(factory=Inner)


def read(tmp_path, text="", *overrides):
    path = tmp_path / "given.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    config = load_config(path, overrides, schema=Outer)
    check(config)
    return config


@pytest.mark.parametrize("text", ["1e5", "007", "yes", "null", "2026-01-01", "0x1F", "1_000", ".5", "~"])
def test_text_stays_as_it_was_typed(tmp_path, text):
    assert read(tmp_path, f"name: {text}\ninner: {{table: {text}, names: [{text}]}}") == read(
        tmp_path, "", f"name={text}", f"inner.table={text}", f"inner.names=[{text}]"
    )
    found = read(tmp_path, f"name: {text}", f"inner.table={text}", f"inner.names=[{text}, b]")
    assert (found.name, found.inner.table, found.inner.names) == (text, text, [text, "b"])


def test_numbers_are_numbers_where_they_are_expected(tmp_path):
    found = read(tmp_path, "rate: 1e-3\ncount: 007\ninner: {options: {a: 1e5, b: yes, c: '1'}}", "inner.pool=null")
    assert (found.rate, found.count, found.inner.options) == (1e-3, 7, {"a": 1e5, "b": True, "c": "1"})
    assert found.inner.pool is None
    assert read(tmp_path, "", "inner.pool=7", "output=").inner.pool == "7"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: ${oc.env:HOME}", "'name' .* nothing is filled in from elsewhere"),
        ("inner: {options: {a: ['${count}']}}", r"'inner\.options\.a\[0\]'"),
        ("inner: {table: '${oc.decode:x}'}", r"'inner\.table'"),
        ("inner: !!set {a}", "'inner' .* has the tag '!!set'"),
        ("count: !!python/object/apply:os.getpid []", "has the tag '!!python/object/apply:os.getpid'"),
        ("name: !!binary aGk=", "has the tag '!!binary'"),
        ("null: 1", "has the key 'null', expected a name"),
        ("inner: {options: {1: 2}}", "has the key '1', expected a name"),
        ("count: 1\ncount: 2", "has the key 'count' twice"),
        ("count:\t1\n\trate: 2", "is not valid YAML in line"),
        ("count: " + "9" * 5000, "'count' .* is a number of 5,000 characters"),
        ("inner: {options: " + "[" * 3000 + "]" * 3000 + "}", "nested too deeply"),
        ("inner: &a {options: *a}", "is not valid YAML|too many values"),
        (BOMB, "holds too many values"),
        ("name: " + "x" * 300_000, "has more than 262,144 characters"),
        ('name: "a\\0b"', "without NUL"),
        ("name: a\x07b", "not valid YAML"),
        ("name: \ud800", "not valid YAML"),
        (b"name: \xff", "not valid YAML"),
        ("- 1", "is not a mapping"),
        ("count: 1\n---\ncount: 2", "not valid YAML"),
        ("rate: .nan", "rate is nan"),
        ("rate: 1e300", "rate is 1e[+]300, expected one below"),
        ("count: 1000000000000", "count is 1000000000000, expected one below"),
    ],
)
def test_what_is_no_plain_configuration_is_refused_in_one_sentence(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_an_interpolation_reaches_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2")
    for value in ("${oc.env:SECRET}", ["${oc.env:SECRET}"], {"a": "${oc.env:SECRET}"}):
        key = {list: "inner.names", dict: "inner.options"}.get(type(value), "inner.table")
        with pytest.raises(ConfigError, match="nothing is filled in") as caught:
            set_values(Outer(), {key: value})
        assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigError, match="nothing is filled in"):
        check(Outer(name="${oc.env:SECRET}"))
    with pytest.raises(ConfigError, match="nothing is filled in"):
        read(tmp_path, "", "inner.table=${oc.env:SECRET}")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/x", "a/b", "a\\b", "NUL", "com1.txt", "a\0", "a\n", " a", "a.", "x" * 201, "a:b"]
)
def test_names_that_leave_the_folder_are_refused(tmp_path, name):
    assert not is_plain_name(name)
    with pytest.raises(ConfigError, match=r"Configuration value name is .*, expected a plain file name|without NUL"):
        check(Outer(name=name))


@pytest.mark.parametrize("name", ["default_nms", "a b", "BaTiO₃", "...x", "console", "1e5"])
def test_plain_names_are_taken(name):
    check(Outer(name=name))


def test_references_within_a_text_work():
    assert plain_values(parse_yaml("a: &x [1, 2]\nb: *x", "text")) == {"a": [1, 2], "b": [1, 2]}
