"""Finding pretrained encoders: the bundled one or that of a run folder."""

from __future__ import annotations

from rrgraph.model import PROPERTY_FORMAT, PropertyPredictor, load_property_checkpoint
from rrgraph.runs.models import model_folder

__all__ = ["DEFAULT_ENCODER", "load_encoder"]

DEFAULT_ENCODER = "encoder"
"""The bundled pretrained encoder."""


def load_encoder(name: str = DEFAULT_ENCODER, *, precision: str = "full") -> PropertyPredictor:
    """Load a bundled pretrained encoder by name, or that of a run folder by path.

    Args:
        name: a bundled name means the bundled encoder; write `./encoder` for a folder of the same name.
        precision: `full`, or `auto` for bfloat16 where it is faster.

    Raises:
        ModelError: there is no such encoder, or it is damaged.
    """
    with model_folder(name, PROPERTY_FORMAT) as folder:
        return PropertyPredictor(load_property_checkpoint(folder), precision=precision)
