"""Link prediction: decoders, negative samplers, the link model and how it learns."""

from rrgraph.links.config import TrainingConfig
from rrgraph.links.decoders import DECODERS, LinkDecoder
from rrgraph.links.examples import Examples
from rrgraph.links.model import LinkModel
from rrgraph.links.samplers import SAMPLERS, NegativeSampler, make_sampler
from rrgraph.links.task import LinkTask

__all__ = [
    "DECODERS",
    "SAMPLERS",
    "Examples",
    "LinkDecoder",
    "LinkModel",
    "LinkTask",
    "NegativeSampler",
    "TrainingConfig",
    "make_sampler",
]
