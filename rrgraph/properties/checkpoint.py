"""A pretrained encoder with its heads on disk, all that embedding and property prediction need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from rrgraph.nn import EncoderConfig, checkpoint_mismatch, read_model, weights, write_model
from rrgraph.properties.model import PropertyModel
from rrgraph.properties.tables.tasks import PropertyTask

__all__ = ["PROPERTY_FORMAT", "PropertyCheckpoint", "load_property_checkpoint", "save_property_checkpoint"]

PROPERTY_FORMAT = "rrgraph-property-model/1"
"""Name and version of the file format, checked on loading."""


@dataclass(frozen=True)
class PropertyCheckpoint:
    """A pretrained encoder with its heads.

    Attributes:
        model: weights, in evaluation mode.
        metadata: how it was trained; plain JSON.
    """

    model: PropertyModel
    metadata: Mapping[str, Any] = field(default_factory=dict)


def save_property_checkpoint(checkpoint: PropertyCheckpoint, folder: str | Path, *, half: bool = False) -> None:
    """Write `model.safetensors` and `model.json` into `folder`; `half` keeps the weights in 16 bits."""
    model = checkpoint.model
    description = {
        "encoder": asdict(model.config),
        "tasks": [asdict(task) for task in model.tasks],
        "metadata": dict(checkpoint.metadata),
    }
    write_model(folder, PROPERTY_FORMAT, weights(model, half=half), description)


def load_property_checkpoint(folder: str | Path) -> PropertyCheckpoint:
    """Read what `save_property_checkpoint` wrote.

    Raises:
        ModelError: a file is missing, cut off, of another format, or does not fit the other.
    """
    tensors, description = read_model(folder, PROPERTY_FORMAT)
    with checkpoint_mismatch(folder):
        known = {option.name for option in fields(EncoderConfig)}
        config = EncoderConfig(**{k: v for k, v in description["encoder"].items() if k in known})
        model = PropertyModel(config, [PropertyTask(**task) for task in description["tasks"]])
        model.load_state_dict(tensors)
        metadata = dict(description["metadata"])
    return PropertyCheckpoint(model=model.eval(), metadata=metadata)
