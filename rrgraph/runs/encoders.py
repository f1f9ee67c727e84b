"""Pretrained encoders: finding the bundled one or that of a run folder, and starting link models from them."""

from __future__ import annotations

from dataclasses import asdict, replace

from rrgraph.model import (
    PROPERTY_FORMAT,
    EnergyHead,
    LinkModel,
    ModelConfig,
    PropertyPredictor,
    load_property_checkpoint,
)
from rrgraph.runs.models import model_folder

__all__ = ["DEFAULT_ENCODER", "energy_head", "link_model", "load_encoder"]

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


def link_model(config: ModelConfig) -> LinkModel:
    """Return a new link model, its encoder pretrained if the configuration names one.

    Raises:
        ModelError: there is no such pretrained encoder.
    """
    if not config.pretrained:
        return LinkModel(config)
    source = load_encoder(config.pretrained).model
    # The weights decide the encoder's shape; dropout is this run's own choice.
    shape = {name: value for name, value in asdict(source.config).items() if name != "dropout"}
    module = LinkModel(replace(config, **shape))
    module.encoder.load_state_dict(source.encoder.state_dict())
    return module


def energy_head(config: ModelConfig) -> EnergyHead | None:
    """Return what gives formation energies from the embeddings of the configuration's pretrained encoder, if any."""
    return EnergyHead.of(load_encoder(config.pretrained).model) if config.pretrained else None
