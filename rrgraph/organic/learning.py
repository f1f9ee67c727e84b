"""Training of the dual encoder of products and templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rrgraph.nn import DualEncoder, RetrievalIndex, embed_all
from rrgraph.organic.chemistry.matching import matching_mask
from rrgraph.organic.config import MONITORED, TemplateModelConfig
from rrgraph.organic.encoders import TEXT_ENCODERS, text_encoder
from rrgraph.organic.graph import SOLVED_BY, TemplateGraph
from rrgraph.organic.model import TemplateCheckpoint, build_model
from rrgraph.organic.table import TemplateReactions
from rrgraph.training import ContrastiveConfig, ContrastiveTask, History, Links, RankingConfig, RankingTask, train

__all__ = ["TemplateLearner"]


class TemplateLearner:
    """Trains a dual encoder in two stages; inputs needed by both are computed once.

    Args:
        graph: training products and templates.
        validation: rows used to choose the epoch, by the rank of their recorded template among training templates.
        config: of the model.
        seed: of initial weights, shuffling and dropout.
        eligible: (2, pairs) product and template nodes that match, sorted; training and validation then consider only
            matching templates. None considers all.
        device: of training.
    """

    def __init__(
        self,
        graph: TemplateGraph,
        validation: TemplateReactions,
        config: TemplateModelConfig,
        *,
        seed: int = 0,
        eligible: Tensor | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.graph, self.config, self.seed = graph, config, seed
        states = {
            side: TEXT_ENCODERS[each.encoder].learn_state(side, each, texts)
            for side, each, texts in (
                ("product", config.product, graph.products),
                ("template", config.template, graph.templates),
            )
        }
        torch.manual_seed(seed)
        self.model: DualEncoder = build_model(config, states).to(device)
        edges = graph.data[SOLVED_BY]
        self.links = Links(
            queries=text_encoder(self.model.left).inputs(graph.products),
            candidates=text_encoder(self.model.right).inputs(graph.templates),
            edges=edges.edge_index,
            count=edges.count,
            eligible=eligible,
        )
        kept = [row for row, text in enumerate(validation.templates) if text in graph.template_index]
        self._validated = [validation.products[row] for row in kept]
        self._queries = text_encoder(self.model.left).inputs(self._validated)
        self._allowed = None if eligible is None else matching_mask(self._validated, graph.templates)
        self._labels = torch.tensor([graph.template_index[validation.templates[row]] for row in kept])
        self._rows = len(validation)

    def contrast(self, config: ContrastiveConfig, *, folder: Path | None = None, resume: bool = False) -> History:
        """Train both encoders with a contrastive loss (stage 1)."""
        task = ContrastiveTask(self.model, self.links, config, validate=self.validate)
        return train(task, config, seed=self.seed, state_folder=folder, resume=resume)

    def rank(self, config: RankingConfig, *, folder: Path | None = None, resume: bool = False) -> History:
        """Fine-tune them with a ranking loss on lists of candidates (stage 2)."""
        task = RankingTask(self.model, self.links, config, validate=self.validate)
        return train(task, config, seed=self.seed, state_folder=folder, resume=resume)

    def learn_from(self, graph: TemplateGraph) -> None:
        """Continue with the links of another graph with the same nodes."""
        edges = graph.data[SOLVED_BY]
        self.links = replace(self.links, edges=edges.edge_index, count=edges.count)

    def validate(self) -> dict[str, float]:
        """Return the share of validation rows whose recorded template is among the first k training templates."""
        if not len(self._labels):
            return {}
        hit = self._nearest(max(MONITORED)).cpu() == self._labels[:, None]
        return {f"top_{k}": float(hit[:, :k].any(1).sum()) / self._rows for k in MONITORED}

    def _nearest(self, count: int) -> Tensor:
        """Return the most probable templates of the validation rows that have a label, at most `count` of each."""
        index = RetrievalIndex(embed_all(self.model.embed_candidates, self.links.candidates))
        queries = embed_all(self.model.embed_queries, self._queries)
        return index.search(queries, count, allowed=self._allowed)[1]

    def checkpoint(self, reactions: TemplateReactions, metadata: Mapping[str, Any]) -> TemplateCheckpoint:
        """Return the trained model with everything that prediction needs.

        Args:
            reactions: the training rows.
            metadata: how it was trained.
        """
        counts = reactions.template_counts()
        single = Counter(molecule for reactants in reactions.reactants for molecule in reactants.split("."))
        return TemplateCheckpoint(
            model=self.model.eval(),
            config=self.config,
            templates=self.graph.templates,
            counts=np.array([counts[text] for text in self.graph.templates], dtype=np.int64),
            embeddings=embed_all(self.model.embed_candidates, self.links.candidates).cpu(),
            reactants=single,
            metadata=metadata,
        )
