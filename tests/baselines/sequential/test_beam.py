from __future__ import annotations

from itertools import combinations, permutations
from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.baselines.sequential.beam import BeamRules, beam_search

WIDE = 10_000


def invent(candidates, seed):
    """Return conditional log probabilities that depend on the whole partial set, invented anew for each seed."""

    def choose(members):
        steps = np.full((len(members), candidates), -np.inf)
        stop = np.full(len(members), -np.inf)
        for row, chosen in enumerate(members.tolist()):
            draw = np.random.default_rng([seed, *(place + 1 for place in chosen)])
            logits = draw.normal(size=candidates + 1) * 2
            logits[chosen] = -np.inf
            logs = logits - np.logaddexp.reduce(logits)
            steps[row], stop[row] = logs[:-1], logs[-1]
        return steps, stop

    return choose


def naive(choose, rules):
    """Add up every order of every complete set."""
    found = {}
    candidates = range(len(rules.bits))
    for size in rules.sizes:
        for members in combinations(candidates, size):
            brought = rules.bits[list(members)].sum(0)
            if (brought == 0).any() or (brought > 1)[rules.exclusive].any() or not set(rules.required) <= set(members):
                continue
            begun, total = sorted(rules.required), 0.0
            for order in permutations(set(members) - set(begun)):
                chosen, log = list(begun), 0.0
                for place in order:
                    log += choose(np.array([sorted(chosen)], dtype=np.int64))[0][0, place]
                    chosen.append(place)
                total += exp(log + choose(np.array([sorted(chosen)]))[1][0])
            found[members] = total
    return found


@st.composite
def cases(draw):
    candidates, elements = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    bits = draw(st.lists(st.booleans(), min_size=candidates * elements, max_size=candidates * elements))
    exclusive = draw(st.lists(st.booleans(), min_size=elements, max_size=elements))
    sizes = tuple(sorted(draw(st.sets(st.integers(1, 4), min_size=1))))
    required = draw(st.sets(st.integers(0, candidates - 1), max_size=min(1, sizes[-1])))
    return BeamRules(
        bits=np.array(bits).reshape(candidates, elements),
        sizes=sizes,
        exclusive=np.array(exclusive),
        required=required,
    )


@given(cases(), st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_a_wide_beam_finds_every_set_and_adds_up_its_orders(rules, seed):
    choose = invent(len(rules.bits), seed)
    expected = naive(choose, rules)
    found = beam_search(choose, rules, width=WIDE, number=WIDE)
    assert {members: exp(log) for log, members in found} == pytest.approx(expected)
    assert [log for log, _ in found] == sorted((log for log, _ in found), reverse=True)


@given(cases(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_probabilities_of_all_sets_add_up_to_at_most_one(rules, seed):
    found = beam_search(invent(len(rules.bits), seed), rules, width=WIDE, number=WIDE)
    assert sum(exp(log) for log, _ in found) <= 1 + 1e-9


@given(st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_without_rules_all_sets_and_none_share_all_probability(candidates, seed):
    choose, sizes = invent(candidates, seed), tuple(range(1, candidates + 1))
    rules = BeamRules(bits=np.empty((candidates, 0), dtype=bool), sizes=sizes, exclusive=np.empty(0, dtype=bool))
    found = beam_search(choose, rules, width=WIDE, number=WIDE)
    none = exp(choose(np.empty((1, 0), dtype=np.int64))[1][0])
    assert sum(exp(log) for log, _ in found) + none == pytest.approx(1)


@given(cases(), st.integers(0, 99), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_a_narrow_beam_claims_no_more_than_there_is(rules, seed, width):
    choose = invent(len(rules.bits), seed)
    expected = naive(choose, rules)
    found = beam_search(choose, rules, width=width, number=3)
    assert len(found) <= 3
    assert len({members for _, members in found}) == len(found)
    assert all(exp(log) <= expected[members] + 1e-9 for log, members in found)


def test_what_cannot_be_completed_leaves_the_beam():
    """A likely member that brings nothing would fill a beam of one, were its sets of two not known to be incomplete."""
    bits = np.array([[False, False], [True, False], [False, True]])

    def choose(members):
        return np.tile(np.log([0.8, 0.1, 0.1]), (len(members), 1)), np.zeros(len(members))

    rules = BeamRules(bits=bits, sizes=(2,), exclusive=np.zeros(2, dtype=bool))
    assert [members for _, members in beam_search(choose, rules, width=1, number=5)] == [(1, 2)]


def test_no_candidates_give_no_sets():
    rules = BeamRules(bits=np.empty((0, 1), dtype=bool), sizes=(1, 2), exclusive=np.zeros(1, dtype=bool))
    assert beam_search(invent(0, 0), rules, width=4, number=4) == []
