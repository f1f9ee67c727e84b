"""Runs on molecules: configuration, training with measurement, model card."""

from rrgraph.organic.run.card import frequency_table, reactant_table
from rrgraph.organic.run.config import ORGANIC, OrganicConfig, check_organic_config
from rrgraph.organic.run.run import BY_TEMPLATE, RANKS, OrganicResult, load_organic_split, measure_organic, organic_run

__all__ = [
    "BY_TEMPLATE",
    "ORGANIC",
    "RANKS",
    "OrganicConfig",
    "OrganicResult",
    "check_organic_config",
    "frequency_table",
    "load_organic_split",
    "measure_organic",
    "organic_run",
    "reactant_table",
]
