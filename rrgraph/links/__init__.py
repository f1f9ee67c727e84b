"""Link prediction: decoders, contexts, negative samplers, the link model and how it learns."""

from rrgraph.links.config import TrainingConfig
from rrgraph.links.contexts import (
    CONTEXTS,
    NO_CONTEXT,
    Context,
    check_edge_features,
    has_edge_features,
    make_context,
    send_messages,
)
from rrgraph.links.decoders import DECODERS, LinkDecoder
from rrgraph.links.examples import Examples
from rrgraph.links.fold_contexts import FoldContexts
from rrgraph.links.model import LinkModel, is_unseen
from rrgraph.links.samplers import SAMPLERS, NegativeSampler, make_sampler
from rrgraph.links.task import LinkTask

__all__ = [
    "CONTEXTS",
    "DECODERS",
    "NO_CONTEXT",
    "SAMPLERS",
    "Context",
    "Examples",
    "FoldContexts",
    "LinkDecoder",
    "LinkModel",
    "LinkTask",
    "NegativeSampler",
    "TrainingConfig",
    "check_edge_features",
    "has_edge_features",
    "is_unseen",
    "make_context",
    "make_sampler",
    "send_messages",
]
