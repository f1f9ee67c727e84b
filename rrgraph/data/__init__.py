"""Tables of reactions: reading, fetching, cleaning, splitting, counting, and the search for known reactions."""

from rrgraph.data.agreement import PublicationAgreement, publication_agreement
from rrgraph.data.batches import LinkBatch, SetBatch
from rrgraph.data.catalogue import (
    CATALOGUE,
    MEASURED_ROWS,
    CatalogueEntry,
    cache_folder,
    data_checksum,
    data_path,
    load_table,
)
from rrgraph.data.cleaning.clean import CleaningReport, clean_table
from rrgraph.data.cleaning.recipes import RECIPE_SUFFIXES, clean_recipes, load_recipes, read_recipes
from rrgraph.data.cleaning.rules import CleaningOptions
from rrgraph.data.download import fetch
from rrgraph.data.formula_column import FORMULA_COLUMNS, find_formula_column
from rrgraph.data.grouping import group_reactions
from rrgraph.data.heating import whole_celsius
from rrgraph.data.joined_formulas import SEPARATOR, separate_formulas, split_precursors
from rrgraph.data.leakage import LeakageReport, Overlap, leakage_report
from rrgraph.data.learned import LearnedReactions, memory_note
from rrgraph.data.literature.known_reactions import KnownReaction, KnownReactions, overlap_vectors, similarity
from rrgraph.data.literature.tables import LITERATURE, cached_frame, load_known_reactions
from rrgraph.data.precursor_table import PrecursorTable
from rrgraph.data.preferred_spelling import preferred_spelling
from rrgraph.data.reaction import PrecursorSet, Reaction
from rrgraph.data.splits import SPLITS, Split, split_table
from rrgraph.data.splitting import resembling_rows
from rrgraph.data.statistics import TableStatistics, table_statistics
from rrgraph.data.subsets import HOLDOUT, SUBSET_NAMES, SUBSET_WORDS, TEST, TRAIN, VALIDATION, Subset
from rrgraph.data.table import COLUMNS, ReactionTable

__all__ = [
    "CATALOGUE",
    "COLUMNS",
    "FORMULA_COLUMNS",
    "HOLDOUT",
    "LITERATURE",
    "MEASURED_ROWS",
    "RECIPE_SUFFIXES",
    "SEPARATOR",
    "SPLITS",
    "SUBSET_NAMES",
    "SUBSET_WORDS",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "CatalogueEntry",
    "CleaningOptions",
    "CleaningReport",
    "KnownReaction",
    "KnownReactions",
    "LeakageReport",
    "LearnedReactions",
    "LinkBatch",
    "Overlap",
    "PrecursorSet",
    "PrecursorTable",
    "PublicationAgreement",
    "Reaction",
    "ReactionTable",
    "SetBatch",
    "Split",
    "Subset",
    "TableStatistics",
    "cache_folder",
    "cached_frame",
    "clean_recipes",
    "clean_table",
    "data_checksum",
    "data_path",
    "fetch",
    "find_formula_column",
    "group_reactions",
    "leakage_report",
    "load_known_reactions",
    "load_recipes",
    "load_table",
    "memory_note",
    "overlap_vectors",
    "preferred_spelling",
    "publication_agreement",
    "read_recipes",
    "resembling_rows",
    "separate_formulas",
    "similarity",
    "split_precursors",
    "split_table",
    "table_statistics",
    "whole_celsius",
]
