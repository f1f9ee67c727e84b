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
from rrgraph.graph import LinkStatistics
from rrgraph.model.config import ModelConfig
from rrgraph.model.link_model import LinkModel
from rrgraph.model.storage import read_model, refuse_misfit, weights, write_model

__all__ = ["FORMAT", "LinkCheckpoint", "load_checkpoint", "save_checkpoint"]

FORMAT = "rrgraph-link-model/2"
"""Name and version of the file format, checked on loading."""

_STATISTICS = "statistics."


@dataclass(frozen=True)
class LinkCheckpoint:
    """A link model with everything that prediction needs.

    Attributes:
        model: weights, in evaluation mode.
        vocabulary: the precursors it knows by name, in node order.
        counts: (vocabulary,) int64, distinct training targets linked to each; 0 for a candidate never seen.
        statistics: counts behind the link statistics, None for a model without them.
        metadata: how it was trained and how its scores are best used (`score_mode`); plain JSON.
        systems: element systems of the training targets (`Fe-O`), by which one tells how far a new target is from
            them; None for a model that does not record them.
    """

    model: LinkModel
    vocabulary: tuple[Composition, ...]
    counts: NDArray[np.int64]
    statistics: LinkStatistics | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    systems: frozenset[str] | None = None


def save_checkpoint(checkpoint: LinkCheckpoint, folder: str | Path, *, half: bool = False) -> None:
    """Write `model.safetensors` and `model.json` into `folder`; `half` keeps the weights in 16 bits, counts exact."""
    tensors = weights(checkpoint.model, half=half)
    if checkpoint.statistics is not None:
        for name in ("slot_counts", "element_counts", "uses"):
            tensors[_STATISTICS + name] = torch.from_numpy(getattr(checkpoint.statistics, name))
    description = {
        "model": asdict(checkpoint.model.config),
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
        ModelError: a file is missing, cut off, of another format, or does not fit the other.
    """
    tensors, description = read_model(folder, FORMAT)
    with refuse_misfit(folder):
        known = {option.name for option in fields(ModelConfig)}
        model = LinkModel(ModelConfig(**{k: v for k, v in description["model"].items() if k in known}))
        counted = {name: tensors.pop(_STATISTICS + name).numpy() for name in _counted(tensors)}
        model.load_state_dict(tensors)
        vocabulary = tuple(parse_formula(entry["formula"]) for entry in description["vocabulary"])
        counts = np.array([entry["count"] for entry in description["vocabulary"]], dtype=np.int64)
        statistics = LinkStatistics(vocabulary, **counted) if counted else None
        metadata = dict(description["metadata"])
        systems = frozenset(found) if (found := description.get("systems")) is not None else None
    return LinkCheckpoint(
        model=model.eval(),
        vocabulary=vocabulary,
        counts=counts,
        statistics=statistics,
        metadata=metadata,
        systems=systems,
    )


def _counted(tensors: Mapping[str, torch.Tensor]) -> list[str]:
    return [name.removeprefix(_STATISTICS) for name in tensors if name.startswith(_STATISTICS)]
