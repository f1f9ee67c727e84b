"""A trained model of products and templates: SMILES flow in, the most probable templates flow out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.nn import (
    DualEncoder,
    RetrievalIndex,
    TreeEnsemble,
    checkpoint_mismatch,
    embed_all,
    read_model,
    weights,
    write_model,
)
from rrgraph.organic.chemistry.application import TemplateApplier, default_cache
from rrgraph.organic.config import SearchConfig, TemplateModelConfig, TowerConfig
from rrgraph.organic.encoders import TOWERS, Tower, tower_of
from rrgraph.organic.planner import ReactantPlanner, TemplateScorer
from rrgraph.organic.reranking.features import SET_FEATURES, SetDescriber
from rrgraph.organic.reranking.precedents import Precedents
from rrgraph.organic.reranking.reranker import ReactantReranker

__all__ = [
    "TEMPLATE_FORMAT",
    "TemplateCheckpoint",
    "TemplatePredictor",
    "build_model",
    "load_template_checkpoint",
    "save_template_checkpoint",
    "template_planner",
]

TEMPLATE_FORMAT: Final = "rrgraph-template-model/2"
"""Name and version of the file format, checked on loading."""

_MODEL, _BANK, _PRECEDENTS, _FOREST = "model.", "bank", "precedents.", "forest{}."


@dataclass(frozen=True)
class TemplateCheckpoint:
    """A dual encoder with everything that prediction needs.

    Attributes:
        model: weights, in evaluation mode, on any device.
        config: of the model.
        templates: the training templates, in node order.
        counts: (templates,) int64, training rows of each.
        bank: (templates, width) their vectors, on the processor.
        reactants: training rows of each single reactant.
        metadata: how it was trained; plain JSON.
        ranker: ranks sets of reactants again, if there is one.
    """

    model: DualEncoder
    config: TemplateModelConfig
    templates: tuple[str, ...]
    counts: NDArray[np.int64]
    bank: Tensor
    reactants: Mapping[str, int] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    ranker: ReactantReranker | None = None


def build_model(config: TemplateModelConfig, states: Mapping[str, Mapping[str, Any]]) -> DualEncoder:
    """Return a dual encoder with fresh weights.

    Args:
        config: both towers.
        states: what each tower learned from the training texts, by side.

    Raises:
        ConfigError: a tower is unknown or its sizes do not fit.
    """
    product, template = (
        TOWERS[tower.tower](side, tower, states[side], width=config.width)
        for side, tower in (("product", config.product), ("template", config.template))
    )
    return DualEncoder(product, template, temperature=config.temperature, normalise=config.normalise)


class TemplatePredictor:
    """Rank templates for products.

    Args:
        checkpoint: the trained model.
        bank: templates to choose among; those of the checkpoint unless given.
    """

    def __init__(self, checkpoint: TemplateCheckpoint, *, bank: Sequence[str] | None = None) -> None:
        self.checkpoint = checkpoint
        self.templates = checkpoint.templates if bank is None else tuple(bank)
        vectors = checkpoint.bank if bank is None else _vectors(checkpoint.model, self.templates)
        self._bank = RetrievalIndex(vectors)
        self.count = dict(zip(checkpoint.templates, checkpoint.counts.tolist(), strict=True))

    def nearest(self, products: Sequence[str], count: int, *, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the most probable templates of each product.

        Args:
            products: canonical SMILES.
            count: templates of each; all where there are fewer.
            allowed: (products, templates) bool, which ones to choose among; all unless given.

        Returns:
            Log-probabilities (products, count) among those, falling, -inf where there are fewer; and the templates'
            places in `templates` (products, count).

        Raises:
            MoleculeError: a product cannot be read.
        """
        model = self.checkpoint.model
        queries = embed_all(model.embed_left, tower_of(model.left).inputs(products))
        scores, found = self._bank.search(queries, count, allowed=allowed)
        total = self._bank.log_partition(queries, temperature=model.temperature, allowed=allowed)
        return scores / model.temperature - total, found


def template_planner(
    checkpoint: TemplateCheckpoint,
    *,
    scorer: TemplateScorer | None = None,
    search: SearchConfig | None = None,
    jobs: int = 1,
) -> ReactantPlanner:
    """Return what plans with a trained model; what templates lead to is kept in the user's cache.

    Args:
        checkpoint: the model.
        scorer: ranks templates in its place.
        search: in place of what it was trained for.
        jobs: number of processes that apply templates.

    Raises:
        ConfigError: rdchiral-plus is not installed.
    """
    return ReactantPlanner(
        scorer or TemplatePredictor(checkpoint),
        TemplateApplier(cache=default_cache(), jobs=jobs),
        search or SearchConfig(**checkpoint.metadata.get("search", {})),
        reactants=checkpoint.reactants,
        ranker=checkpoint.ranker,
    )


