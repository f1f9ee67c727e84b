"""How formulas, numbers and small plots look on the page; everything returns markup that is already escaped."""

from __future__ import annotations

import re
from decimal import Decimal
from math import isinf
from typing import Final
from urllib.parse import quote

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from rrgraph.app.answers import EnergyAnswer
from rrgraph.lab import formula_html
from rrgraph.reranking import Influence

__all__ = ["FILTERS", "INFLUENCES"]

_DOI: Final = re.compile(r"10\.\d{4,9}/[^\s\"'<>]+")

INFLUENCES: Final = {
    "links": "probabilities of the single precursors",
    "counts": "how often targets like this use these precursors",
    "pairs": "how often these precursors are used together",
    "size": "number of precursors",
    "classes": "classes of the precursors",
    "unseen": "precursors without a training reaction",
    "balance": "mass balance",
    "energy": "reaction energy",
    "oxygen": "oxygen balance",
}


def percent(probability: float | None) -> str:
    """Return ``68 %``, ``0.31 %`` or ``< 0.01 %``."""
    if probability is None:
        return "-"
    value = 100 * probability
    if 0 < value < 0.01:
        return "< 0.01 %"
    return f"{value:.0f} %" if value >= 9.95 else f"{value:.2g} %"


def grams(value: float, balance: float | None = None) -> str:
    """Return a mass in g as the balance shows it, without one to a tenth of a milligram."""
    decimals = 4 if balance is None else max(0, -int(Decimal(str(balance)).normalize().as_tuple().exponent))
    return f"{value:.{decimals}f} g"


def two_digits(value: float) -> str:
    """Return a number with two digits, those above 100 whole."""
    if isinf(value):
        return "∞"
    return f"{float(f'{value:.2g}'):.0f}" if value >= 9.95 else f"{value:.2g}"


def bar(probability: float | None) -> Markup:
    """Return a probability as a bar; the number stands beside it, so it is hidden from screen readers."""
    width = 100 * (probability or 0.0)
    return Markup(
        '<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="bar-all" width="100" height="6" rx="1"/>'
        '<rect class="bar-part" width="{:.2f}" height="6" rx="1"/></svg>'
    ).format(max(width, 0.4))


def influence_bar(found: Influence, most: float) -> Markup:
    """Return an influence as a bar to the left (against the set) or to the right (for it) of a line."""
    width = max(95 * abs(found.logit) / max(most, 1e-9), 0.5)
    return Markup(
        '<svg class="influence" viewBox="0 0 200 14" aria-hidden="true" focusable="false">'
        '<rect class="{}" x="{:.1f}" y="1" width="{:.1f}" height="12"/>'
        '<line class="zero" x1="100" x2="100" y1="0" y2="14"/></svg>'
    ).format("for" if found.logit >= 0 else "against", 100.0 if found.logit >= 0 else 100 - width, width)


def doi(text: str | None) -> Markup:
    """Return a DOI as a link; what does not look like one stays text."""
    if not text:
        return Markup("")
    if not _DOI.fullmatch(text):
        return escape(text)
    address = "https://doi.org/" + quote(text, safe="/().;-_")
    return Markup('<a href="{}" rel="noreferrer noopener" target="_blank">{}</a>').format(address, text)


def energy(found: EnergyAnswer) -> str:
    """Return ``-0.056 ± 0.021 eV/atom (-32 ± 12 kJ/mol)``."""
    return (
        f"{found.ev_per_atom:z.3f} ± {found.ev_per_atom_uncertainty:.3f} eV/atom "
        f"({found.kj_per_mol:z.0f} ± {found.kj_per_mol_uncertainty:.0f} kJ/mol)"
    )


def markdown(text: str) -> Markup:
    """Return Markdown as HTML; HTML inside it is shown as text."""
    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))


FILTERS: Final = {
    "bar": bar,
    "doi": doi,
    "energy": energy,
    "formula": formula_html,
    "grams": grams,
    "influence_bar": influence_bar,
    "markdown": markdown,
    "percent": percent,
    "two_digits": two_digits,
}
"""Filters of the templates."""
