"""From the form of the page to a question, and from a question back to the form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.datastructures import FormData, QueryParams

from rrgraph.app.questions import MOST_TARGETS, Question, RequestError

__all__ = [
    "AVOIDED",
    "form_values",
    "question_of_form",
    "question_of_query",
    "strings_of",
    "typed_values",
]

AVOIDED: Final = (
    *("toxic", "air-sensitive", "pyrophoric", "oxidisers", "radioactive", "nitrates", "chlorides", "hydrides"),
    *("hydroxides", "ammonium", "organics", "metals"),
)
"""Classes that can be avoided by a tick; all others by their names."""

_LISTS: Final = ("targets", "exclude", "require", "byproducts", "routes", "excess", "purity")


def question_of_form(form: FormData) -> Question:
    """Return the question of a form that was filled in.

    Raises:
        ValidationError: a value is out of range.
        RequestError: there are too many targets.
    """

    def text(name: str) -> str:
        value = form.get(name)
        return value.strip() if isinstance(value, str) else ""

    def listed(name: str, separator: str = ",") -> list[str]:
        return [part.strip() for part in re.split(separator, text(name)) if part.strip()]

    targets = listed("targets", r"[\n;]")
    if len(targets) > MOST_TARGETS:
        raise RequestError("targets", f": there are {len(targets)}, expected at most {MOST_TARGETS} at once.")
    given: dict[str, Any] = {
        "targets": targets,
        "exclude": [*listed("exclude"), *(each for each in form.getlist("avoid") if isinstance(each, str))],
        **{name: listed(name) for name in ("require", "byproducts", "excess", "purity")},
        **{name: text(name) or None for name in ("grams", "balance", "set_size", "atmosphere", "temperature")},
        "balanced": "unbalanced" not in form,
        "energies": "energies" in form,
        "stock": text("stock") if "use_stock" in form else None,
    }
    return Question.model_validate(given | ({"top_k": text("top_k")} if text("top_k") else {}))


def question_of_query(query: QueryParams) -> Question:
    """Return the question of a permalink.

    Raises:
        ValidationError: a value is out of range, or there is no such option.
    """
    return Question.model_validate({name: query.getlist(name) if name in _LISTS else query[name] for name in query})


def strings_of(query: QueryParams) -> dict[str, list[str]]:
    """Return the values of a permalink by name, whether they can be asked or not."""
    return {name: query.getlist(name) for name in query}


def form_values(given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what stands in the fields of the form, by values of a `Question` as text."""
    names = [name.strip() for text in given.get("exclude", ()) for name in text.split(",") if name.strip()]

    def one(name: str, default: str = "") -> str:
        return next(iter(given.get(name, ())), default)

    joined = {name: ", ".join(given.get(name, ())) for name in ("require", "byproducts", "excess", "purity")}
    return {
        "targets": "\n".join(given.get("targets", ())),
        "exclude": ", ".join(name for name in names if name not in AVOIDED),
        "avoid": [name for name in names if name in AVOIDED],
        **joined,
        **{name: one(name) for name in ("stock", "grams", "balance", "set_size", "atmosphere", "temperature")},
        "use_stock": "stock" in given,
        "top_k": one("top_k", "5"),
        "unbalanced": one("balanced", "true") == "false",
        "energies": one("energies", "true") != "false",
    }


def typed_values(form: FormData) -> dict[str, Any]:
    """Return what stands in the fields of a form that could not be asked, as it was typed."""
    values = form_values({})
    texts = {name: value for name, value in form.items() if isinstance(value, str) and name in values}
    ticked = {name: name in form for name in ("use_stock", "unbalanced", "energies")}
    return {**values, **texts, **ticked, "avoid": [each for each in form.getlist("avoid") if isinstance(each, str)]}
