"""Files of a pretrained encoder with its heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rrgraph.nn import EncoderConfig, checkpoint_mismatch, load_weights, read_model, weights, write_model
from rrgraph.properties.model import PropertyModel
from rrgraph.properties.tables.tasks import PropertyTask
from rrgraph.util.arguments import call_with, value_of
from rrgraph.util.settings import from_stored, to_stored

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
    """Write `model.safetensors` and `model.json` into `folder`; with `half` the weights are stored in 16 bits."""
    model = checkpoint.model
    description = {
        "encoder": to_stored(model.config),
        "tasks": [asdict(task) for task in model.tasks],
        "metadata": dict(checkpoint.metadata),
    }
    write_model(folder, PROPERTY_FORMAT, weights(model, half=half), description)


def load_property_checkpoint(folder: str | Path) -> PropertyCheckpoint:
    """Read what `save_property_checkpoint` wrote.

    Raises:
        ModelError: a file is missing, truncated, of another format, or does not match the other.
    """
    tensors, description = read_model(folder, PROPERTY_FORMAT)
    with checkpoint_mismatch(folder):
        config = from_stored(EncoderConfig, value_of(description, "encoder", dict), ignore_unknown=True)
        tasks = [call_with(PropertyTask, task) for task in value_of(description, "tasks", list)]
        if len({task.name for task in tasks}) < len(tasks):
            raise ValueError("'tasks' names a property twice")
        model = load_weights(partial(PropertyModel, config, tasks), tensors)
        metadata = value_of(description, "metadata", dict)
    return PropertyCheckpoint(model=model.eval(), metadata=metadata)
