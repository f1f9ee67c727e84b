"""What a model learned from, as hashes: enough to recognise a reaction, too little to read one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rrgraph.data.table import ReactionTable
from rrgraph.util.arrays import check_array

__all__ = ["LearnedReactions", "memory_note"]

_BYTES = 8
"""Of a hash: a new reaction is taken for one of a million learned ones once in 18 trillion times."""


@dataclass(frozen=True, eq=False)
class LearnedReactions:
    """Hashes of the targets and reactions of training rows.

    Example:
        >>> from rrgraph.data import load_table
        >>> textbook = load_table("textbook")
        >>> learned = LearnedReactions.of(textbook.select(range(100)))
        >>> int(learned.has_targets(textbook).sum())
        100

    Attributes:
        targets: (n,) int64, ascending; BLAKE2b of canonical keys.
        reactions: (m,) int64, ascending; of the keys of target and precursors.

    Raises:
        ValueError: an array is not of this kind, or there are fewer reactions than targets.
    """

    targets: NDArray[np.int64]
    reactions: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name, hashes in (("targets", self.targets), ("reactions", self.reactions)):
            check_array(name, hashes, np.int64, (None,))
            if not (hashes[:-1] < hashes[1:]).all():
                raise ValueError(f"'{name}' is not in ascending order")
        if len(self.reactions) < len(self.targets):
            raise ValueError(f"there are {len(self.reactions)} reactions of {len(self.targets)} targets")

    @classmethod
    def of(cls, *tables: ReactionTable) -> LearnedReactions:
        """Return the hashes of the rows of tables."""
        targets = np.unique(_hashes(chain.from_iterable(table.target_keys for table in tables)))
        return cls(targets, np.unique(_hashes(chain.from_iterable(map(_reactions, tables)))))

    def arrays(self) -> dict[str, NDArray[np.int64]]:
        """Return the attributes by name, from which the object can be made again."""
        return {"targets": self.targets, "reactions": self.reactions}

    def has_targets(self, table: ReactionTable) -> NDArray[np.bool_]:
        """Return (rows,) whether the target of each row was learned."""
        return np.isin(_hashes(table.target_keys), self.targets)

    def has_reactions(self, table: ReactionTable) -> NDArray[np.bool_]:
        """Return (rows,) whether each row's target was learned with this very precursor set."""
        return np.isin(_hashes(_reactions(table)), self.reactions)


def memory_note(learned: int, new: int, *, known: str = "", measure: str = "accuracy there is") -> str:
    """Return a sentence on rows whose targets were learned from, and those that tell how good a model is.

    >>> print(memory_note(3, 2))  # doctest: +ELLIPSIS
    3 of 5 rows are about targets that were learned from: accuracy there is memory; judge by the 2 rows ...

    Args:
        learned: number of rows whose target was learned from.
        new: number of the others.
        known: what is to be said of the learned ones besides.
        measure: what is memory.
    """
    judge = f"judge by the {new} rows with a new target" if new else "no row with a new target is left to judge by"
    return (
        f"{learned} of {learned + new} rows are about targets that were learned from{known}: {measure} memory; {judge}."
    )


def _reactions(table: ReactionTable) -> Iterable[str]:
    """Yield a text that tells each reaction from all others; keys hold no line breaks."""
    for target, keys in zip(table.target_keys, table.set_keys, strict=True):
        yield "\n".join([target, *sorted(keys)])


def _hashes(texts: Iterable[Any]) -> NDArray[np.int64]:
    digests = b"".join(blake2b(str(text).encode(), digest_size=_BYTES).digest() for text in texts)
    return np.frombuffer(digests, dtype="<i8").astype(np.int64)
