"""Tables of reactions and of computed properties: reading, fetching, cleaning, splitting and counting.

Flows in: files and raw text-mined recipes. Flows out: reaction and property tables, and reports of what was dropped
or leaks.
"""

from __future__ import annotations

from rrgraph.data.agreement import Agreement, publication_agreement
from rrgraph.data.catalogue import CATALOGUE, CatalogueEntry, data_checksum, data_path, load_table
from rrgraph.data.cleaning import CleaningReport, clean_table
from rrgraph.data.customary import customary
from rrgraph.data.download import fetch
from rrgraph.data.evidence import EVIDENCE, evidence_at_hand, load_known_reactions
from rrgraph.data.grouping import group_reactions
from rrgraph.data.known import KnownReaction, KnownReactions, overlap_vectors, similarity
from rrgraph.data.leakage import LeakageReport, Overlap
from rrgraph.data.properties import TEST, TRAIN, VALIDATION, PropertySource, PropertyTask
from rrgraph.data.property_reader import read_properties
from rrgraph.data.property_sources import PROPERTY_SOURCES, built_in_sources, user_sources
from rrgraph.data.property_table import PropertyReport, PropertyTable, SourceReport
from rrgraph.data.reaction import PrecursorSet, Reaction
from rrgraph.data.recipes import RECIPE_SUFFIXES, clean_recipes, load_recipes, read_recipes
from rrgraph.data.rules import CleaningOptions
from rrgraph.data.splits import PARTS, SPLITS, Split, split_table
from rrgraph.data.stats import TableStatistics, table_statistics
from rrgraph.data.table import COLUMNS, SEPARATOR, ReactionTable

__all__ = [
    "CATALOGUE",
    "COLUMNS",
    "EVIDENCE",
    "PARTS",
    "PROPERTY_SOURCES",
    "RECIPE_SUFFIXES",
    "SEPARATOR",
    "SPLITS",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Agreement",
    "CatalogueEntry",
    "CleaningOptions",
    "CleaningReport",
    "KnownReaction",
    "KnownReactions",
    "LeakageReport",
    "Overlap",
    "PrecursorSet",
    "PropertyReport",
    "PropertySource",
    "PropertyTable",
    "PropertyTask",
    "Reaction",
    "ReactionTable",
    "SourceReport",
    "Split",
    "TableStatistics",
    "built_in_sources",
    "clean_recipes",
    "clean_table",
    "customary",
    "data_checksum",
    "data_path",
    "evidence_at_hand",
    "fetch",
    "group_reactions",
    "load_known_reactions",
    "load_recipes",
    "load_table",
    "overlap_vectors",
    "publication_agreement",
    "read_properties",
    "read_recipes",
    "similarity",
    "split_table",
    "table_statistics",
    "user_sources",
]
