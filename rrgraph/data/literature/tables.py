"""Loading of tables in which literature precedents are searched.

Rows without heating conditions get those of the text-mined recipes, if these are on this computer. Prepared tables are
kept in the user cache until their files change, because preparing them takes seconds.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from rrgraph.data.catalogue import CATALOGUE, cache_folder, data_path, load_table
from rrgraph.data.cleaning.clean import clean_table
from rrgraph.data.cleaning.recipes import RECIPE_SUFFIXES, read_recipes
from rrgraph.data.cleaning.rules import CleaningOptions
from rrgraph.data.grouping import group_reactions
from rrgraph.data.heating import condition_frame, with_conditions
from rrgraph.data.literature.known_reactions import KnownReactions
from rrgraph.data.preferred_spelling import preferred_spelling
from rrgraph.errors import DataError
from rrgraph.util.tabular import read_frame, write_frame
from rrgraph.version import __version__

__all__ = ["LITERATURE_TABLES", "available_literature", "load_known_reactions"]

logger = logging.getLogger(__name__)

_CACHE_VERSION: Final = 2
"""To be raised with every change of the cached frames."""

_RECIPES: Final = "text_mined_recipes"

#: The default tables for literature precedents, the better one first.
LITERATURE_TABLES: Final = ("text_mined", _RECIPES)


def available_literature() -> str | None:
    """Return the first of `LITERATURE_TABLES` that is on this computer."""
    for name in LITERATURE_TABLES:
        with suppress(DataError):
            data_path(name)
            return name
    return None


def load_known_reactions(name_or_path: str | os.PathLike[str]) -> KnownReactions:
    """Load recorded reactions from a table or from raw recipes, given by name or path.

    Catalogued tables are cleaned and their precursors get their preferred spelling; files are used unchanged. Rows
    without conditions get those of `text_mined_recipes`, if these are on this computer; see `with_conditions`.

    Raises:
        DataError: there is neither such a name nor such a file, or it is not a reaction table.
    """
    name = os.fspath(name_or_path)
    if name not in CATALOGUE:
        return KnownReactions(_group(name, name), name=Path(name).name)
    path = data_path(name)
    sources = [path, *([] if name == _RECIPES else _recipes())]
    return KnownReactions(_cached(name, sources, partial(_group, name, str(path))), name=name)


def _group(name: str, path: str) -> pd.DataFrame:
    """Read, clean and group a table or recipes."""
    if path.endswith(RECIPE_SUFFIXES):
        table, _ = read_recipes(path, options=CleaningOptions(expand_variables=True))
        return group_reactions(table, spell=preferred_spelling)
    table = load_table(name)
    recipes = _recipes()
    if recipes and table.frame["doi"].notna().any():
        conditions = _cached("conditions", recipes, partial(_conditions, recipes[0]))
        table = with_conditions(table, conditions)
    if name in CATALOGUE:
        table, _ = clean_table(table)
        return group_reactions(table, spell=preferred_spelling)
    return group_reactions(table)


def _recipes() -> list[Path]:
    """Return the path of the raw recipes, if they are on this computer."""
    with suppress(DataError):
        return [data_path(_RECIPES)]
    return []


def _conditions(path: Path) -> pd.DataFrame:
    """Read the conditions of raw recipes, with formulas spelled as in a table that was not cleaned."""
    options = CleaningOptions(
        expand_variables=True,
        correct_formulas=False,
        remove_media=False,
        remove_water=False,
        keep_composites=True,
        keep_additives=True,
    )
    return condition_frame(read_recipes(path, options=options)[0])


def _cached(name: str, sources: Sequence[Path], build: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Return a frame from the user cache, or build it and cache it in place of one from older sources."""
    stamp = [(str(path.resolve()), (found := path.stat()).st_size, found.st_mtime_ns) for path in sources]
    digest = hashlib.sha256(repr((__version__, _CACHE_VERSION, stamp)).encode()).hexdigest()[:16]
    folder = cache_folder() / "evidence"
    path = folder / f"{name}-{digest}.parquet"
    if path.is_file():
        with suppress(DataError):  # an unreadable file is written again
            return read_frame(path)
    logger.info("Preparing '%s' for literature precedents; the result is kept in '%s'.", name, folder)
    frame = build()
    try:
        write_frame(frame, path)
        for other in folder.glob(f"{name}-*.parquet"):
            if other != path:
                other.unlink(missing_ok=True)
    except (DataError, OSError) as error:
        logger.warning("The prepared literature table cannot be kept and is prepared again each time: %s", error)
    return frame
