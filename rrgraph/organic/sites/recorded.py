"""Which sites of training products give the recorded reactants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from rrgraph.organic.batches import map_batches, split_batches
from rrgraph.organic.chemistry.tensor_cache import cached_tensors
from rrgraph.organic.graph import TemplateGraph
from rrgraph.organic.sites.outcomes import site_outcomes, without_stereo
from rrgraph.organic.sites.sites import Site, SitePatterns, Sites
from rrgraph.organic.table import TemplateReactions

__all__ = ["RecordedSites", "recorded_sites"]

_BATCH_SIZE: Final = 250

_RULES: Final = 1
"""Version of the rules for sites; increase it when others are found, so that old cache entries are not used."""


@dataclass(frozen=True, eq=False)
class RecordedSites:
    """The sites of training products, and which of them are recorded.

    Attributes:
        sites: of all products.
        keys: (recorded,) int64, sorted: of each site with a template that gives recorded reactants there, the index of
            the site times the number of templates, plus that of the template.
        templates: number of templates.
    """

    sites: Sites
    keys: Tensor
    templates: int

    def contains(self, site: Tensor, template: Tensor) -> Tensor:
        """Return which pairs of a site and a template are recorded, (pairs,) bool."""
        wanted = site * self.templates + template
        place = torch.searchsorted(self.keys, wanted).clamp_max(max(len(self.keys) - 1, 0))
        return self.keys[place] == wanted if len(self.keys) else torch.zeros_like(wanted, dtype=torch.bool)


def recorded_sites(graph: TemplateGraph, reactions: TemplateReactions, *, jobs: int = 1) -> RecordedSites:
    """Return the sites of training products, cached for the same texts and the same version of RDKit.

    Where no site of the recorded template gives the recorded reactants, all of its sites count as recorded.

    Args:
        graph: training products and templates.
        reactions: the training rows.
        jobs: number of processes.

    Raises:
        DataError: a process died, or the cache cannot be written.
        MoleculeError: a product cannot be read.
    """
    rows = list(zip(reactions.products, reactions.reactants, reactions.templates, strict=True))

    def compute() -> dict[str, Tensor]:
        patterns = SitePatterns(graph.templates)
        sites = patterns.find(graph.products, jobs=jobs)
        found = dict(map_batches(_sites_of, split_batches(rows, _BATCH_SIZE), jobs=jobs, title="recorded sites"))
        keys = _keys(sites, patterns, graph, rows, [each for index in sorted(found) for each in found[index]])
        return {
            "pattern": sites.pattern.int(),
            "atoms": sites.atoms.short(),
            "offsets": sites.offsets.int(),
            "keys": keys,
        }

    texts = [*graph.products, "", *graph.templates, "", *map("|".join, rows)]
    stored = {name: tensor.long() for name, tensor in cached_tensors(f"sites{_RULES}", texts, compute).items()}
    sites = Sites(stored["pattern"], stored["atoms"], stored["offsets"])
    return RecordedSites(sites, stored["keys"], len(graph.templates))


def _sites_of(rows: Sequence[tuple[str, str, str]]) -> list[set[Site]]:
    """Return of each row (product, reactants, template) the sites at which the template gives the reactants."""
    found = []
    for product, reactants, template in rows:
        wanted = without_stereo(reactants)
        found.append({site for outcome, site in site_outcomes(template, product) if outcome == wanted})
    return found


def _keys(
    sites: Sites,
    patterns: SitePatterns,
    graph: TemplateGraph,
    rows: Sequence[tuple[str, str, str]],
    recorded: Sequence[set[Site]],
) -> Tensor:
    """Return `RecordedSites.keys`."""
    nodes = {text: node for node, text in enumerate(graph.products)}
    found: set[int] = set()
    for (product, _, text), known in zip(rows, recorded, strict=True):
        template = graph.template_index[text]
        start, end = sites.offsets[nodes[product] : nodes[product] + 2].tolist()
        own = (sites.pattern[start:end] == patterns.pattern[template]).nonzero()[:, 0] + start
        exact = [site for site in own.tolist() if tuple(sites.atoms[site].tolist()) in known]
        found.update(site * len(graph.templates) + template for site in exact or own.tolist())
    return torch.tensor(sorted(found), dtype=torch.int64)
