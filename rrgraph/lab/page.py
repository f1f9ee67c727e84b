"""Plans as one self-contained page of HTML, which prints on one A4 sheet a target."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from rrgraph.lab.notes import Hazard
from rrgraph.lab.sheets import PlanSheet
from rrgraph.util.pages import page_template

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["formula_html", "page_body", "page_head", "page_tail", "plan_page"]

#: Digits behind an element or a bracket, and amounts such as the 0.8 of Ni0.8 or the 2-x of O2-x, but not of a DOI.
_SUBSCRIPT: Final = re.compile(r"\b10\.\d{4,}/\S+|(?<=[A-Za-z)\]])(?P<digits>\d+(?:\.\d+)?(?:[-+][xyzδ])?)")
_SEVERE: Final = tuple(hazard.value for hazard in Hazard if hazard.is_severe)


def plan_page(sheets: Iterable[PlanSheet]) -> str:
    """Return one page with all plans.

    Raises:
        ConfigError: Jinja2 is not installed.
    """
    return "".join([page_head(), *map(page_body, sheets), page_tail()])


def page_head() -> str:
    """Return what stands before the first plan, all styles included.

    Raises:
        ConfigError: Jinja2 is not installed.
    """
    return str(_macros().head()).lstrip()


def page_body(sheet: PlanSheet) -> str:
    """Return a plan as a part of the page.

    Raises:
        ConfigError: Jinja2 is not installed.
    """
    return str(_macros().sheet_body(sheet, _SEVERE))


def page_tail() -> str:
    """Return what stands behind the last plan."""
    return "</body>\n</html>\n"


def formula_html(text: str) -> Markup:
    """Return a text with formulas as HTML: amounts as subscripts, all else escaped.

    >>> print(formula_html("2 ZrO2 + 3.5 Li2CO3"))
    2 ZrO<sub>2</sub> + 3.5 Li<sub>2</sub>CO<sub>3</sub>
    """
    from markupsafe import Markup, escape

    return Markup(
        _SUBSCRIPT.sub(lambda found: f"<sub>{found[0]}</sub>" if found["digits"] else found[0], str(escape(text)))
    )


@cache
def _macros() -> Any:
    filters: dict[str, Callable[..., Any]] = {"formula": formula_html, "grams": _grams}
    return page_template("rrgraph.lab", "plan_page.html", filters=filters).module


def _grams(value: float, balance: float | None) -> str:
    """Return a mass with the digits that the balance shows, or four that count."""
    if balance is None:
        return f"{value:.4g}"
    return f"{value:.{max(0, math.ceil(-math.log10(balance) - 1e-9))}f}"
