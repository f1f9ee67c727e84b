"""Annotations of dataclasses: found by dotted key, and in words for people."""

from __future__ import annotations

import re
import types
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

__all__ = ["described_type", "field_types", "key_type", "not_null", "type_in_words"]

_WORDS: Final = {bool: "true or false", int: "whole number", float: "number", str: "text"}


@cache
def field_types(schema: Any) -> dict[str, Any]:
    """Return the annotation of each field of a dataclass."""
    hints = get_type_hints(schema)
    return {each.name: hints[each.name] for each in fields(schema)}


def key_type(key: str, schema: Any) -> Any:
    """Return the annotation of what a key such as `systems.ours.config` or `seeds[0]` names, None if there is none."""
    hint = schema
    for name in re.findall(r"[^.\[\]]+", key):
        hint = not_null(hint)
        if is_dataclass(hint):
            section: Any = hint
            hint = field_types(section).get(name)
        else:
            hint = get_args(hint)[-1] if get_origin(hint) in (list, dict) else None
    return hint


def not_null(hint: Any) -> Any:
    """Return an annotation without the None that it may allow."""
    inner = [each for each in get_args(hint) if each is not types.NoneType]
    return inner[0] if get_origin(hint) in (Union, types.UnionType) and len(inner) == 1 else hint


def described_type(hint: Any) -> str:
    """Return a type as it follows `expected`: ``a list of whole numbers``, ``text``."""
    words = re.sub("(?<=list of )(whole )?number$", r"\g<0>s", type_in_words(hint))
    return words if words.startswith(("text", "true")) else f"a {words}"


def type_in_words(hint: Any) -> str:
    """Return a type in words: ``list of text``."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join("null" if each is type(None) else type_in_words(each) for each in inner)
    if origin is list:
        return f"list of {type_in_words(inner[0])}"
    if origin is dict or hint is dict:
        return "mapping"
    return _WORDS.get(hint, "mapping" if is_dataclass(hint) else str(hint))
