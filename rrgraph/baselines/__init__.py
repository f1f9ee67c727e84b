"""Comparison systems behind the planner's interface: reaction tables flow in, ranked precursor sets flow out."""

from rrgraph.baselines.base import BASELINES, Baseline, LinkBaseline, SetBaseline
from rrgraph.baselines.popularity import Popularity

__all__ = ["BASELINES", "Baseline", "LinkBaseline", "Popularity", "SetBaseline"]
