"""Comparison systems from the literature, fitted to a reaction table and planned with like a trained model."""

from rrgraph.baselines.base import BASELINES, Baseline, LinkBaseline, SetBaseline, SetRequest, make_baseline
from rrgraph.baselines.dual_encoder import DualEncoderBaseline
from rrgraph.baselines.elemwise.elemwise_retro import ElemwiseRetro
from rrgraph.baselines.popularity import Popularity
from rrgraph.baselines.popularity_unseen import PopularityUnseen
from rrgraph.baselines.representations import CompositionMultiLabel, CrabNetMultiLabel, MTEncoderMultiLabel
from rrgraph.baselines.retrieval.nearest_target import NearestTarget
from rrgraph.baselines.retrieval.retrieval_retro import RetrievalRetro
from rrgraph.baselines.retrieval.synthesis_similarity import SynthesisSimilarity
from rrgraph.baselines.sequential.sequential import Sequential

__all__ = [
    "BASELINES",
    "Baseline",
    "CompositionMultiLabel",
    "CrabNetMultiLabel",
    "DualEncoderBaseline",
    "ElemwiseRetro",
    "LinkBaseline",
    "MTEncoderMultiLabel",
    "NearestTarget",
    "Popularity",
    "PopularityUnseen",
    "RetrievalRetro",
    "Sequential",
    "SetBaseline",
    "SetRequest",
    "SynthesisSimilarity",
    "make_baseline",
]
