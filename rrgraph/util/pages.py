"""Helpers for HTML pages: Jinja2 templates with escaping, files inside packages, and JSON for scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from rrgraph.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["inline_svg", "page_template", "page_text", "script_json"]


def page_template(package: str, name: str, *, filters: Mapping[str, Callable[..., Any]] | None = None) -> Template:
    """Return the template in a file of a package, which may use further filters.

    Raises:
        ConfigError: Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError:
        raise ConfigError("HTML pages need Jinja2, which is not installed: pip install 'rrgraph[figures]'.") from None
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters.update({"short": _short, **(filters or {})})
    return environment.from_string(page_text(package, name))


def page_text(package: str, name: str) -> str:
    """Return the text of a file of a package, such as the script of a page."""
    return (files(package) / name).read_text(encoding="utf-8")


def script_json(value: Mapping[str, Any]) -> str:
    """Return JSON that is safe inside ``<script>`` whatever text it contains: without ``<``, ``>`` and ``&``."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # U+2028 and U+2029 end a line in older JavaScript.
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def inline_svg(svg: str, name: str, label: str) -> str:
    """Return an SVG for use inside a page: without header and metadata, with identifiers that are unique on the page.

    Args:
        svg: text of the file.
        name: prefix of its identifiers.
        label: text for screen readers.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", body)
    quoted = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return body.replace("<svg", f'<svg role="img" aria-label="{quoted}"', 1)


def _short(text: str) -> str:
    """Return a number with four significant digits, any other text unchanged."""
    try:
        return text if text.isdigit() else f"{float(text):.4g}"
    except ValueError:
        return text
