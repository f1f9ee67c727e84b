"""Templates that lead to recorded reactants beside the recorded ones: training reactions flow in, links flow out."""

from __future__ import annotations

from rrgraph.organic.planner import ReactantPlanner
from rrgraph.organic.table import TemplateReactions
from rrgraph.util.progress import track

__all__ = ["alternative_links"]


def alternative_links(planner: ReactantPlanner, reactions: TemplateReactions) -> list[tuple[str, str]]:
    """Return (product, template) that give the recorded reactants of a product and are not recorded for it.

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
