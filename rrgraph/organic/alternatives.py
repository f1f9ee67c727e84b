"""Finds templates that are not recorded for a product but give its recorded reactants, as additional training links."""

from __future__ import annotations

from rrgraph.organic.planner import ReactantPlanner
from rrgraph.organic.table import TemplateReactions
from rrgraph.util.progress import track

__all__ = ["alternative_links"]


def alternative_links(planner: ReactantPlanner, reactions: TemplateReactions) -> list[tuple[str, str]]:
    """Return pairs (product, template) that give recorded reactants of the product but are not recorded.

    Args:
        planner: finds and applies the templates that are tried.
        reactions: the training rows.
    """
    recorded: dict[str, set[str]] = {}
    known = set(zip(reactions.products, reactions.templates, strict=True))
    for product, reactants in zip(reactions.products, reactions.reactants, strict=True):
        recorded.setdefault(product, set()).add(reactants)
    products = list(recorded)
    applied = zip(products, planner.transformations(products), strict=True)
    return [
        (product, found.template)
        for product, transformations in track(applied, "alternative templates", total=len(products))
        for found in transformations
        if (product, found.template) not in known and recorded[product].intersection(found.outcomes)
    ]
