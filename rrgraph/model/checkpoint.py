"""A trained link model on disk: `model.safetensors` and `model.json`, all that prediction needs and no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from rrgraph import __version__
from rrgraph.chem import Composition, parse_formula
from rrgraph.errors import ModelError
from rrgraph.files import atomic_path, write_json
from rrgraph.graph import LinkStatistics
from rrgraph.model.config import ModelConfig
from rrgraph.model.link_model import LinkModel

__all__ = ["FORMAT", "LinkCheckpoint", "load_checkpoint", "save_checkpoint"]

FORMAT = "rrgraph-link-model/1"
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
    """

    model: LinkModel
    vocabulary: tuple[Composition, ...]
    counts: NDArray[np.int64]
    statistics: LinkStatistics | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def save_checkpoint(checkpoint: LinkCheckpoint, folder: str | Path) -> None:
    """Write `model.safetensors` and `model.json` into `folder`, each atomically."""
    folder = Path(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.model.state_dict().items()}
    if checkpoint.statistics is not None:
        for name in ("slot_counts", "element_counts", "uses"):
            tensors[_STATISTICS + name] = torch.from_numpy(getattr(checkpoint.statistics, name)).contiguous()
    with atomic_path(folder / "model.safetensors") as path:
        save_file(tensors, path, metadata={"format": FORMAT})
    write_json(
        folder / "model.json",
        {
            "format": FORMAT,
            "rrgraph": __version__,
            "model": asdict(checkpoint.model.config),
            "vocabulary": [
                {"formula": precursor.formula, "count": count}
                for precursor, count in zip(checkpoint.vocabulary, checkpoint.counts.tolist(), strict=True)
            ],
            "metadata": dict(checkpoint.metadata),
        },
    )


def load_checkpoint(folder: str | Path) -> LinkCheckpoint:
    """Read what `save_checkpoint` wrote.

    Raises:
        ModelError: a file is missing, cut off, of another format, or does not fit the other.
    """
    folder = Path(folder)
    for name in ("model.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise ModelError(f"'{folder}' is not a model folder: it has no {name}.")
    try:
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "model.safetensors")
    except (json.JSONDecodeError, UnicodeDecodeError, SafetensorError) as error:
        raise ModelError(f"The model in '{folder}' is damaged: {error}.") from None
    found = description.get("format") if isinstance(description, dict) else None
    if found != FORMAT:
        raise ModelError(f"The model in '{folder}' has format '{found}', expected '{FORMAT}'.")
    try:
        known = {option.name for option in fields(ModelConfig)}
        model = LinkModel(ModelConfig(**{k: v for k, v in description["model"].items() if k in known}))
        counted = {name: tensors.pop(_STATISTICS + name).numpy() for name in _counted(tensors)}
        model.load_state_dict(tensors)
        vocabulary = tuple(parse_formula(entry["formula"]) for entry in description["vocabulary"])
        counts = np.array([entry["count"] for entry in description["vocabulary"]], dtype=np.int64)
        statistics = LinkStatistics(vocabulary, **counted) if counted else None
        metadata = dict(description["metadata"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ModelError(f"The weights and the description in '{folder}' do not fit each other: {reason}.") from None
    return LinkCheckpoint(
        model=model.eval(),
        vocabulary=vocabulary,
        counts=counts,
        statistics=statistics,
        metadata=metadata,
    )


def _counted(tensors: Mapping[str, torch.Tensor]) -> list[str]:
    return [name.removeprefix(_STATISTICS) for name in tensors if name.startswith(_STATISTICS)]
