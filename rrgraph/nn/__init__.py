"""Neural building blocks: composition encoders, dual encoders, a retrieval index, tree ensembles, storage."""

from rrgraph.nn.config import TRANSFORMER, EncoderConfig, ModelConfig
from rrgraph.nn.device import PRECISIONS, choose_device, half_precision
from rrgraph.nn.dual_encoder import DualEncoder, Inputs, embed_all, select
from rrgraph.nn.encoder import MASK, CompositionEncoder, FractionEmbedding, element_table
from rrgraph.nn.encoders import ENCODERS, Encoder, encode_by_length
from rrgraph.nn.retrieval_index import EXACT_LIMIT, EmbeddingBank
from rrgraph.nn.simple_encoders import DeepSetsEncoder, FractionEncoder
from rrgraph.nn.storage import model_format, read_model, refuse_misfit, weights, write_model
from rrgraph.nn.tree_ensemble import BoostedTrees

__all__ = [
    "ENCODERS",
    "EXACT_LIMIT",
    "MASK",
    "PRECISIONS",
    "TRANSFORMER",
    "BoostedTrees",
    "CompositionEncoder",
    "DeepSetsEncoder",
    "DualEncoder",
    "EmbeddingBank",
    "Encoder",
    "EncoderConfig",
    "FractionEmbedding",
    "FractionEncoder",
    "Inputs",
    "ModelConfig",
    "choose_device",
    "element_table",
    "embed_all",
    "encode_by_length",
    "half_precision",
    "model_format",
    "read_model",
    "refuse_misfit",
    "select",
    "weights",
    "write_model",
]
