"""Beam search over precursor sets to which one member is added at a time.

Different orders of the same set are merged into one state, whose probability is the sum over the orders.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BeamRules", "Choose", "beam_search"]

Choose = Callable[[NDArray[np.int64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""From partial sets (b, k), as ascending indices of their members, to the log probability of each candidate as the next
member (b, n) and of stopping (b,)."""


@dataclass(frozen=True, kw_only=True)
class BeamRules:
    """Which sets of n candidates are complete.

    Attributes:
        bits: (n, e) bool, which of the e needed elements each candidate supplies; a complete set supplies all.
        sizes: allowed numbers of members, ascending.
        exclusive: (e,) bool, elements that only one member may supply.
        required: indices of the candidates that every set contains; the search begins with them.
    """

    bits: NDArray[np.bool_]
    sizes: Sequence[int]
    exclusive: NDArray[np.bool_]
    required: Collection[int] = ()


def beam_search(choose: Choose, rules: BeamRules, *, width: int, number: int) -> list[tuple[float, tuple[int, ...]]]:
    """Return up to `number` complete sets with their log probabilities, best first.

    The probability of a set is the sum over the orders of its members that the beam kept: the exact value if no
    subset of it was discarded, otherwise a lower bound.

    Args:
        choose: returns the probabilities of the next members.
        rules: which sets are complete.
        width: number of partial sets of each size that are kept, at least 1.
        number: number of complete sets to return, at least 1.
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
    # A set is identified by the exclusive or of random 64-bit words, which is independent of the order (Zobrist hash).
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
    """Return the `keep` most probable sets with one more member, of those that `left` further members can complete."""
    supplied = rules.bits[states.members].any(1)
    allowed = np.isfinite(steps)
    np.put_along_axis(allowed, states.members, False, axis=1)
    allowed &= (supplied & rules.exclusive).astype(np.int64) @ rules.bits.T.astype(np.int64) == 0
    missing = (~supplied).sum(1)[:, None] - (~supplied).astype(np.int64) @ rules.bits.T.astype(np.int64)
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
