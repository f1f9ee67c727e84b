"""Trained models: the link model with its re-ranker, checkpoints, the bundled models."""

from rrgraph.models.checkpoint import FORMAT, LinkCheckpoint, load_checkpoint, save_checkpoint
from rrgraph.models.components import external_parts
from rrgraph.models.initialisation import energy_head, link_model
from rrgraph.models.model import Model
from rrgraph.models.model_registry import DEFAULT_ENCODER, DEFAULT_MODEL, bundled_models, load_encoder, load_model
from rrgraph.models.planner import constrained_planner, default_mode

__all__ = [
    "DEFAULT_ENCODER",
    "DEFAULT_MODEL",
    "FORMAT",
    "LinkCheckpoint",
    "Model",
    "bundled_models",
    "constrained_planner",
    "default_mode",
    "energy_head",
    "external_parts",
    "link_model",
    "load_checkpoint",
    "load_encoder",
    "load_model",
    "save_checkpoint",
]
