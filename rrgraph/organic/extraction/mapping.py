"""Maps atoms of products to those of reactants by RXNMapper (Schwaller et al., Science Advances 7, eabe4166, 2021)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Protocol

from rrgraph.data import cache_folder
from rrgraph.errors import ConfigError, reason_of
from rrgraph.organic.batches import split_batches
from rrgraph.organic.chemistry.text_cache import TextCache, cache_key
from rrgraph.util.progress import progress_bar

__all__ = ["AtomMapper", "RxnMapper"]

_BATCH_SIZE: Final = 16


class AtomMapper(Protocol):
    """Maps the atoms of reactions."""

    def __call__(self, reactions: Sequence[str]) -> dict[str, tuple[str, float]]:
        """Return mapped reaction SMILES, and how sure the mapper is (0 to 1), of those reactions that it can map."""


class RxnMapper:
    """RXNMapper, whose weights come with its package.

    Maps are kept in a cache, so that mapping many reactions can be interrupted.

    Args:
        cache: folder of the cache, that of the user unless given.
    """

    def __init__(self, *, cache: Path | None = None) -> None:
        self._cache = cache

    def __call__(self, reactions: Sequence[str]) -> dict[str, tuple[str, float]]:
        """See `AtomMapper`.

        Raises:
            ConfigError: RXNMapper is not installed, or cannot be imported beside what is.
            DataError: the cache cannot be used.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of how it is packaged
            mapper_class = _import_mapper()
            path = (self._cache or cache_folder() / "organic") / f"maps-rxnmapper{version('rxnmapper')}.sqlite"
            cache = TextCache(path, "atom maps")
            keys = {cache_key(text): text for text in reactions}
            known = cache.read(list(keys))
            missing = [text for key, text in keys.items() if key not in known]
            mapper: Any = mapper_class(batch_size=_BATCH_SIZE) if missing else None
            with progress_bar("mapping atoms", total=len(missing), unit="reaction") as bar:
                # Reactions of one length need no padding.
                for batch in split_batches(sorted(missing, key=lambda text: (len(text), text)), _BATCH_SIZE):
                    entries = map(_entry, mapper.map_reactions_with_info(batch))
                    found = {cache_key(text): entry for text, entry in zip(batch, entries, strict=True)}
                    cache.write(found)
                    known |= found
                    bar.update(len(batch))
        mapped = {text: known[key].split() for key, text in keys.items()}
        return {text: (entry[0], float(entry[1])) for text, entry in mapped.items() if entry}


def _entry(found: Mapping[str, Any]) -> str:
    """Return what is kept of a mapped reaction, empty text for one that cannot be mapped."""
    text = str(found.get("mapped_rxn", ""))
    return f"{text} {found['confidence']:.4f}" if len(text) > len(">>") else ""


def _import_mapper() -> Any:
    try:
        from rxnmapper import BatchedMapper
    except ImportError as error:
        missing = getattr(error, "name", "") == "rxnmapper"
        problem = "" if missing else f", which cannot be imported ({reason_of(error)})"
        raise ConfigError(
            f"Mapping the atoms of reactions needs RXNMapper{problem}; install it with: pip install "
            "'rrgraph[mapping]', or leave out reactions without maps by --mapped-only."
        ) from None
    return BatchedMapper
