"""The recorded reactions by precursor and by element, for pages to browse."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from rrgraph.chem import ELEMENTS, Composition, anhydrous, parse_formula, source_elements
from rrgraph.data import KnownReactions
from rrgraph.errors import FormulaError

if TYPE_CHECKING:  # scikit-learn takes a second to import, and planning does not need it
    from rrgraph.networks import Substitution

__all__ = ["Companion", "ElementSources", "LiteratureIndex", "Made", "PrecursorUse", "Source", "literature_index"]

_SYMBOL: Final = re.compile(r"[A-Z][a-z]?")
_SEPARATOR: Final = ";"


class Made(NamedTuple):
    """A target made with a precursor, and in how many papers."""

    target: str
    precursors: tuple[str, ...]
    reports: int
    doi: str | None


class Companion(NamedTuple):
    """A precursor used together with another.

    Attributes:
        formula: of the companion.
        together: reactions that use both.
        share: of the reactions of the other precursor.
        lift: how many times as many as if the two were chosen independently.
    """

    formula: str
    together: int
    share: float
    lift: float


class Source(NamedTuple):
    """A source of an element: reactions that use it, and their share of the reactions of the element."""

    formula: str
    reactions: int
    share: float


class PrecursorUse(NamedTuple):
    """What is recorded of a precursor: reactions, what it makes, what it is used with, what replaces it."""

    reactions: int
    makes: tuple[Made, ...]
    companions: tuple[Companion, ...]
    replaced_by: tuple[Substitution, ...]


class ElementSources(NamedTuple):
    """Typical sources of an element, and pairs of them that replace each other."""

    symbol: str
    reactions: int
    sources: tuple[Source, ...]
    pairs: tuple[Substitution, ...]


class LiteratureIndex:
    """Recorded reactions by precursor and by element.

    Args:
        literature: the reactions.
    """

    def __init__(self, literature: KnownReactions) -> None:
        self._literature = literature
        self._sets = [tuple(text.split(_SEPARATOR)) for text in literature.column("precursors")]
        self._targets: Sequence[str] = literature.column("target")
        formulas = dict.fromkeys(name for members in self._sets for name in members)
        self._precursors = {name: parse_formula(name) for name in formulas}
        self._name = {anhydrous(each).key: name for name, each in self._precursors.items()}
        self._rows: dict[str, list[int]] = defaultdict(list)
        for row, members in enumerate(self._sets):
            for name in members:
                self._rows[name].append(row)
        self._with_element: dict[str, list[int]] = defaultdict(list)
        for row, target in enumerate(self._targets):
            for symbol in set(_SYMBOL.findall(target)):
                self._with_element[symbol].append(row)
        self.uses = Counter({name: len(rows) for name, rows in self._rows.items()})

    def name_of(self, precursor: Composition) -> str | None:
        """Return how a precursor is spelled in the table, None if no reaction uses it."""
        return self._name.get(anhydrous(precursor).key)

    def together(self, members: Iterable[Composition], most: int = 5) -> tuple[int, tuple[str, ...]]:
        """Return how many reactions use all members of a set, and the most reported targets among them."""
        names = [self.name_of(each) for each in members]
        rows = [set(self._rows[name]) if name else set() for name in names]
        common = sorted(set.intersection(*rows) if rows else set(), key=lambda row: -self._reports(row))
        return len(common), tuple(dict.fromkeys(self._targets[row] for row in common[:most]))

    def precursor(self, precursor: Composition, *, most: int = 12) -> PrecursorUse | None:
        """Return what is recorded of a precursor, None if no reaction uses it."""
        name = self.name_of(precursor)
        if name is None:
            return None
        rows = self._rows[name]
        best = sorted(rows, key=lambda row: -self._reports(row))[:most]
        dois = self._literature.column("doi")
        makes = tuple(Made(self._targets[row], self._sets[row], self._reports(row), dois[row]) for row in best)
        counts = Counter(other for row in rows for other in self._sets[row] if other != name)
        companions = tuple(
            Companion(other, both, both / len(rows), both * len(self._sets) / (len(rows) * self.uses[other]))
            for other, both in counts.most_common(most)
        )
        elements = sorted(source_elements(self._precursors[name]))
        replaced = [pair for symbol in elements for pair in self._pairs(symbol) if name in (pair.first, pair.second)]
        replaced.sort(key=lambda pair: -pair.reactions)
        return PrecursorUse(len(rows), makes, companions, tuple(replaced[:most]))

    def element(self, symbol: str, *, most: int = 12) -> ElementSources:
        """Return the typical sources of an element.

        Raises:
            FormulaError: there is no such element.
        """
        if symbol not in ELEMENTS:
            raise FormulaError(f"'{symbol[:20]}' is not an element.")
        rows = self._with_element.get(symbol, [])
        counts = Counter(
            name for row in rows for name in self._sets[row] if symbol in source_elements(self._precursors[name])
        )
        total = len(rows)
        sources = tuple(Source(name, number, number / total) for name, number in counts.most_common(most))
        return ElementSources(symbol, total, sources, tuple(self._pairs(symbol)[:most]))

    @lru_cache(maxsize=128)  # noqa: B019  # one index for the life of the process
    def _pairs(self, symbol: str) -> tuple[Substitution, ...]:
        from rrgraph.networks import ReactionRecords, find_substitutions

        rows = self._with_element.get(symbol, [])
        readable = [(row, target) for row in rows if (target := _target(self._targets[row])) is not None]
        if not readable:
            return ()
        names = sorted({name for row, _ in readable for name in self._sets[row]})
        column = {name: place for place, name in enumerate(names)}
        members = [[column[name] for name in self._sets[row]] for row, _ in readable]
        offsets = np.cumsum([0, *map(len, members)])
        indices = np.array([place for each in members for place in each], dtype=np.int64)
        years = [self._literature.column("year")[row] for row, _ in readable]
        dated = [place for place, year in enumerate(years) if year is not None]
        records = ReactionRecords(
            tuple(self._precursors[name] for name in names),
            tuple(target for _, target in readable),
            csr_array((np.ones(len(indices), dtype=np.int64), indices, offsets), shape=(len(members), len(names))),
            np.array(dated, dtype=np.int64),
            np.array([int(years[place]) for place in dated], dtype=np.int64),
            self._literature.name,
            "reactions",
        )
        return tuple(find_substitutions(records, elements=[symbol]))

    def _reports(self, row: int) -> int:
        return int(self._literature.column("reports")[row])


@lru_cache(maxsize=1)
def literature_index(literature: KnownReactions) -> LiteratureIndex:
    """Return the index of a table, kept for later."""
    return LiteratureIndex(literature)


def _target(text: str) -> Composition | None:
    try:
        return parse_formula(text)
    except FormulaError:
        return None
