"""Exact k-best search over independent link scores: which few candidates together cover what is needed?

Takes an integer score and a bit mask of covered elements for each candidate; yields every valid set, best first,
lazily. There is no chemistry in this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush, nsmallest
from math import lcm
from typing import Any, Final, Literal, get_args

from rrgraph.errors import PlanningError, suggestion

__all__ = ["AGGREGATES", "Aggregate", "ScoredSet", "SetSearch", "check_aggregate"]

Aggregate = Literal["product", "log_odds", "geometric"]
"""How the score of a set follows from those of its links, see `SetSearch`."""
AGGREGATES: tuple[str, ...] = get_args(Aggregate)
"""The values of `Aggregate`."""

ScoredSet = tuple[int, tuple[int, ...]]
"""Exact integer score of a set and its candidate indices in ascending order."""

_UNOPENED: Final = -2  # second field of a heap entry that stands for a whole set size
_DIGITS_OF_WORK: Final = 1000


class _TooMuchWork(Exception):
    """The search has reached the limit of its work."""


class SetSearch:
    """All valid sets of candidates, best first: score descending, then fewer members, then smaller indices.

    A set is valid when its size is one of `sizes`, its masks together contain `need`, it holds every `required`
    candidate and covers no bit of `exclusive` twice. With ``geometric`` it must be a minimal cover as well:
    no member can be left out without losing a needed bit, the required members aside.

    Method: candidates with equal masks form a group. A memoised dynamic program over (first open group, free
    slots, uncovered bits) holds the exact best completion of every partial choice, so best-first search walks
    straight from one set to the next and meets no dead end (except that minimality is checked on whole choices
    of groups). A cost is the negated score with one bit a candidate below it: among sets of one size the larger
    sum of such bits is the lexicographically smaller set, so a sum of costs settles ties exactly and the bounds
    stay tight however many sets tie. Set sizes whose best set is surely worse than what is asked for are not looked at.

    A search that would pass `most_work` stops: the sets it has found are the best ones, and `stopped` is set.

    Args:
        scores: fixed-point score of each candidate. The score of a set is their sum (``product``: of log
            probabilities, ``log_odds``: of logits) or, with ``geometric``, `mean_scale` times their mean.
        masks: what each candidate covers, one bit an element; bits outside `need` are ignored.
        need: the bits that must be covered.
        sizes: the allowed set sizes.
        aggregate: one of `AGGREGATES`.
        required: indices of the candidates that every set holds.
        exclusive: the bits that at most one member may cover; bits outside `need` are ignored.
        most_work: limit of `work`; None for none.

    Attributes:
        work: what the search has stored and tried so far, in units of about a microsecond and some hundred bytes. It
            is counted, not measured, so a search stops at the same set on every machine.
        stopped: whether an iterator has reached `most_work`, so that there may be sets that were not found.

    Raises:
        PlanningError: on an unknown aggregate, a size below 1, or an index or length that does not fit.
    """

    def __init__(
        self,
        scores: Sequence[int],
        masks: Sequence[int],
        *,
        need: int,
        sizes: Sequence[int],
        aggregate: str = "product",
        required: Sequence[int] = (),
        exclusive: int = 0,
        most_work: int | None = None,
    ) -> None:
        _check(scores, masks, sizes, aggregate, required)
        self.scores, self.masks = scores, masks
        self.need, self.exclusive = need, need & exclusive
        self.sizes = sorted(set(sizes))
        self.required = sorted(set(required))
        self.minimal = aggregate == "geometric"
        self.mean_scale = lcm(*self.sizes) if self.minimal else 1
        self._digits = len(scores)
        self._shift = self._digits + self.sizes[-1].bit_length()
        self._open, self._clash = need, 0
        for index in self.required:
            self._clash |= masks[index] & self.exclusive & ~self._open
            self._open &= ~masks[index]
        shift, last = self._shift, 1 << self._digits >> 1
        self._costs = [-(score << shift) - (last >> index) for index, score in enumerate(scores)]
        self._groups, self._ends = self._make_groups()
        self._widest = max([mask.bit_count() for mask, _ in self._groups], default=0)
        self.work, self.stopped, self._most_work = 0, False, most_work
        self._option_work = 1 + self._digits // _DIGITS_OF_WORK
        self._memo: dict[tuple[int, int, int], list[Any]] = {}
        self._columns: dict[tuple[int, int], list[int]] = {}

    def score(self, indices: Sequence[int]) -> int | None:
        """Exact score of one set on the iterator's scale, or None when the set is not valid."""
        members = set(indices)
        size = len(members)
        if size != len(indices) or size not in self.sizes or not members.issuperset(self.required):
            return None
        once = twice = 0
        for index in members:
            twice |= once & self.masks[index]
            once |= self.masks[index]
        if self.need & ~once or self.exclusive & twice:
            return None
        private = self.need & ~twice
        if self.minimal and not all(self.masks[index] & private for index in members.difference(self.required)):
            return None
        return sum(self.scores[index] for index in members) * self._weight(size)

    def __iter__(self) -> Iterator[ScoredSet]:
        """Yield (score, indices) of each valid set, best first; the work is done as sets are asked for.

        An entry of the heap stands for the best set of its part of the search space, its key is the cost of that
        set. The parts are disjoint, so keys are never equal and entries never compared beyond them. The key of a size
        that has not been opened is only a bound, and at an equal key it comes first.
        """
        try:
            yield from self._best_first()
        except _TooMuchWork:
            self.stopped = True

    def _best_first(self) -> Iterator[ScoredSet]:
        shift, digits, heap = self._shift, self._digits, self._roots()
        low = (1 << digits) - 1
        while heap:
            entry = heappop(heap)
            self._add_work(1)
            if entry[1] < 0:
                if entry[1] == _UNOPENED:
                    self._open_size(heap, *entry[2:])
                    continue
                entry = self._choose_groups(heap, entry)
                if entry is None:
                    continue
            key, slot, columns, places = entry
            indices, bits = [], -key & low
            while bits:
                place = bits.bit_length()
                indices.append(digits - place)
                bits ^= 1 << place - 1
            yield -(key >> shift), tuple(indices)
            for position in range(slot, len(places)):
                costs, paired = columns[position]
                place = places[position] + 1
                if place < (places[position - 1] if paired else len(costs)):
                    after = places.copy()
                    after[position] = place
                    heappush(heap, (key - costs[place - 1] + costs[place], position, columns, after))

    def _add_work(self, work: int) -> None:
        self.work += work
        if self._most_work is not None and self.work > self._most_work:
            raise _TooMuchWork

    def _roots(self) -> list[Any]:
        """One entry for each set size that may have a valid set, with a bound of the cost of its best one."""
        heap: list[Any] = []
        given = sum([self._costs[index] for index in self.required])
        required = frozenset(self.required)
        most = max(self.sizes[-1] - len(required), 0)
        lowest = nsmallest(most, [cost for index, cost in enumerate(self._costs) if index not in required])
        for size in self.sizes:
            free = size - len(required)
            if 0 <= free <= len(lowest) and not self._clash:
                before, weight = given + (size << self._digits), self._weight(size)
                heap.append((self._key(before + sum(lowest[:free]), weight), _UNOPENED, before, weight, free))
        heapify(heap)
        return heap

    def _open_size(self, heap: list[Any], before: int, weight: int, free: int) -> None:
        """Put the best set of a size in the place of its bound."""
        options = self._options(0, free, self._open)
        if options:
            heappush(heap, (self._key(before + options[0][0], weight), -1, before, weight, (), options, 0))

    def _choose_groups(self, heap: list[Any], entry: Any) -> Any:
        """Follow the best options to a whole choice of groups, pushing the next best option of every step.

        Returns the entry of the choice's best set, or None when the choice is not a minimal cover but has to be.
        """
        key, _, before, weight, chosen, options, rank = entry
        while options:
            _, total, index, count, rest = options[rank]
            rank += 1
            if rank < len(options):
                cost = before + options[rank][0]
                if weight != 1:
                    cost = self._key(cost, weight)
                heappush(heap, (cost, -1, before, weight, chosen, options, rank))
            if count:
                before += total
                chosen = (*chosen, (index, count))
                if self.minimal and not _irredundant([self._groups[index][0] for index, _ in chosen]):
                    return None
            options, rank = rest, 0
        columns, places = [], []
        for index, count in chosen:
            costs = self._groups[index][1] if index >= 0 and weight == 1 else self._column(index, weight)
            for place in range(count - 1, -1, -1):
                columns.append((costs, place + 1 < count))
                places.append(place)
        return key, 0, columns, places

    def _options(self, first: int, free: int, uncovered: int) -> list[Any]:
        """Ways to choose the next group, best first, when `free` slots have to cover `uncovered`.

        When nothing is left to cover the one way is to fill the slots from the pool of all groups from `first` on.

        Returns:
            (exact cost of the best completion, part of it for this group, index of the group or ~`first` for the
            pool, number of members taken, options after it) of each way.
        """
        state = (first, free, uncovered)
        options = self._memo.get(state)
        if options is not None:
            return options
        options = self._memo[state] = []
        groups, minimal, exclusive, widest = self._groups, self.minimal, self.exclusive, self._widest
        if not uncovered:
            best = sorted(self._fillers(first, free))[:free]
            if len(best) == free and not (minimal and free):
                options.append((sum(best), sum(best), ~first, free, ()))
            return options
        stop = first
        for bit, end in self._ends:
            if uncovered & bit:
                stop = end
                break
        for index in range(first, stop):
            mask, costs = groups[index]
            left = uncovered & ~mask
            taken = mask & exclusive
            if taken & ~uncovered or (minimal and left == uncovered):
                continue
            if free == 1:
                if not left:
                    options.append((costs[0], costs[0], index, 1, ()))
                continue
            bits, slots, total = left.bit_count(), free, 0
            for cost in costs[: 1 if minimal or taken else free]:
                slots -= 1
                total += cost
                if not slots:
                    if not left:
                        options.append((total, total, index, free, ()))
                elif bits <= slots * widest and (slots <= bits or not minimal):
                    rest = self._options(index + 1, slots, left)
                    if rest:
                        options.append((total + rest[0][0], total, index, free - slots, rest))
        options.sort()
        self._add_work(stop - first + len(options) * self._option_work)
        return options

    def _column(self, index: int, weight: int) -> list[int]:
        """Weighted costs of one group, or of the pool of all groups from ``~index`` on, best first."""
        costs = self._columns.get((index, weight))
        if costs is None:
            costs = self._groups[index][1] if index >= 0 else sorted(self._fillers(~index))
            costs = [cost - ((-cost >> self._shift) * (weight - 1) << self._shift) for cost in costs]
            self._columns[index, weight] = costs
        return costs

    def _fillers(self, first: int, most: int | None = None) -> list[int]:
        """Costs of the best `most` of each group from `first` on that can join a set that covers all already."""
        return [cost for mask, costs in self._groups[first:] if not mask & self.exclusive for cost in costs[:most]]

    def _make_groups(self) -> tuple[list[tuple[int, list[int]]], list[tuple[int, int]]]:
        """Group the candidates: (mask, costs best first) of each group, and (open bit, end of the groups with it).

        Groups with the rarest bit come first, then the other groups with the next rarest, and so on: a bit that is
        still uncovered then leaves few groups to choose from.
        """
        masks, need, barred, given = self.masks, self._open, self.exclusive & ~self._open, self.required
        order: Iterable[int] = sorted(range(len(masks)), key=self.scores.__getitem__, reverse=True)
        if barred or given:
            order = [index for index in order if not (masks[index] & barred or index in given)]
        groups: dict[int, list[int]] = {}
        for index in order:
            mask = masks[index] & need
            if mask in groups:
                groups[mask].append(self._costs[index])
            else:
                groups[mask] = [self._costs[index]]
        if self.minimal:
            groups.pop(0, None)
        wide = sorted(groups, key=int.bit_count, reverse=True)
        bits = [1 << place for place in range(need.bit_length()) if need >> place & 1]
        holding = {bit: [mask for mask in wide if mask & bit] for bit in bits}
        ordered: dict[int, list[int]] = {}
        ends = []
        for bit in sorted(bits, key=lambda bit: len(holding[bit])):
            for mask in holding[bit]:
                ordered[mask] = groups[mask]
            ends.append((bit, len(ordered)))
        if 0 in groups:
            ordered[0] = groups[0]
        return list(ordered.items()), ends

    def _weight(self, size: int) -> int:
        """Factor that makes the sum over a set of this size comparable with other sizes."""
        return self.mean_scale // size if self.minimal else 1

    def _key(self, cost: int, weight: int) -> int:
        """Cost with its score part weighted; the part below it (size and indices) stays as it is."""
        return cost + ((cost >> self._shift) * (weight - 1) << self._shift)


