"""Candidate precursors: generated for single targets, and filtered for one target by constraints.

The filter gives integer masks of the needed elements that each candidate supplies, ready for the set search.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import (
    ATOMIC_NUMBERS,
    ELEMENTS,
    VOLATILE,
    Composition,
    anhydrous,
    byproduct_elements,
    carbon_source,
    plausible_precursors,
    reagent_classes,
    source_elements,
    supplies_carbon,
)
from rrgraph.errors import PlanningError, suggestion
from rrgraph.planning.constraints import SetConstraints

__all__ = [
    "CandidateFilter",
    "CandidateList",
    "Feasible",
    "TargetCandidates",
    "generated_candidates",
    "offered",
    "offered_keys",
]

_WORD = 64


@dataclass(frozen=True, slots=True)
class Feasible:
    """The candidates that can be members of a set for one target.

    Attributes:
        indices: among all candidates, (n,) int64, ascending.
        masks: needed elements that each supplies and required classes that it is of, one bit each, (n,).
        need: the bits that a set has to supply.
        exclusive: the bits that only one member may supply.
        required: positions in `indices` of required precursors.
        missing: needed elements, required classes or required precursors that no candidate can supply; if any, no set
            is valid and the other fields are empty.
    """

    indices: NDArray[np.int64]
    masks: NDArray[Any]
    need: int
    exclusive: int
    required: tuple[int, ...]
    missing: tuple[str, ...]

    def keep(self, positions: NDArray[np.int64]) -> Feasible:
        """Return only the candidates at these positions, ascending; the required ones must be among them."""
        required = tuple(np.searchsorted(positions, self.required).tolist())
        return replace(self, indices=self.indices[positions], masks=self.masks[positions], required=required)


class CandidateFilter:
    """Candidates under constraints, prepared once so that filtering them for a target takes microseconds.

    Args:
        candidates: precursors, hydrates as their salts; of two spellings of one precursor the first is kept. Of
            `TargetCandidates` a target gets those that are its own or shared.
        constraints: what may take part.

    Attributes:
        candidates: the distinct candidates, in order; indices elsewhere refer to it.

    Raises:
        PlanningError: there are no candidates, a required precursor is not among them, or none of the stock is.
    """

    def __init__(self, candidates: Iterable[Composition], constraints: SetConstraints) -> None:
        self._own = candidates if isinstance(candidates, TargetCandidates) else None
        self.constraints = constraints
        self.candidates = tuple(dict.fromkeys(map(anhydrous, candidates)))
        self.position = {candidate.key: index for index, candidate in enumerate(self.candidates)}
        self._check()
        self._low, self._high, self._contains = _element_masks(self.candidates)
        self._allowed = np.array([self._is_allowed(candidate) for candidate in self.candidates], dtype=bool)
        self._required = np.array([key in constraints.required for key in self.position], dtype=bool)
        self._members = {
            name: np.array([name in reagent_classes(candidate) for candidate in self.candidates], dtype=bool)
            for name in sorted(constraints.required_classes)
        }

    def feasible(self, target: Composition) -> Feasible:
        """Return the candidates that may be in a set for `target`, which is never its own precursor."""
        rules = self.constraints
        source = source_elements(target)
        carbon = carbon_source(target) if rules.cover == "exempt" and not source <= VOLATILE else None
        own = target.elements if rules.cover == "strict" else source
        needed = sorted(own | rules.required_elements | ({"C"} if carbon else set()))
        usable = self._allowed & self.considered(target)
        if not rules.foreign:
            related = target.elements | VOLATILE | rules.required_elements | byproduct_elements(rules.byproducts)
            # Oxygen and hydrogen come with almost every precursor, so sharing them means nothing.
            shared = frozenset(needed) | (target.elements - {"O", "H"})
            usable &= ~self._any(_words(frozenset(ELEMENTS) - related)) & self._any(_words(shared))
        usable |= self._required
        own_position = self.position.get(target.key)
        if own_position is not None:
            usable[own_position] = False
        indices = np.flatnonzero(usable)
        bits = len(needed) + len(self._members)
        masks = np.zeros(len(indices), dtype=np.int64 if bits < _WORD - 1 else object)
        for bit, symbol in enumerate(needed):
            supplying = self._contains[ATOMIC_NUMBERS[symbol] - 1, indices]
            if symbol == "C" and carbon:
                supplying = self._supplying_carbon(indices, target)
            masks |= supplying.astype(masks.dtype) << bit
        for bit, (name, members) in enumerate(self._members.items(), start=len(needed)):
            masks |= members[indices].astype(masks.dtype) << bit
            needed = [*needed, name]
        supplied = int(np.bitwise_or.reduce(masks)) if len(masks) else 0
        missing = [
            carbon if symbol == "C" and carbon else symbol
            for bit, symbol in enumerate(needed)
            if not supplied >> bit & 1
        ]
        if own_position is not None and self._required[own_position]:
            missing.append(target.formula)
        need = (1 << len(needed)) - 1
        if missing:
            return Feasible(indices[:0], masks[:0], need, 0, (), tuple(missing))
        exclusive = sum(1 << bit for bit, symbol in enumerate(needed) if rules.one_per_element and symbol in source)
        required = tuple(np.flatnonzero(self._required[indices]).tolist())
        return Feasible(indices, masks, need, exclusive, required, ())

    def considered(self, target: Composition) -> NDArray[np.bool_]:
        """Return (candidates,) which of them are for `target`, before any constraint."""
        return np.ones(len(self.candidates), dtype=bool) if self._own is None else self._own.usable(target)

    def _supplying_carbon(self, indices: NDArray[np.int64], target: Composition) -> NDArray[np.int8]:
        """Return which of some candidates can bring the carbon of a target that does not take it from the air."""
        contains: NDArray[np.int8] = self._contains[ATOMIC_NUMBERS["C"] - 1, indices]
        for place in np.flatnonzero(contains).tolist():
            contains[place] = supplies_carbon(self.candidates[indices[place]], target)
        return contains

    def _any(self, words: tuple[int, int]) -> NDArray[np.bool_]:
        """Whether each candidate contains one of the elements."""
        low, high = words
        shared: NDArray[np.bool_] = ((self._low & np.uint64(low)) | (self._high & np.uint64(high))) != 0
        return shared

    def _is_allowed(self, candidate: Composition) -> bool:
        rules = self.constraints
        return (
            (rules.stock is None or candidate.key in rules.stock)
            and candidate.key not in rules.excluded
            and not (rules.excluded_elements and candidate.elements & rules.excluded_elements)
            and not (rules.excluded_classes and reagent_classes(candidate) & rules.excluded_classes)
        )

    def _check(self) -> None:
        if not self.candidates and self._own is None:
            raise PlanningError("There are no candidates, expected at least one precursor.")
        rules = self.constraints
        for key in sorted(rules.required - self.position.keys()):
            raise PlanningError(
                f"The required precursor '{key}' is not among the {len(self.candidates)} candidates."
                f"{suggestion(key, self.position)}"
            )
        if self._own is None and rules.stock is not None and not rules.stock & self.position.keys():
            raise PlanningError(
                f"None of the precursors in stock, such as '{min(rules.stock)}', is among the "
                f"{len(self.candidates)} candidates."
            )


class CandidateList(tuple[Composition, ...]):
    """Candidates of which some are only offered, by a library or a user, and the others listed because they were used.

    >>> from rrgraph.chem import parse_formula
    >>> candidates = [parse_formula(text) for text in ("BaTe", "BaO")]
    >>> CandidateList.of(candidates, listed=candidates[1:]).offered == {candidates[0].key}
    True

    Attributes:
        offered: canonical keys of the former.
        made_up: of those that no list has.
    """

    offered: frozenset[str]
    made_up: frozenset[str] = frozenset()

    @classmethod
    def of(cls, candidates: Iterable[Composition], listed: Iterable[Composition] = ()) -> Self:
        """Return candidates, of which some are listed."""
        found = cls(candidates)
        found.offered = frozenset(anhydrous(each).key for each in found) - {anhydrous(each).key for each in listed}
        return found


class TargetCandidates(Sequence[Composition]):
    """Candidates of which some are for all targets and the others for the targets they were made for.

    A planner over such candidates considers for a target nothing that was made for another one, so its answer does
    not depend on which targets it is asked for together.

    Args:
        shared: candidates of every target; of two spellings the first is kept.
        own: further candidates by the canonical key of their target.

    Attributes:
        offered: canonical keys of those that are not known to have been used by anybody, see `CandidateList`.
        made_up: of those that are not shared.
    """

    def __init__(self, shared: Iterable[Composition], own: Mapping[str, Sequence[Composition]]) -> None:
        members = dict.fromkeys(map(anhydrous, shared))
        keys = {each.key for each in members}
        self.shared = len(members)
        own = {key: list(dict.fromkeys(map(anhydrous, found))) for key, found in own.items()}
        members |= dict.fromkeys(candidate for found in own.values() for candidate in found if candidate not in members)
        self._members = tuple(members)
        self.made_up = frozenset(each.key for each in members) - keys
        self.offered = self.made_up | (offered_keys(shared) & keys)
        index = {member: number for number, member in enumerate(self._members)}
        self._own = {key: np.array([index[each] for each in found], dtype=np.int64) for key, found in own.items()}

    def __len__(self) -> int:
        return len(self._members)

    @overload
    def __getitem__(self, index: int) -> Composition: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Composition]: ...
    def __getitem__(self, index: int | slice) -> Composition | Sequence[Composition]:
        return self._members[index]

    def usable(self, target: Composition) -> NDArray[np.bool_]:
        """Return (candidates,) which of them a target may use; one that nothing was made for, the shared ones."""
        mask = np.zeros(len(self), dtype=bool)
        mask[: self.shared] = True
        mask[self._own.get(target.key, [])] = True
        return mask

    def counts(self) -> NDArray[np.int64]:
        """Return how many candidates each target may use, shared ones included."""
        return np.array([self.shared + (own >= self.shared).sum() for own in self._own.values()], dtype=np.int64)


def generated_candidates(targets: Iterable[Composition], shared: Iterable[Composition] = ()) -> TargetCandidates:
    """Return the compounds that `plausible_precursors` makes up for each target, beside shared candidates."""
    return TargetCandidates(shared, {target.key: plausible_precursors(target) for target in targets})


def offered(candidates: Sequence[Composition]) -> CandidateList | TargetCandidates:
    """Return the same candidates, none of them known to have been used by anybody, see `CandidateList`."""
    if not isinstance(candidates, TargetCandidates):
        return CandidateList.of(candidates)
    found = copy(candidates)
    found.offered = frozenset(each.key for each in found)
    return found


def offered_keys(candidates: object) -> frozenset[str]:
    """Return the canonical keys of candidates that are not known to have been used by anybody, see `CandidateList`."""
    return candidates.offered if isinstance(candidates, CandidateList | TargetCandidates) else frozenset()


@lru_cache(maxsize=8)
def _element_masks(
    candidates: tuple[Composition, ...],
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int8]]:
    """Return the elements of candidates as two words of bits (candidates,), and as 0 or 1 (elements, candidates)."""
    words = np.array([_words(candidate.elements) for candidate in candidates], dtype=np.uint64).reshape(-1, 2)
    contains = np.zeros((len(ELEMENTS), len(candidates)), dtype=np.int8)
    for index, candidate in enumerate(candidates):
        contains[[ATOMIC_NUMBERS[symbol] - 1 for symbol in candidate.elements], index] = 1
    return words[:, 0].copy(), words[:, 1].copy(), contains


def _words(elements: Iterable[str]) -> tuple[int, int]:
    """One bit an element, split into two 64-bit words."""
    bits = 0
    for symbol in elements:
        bits |= 1 << ATOMIC_NUMBERS[symbol] - 1
    return bits & (1 << _WORD) - 1, bits >> _WORD
