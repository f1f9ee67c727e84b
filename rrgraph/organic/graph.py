"""The bipartite graph of products and templates as PyG `HeteroData`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from rrgraph.graph import EdgeType, hetero_graph
from rrgraph.organic.table import TemplateReactions

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

__all__ = ["REVERSE_SOLVED_BY", "SOLVED_BY", "TemplateGraph", "build_template_graph"]

#: The type of the links from products to templates.
SOLVED_BY: Final[EdgeType] = ("product", "solved_by", "template")
REVERSE_SOLVED_BY: Final[EdgeType] = ("template", "solves", "product")


@dataclass(frozen=True)
class TemplateGraph:
    """A bipartite graph with the texts of its nodes.

    Attributes:
        data: the graph; the edge store holds `edge_index` (2, edges) and `count` (edges,), the number of rows.
        products: canonical SMILES of each product node.
        templates: reaction SMARTS of each template node.
    """

    data: HeteroData
    products: tuple[str, ...]
    templates: tuple[str, ...]

    @cached_property
    def template_index(self) -> dict[str, int]:
        """Node of each template."""
        return {template: node for node, template in enumerate(self.templates)}


def build_template_graph(reactions: TemplateReactions, *, extra_links: Iterable[tuple[str, str]] = ()) -> TemplateGraph:
    """Return the graph of reactions; nodes are numbered in order of appearance.

    Args:
        reactions: the training rows.
        extra_links: further pairs (product, template) that lead to recorded reactants; new links get a count of 1.
    """
    products = {text: node for node, text in enumerate(dict.fromkeys(reactions.products))}
    templates = {text: node for node, text in enumerate(dict.fromkeys(reactions.templates))}
    counts = Counter(
        (products[product], templates[template])
        for product, template in zip(reactions.products, reactions.templates, strict=True)
    )
    for product, template in extra_links:
        counts.setdefault((products[product], templates[template]), 1)
    data = hetero_graph(SOLVED_BY, REVERSE_SOLVED_BY, (len(products), len(templates)), counts)
    return TemplateGraph(data=data, products=tuple(products), templates=tuple(templates))
