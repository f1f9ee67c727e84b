"""Constants of the API reference: takes the docstrings they lack from the `#:` comments above their assignments."""

from __future__ import annotations

from typing import Any

from griffe import Attribute, Docstring, Extension

__all__ = ["CommentDocstrings"]


class CommentDocstrings(Extension):
    """Read `#:` comments as Sphinx does, which Griffe leaves to extensions."""

    def on_attribute_instance(self, *, attr: Attribute, **_: Any) -> None:
        if attr.docstring is not None or attr.lineno is None:
            return
        lines = attr.lines_collection[attr.filepath]
        start = attr.lineno - 1
        while start and lines[start - 1].lstrip().startswith("#:"):
            start -= 1
        comment = " ".join(line.lstrip().removeprefix("#:").strip() for line in lines[start : attr.lineno - 1])
        if comment:
            attr.docstring = Docstring(comment, parent=attr, lineno=start + 1, endlineno=attr.lineno - 1)
