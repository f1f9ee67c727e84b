"""Neural building blocks: composition encoders, dual encoders, a retrieval index, tree ensembles, storage."""

from rrgraph.nn.config import CLASS_PRIOR, NO_PRIOR, TRANSFORMER, EncoderConfig, ModelConfig
from rrgraph.nn.device import PRECISIONS, choose_device, device_of, half_precision, widest_float
from rrgraph.nn.dual_encoder import DualEncoder, Inputs, embed_all, select
from rrgraph.nn.encoder import MASK, CompositionEncoder, FractionEmbedding, element_table
from rrgraph.nn.encoders import ENCODERS, Encoder, encode_by_length, encode_equally, equal_batches
from rrgraph.nn.retrieval_index import EXACT_LIMIT, RetrievalIndex
from rrgraph.nn.simple_encoders import DeepSetsEncoder, FractionEncoder
from rrgraph.nn.storage import (
    check_model,
    checkpoint_mismatch,
    load_weights,
    model_format,
    read_model,
    sign_model,
    weights,
    write_model,
)
from rrgraph.nn.tree_ensemble import MOST_SPLITS, TreeEnsemble, TreeSplit

__all__ = [
    "CLASS_PRIOR",
    "ENCODERS",
    "EXACT_LIMIT",
    "MASK",
    "MOST_SPLITS",
    "NO_PRIOR",
    "PRECISIONS",
    "TRANSFORMER",
    "CompositionEncoder",
    "DeepSetsEncoder",
    "DualEncoder",
    "Encoder",
    "EncoderConfig",
    "FractionEmbedding",
    "FractionEncoder",
    "Inputs",
    "ModelConfig",
    "RetrievalIndex",
    "TreeEnsemble",
    "TreeSplit",
    "check_model",
    "checkpoint_mismatch",
    "choose_device",
    "device_of",
    "element_table",
    "embed_all",
    "encode_by_length",
    "encode_equally",
    "equal_batches",
    "half_precision",
    "load_weights",
    "model_format",
    "read_model",
    "select",
    "sign_model",
    "weights",
    "widest_float",
    "write_model",
]
