"""Sets of reactants for molecules, as typed records; what reads molecules is imported when one is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from rrgraph.app.questions import MOST_SETS, MOST_TARGETS, Options

if TYPE_CHECKING:
    from rrgraph.organic import ProductPlan

__all__ = ["MoleculeQuestion", "MoleculesAnswer", "ProductAnswer", "ReactantsAnswer", "describe_product"]

_STYLE: Final = re.compile(r"style='([^']*)'")


def _lines(value: Any) -> Any:
    """Return the lines of one text or of several; blank ones are left out."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Iterable) or not all(isinstance(each, str) for each in values):
        return values
    lines = tuple(line.strip() for each in values for line in each.splitlines() if line.strip())
    if len(lines) > MOST_TARGETS:
        raise ValueError(f"there are {len(lines)}, expected at most {MOST_TARGETS} at once")
    return lines


_Smiles = Annotated[str, StringConstraints(max_length=1000)]


class MoleculeQuestion(Options):
    """Molecules to make.

    >>> MoleculeQuestion(products="CCOC(C)=O\\nCNC(C)=O").products
    ('CCOC(C)=O', 'CNC(C)=O')
    """

    products: Annotated[tuple[_Smiles, ...], BeforeValidator(_lines), Field(min_length=1, max_length=MOST_TARGETS)] = (
        Field(description="SMILES of the molecules to make.", examples=[["CC(=O)Nc1ccc(O)cc1"]])
    )
    top_k: int = Field(default=5, ge=1, le=MOST_SETS, description="Sets of reactants for each molecule.")
    drawings: bool = Field(default=False, description="Draw each reaction as SVG.")


class ReactantsAnswer(BaseModel):
    """A set of reactants."""

    reactants: list[str] = Field(description="Canonical SMILES.")
    probability: float = Field(
        description="That the set is the recorded one; of a model without re-ranker, that of the templates."
    )
    template: str = Field(
        description="The best template that leads there, as reaction SMARTS from product to reactants."
    )
    training_rows: int = Field(description="Training reactions of this template.")
    templates: int = Field(description="Templates that lead there.")
    drawing: str | None = Field(default=None, description="SVG of the reaction, where drawings are asked for.")


class ProductAnswer(BaseModel):
    """Ranked sets of reactants of a molecule."""

    product: str = Field(description="Canonical SMILES, or the text where it cannot be read.")
    sets: list[ReactantsAnswer]
    message: str = Field(default="", description="Why there are no sets.")


class MoleculesAnswer(BaseModel):
    """The answers for several molecules."""

    plans: list[ProductAnswer]


def describe_product(plan: ProductPlan, *, drawings: bool) -> ProductAnswer:
    """Return a plan as a record."""
    sets = [ReactantsAnswer.model_validate(asdict(each)) for each in plan.suggestions]
    for each in sets if drawings else ():
        each.drawing = _drawing(plan.product, ".".join(each.reactants))
    return ProductAnswer(product=plan.product, sets=sets, message=plan.error or "")


def _drawing(product: str, reactants: str) -> str:
    """Return an SVG for a page that allows no styles in its text: what RDKit writes as style becomes attributes."""
    from rrgraph.organic import draw_reaction

    drawn = draw_reaction(product, reactants)
    return _STYLE.sub(
        lambda style: " ".join(
            f"{name}='{value}'" for name, _, value in (part.partition(":") for part in style[1].split(";")) if value
        ),
        drawn[drawn.index("<svg") :],
    )
