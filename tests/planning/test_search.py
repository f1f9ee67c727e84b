"""The search against brute force over all subsets, and on inputs that would drown an enumeration."""

from __future__ import annotations

from heapq import heappush
from itertools import chain, combinations, islice, product
from math import lcm

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.errors import PlanningError
from rrgraph.planning import AGGREGATES, SetSearch


def brute_force(scores, masks, *, need, sizes, aggregate, required=(), exclusive=0):
    """Every valid set, straight from the definition."""
    found = []
    scale = lcm(*sizes) if aggregate == "geometric" else 1
    for members in chain.from_iterable(combinations(range(len(scores)), size) for size in set(sizes)):
        if not set(required) <= set(members) or not _covers(masks, members, need):
            continue
        if any(masks[a] & masks[b] & exclusive & need for a, b in combinations(members, 2)):
            continue
        if aggregate == "geometric" and any(
            _covers(masks, [other for other in members if other != member], need)
            for member in members
            if member not in required
        ):
            continue
        total = sum(scores[member] for member in members) * scale
        found.append((total // len(members) if aggregate == "geometric" else total, members))
    return sorted(found, key=lambda item: (-item[0], len(item[1]), item[1]))


def _covers(masks, members, need):
    union = 0
    for member in members:
        union |= masks[member]
    return need & ~union == 0


@st.composite
def problems(draw):
    count, bits = draw(st.sampled_from([8, 7, 6, 5, 4, 3, 2, 1])), draw(st.integers(0, 5))
    aggregate = draw(st.sampled_from(AGGREGATES))
    # A span of 0 or 1 makes almost every set tie; log-odds have both signs.
    span = draw(st.sampled_from([0, 1, 3, 1000]))
    mask = st.integers(0, 2**bits - 1)
    everything = 2**bits - 1
    # Members of few bits that overlap make covers of which one member turns out to be superfluous.
    few = st.lists(st.sampled_from([1 << bit for bit in range(bits)] or [0]), min_size=1, max_size=3).map(
        lambda chosen: sum(set(chosen))
    )
    masks = draw(st.sampled_from([mask, few, few | mask, mask | st.sampled_from([0, everything])]))
    return {
        "scores": draw(
            st.lists(st.integers(-span, span if aggregate == "log_odds" else 0), min_size=count, max_size=count)
        ),
        "masks": draw(st.lists(masks, min_size=count, max_size=count)),
        "need": draw(st.just(everything) | mask),
        "sizes": draw(st.just([1, 2, 3, 4, 5, 6]) | st.sets(st.integers(1, 6), min_size=1).map(sorted)),
        "aggregate": aggregate,
        "required": draw(st.just([]) | st.lists(st.integers(0, count - 1), max_size=2, unique=True)),
        "exclusive": draw(st.just(0) | st.just(everything) | mask),
    }


@given(problems())
@settings(max_examples=400, deadline=None)
def test_equals_brute_force(problem):
    # To draw a problem takes ten times as long as to solve it, so several are made of each.
    aggregates = AGGREGATES if max(problem["scores"]) <= 0 else [problem["aggregate"]]
    for aggregate, exclusive in product(aggregates, {problem["exclusive"], 0, problem["need"]}):
        varied = {**problem, "aggregate": aggregate, "exclusive": exclusive}
        assert list(SetSearch(**varied)) == brute_force(**varied)


@given(problems(), st.data())
@settings(max_examples=200, deadline=None)
def test_score_of_one_set_agrees_with_the_iterator(problem, data):
    search = SetSearch(**problem)
    valid = {indices: score for score, indices in search}
    members = st.lists(st.integers(0, len(problem["scores"]) - 1), max_size=6, unique=True)
    indices = data.draw(members | st.sampled_from(sorted(valid)) if valid else members)
    assert search.score(data.draw(st.permutations(indices))) == valid.get(tuple(sorted(indices)))


@given(problems(), st.integers(1, 20))
@settings(max_examples=100, deadline=None)
def test_can_be_iterated_again_and_partly(problem, count):
    search = SetSearch(**problem)
    first = list(islice(search, count))
    assert list(search)[:count] == first


def test_order_is_score_then_size_then_indices():
    search = SetSearch([0, 0, 0], [1, 1, 1], need=1, sizes=(1, 2, 3))
    assert [indices for _, indices in search] == [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]


def test_geometric_mean_is_compared_exactly_across_sizes():
    # The pair's mean -2.5 and the triple's mean -8/3 differ by a sixth.
    search = SetSearch(
        [-2, -3, -4, -2, -2], [0b110, 0b001, 0b100, 0b010, 0b001], need=0b111, sizes=(1, 2, 3), aggregate="geometric"
    )
    assert search.mean_scale == 6
    assert list(search) == [(-12, (0, 4)), (-15, (0, 1)), (-16, (2, 3, 4)), (-18, (1, 2, 3))]


def test_log_odds_above_zero_draw_in_more_members():
    best = next(iter(SetSearch([5, -1, 7], [1, 2, 0], need=3, sizes=(1, 2, 3), aggregate="log_odds")))
    assert best == (11, (0, 1, 2))


def test_a_member_made_superfluous_by_later_ones_is_no_minimal_cover():
    masks = [0b0011, 0b0101, 0b1010]  # the last two cover all bits of the first
    assert list(SetSearch([0, 0, 0], masks, need=0b1111, sizes=(1, 2, 3), aggregate="geometric")) == [(0, (1, 2))]


def test_required_members_may_be_superfluous_in_minimal_covers():
    search = SetSearch([-1, -1, -9], [1, 2, 0], need=3, sizes=(2, 3), aggregate="geometric", required=[2])
    assert [indices for _, indices in search] == [(0, 1, 2)]


@pytest.fixture
def pushed(monkeypatch):
    """What the searches of a test put on their heaps, one entry a step."""
    entries = []
    monkeypatch.setattr("rrgraph.planning.search.heappush", lambda *given: entries.append(given) or heappush(*given))
    return entries


@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize("score", [-7, 0])
def test_massive_ties_stay_cheap(aggregate, score, pushed):
    masks = [1 << index % 4 if index < 600 else index % 16 for index in range(1300)]
    search = SetSearch([score] * 1300, masks, need=15, sizes=range(1, 7), aggregate=aggregate)
    found = list(islice(search, 10))
    assert len(pushed) < 20
    assert sum(map(len, search._memo.values())) < 2000
    smallest = [index for index in range(1300) if masks[index] == 15][:10]
    assert [indices for _, indices in found] == [(index,) for index in smallest]


def test_ties_at_a_fixed_size_come_in_lexicographic_order():
    masks = [1 << index * 3 // 1300 for index in range(1300)]
    found = [indices for _, indices in islice(SetSearch([0] * 1300, masks, need=7, sizes=(6,)), 4)]
    first_b, first_c = masks.index(2), masks.index(4)
    assert found == [(0, 1, 2, 3, first_b, first_c + more) for more in range(4)]


@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize(
    ("masks", "need"), [([index % 8 for index in range(1300)], 15), ([1 << index for index in range(30)], 2**30 - 1)]
)
def test_a_cover_that_does_not_exist_is_found_out_at_once(aggregate, masks, need, pushed):
    search = SetSearch([0] * len(masks), masks, need=need, sizes=range(1, 7), aggregate=aggregate)
    assert list(search) == []
    assert not pushed
    assert len(search._memo) <= 6


def test_no_candidates_and_sets_larger_than_the_pool():
    assert list(SetSearch([], [], need=1, sizes=(1,))) == []
    assert list(SetSearch([0, 0], [1, 2], need=3, sizes=(2, 3, 50))) == [(0, (0, 1))]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"aggregate": "products"},
            "Unknown aggregate 'products', expected one of product, log_odds, geometric. Did you mean 'product'?",
        ),
        ({"sizes": ()}, "Set sizes must be at least 1, got []."),
        ({"sizes": (0, 2)}, "Set sizes must be at least 1, got [0, 2]."),
        ({"masks": [1]}, "The search got 2 scores for 1 masks, expected one each."),
        ({"required": [2]}, "Required candidates [2] must lie between 0 and 1."),
    ],
)
def test_refuses_what_it_cannot_mean(change, message):
    with pytest.raises(PlanningError) as caught:
        SetSearch(**{"scores": [0, 0], "masks": [1, 1], "need": 1, "sizes": (1,), **change})
    assert str(caught.value) == message
