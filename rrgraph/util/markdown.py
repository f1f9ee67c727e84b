"""Text of any origin inside Markdown."""

from __future__ import annotations

import re

__all__ = ["markdown_code", "markdown_text"]


def markdown_text(text: str) -> str:
    """Return text as one line that Markdown shows as it is, without links, tags and columns of its own.

    >>> print(markdown_text("[a](b) | <c>"))
    \\[a\\](b) \\| &lt;c>
    """
    line = re.sub(r"[\\`\[\]|]", r"\\\g<0>", " ".join(text.split()))
    return line.replace("&", "&amp;").replace("<", "&lt;")


def markdown_code(text: str) -> str:
    """Return text as one line of code in Markdown, with apostrophes for backticks, which would end it."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"
