"""Comparison systems behind the planner's interface: reaction tables flow in, ranked precursor sets flow out."""

from rrgraph.baselines.base import BASELINES, Baseline, LinkBaseline, SetBaseline
from rrgraph.baselines.popularity import Popularity
from rrgraph.baselines.representations import CompositionMultiLabel, CrabNetMultiLabel, MTEncoderMultiLabel
from rrgraph.baselines.retrieval_retro import RetrievalRetro

__all__ = [
    "BASELINES",
    "Baseline",
    "CompositionMultiLabel",
    "CrabNetMultiLabel",
    "LinkBaseline",
    "MTEncoderMultiLabel",
    "Popularity",
    "RetrievalRetro",
    "SetBaseline",
]
