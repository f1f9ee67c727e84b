"""Training of a model that scores templates at each site of a product."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from rrgraph.nn import Inputs, embed_all, half_precision, select
from rrgraph.organic.config import TemplateModelConfig
from rrgraph.organic.graph import TemplateGraph
from rrgraph.organic.learning import TemplateLearner
from rrgraph.organic.model import TemplateCheckpoint
from rrgraph.organic.sites.model import SiteEncoder, SiteModel, log_partition, template_logits
from rrgraph.organic.sites.recorded import RecordedSites
from rrgraph.organic.sites.sites import SitePatterns, Sites
from rrgraph.organic.table import TemplateReactions
from rrgraph.training import ContrastiveConfig, History, Task, train

__all__ = ["SiteLearner", "SiteTask"]

_BATCH_SIZE: Final = 256


class SiteTask(Task):
    """Choose the recorded templates and sites of each product among all of its sites, by one softmax.

    Args:
        module: what learns.
        queries: inputs of the encoder of products, one row a node.
        graphs: molecular graphs of the products.
        candidates: inputs of the encoder of templates.
        patterns: of the templates.
        recorded: sites of the products, and which are recorded.
        config: rates.
        validate: returns validation metrics of the module in evaluation mode.
    """

    module: SiteModel

    def __init__(
        self,
        module: SiteModel,
        *,
        queries: Inputs,
        graphs: Inputs,
        candidates: Inputs,
        patterns: SitePatterns,
        recorded: RecordedSites,
        config: ContrastiveConfig,
        validate: Callable[[], dict[str, float]],
    ) -> None:
        self.module, self.config, self._validate = module, config, validate
        self.queries, self.graphs, self.patterns, self.recorded = queries, graphs, patterns, recorded
        self.candidates = tuple(each.to(module.links.device) for each in candidates)
        site = recorded.keys // len(patterns.pattern)
        owner = torch.searchsorted(recorded.sites.offsets, site, right=True) - 1
        self._products: Tensor = torch.unique(owner)

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        return [{"params": list(self.module.parameters()), "lr": self.config.learning_rate, "hidden": True}]

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Tensor]:
        order = torch.randperm(len(self._products), generator=generator)
        return torch.split(self._products[order], self.config.batch_size)

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        sites, chosen = self.recorded.sites.select(batch)
        links = self.module.links
        with half_precision(links.device, self.config.precision):
            embeddings = links.embed_candidates(*self.candidates)
            inputs = select(self.queries, batch), select(self.graphs, batch)
            pairs = self.module(*inputs, sites, self.patterns, embeddings)
        score = pairs.score.float()
        known = self.recorded.contains(chosen[pairs.site], pairs.template).nonzero()[:, 0]
        recorded = score[known.to(score.device, non_blocking=True)]
        total = log_partition(score, pairs.product, len(batch))
        return (total - log_partition(recorded, pairs.product[known], len(batch))).mean()

    def validate(self) -> dict[str, float]:
        return self._validate()


class SiteLearner(TemplateLearner):
    """Trains a dual encoder together with vectors of sites, in one stage.

    Args:
        graph: training products and templates.
        validation: rows used to choose the epoch.
        config: of the model.
        recorded: sites of the training products, see `recorded_sites`.
        seed: of initial weights, shuffling and dropout.
        device: of training.
    """

    def __init__(
        self,
        graph: TemplateGraph,
        validation: TemplateReactions,
        config: TemplateModelConfig,
        recorded: RecordedSites,
        *,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(graph, validation, config, seed=seed, device=device)
        self.sites = SiteEncoder(config.sites, width=config.width).to(device)
        self._module = SiteModel(self.model, self.sites)
        self._patterns = SitePatterns(graph.templates)
        self._recorded = recorded
        self._graphs = self.sites.inputs(graph.products)
        self._validation_graphs = self.sites.inputs(self._validated)
        self._validation_sites: Sites = self._patterns.find(self._validated)

    def contrast(self, config: ContrastiveConfig, *, folder: Path | None = None, resume: bool = False) -> History:
        """Train all encoders."""
        task = SiteTask(
            self._module,
            queries=self.links.queries,
            graphs=self._graphs,
            candidates=self.links.candidates,
            patterns=self._patterns,
            recorded=self._recorded,
            config=config,
            validate=self.validate,
        )
        return train(task, config, seed=self.seed, state_folder=folder, resume=resume)

    def _nearest(self, count: int) -> Tensor:
        embeddings = embed_all(self.model.embed_candidates, self.links.candidates)
        found = []
        for batch in torch.split(torch.arange(len(self._labels)), _BATCH_SIZE):
            sites, _ = self._validation_sites.select(batch)
            inputs = select(self._queries, batch), select(self._validation_graphs, batch)
            with torch.no_grad():
                pairs = self._module(*inputs, sites, self._patterns, embeddings)
            logits = template_logits(pairs, len(batch), len(self.graph.templates))
            found.append(logits.topk(min(count, logits.shape[1]), dim=1).indices)
        return torch.cat(found)

    def checkpoint(self, reactions: TemplateReactions, metadata: Mapping[str, Any]) -> TemplateCheckpoint:
        return replace(super().checkpoint(reactions, metadata), sites=self.sites.eval())
