"""Beam search over precursor sets that grow by one member at a time.

What a system says of the next member of each partial set flows in; the most probable complete sets flow out. Orders
that give the same set meet in one state, which carries the sum of their probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BeamRules", "Choose", "beam_search"]

Choose = Callable[[NDArray[np.int64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Given partial sets (b, k), places of their members in ascending order, returns the log probability of each candidate
as the next member (b, n) and of stopping (b,)."""


@dataclass(frozen=True, kw_only=True)
class BeamRules:
    """Which sets of n candidates are complete.

    Attributes:
        bits: (n, e) bool, which of the e needed elements each candidate brings; a complete set brings all.
        sizes: allowed numbers of members, ascending.
        exclusive: (e,) bool, elements that only one member may bring.
        required: places of the candidates that every set contains; the search begins with them.
    """

    bits: NDArray[np.bool_]
    sizes: Sequence[int]
    exclusive: NDArray[np.bool_]
    required: Collection[int] = ()


def beam_search(choose: Choose, rules: BeamRules, *, width: int, number: int) -> list[tuple[float, tuple[int, ...]]]:
    """Return up to `number` complete sets with their log probabilities, best first.

    The probability of a set is the sum over the orders of its members that the beam followed: all of them when no
    subset of it fell out of the beam, otherwise a bound from below.

    Args:
        choose: what comes next.
        rules: which sets are complete.
        width: partial sets of each size that are followed, at least 1.
        number: complete sets that are asked for, at least 1.
    """
    last, codes = max(rules.sizes), _codes(len(rules.bits))
    states = _start(rules, codes)
    found: list[tuple[float, tuple[int, ...]]] = []
    while len(states.logs):
        size = states.members.shape[1]
        steps, stop = choose(states.members)
        if size in rules.sizes and size:
            complete = np.flatnonzero(np.all(rules.bits[states.members].any(1), axis=1))
            logs = states.logs[complete] + stop[complete]
            found += zip(logs.tolist(), map(tuple, states.members[complete].tolist()), strict=True)
        if size >= last:
            break
        states = _grow(states, steps, rules, codes, last - size - 1, width)
    return sorted(found, key=lambda entry: (-entry[0], entry[1]))[:number]


@dataclass(frozen=True)
class _States:
    """Distinct partial sets of one size: members (b, k) ascending, log probabilities (b,), codes (b,)."""

    members: NDArray[np.int64]
    logs: NDArray[np.float64]
    codes: NDArray[np.uint64]


def _codes(candidates: int) -> NDArray[np.uint64]:
    # Sets are told apart by the exclusive or of random 64-bit words, which knows no order (Zobrist hashing).
    return np.random.default_rng(0).integers(0, 2**64, candidates, dtype=np.uint64)


def _start(rules: BeamRules, codes: NDArray[np.uint64]) -> _States:
    members = np.array(sorted(rules.required), dtype=np.int64)[None]
    return _States(members, np.zeros(1), np.bitwise_xor.reduce(codes[members], axis=1))


def _grow(
    states: _States,
    steps: NDArray[np.float64],
    rules: BeamRules,
    codes: NDArray[np.uint64],
    left: int,
    keep: int,
) -> _States:
    """Return the `keep` most probable sets with one member more, of those that `left` more members can complete."""
    brought = rules.bits[states.members].any(1)
    allowed = np.isfinite(steps)
    np.put_along_axis(allowed, states.members, False, axis=1)
    allowed &= (brought & rules.exclusive).astype(np.int64) @ rules.bits.T.astype(np.int64) == 0
    missing = (~brought).sum(1)[:, None] - (~brought).astype(np.int64) @ rules.bits.T.astype(np.int64)
    allowed &= missing <= left * rules.bits.sum(1).max(initial=0)
    parent, step = np.nonzero(allowed)
    made = states.codes[parent] ^ codes[step]
    order = np.argsort(made, kind="stable")
    starts = np.flatnonzero(np.diff(made[order], prepend=~made[order][:1]))
    if not len(starts):
        return _States(np.empty((0, 0), dtype=np.int64), np.empty(0), np.empty(0, dtype=np.uint64))
    logs = np.logaddexp.reduceat((states.logs[parent] + steps[parent, step])[order], starts)
    best = np.argsort(-logs, kind="stable")[:keep]
    first = order[starts[best]]
    members = np.sort(np.column_stack([states.members[parent[first]], step[first]]), axis=1)
    return _States(members, logs[best], made[first])
