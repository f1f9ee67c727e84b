"""Trained models: the link model with its re-ranker, checkpoints, the bundled models."""

from rrgraph.models.candidate_prior import (
    CANDIDATE_CLASSES,
    CandidatePrior,
    DiscountedLinks,
    candidate_classes,
    discounts,
)
from rrgraph.models.checkpoint import FORMAT, LinkCheckpoint, learned_tensors, load_checkpoint, save_checkpoint
from rrgraph.models.components import external_parts
from rrgraph.models.conditions import DEFAULT_CONDITIONS, PredictedConditions, bundled_conditions, condition_source
from rrgraph.models.initialisation import energy_head, link_model
from rrgraph.models.model import Model
from rrgraph.models.model_registry import (
    DEFAULT_ENCODER,
    DEFAULT_MODEL,
    bundled_models,
    load_conditions,
    load_encoder,
    load_model,
    model_card,
)
from rrgraph.models.planner import constrained_planner, default_mode
from rrgraph.models.sources import Energies, Literature, PredictedEnergies, energy_source, literature_source

__all__ = [
    "CANDIDATE_CLASSES",
    "DEFAULT_CONDITIONS",
    "DEFAULT_ENCODER",
    "DEFAULT_MODEL",
    "FORMAT",
    "CandidatePrior",
    "DiscountedLinks",
    "Energies",
    "LinkCheckpoint",
    "Literature",
    "Model",
    "PredictedConditions",
    "PredictedEnergies",
    "bundled_conditions",
    "bundled_models",
    "candidate_classes",
    "condition_source",
    "constrained_planner",
    "default_mode",
    "discounts",
    "energy_head",
    "energy_source",
    "external_parts",
    "learned_tensors",
    "link_model",
    "literature_source",
    "load_checkpoint",
    "load_conditions",
    "load_encoder",
    "load_model",
    "model_card",
    "save_checkpoint",
]
