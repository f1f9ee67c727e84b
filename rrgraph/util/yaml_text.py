"""YAML as configurations use it: mappings, lists and plain values, read without resolving or running anything.

A value keeps the text it was written as, because `1e5`, `007` or `yes` are numbers and truth values only where such are
expected. Tags, interpolations and texts that grow when they are read are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import yaml

from rrgraph.errors import ConfigError, reason_of
from rrgraph.util.text import cell_fault

__all__ = ["MOST_CHARACTERS", "Scalar", "check_text", "check_texts", "parse_yaml", "plain_values"]

MOST_CHARACTERS: Final = 2**18
"""Length of a text at most."""

_MOST_VALUES: Final = 50_000
_DEEPEST: Final = 32
_MOST_DIGITS: Final = 100
_NESTED: Final = re.compile(r"([\[{]\s*){64}")

_TAG: Final = "tag:yaml.org,2002:"
_FLOAT: Final = re.compile(
    r"""(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+
    |[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))\Z""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Scalar:
    """A plain value.

    Attributes:
        text: as it was written, without quotes.
        value: what YAML makes of it.
    """

    text: str
    value: str | int | float | bool | None


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Reads dates as text, and numbers such as `1e-3` as numbers."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in (f"{_TAG}timestamp", f"{_TAG}float")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


for _first in "-+.0123456789":
    # In YAML 1.1 `1e5` is no number.
    _Loader.yaml_implicit_resolvers.setdefault(_first, []).insert(0, (f"{_TAG}float", _FLOAT))


def parse_yaml(text: str, source: str, *, key: str = "") -> Any:
    """Return nested mappings and lists of `Scalar`, None for an empty text.

    Args:
        text: to be read.
        source: what it is, for errors: ``configuration file 'x.yaml'``.
        key: dotted key whose value it is, empty for a whole file.

    Raises:
        ConfigError: it is not YAML, too large, or holds something else than plain values.
    """
    if len(text) > MOST_CHARACTERS:
        raise ConfigError(f"The {source} has more than {MOST_CHARACTERS:,} characters, too many for a configuration.")
    if _NESTED.search(text):
        raise ConfigError(f"The {source} is nested too deeply.")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return None if node is None else _Reader(loader, source).read(node, key, 0)
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"The {source} is not valid YAML{where}: {error.problem or error.context}.") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"The {source} is not valid YAML: {reason_of(error)}.") from None
    except RecursionError:
        raise ConfigError(f"The {source} is nested too deeply.") from None


class _Reader:
    """Turns the nodes of one text into values."""

    def __init__(self, loader: _Loader, source: str) -> None:
        self._loader, self._source, self._count = loader, source, 0

    def read(self, node: yaml.Node, key: str, depth: int) -> Any:
        self._count += 1
        if self._count > _MOST_VALUES or depth > _DEEPEST:
            # References within a text can make it grow without end.
            raise ConfigError(f"The {self._source} holds too many values, or too deeply nested ones.")
        tag = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and tag == "map":
            return dict(self._pairs(node, key, depth))
        if isinstance(node, yaml.SequenceNode) and tag == "seq":
            return [self.read(each, f"{key}[{index}]", depth + 1) for index, each in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and tag in ("null", "bool", "int", "float", "str"):
            return self._scalar(node, tag, key)
        shown = "!!" + tag if tag != node.tag else tag
        raise ConfigError(f"{self._of(key)} has the tag {shown!a:.60}, expected plain values.")

    def _pairs(self, node: yaml.MappingNode, key: str, depth: int) -> Iterator[tuple[str, Any]]:
        seen = set()
        for name, value in node.value:
            if not isinstance(name, yaml.ScalarNode) or name.tag != f"{_TAG}str":
                shown = name.value if isinstance(name, yaml.ScalarNode) else "a list or mapping"
                raise ConfigError(f"{self._of(key)} has the key {shown!a:.60}, expected a name.")
            check_text(self._of(key), name.value)
            if name.value in seen:
                raise ConfigError(f"{self._of(key)} has the key {name.value!a:.60} twice.")
            seen.add(name.value)
            yield name.value, self.read(value, f"{key}.{name.value}" if key else name.value, depth + 1)

    def _scalar(self, node: yaml.ScalarNode, tag: str, key: str) -> Scalar:
        text = str(node.value)
        check_text(self._of(key), text)
        if tag in ("int", "float") and len(text) > _MOST_DIGITS:
            raise ConfigError(f"{self._of(key)} is a number of {len(text):,} characters, expected a shorter one.")
        try:
            value = text if tag == "str" else self._loader.construct_object(node)
        except (ValueError, KeyError):
            raise ConfigError(f"{self._of(key)} is {text!a:.60}, expected a value of the type !!{tag}.") from None
        return Scalar(text, value)

    def _of(self, key: str) -> str:
        return f"The value of {key[:80]!a} in the {self._source}" if key else f"The {self._source}"


def check_text(what: str, text: str) -> None:
    """Refuse a text that OmegaConf would resolve, or that no file could hold.

    Raises:
        ConfigError: naming what it is.
    """
    if "${" in text:
        raise ConfigError(f"{what} holds '${{', expected plain text: nothing is filled in from elsewhere.")
    if cell_fault(text):
        raise ConfigError(f"{what} is {text!a:.60}, expected text without NUL and lone surrogates.")


def check_texts(key: str, value: Any) -> None:
    """Refuse a text that OmegaConf would resolve, or that no file could hold, in a value by a `ConfigError`."""
    if isinstance(value, str):
        check_text(f"Configuration value {key}", value)
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            check_texts(f"{key}.{name}", entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            check_texts(key, entry)


def plain_values(values: Any) -> Any:
    """Return what `parse_yaml` found as plain dictionaries, lists and values."""
    if isinstance(values, Mapping):
        return {key: plain_values(value) for key, value in values.items()}
    if isinstance(values, list):
        return [plain_values(value) for value in values]
    return values.value if isinstance(values, Scalar) else values
