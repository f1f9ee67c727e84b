"""Starts link models, with energy heads, from pretrained encoders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from rrgraph.links import LinkModel
from rrgraph.models.model_registry import load_encoder
from rrgraph.nn import ModelConfig
from rrgraph.properties import EnergyHead

__all__ = ["energy_head", "link_model"]


def link_model(config: ModelConfig, *, features: Mapping[str, int] | None = None) -> LinkModel:
    """Return a new link model, its encoder pretrained if the configuration names one.

    Args:
        config: of the model.
        features: number of features of columns, see `LinkModel`.

    Raises:
        ModelError: there is no such pretrained encoder.
    """
    if not config.pretrained:
        return LinkModel(config, features=features)
    source = load_encoder(config.pretrained, device="cpu").model
    # The weights decide the encoder's shape; dropout is this run's own choice.
    shape = {name: value for name, value in asdict(source.config).items() if name != "dropout"}
    module = LinkModel(replace(config, **shape), features=features)
    module.encoder.load_state_dict(source.encoder.state_dict())
    return module


def energy_head(config: ModelConfig) -> EnergyHead | None:
    """Return what gives formation energies from the embeddings of the configuration's pretrained encoder, if any."""
    return EnergyHead.of(load_encoder(config.pretrained, device="cpu").model) if config.pretrained else None
