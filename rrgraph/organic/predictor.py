"""Prediction with a trained model: templates of products, and the planner that applies them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from rrgraph.nn import RetrievalIndex, embed_all
from rrgraph.organic.batches import split_batches
from rrgraph.organic.chemistry.application import Outcomes, TemplateApplier, default_cache
from rrgraph.organic.config import SearchConfig
from rrgraph.organic.encoders import text_encoder
from rrgraph.organic.model import TemplateCheckpoint, template_embeddings
from rrgraph.organic.planner import ReactantPlanner, TemplateScorer
from rrgraph.organic.sites.model import PairScores, SiteModel, log_partition, template_logits
from rrgraph.organic.sites.outcomes import site_outcomes, without_stereo
from rrgraph.organic.sites.sites import Site, SitePatterns, Sites
from rrgraph.util.settings import from_stored

__all__ = ["SitePredictor", "TemplatePredictor", "template_planner", "template_predictor"]

_BATCH_SIZE: Final = 256


class TemplatePredictor:
    """Ranks templates for products.

    Args:
        checkpoint: the trained model.
        templates: candidate templates, by default those of the checkpoint.
    """

    def __init__(self, checkpoint: TemplateCheckpoint, *, templates: Sequence[str] | None = None) -> None:
        self.checkpoint = checkpoint
        self.templates = checkpoint.templates if templates is None else tuple(templates)
        known = templates is None
        self.embeddings = checkpoint.embeddings if known else template_embeddings(checkpoint.model, self.templates)
        self.count = dict(zip(checkpoint.templates, checkpoint.counts.tolist(), strict=True))
        self._index = RetrievalIndex(self.embeddings)

    def nearest(self, products: Sequence[str], count: int, *, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the most probable templates of each product.

        Args:
            products: canonical SMILES.
            count: number of templates for each, all if there are fewer.
            allowed: (products, templates) bool, the templates to consider; by default all.

        Returns:
            Log probabilities (products, count) among these templates, in decreasing order, -inf if there are fewer; and
            indices into `templates` (products, count).

        Raises:
            MoleculeError: a product cannot be read.
        """
        model = self.checkpoint.model
        queries = embed_all(model.embed_queries, text_encoder(model.left).inputs(products))
        scores, found = self._index.search(queries, count, allowed=allowed)
        total = self._index.log_partition(queries, temperature=model.temperature, allowed=allowed)
        return scores / model.temperature - total, found


class SitePredictor(TemplatePredictor):
    """Ranks templates for products by the sites where they may be applied.

    Args:
        checkpoint: a trained model with `sites`.
        templates: candidate templates, by default those of the checkpoint.
    """

    def __init__(self, checkpoint: TemplateCheckpoint, *, templates: Sequence[str] | None = None) -> None:
        super().__init__(checkpoint, templates=templates)
        assert checkpoint.sites is not None
        self._model = SiteModel(checkpoint.model, checkpoint.sites)
        self._patterns = SitePatterns(self.templates)

    def nearest(self, products: Sequence[str], count: int, *, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the templates of the most probable sites of each product, see `TemplatePredictor.nearest`.

        The probability of a template is the sum over its sites; templates without one have none.
        """
        tables = [
            template_logits(pairs, len(batch), len(self.templates)).cpu() for batch, _, pairs in self._scores(products)
        ]
        logits = torch.cat([torch.empty(0, len(self.templates)), *tables])
        if allowed is not None:
            logits = logits.masked_fill(~allowed, -torch.inf)
        best = logits.topk(min(count, len(self.templates)), dim=1)
        total = logits.logsumexp(1, keepdim=True)
        return best.values - total.where(total > -torch.inf, 0.0), best.indices

    def outcome_probabilities(
        self, outcomes: Mapping[str, Mapping[str, Outcomes]]
    ) -> dict[str, dict[str, tuple[float, ...]]]:
        """Return the probability of each outcome, from the sites that lead to it.

        Args:
            outcomes: by product and template, as `TemplateApplier` returns them.

        Raises:
            MoleculeError: a product cannot be read.
        """
        index = {text: node for node, text in enumerate(self.templates)}
        names = tuple(outcomes)
        found: dict[str, dict[str, tuple[float, ...]]] = {}
        for batch, sites, pairs in self._scores(names):
            logs = pairs.score - log_partition(pairs.score, pairs.product, len(batch))[pairs.product]
            probabilities = logs.exp().tolist()
            atoms = [tuple(row) for row in sites.atoms.tolist()]
            by_site: list[dict[int, dict[Site, float]]] = [{} for _ in batch]
            rows = zip(pairs.product.tolist(), pairs.template.tolist(), pairs.site.tolist(), probabilities, strict=True)
            for product, template, site, probability in rows:
                by_site[product].setdefault(template, {})[atoms[site]] = probability
            for text, scored in zip(batch, by_site, strict=True):
                found[text] = {
                    template: _shared(template, text, each, scored.get(index[template], {}))
                    for template, each in outcomes[text].items()
                }
        return found

    def _scores(self, products: Sequence[str]) -> Iterator[tuple[Sequence[str], Sites, PairScores]]:
        """Yield batches of products with their sites and the scores there."""
        encoder, sites = self.checkpoint.model.left, self._model.sites
        embeddings = self.embeddings.to(self.checkpoint.model.device)
        for batch in split_batches(products, _BATCH_SIZE):
            found = self._patterns.find(batch)
            with torch.no_grad():
                queries, graphs = text_encoder(encoder).inputs(batch), sites.inputs(batch)
                yield batch, found, self._model(queries, graphs, found, self._patterns, embeddings)


def _shared(template: str, product: str, outcomes: Outcomes, by_site: Mapping[Site, float]) -> tuple[float, ...]:
    """Return the probability of each outcome of a template, whose probability at each site is given.

    An outcome that no site seems to give, since RDKit and rdchiral-plus disagree, gets that of the least probable site.
    """
    if len(outcomes) < 2 or not by_site:
        return (sum(by_site.values()),) * len(outcomes)
    sites: dict[str, set[Site]] = {}
    for reactants, site in site_outcomes(template, product):
        sites.setdefault(reactants, set()).add(site)
    least = min(by_site.values())
    sums = [sum(by_site.get(site, 0.0) for site in sites.get(without_stereo(each), ())) for each in outcomes]
    return tuple(each or least for each in sums)


def template_predictor(checkpoint: TemplateCheckpoint, *, templates: Sequence[str] | None = None) -> TemplatePredictor:
    """Return what ranks templates with a trained model.

    Args:
        checkpoint: the model.
        templates: candidate templates, by default those of the checkpoint.
    """
    kind = TemplatePredictor if checkpoint.sites is None else SitePredictor
    return kind(checkpoint, templates=templates)


def template_planner(
    checkpoint: TemplateCheckpoint,
    *,
    scorer: TemplateScorer | None = None,
    search: SearchConfig | None = None,
    jobs: int = 1,
) -> ReactantPlanner:
    """Return a planner with a trained model; outcomes of templates are stored in the user's cache.

    Args:
        checkpoint: the model.
        scorer: ranks templates instead of the model.
        search: settings instead of those the model was trained for.
        jobs: number of processes that apply templates.

    Raises:
        ConfigError: rdchiral-plus is not installed.
    """
    return ReactantPlanner(
        scorer or template_predictor(checkpoint),
        TemplateApplier(cache=default_cache(), jobs=jobs),
        search or from_stored(SearchConfig, checkpoint.metadata.get("search", {})),
        reactants=checkpoint.reactants,
        reranker=checkpoint.reranker,
    )