def check_aggregate(aggregate: str) -> None:
    """Refuse what is not one of `AGGREGATES`.

    Raises:
        PlanningError: naming the choices.
    """
    if aggregate not in AGGREGATES:
        raise PlanningError(
            f"Unknown aggregate '{aggregate}', expected one of {', '.join(AGGREGATES)}."
            f"{suggestion(aggregate, AGGREGATES)}"
        )


def _irredundant(masks: Sequence[int]) -> bool:
    """Whether every mask has a bit of its own."""
    once = twice = 0
    for mask in masks:
        twice |= once & mask
        once |= mask
    return all(mask & ~twice for mask in masks)


def _check(
    scores: Sequence[int], masks: Sequence[int], sizes: Sequence[int], aggregate: str, required: Sequence[int]
) -> None:
    """Refuse arguments that do not fit each other."""
    check_aggregate(aggregate)
    if len(scores) != len(masks):
        raise PlanningError(f"The search got {len(scores)} scores for {len(masks)} masks, expected one each.")
    if not sizes or min(sizes) < 1:
        raise PlanningError(f"Set sizes must be at least 1, got {list(sizes)}.")
    if any(not 0 <= index < len(scores) for index in required):
        raise PlanningError(f"Required candidates {sorted(required)} must lie between 0 and {len(scores) - 1}.")
