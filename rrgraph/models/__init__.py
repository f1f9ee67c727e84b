"""Trained models: the link model with its re-ranker, checkpoints, the bundled models."""

from rrgraph.models.checkpoint import FORMAT, LinkCheckpoint, load_checkpoint, save_checkpoint
from rrgraph.models.components import external_parts
from rrgraph.models.initialisation import energy_head, link_model
from rrgraph.models.model import UNRELATED_LOG_ODDS, LinkPredictor
from rrgraph.models.model_registry import DEFAULT_ENCODER, DEFAULT_MODEL, bundled_models, load_encoder, load_predictor
from rrgraph.models.planner import planner_with_wishes, usual_mode

__all__ = [
    "DEFAULT_ENCODER",
    "DEFAULT_MODEL",
    "FORMAT",
    "UNRELATED_LOG_ODDS",
    "LinkCheckpoint",
    "LinkPredictor",
    "bundled_models",
    "energy_head",
    "external_parts",
    "link_model",
    "load_checkpoint",
    "load_encoder",
    "load_predictor",
    "planner_with_wishes",
    "save_checkpoint",
    "usual_mode",
]