def save_template_checkpoint(checkpoint: TemplateCheckpoint, folder: str | Path) -> None:
    """Write `model.safetensors` and `model.json` into `folder`."""
    tensors = _prefixed(_MODEL, weights(checkpoint.model, half=False))
    description = {
        "model": asdict(checkpoint.config),
        "states": {side: tower.state for side, tower in _towers(checkpoint.model).items()},
        "templates": [
            [text, count] for text, count in zip(checkpoint.templates, checkpoint.counts.tolist(), strict=True)
        ],
        "reactants": dict(checkpoint.reactants),
        "metadata": dict(checkpoint.metadata),
        "ranker": None,
    }
    if checkpoint.ranker is not None:
        tensors |= _ranker_tensors(checkpoint.ranker)
        description["ranker"] = _describe_ranker(checkpoint.ranker)
    write_model(folder, TEMPLATE_FORMAT, {**tensors, _BANK: checkpoint.bank}, description)


def load_template_checkpoint(folder: str | Path) -> TemplateCheckpoint:
    """Read what `save_template_checkpoint` wrote.

    Raises:
        ModelError: a file is missing, cut off, of another format, or does not fit the other.
    """
    tensors, description = read_model(folder, TEMPLATE_FORMAT)
    with checkpoint_mismatch(folder):
        config = _read_config(description["model"])
        model = build_model(config, description["states"])
        bank = tensors.pop(_BANK)
        model.load_state_dict(_taken(_MODEL, tensors))
        texts, counts = zip(*description["templates"], strict=True)
        if len(bank) != len(texts):
            raise ValueError(f"{len(bank)} vectors for {len(texts)} templates")
        reactants = Counter(description["reactants"])
        ranker = _read_ranker(tensors, description["ranker"], texts, reactants)
    return TemplateCheckpoint(
        model=model.eval(),
        config=config,
        templates=tuple(texts),
        counts=np.array(counts, dtype=np.int64),
        bank=bank,
        reactants=reactants,
        metadata=description["metadata"],
        ranker=ranker,
    )


def _towers(model: DualEncoder) -> dict[str, Tower]:
    return {"product": tower_of(model.left), "template": tower_of(model.right)}


def _vectors(model: DualEncoder, templates: Sequence[str]) -> Tensor:
    return embed_all(model.embed_right, tower_of(model.right).inputs(templates)).cpu()


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _taken(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with a prefix under their names without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _ranker_tensors(ranker: ReactantReranker) -> dict[str, Tensor]:
    tensors = _prefixed(_PRECEDENTS, ranker.describe.precedents.tensors())
    for number, forest in enumerate(ranker.forests):
        tensors |= _prefixed(_FOREST.format(number), forest.state_dict())
    return tensors


def _describe_ranker(ranker: ReactantReranker) -> dict[str, Any]:
    forests = [{"trees": forest.trees, "depth": forest.depth} for forest in ranker.forests]
    return {"numbers": SET_FEATURES, "forests": forests, "products": sorted(ranker.products)}


def _read_ranker(
    tensors: Mapping[str, Tensor],
    description: Mapping[str, Any] | None,
    templates: Sequence[str],
    reactants: Mapping[str, int],
) -> ReactantReranker | None:
    if description is None:
        return None
    if tuple(description["numbers"]) != SET_FEATURES:
        raise ValueError("its trees read other numbers than this version gives them")
    forests = [TreeEnsemble(**sizes) for sizes in description["forests"]]
    for number, forest in enumerate(forests):
        forest.load_state_dict(_taken(_FOREST.format(number), tensors))
    precedents = Precedents.from_tensors(_taken(_PRECEDENTS, tensors))
    return ReactantReranker(SetDescriber(precedents, templates, reactants), forests, description["products"])


def _read_config(values: Mapping[str, Any]) -> TemplateModelConfig:
    known = {option.name for option in fields(TowerConfig)}
    towers = {
        side: TowerConfig(**{name: value for name, value in values[side].items() if name in known})
        for side in ("product", "template")
    }
    return TemplateModelConfig(
        width=values["width"], temperature=values["temperature"], normalise=values["normalise"], **towers
    )
