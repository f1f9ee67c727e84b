"""Tables of reactions and of computed properties: reading, fetching, cleaning, splitting and counting.

Flows in: files and raw text-mined recipes. Flows out: reaction and property tables, and reports of what was dropped
or leaks.
"""

from rrgraph.data.agreement import Agreement, publication_agreement
from rrgraph.data.catalogue import CATALOGUE, CatalogueEntry, cache_folder, data_checksum, data_path, load_table
from rrgraph.data.cleaning.clean import CleaningReport, clean_table
from rrgraph.data.cleaning.recipes import RECIPE_SUFFIXES, clean_recipes, load_recipes, read_recipes
from rrgraph.data.cleaning.rules import CleaningOptions
from rrgraph.data.download import fetch
from rrgraph.data.grouping import group_reactions
from rrgraph.data.leakage import LeakageReport, Overlap
from rrgraph.data.literature.known_reactions import KnownReaction, KnownReactions, overlap_vectors, similarity
from rrgraph.data.literature.tables import LITERATURE_TABLES, available_literature, load_known_reactions
from rrgraph.data.preferred_spelling import preferred_spelling
from rrgraph.data.reaction import PrecursorSet, Reaction
from rrgraph.data.splits import PARTS, SPLITS, Split, split_table
from rrgraph.data.statistics import TableStatistics, table_statistics
from rrgraph.data.table import COLUMNS, SEPARATOR, ReactionTable

__all__ = [
    "CATALOGUE",
    "COLUMNS",
    "LITERATURE_TABLES",
    "PARTS",
    "RECIPE_SUFFIXES",
    "SEPARATOR",
    "SPLITS",
    "Agreement",
    "CatalogueEntry",
    "CleaningOptions",
    "CleaningReport",
    "KnownReaction",
    "KnownReactions",
    "LeakageReport",
    "Overlap",
    "PrecursorSet",
    "Reaction",
    "ReactionTable",
    "Split",
    "TableStatistics",
    "available_literature",
    "cache_folder",
    "clean_recipes",
    "clean_table",
    "data_checksum",
    "data_path",
    "fetch",
    "group_reactions",
    "load_known_reactions",
    "load_recipes",
    "load_table",
    "overlap_vectors",
    "preferred_spelling",
    "publication_agreement",
    "read_recipes",
    "similarity",
    "split_table",
    "table_statistics",
]
