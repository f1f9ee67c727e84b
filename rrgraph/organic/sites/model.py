"""A dual encoder that scores templates at each site of a product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, embedding_bag, gelu

from rrgraph.nn import DualEncoder, Inputs
from rrgraph.organic.config import SiteConfig, TextEncoderConfig
from rrgraph.organic.graph_encoders import GraphEncoder
from rrgraph.organic.sites.sites import POSITIONS, SitePatterns, Sites

__all__ = ["PairScores", "SiteEncoder", "SiteModel", "log_partition", "template_logits"]


class PairScores(NamedTuple):
    """Scores of pairs of a site and a template that may be applied there; indices are on the processor.

    Attributes:
        score: (pairs,), the logits, where the model is.
        product: (pairs,) which product the site is in.
        site: (pairs,) index of the site.
        template: (pairs,) index of the template.
    """

    score: Tensor
    product: Tensor
    site: Tensor
    template: Tensor


class SiteEncoder(nn.Module):
    """Vectors of sites, from the states of their atoms and of the whole molecule after messages between atoms.

    Each position of a pattern has a matrix of its own, so that the two ends of a bond are distinguished.

    Args:
        config: sizes.
        width: of the vectors.
    """

    def __init__(self, config: SiteConfig, *, width: int) -> None:
        super().__init__()
        sizes = TextEncoderConfig(encoder="graph", hidden=config.hidden, layers=config.layers, dropout=config.dropout)
        self.config, self.width = config, width
        self.graph = GraphEncoder("product", sizes, {}, width=width)
        self.norm = nn.LayerNorm(config.hidden)
        self.positions = nn.Linear(config.hidden, POSITIONS * width, bias=False)
        self.site_norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, width)

    def inputs(self, products: Sequence[str]) -> Inputs:
        """Return the tensors of n products."""
        return self.graph.inputs(products)

    def forward(self, inputs: Inputs, sites: Sites) -> Tensor:
        """Return the vectors (sites, width) of the sites of n products, whose molecular graphs are given."""
        states = self.graph.atom_states(*inputs)
        counts = inputs[1]
        owner = _there(sites.owner, states.device)
        moved = self.positions(self.norm(states)).view(-1, self.width)
        moved = torch.cat([moved, moved.new_zeros(1, self.width)])
        atoms = _there(sites.atoms, states.device)
        place = (atoms + (counts.cumsum(0) - counts)[owner, None]) * POSITIONS
        place = place + torch.arange(POSITIONS, device=states.device)
        summed = embedding_bag(place.where(atoms >= 0, len(moved) - 1), moved, mode="sum")
        hidden = gelu(self.site_norm(summed + self.graph.pooled(states, counts)[owner]))
        vectors: Tensor = self.project(dropout(hidden, self.config.dropout, self.training))
        return vectors


class SiteModel(nn.Module):
    """A dual encoder whose products have a vector for each site: that of the product plus that of the site.

    Args:
        links: the dual encoder.
        sites: encodes sites, with the same width.
    """

    def __init__(self, links: DualEncoder, sites: SiteEncoder) -> None:
        super().__init__()
        self.links, self.sites = links, sites

    def forward(
        self, queries: Inputs, graphs: Inputs, sites: Sites, patterns: SitePatterns, templates: Tensor
    ) -> PairScores:
        """Return the scores of all templates at all sites of n products.

        Args:
            queries: of the products, for the encoder of products.
            graphs: of the products, from `SiteEncoder.inputs`.
            sites: of the products.
            patterns: of the templates.
            templates: (templates, width) their embeddings.
        """
        device = self.links.device
        owner = sites.owner
        vectors = self.sites(tuple(_there(tensor, device) for tensor in graphs), sites)
        products = self.links.left(*(_there(tensor, device) for tensor in queries))
        vectors = self.links.direct(vectors + products[_there(owner, device)])
        site, template = patterns.pairs(sites)
        both = vectors.index_select(0, _there(site, device)) * templates.index_select(0, _there(template, device))
        return PairScores(both.sum(1) / self.links.temperature, owner[site], site, template)


def log_partition(scores: Tensor, owner: Tensor, number: int) -> Tensor:
    """Return the logarithm of the sum of the exponentials of each owner's scores, (number,); -inf if it has none."""
    owner = _there(owner, scores.device)
    most = scores.new_full((number,), -torch.inf).scatter_reduce(0, owner, scores.detach(), "amax")
    shift = most.where(most > -torch.inf, 0.0)
    return shift + scores.new_zeros(number).index_add(0, owner, (scores - shift[owner]).exp()).log()


def template_logits(pairs: PairScores, products: int, templates: int) -> Tensor:
    """Return the logits (products, templates) of templates, over all sites of a product; -inf where there is none."""
    owner = pairs.product * templates + pairs.template
    return log_partition(pairs.score, owner, products * templates).view(products, templates)


def _there(tensor: Tensor, device: torch.device) -> Tensor:
    """Return what is known on the processor where the model is, without waiting for it."""
    return tensor.to(device, non_blocking=True)
