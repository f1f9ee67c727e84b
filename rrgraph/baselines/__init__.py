"""Comparison systems behind the planner's interface: reaction tables flow in, link scorers come out."""

from rrgraph.baselines.base import BASELINES, Baseline
from rrgraph.baselines.popularity import Popularity

__all__ = ["BASELINES", "Baseline", "Popularity"]
