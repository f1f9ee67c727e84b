"""Loading of tables in which literature precedents are searched.

By default that is `literature`, a part of the package: the distinct reactions of the text-mined literature, made by
`make_literature.py` beside this file. Of other tables, rows without heating conditions get those of the text-mined
recipes, if these are on this computer. Prepared tables are kept in the user cache until their files change, because
preparing them takes seconds.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS
from rrgraph.data.catalogue import CATALOGUE, cache_folder, data_path, embedded_file, load_table
from rrgraph.data.cleaning.clean import clean_table
from rrgraph.data.cleaning.recipes import RECIPE_SUFFIXES, read_recipes
from rrgraph.data.cleaning.rules import CleaningOptions
from rrgraph.data.grouping import GROUPED, group_reactions
from rrgraph.data.heating import condition_frame, with_conditions
from rrgraph.data.literature.known_reactions import KnownReactions
from rrgraph.data.preferred_spelling import preferred_spelling
from rrgraph.errors import DataError
from rrgraph.util.tabular import read_frame, write_frame
from rrgraph.version import __version__

__all__ = ["BUNDLED_COLUMNS", "LITERATURE", "cached_frame", "load_known_reactions", "recorded_conditions"]

logger = logging.getLogger(__name__)

_CACHE_VERSION: Final = 4
"""To be raised with every change of the cached frames."""

_ATOMS: Final = re.compile(r"([A-Z][a-z]?)(\d*)")

_RECIPES: Final = "text_mined_recipes"

LITERATURE: Final = "literature"
"""The table of the package, where precedents are looked up by default."""

BUNDLED_COLUMNS: Final = ("key", *(name for name in GROUPED if name != "set"))
"""Columns of its file: those of `group_reactions` without what follows from them. First year and doi are blank where
there is one paper, and the lowest and highest temperature where they are the median."""


def load_known_reactions(name_or_path: str | os.PathLike[str]) -> KnownReactions:
    """Load recorded reactions from a table or from raw recipes, given by name or path.

    `literature` is ready for use, and kept for the next time. Other catalogued tables are cleaned and their precursors
    get their preferred spelling; files are used unchanged. Rows without conditions get those of `text_mined_recipes`,
    if these are on this computer; see `with_conditions`.

    Raises:
        DataError: there is neither such a name nor such a file, or it is not a reaction table.
    """
    name = os.fspath(name_or_path)
    if name == LITERATURE:
        return _bundled_reactions()
    if name not in CATALOGUE:
        return KnownReactions(_group(name, name), name=Path(name).name)
    path = data_path(name)
    sources = [path, *([] if name == _RECIPES else _recipes())]
    return KnownReactions(cached_frame(name, sources, partial(_group, name, str(path))), name=name)


def _group(name: str, path: str) -> pd.DataFrame:
    """Read, clean and group a table or recipes."""
    if path.endswith(RECIPE_SUFFIXES):
        table, _ = read_recipes(path, options=CleaningOptions(expand_variables=True))
        return group_reactions(table, spell=preferred_spelling)
    table = load_table(name)
    conditions = recorded_conditions() if table.frame["doi"].notna().any() else None
    if conditions is not None:
        table = with_conditions(table, conditions)
    if name in CATALOGUE:
        table, _ = clean_table(table)
        return group_reactions(table, spell=preferred_spelling)
    return group_reactions(table)


@cache
def _bundled_reactions() -> KnownReactions:
    return KnownReactions(_bundled(), name=LITERATURE)


def _bundled() -> pd.DataFrame:
    """Return the frame of the table of the package, as `group_reactions` gives it."""
    with embedded_file(LITERATURE) as path:
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""])  # of known form, so without the checks
    frame = frame.assign(set=frame["precursors"])
    for first, only in (("first_year", "year"), ("first_doi", "doi")):
        frame[first] = frame[first].fillna(frame[only])
    for limit in ("temperature_low_c", "temperature_high_c"):
        frame[limit] = frame[limit].fillna(frame["temperature_c"])
    # The key is an integer formula, whose atoms are counted faster than it is parsed.
    counts = np.zeros((len(frame), len(ELEMENTS)), dtype=np.float32)
    for row, key in enumerate(frame["key"].tolist()):
        for symbol, count in _ATOMS.findall(key):
            counts[row, ATOMIC_NUMBERS[symbol] - 1] = int(count or 1)
    fractions = pd.DataFrame(counts / counts.sum(axis=1, keepdims=True), columns=list(ELEMENTS))
    return pd.concat([frame, fractions], axis=1)


def recorded_conditions() -> pd.DataFrame | None:
    """Return the conditions of the raw recipes, see `condition_frame`; None if these are not on this computer."""
    recipes = _recipes()
    return cached_frame("conditions", recipes, partial(_conditions, recipes[0])) if recipes else None


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


def cached_frame(name: str, sources: Sequence[Path], build: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Return a frame from the user cache, or build it and cache it in place of one from older sources.

    Args:
        name: of its file.
        sources: files that it is made from.
        build: makes it.
    """
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
