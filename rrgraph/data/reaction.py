"""One recorded synthesis: a target, its precursor set, and where it is reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rrgraph.chem import Composition, anhydrous
from rrgraph.errors import DataError

__all__ = ["PrecursorSet", "Reaction"]


@dataclass(frozen=True, slots=True, init=False, repr=False)
class PrecursorSet:
    """An immutable set of precursors that keeps the order in which they were given.

    Equality and hash depend on the canonical compositions, where a hydrate stands for its salt; of two spellings of one
    precursor the first is kept.

    Attributes:
        keys: canonical keys of the members, of hydrates those of their salts.
    """

    keys: frozenset[str]
    _members: tuple[Composition, ...] = field(compare=False)

    def __init__(self, precursors: Iterable[Composition]) -> None:
        """Make a set of at least one precursor.

        Raises:
            DataError: there is no precursor.
        """
        members: dict[str, Composition] = {}
        for precursor in precursors:
            members.setdefault(anhydrous(precursor).key, precursor)
        if not members:
            raise DataError("A precursor set needs at least one precursor.")
        object.__setattr__(self, "keys", frozenset(members))
        object.__setattr__(self, "_members", tuple(members.values()))

    def __iter__(self) -> Iterator[Composition]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, Composition) and anhydrous(item).key in self.keys

    @property
    def elements(self) -> frozenset[str]:
        """All elements of the precursors."""
        return frozenset(symbol for precursor in self._members for symbol, _ in precursor.amounts)

    def __str__(self) -> str:
        return " + ".join(precursor.formula for precursor in self._members)

    def __repr__(self) -> str:
        return f"PrecursorSet({self})"


@dataclass(frozen=True, slots=True)
class Reaction:
    """A target and its recorded precursor set; the metadata is not part of equality."""

    target: Composition
    precursors: PrecursorSet
    year: int | None = field(default=None, compare=False)
    doi: str | None = field(default=None, compare=False)
    split: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.precursors} → {self.target}"
