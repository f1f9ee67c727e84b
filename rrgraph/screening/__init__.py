"""Screening: plans for tables of any size, by many processes or a Ray cluster, shard by shard."""

from rrgraph.screening.columns import SCHEMA, SET_FIELDS, Field
from rrgraph.screening.screen import screen
from rrgraph.screening.settings import ScreeningSettings
from rrgraph.screening.summary import Count, Summary, SystemCount

__all__ = [
    "SCHEMA",
    "SET_FIELDS",
    "Count",
    "Field",
    "ScreeningSettings",
    "Summary",
    "SystemCount",
    "screen",
]
