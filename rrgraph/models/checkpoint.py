"""A trained link model on disk: `model.safetensors` and `model.json`, all that prediction needs and no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rrgraph.chem import Composition, parse_formula
from rrgraph.graph import FrequencyFeatures, SetFrequencyFeatures
from rrgraph.links import LinkModel
from rrgraph.models.components import describe_parts, require_parts
from rrgraph.nn import ModelConfig, TreeEnsemble, checkpoint_mismatch, read_model, weights, write_model
from rrgraph.properties import EnergyHead
from rrgraph.reranking import EnsembleReranker, ListwiseNetwork, ListwiseNetworkConfig

__all__ = ["FORMAT", "LinkCheckpoint", "load_checkpoint", "save_checkpoint"]

FORMAT = "rrgraph-link-model/4"
"""Name and version of the file format, checked on loading."""

_STATISTICS, _SETS = "statistics.", "sets."
_SCORER, _SET_STATISTICS, _ENERGY, _TREES = "scorer.", "statistics.", "energy.", "trees."


@dataclass(frozen=True)
class LinkCheckpoint:
    """A link model with everything that prediction needs.

    Attributes:
        model: weights, in evaluation mode.
        vocabulary: the precursors it knows by name, in node order.
        counts: (vocabulary,) int64, distinct training targets linked to each; 0 for a candidate never seen.
        statistics: counts behind the link statistics, None for a model without them.
        metadata: how it was trained and how its scores are best used (`score_mode`); plain JSON.
        ranker: second stage that ranks whole sets, None for a model without it.
        systems: element systems of the training targets (`Fe-O`), by which one tells how far a new target is from
            them; None for a model that does not record them.
    """

    model: LinkModel
    vocabulary: tuple[Composition, ...]
    counts: NDArray[np.int64]
    statistics: FrequencyFeatures | None = None
    ranker: EnsembleReranker | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    systems: frozenset[str] | None = None


def save_checkpoint(checkpoint: LinkCheckpoint, folder: str | Path, *, half: bool = False) -> None:
    """Write `model.safetensors` and `model.json` into `folder`; `half` keeps the weights in 16 bits, counts exact."""
    tensors = weights(checkpoint.model, half=half)
    description: dict[str, Any] = {}
    if checkpoint.ranker is not None:
        tensors |= _ranker_tensors(checkpoint.ranker, half=half)
        description["sets"] = _describe_ranker(checkpoint.ranker)
    if checkpoint.statistics is not None:
        counted = checkpoint.statistics.to_arrays()
        tensors |= {_STATISTICS + name: torch.from_numpy(values) for name, values in counted.items()}
    description |= {
        "model": asdict(checkpoint.model.config),
        "parts": describe_parts(checkpoint.model.config),
        "vocabulary": [
            {"formula": precursor.formula, "count": count}
            for precursor, count in zip(checkpoint.vocabulary, checkpoint.counts.tolist(), strict=True)
        ],
        "metadata": dict(checkpoint.metadata),
        "systems": None if checkpoint.systems is None else sorted(checkpoint.systems),
    }
    write_model(folder, FORMAT, tensors, description)


def load_checkpoint(folder: str | Path) -> LinkCheckpoint:
    """Read what `save_checkpoint` wrote.

    Raises:
        ModelError: a file is missing, cut off, of another format, or does not fit the other; or the package of its
            encoder or decoder is missing.
    """
    tensors, description = read_model(folder, FORMAT)
    require_parts(description.get("parts", {}), folder)
    with checkpoint_mismatch(folder):
        known = {option.name for option in fields(ModelConfig)}
        model = LinkModel(ModelConfig(**{k: v for k, v in description["model"].items() if k in known}))
        counted = _under(tensors, _STATISTICS)
        ranked = _under(tensors, _SETS)
        model.load_state_dict(tensors)
        vocabulary = tuple(parse_formula(entry["formula"]) for entry in description["vocabulary"])
        counts = np.array([entry["count"] for entry in description["vocabulary"]], dtype=np.int64)
        statistics = FrequencyFeatures.from_arrays(vocabulary, _arrays(counted)) if counted else None
        ranker = None
        if statistics is not None and "sets" in description:
            ranker = _ranker(description["sets"], ranked, statistics, model.config.width)
        metadata = dict(description["metadata"])
        systems = frozenset(found) if (found := description.get("systems")) is not None else None
    return LinkCheckpoint(
        model=model.eval(),
        vocabulary=vocabulary,
        counts=counts,
        statistics=statistics,
        metadata=metadata,
        ranker=ranker,
        systems=systems,
    )


def _ranker_tensors(ranker: EnsembleReranker, *, half: bool) -> dict[str, torch.Tensor]:
    tensors = {_SCORER + name: tensor for name, tensor in ranker.scorer.state_dict().items()}
    tensors |= {_SET_STATISTICS + name: torch.from_numpy(a) for name, a in ranker.statistics.to_arrays().items()}
    if ranker.energy is not None:
        tensors |= {_ENERGY + name: tensor for name, tensor in weights(ranker.energy, half=half).items()}
    if ranker.trees is not None:
        tensors |= {_TREES + name: tensor for name, tensor in ranker.trees.state_dict().items()}
    return {_SETS + name: tensor for name, tensor in tensors.items()}


def _describe_ranker(ranker: EnsembleReranker) -> dict[str, Any]:
    return {
        "scorer": asdict(ranker.scorer.config),
        "forms": list(ranker.statistics.forms),
        "candidates": ranker.candidates,
        "energy_hidden": None if ranker.energy is None else ranker.energy.value.in_features,
        "trees": None if ranker.trees is None else {"trees": ranker.trees.trees, "depth": ranker.trees.depth},
        "tree_weight": ranker.tree_weight,
        "temperature": ranker.temperature,
        "told_temperature": ranker.told_temperature,
    }


def _ranker(
    description: Mapping[str, Any], tensors: dict[str, torch.Tensor], statistics: FrequencyFeatures, width: int
) -> EnsembleReranker:
    scorer = ListwiseNetwork(ListwiseNetworkConfig(**description["scorer"]))
    scorer.load_state_dict(_under(tensors, _SCORER))
    energy = None
    if description["energy_hidden"] is not None:
        energy = EnergyHead(width, description["energy_hidden"])
        energy.load_state_dict(_under(tensors, _ENERGY))
        energy.eval()
    trees = None
    if description["trees"] is not None:
        trees = TreeEnsemble(**description["trees"])
        trees.load_state_dict(_under(tensors, _TREES))
    counted = _arrays(_under(tensors, _SET_STATISTICS))
    return EnsembleReranker(
        scorer.eval(),
        SetFrequencyFeatures.from_arrays(statistics.vocabulary, statistics.systems, description["forms"], counted),
        candidates=int(description["candidates"]),
        energy=energy,
        trees=trees,
        tree_weight=float(description["tree_weight"]),
        temperature=float(description["temperature"]),
        told_temperature=float(description["told_temperature"]),
    )


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Take the tensors whose name begins with `prefix` out of all, and return them without it."""
    names = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in names}


def _arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, NDArray]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}
