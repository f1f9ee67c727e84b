"""Tensors: the composition encoder, link decoders, and the checkpoint that carries all that prediction needs."""

from rrgraph.model.checkpoint import FORMAT, LinkCheckpoint, load_checkpoint, save_checkpoint
from rrgraph.model.config import ModelConfig
from rrgraph.model.decoders import DECODERS, LinkDecoder
from rrgraph.model.encoder import CompositionEncoder, FractionEmbedding, element_table
from rrgraph.model.link_model import LinkModel
from rrgraph.model.predictor import LinkPredictor

__all__ = [
    "DECODERS",
    "FORMAT",
    "CompositionEncoder",
    "FractionEmbedding",
    "LinkCheckpoint",
    "LinkDecoder",
    "LinkModel",
    "LinkPredictor",
    "ModelConfig",
    "element_table",
    "load_checkpoint",
    "save_checkpoint",
]
