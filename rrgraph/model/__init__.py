"""Tensors: the composition encoder, link decoders, and the checkpoint that carries all that prediction needs."""

from rrgraph.model.bank import EXACT_LIMIT, EmbeddingBank
from rrgraph.model.boosted_trees import BoostedTrees
from rrgraph.model.checkpoint import FORMAT, LinkCheckpoint, load_checkpoint, save_checkpoint
from rrgraph.model.config import TRANSFORMER, EncoderConfig, ModelConfig
from rrgraph.model.decoders import DECODERS, LinkDecoder
from rrgraph.model.device import PRECISIONS, choose_device, half_precision
from rrgraph.model.dual_encoder import DualEncoder, Inputs, embed_all, select
from rrgraph.model.encoder import MASK, CompositionEncoder, FractionEmbedding, element_table
from rrgraph.model.encoders import ENCODERS, Encoder, encode_by_length
from rrgraph.model.energy_head import EnergyHead, reaction_energies
from rrgraph.model.finding import DEFAULT_ENCODER, DEFAULT_MODEL, bundled_models, load_encoder, load_predictor
from rrgraph.model.link_model import LinkModel
from rrgraph.model.parts import external_parts
from rrgraph.model.predictor import UNRELATED_LOG_ODDS, LinkPredictor
from rrgraph.model.property_checkpoint import (
    PROPERTY_FORMAT,
    PropertyCheckpoint,
    load_property_checkpoint,
    save_property_checkpoint,
)
from rrgraph.model.property_model import PropertyModel, PropertyOutput, pool_fractions
from rrgraph.model.property_predictor import PropertyPrediction, PropertyPredictor
from rrgraph.model.set_lists import SetLists, TargetLinks, describe_sets
from rrgraph.model.set_ranker import SetRanker, fit_temperature
from rrgraph.model.set_scorer import SetScorer, SetScorerConfig, list_log_softmax, right_log_probability
from rrgraph.model.simple_encoders import DeepSetsEncoder, FractionEncoder
from rrgraph.model.storage import model_format
from rrgraph.model.targets import TargetScale

__all__ = [
    "DECODERS",
    "DEFAULT_ENCODER",
    "DEFAULT_MODEL",
    "ENCODERS",
    "EXACT_LIMIT",
    "FORMAT",
    "MASK",
    "PRECISIONS",
    "PROPERTY_FORMAT",
    "TRANSFORMER",
    "UNRELATED_LOG_ODDS",
    "BoostedTrees",
    "CompositionEncoder",
    "DeepSetsEncoder",
    "DualEncoder",
    "EmbeddingBank",
    "Encoder",
    "EncoderConfig",
    "EnergyHead",
    "FractionEmbedding",
    "FractionEncoder",
    "Inputs",
    "LinkCheckpoint",
    "LinkDecoder",
    "LinkModel",
    "LinkPredictor",
    "ModelConfig",
    "PropertyCheckpoint",
    "PropertyModel",
    "PropertyOutput",
    "PropertyPrediction",
    "PropertyPredictor",
    "SetLists",
    "SetRanker",
    "SetScorer",
    "SetScorerConfig",
    "TargetLinks",
    "TargetScale",
    "bundled_models",
    "choose_device",
    "describe_sets",
    "element_table",
    "embed_all",
    "encode_by_length",
    "external_parts",
    "fit_temperature",
    "half_precision",
    "list_log_softmax",
    "load_checkpoint",
    "load_encoder",
    "load_predictor",
    "load_property_checkpoint",
    "model_format",
    "pool_fractions",
    "reaction_energies",
    "right_log_probability",
    "save_checkpoint",
    "save_property_checkpoint",
    "select",
]
