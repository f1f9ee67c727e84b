"""Docstrings of the API reference: `#:` comments above constants are theirs, and examples within text become blocks."""

from __future__ import annotations

import re
from typing import Any, Final

from griffe import Attribute, Docstring, Extension, Object

__all__ = ["CommentDocstrings"]

_EXAMPLE: Final = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)
"""An example that is not in a section of its own; as Markdown, its lists would be links."""


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

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
