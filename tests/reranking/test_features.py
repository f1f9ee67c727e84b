from __future__ import annotations

from math import exp, log, log1p

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import GASES, KJ_PER_EV, parse_formula, source_elements
from rrgraph.data import LinkBatch, SetBatch
from rrgraph.graph import (
    BALANCE,
    FREQUENCY_FEATURES,
    SET_FREQUENCY_FEATURES,
    KnownSystems,
    SetFrequencyFeatures,
    balance_sets,
)
from rrgraph.planning import CandidateLists
from rrgraph.reranking import ListFeatures, describe_sets
from rrgraph.reranking.features import LINK_FEATURES, MEMBER_FEATURES, SET_FEATURES

TARGETS = [parse_formula(text) for text in ("LiCoO2", "Li2CoMnO4", "BaTiO3")]
CANDIDATES = [
    parse_formula(text) for text in ("Li2CO3", "LiOH", "Co3O4", "CoO", "Li2CoO3", "MnO2", "BaCO3", "TiO2", "BaTi2O5")
]


@pytest.fixture(scope="module")
def statistics(small_table):
    vocabulary = list(small_table.precursors().values())
    systems = KnownSystems.fit(small_table, {each.key: row for row, each in enumerate(vocabulary)})
    return SetFrequencyFeatures.fit(small_table, vocabulary, systems)


def recognisable(links):
    """Frequency features from which one can read which link they are of."""
    values = np.zeros((len(links), len(FREQUENCY_FEATURES)), dtype=np.float32)
    values[:, 0], values[:, 1] = links.target_index, links.candidate_index
    return values


def candidate_lists(sets, logits, targets=TARGETS, candidates=CANDIDATES, keep=None):
    """Lists in which all links compete, or those to the candidates to `keep`; logits (targets, candidates)."""
    links = LinkBatch.grid(targets, candidates)
    logits = np.asarray(logits, dtype=np.float64).ravel()
    if keep is not None:
        kept = np.concatenate([row * len(candidates) + np.array(own, dtype=int) for row, own in enumerate(keep)])
        links, logits = links.select(kept), logits[kept]
    return CandidateLists(links, logits, sets, known_size=[False] * len(targets))


def describe(statistics, lists, **options):
    return describe_sets(lists, statistics, recognisable, **options)


def content(lists, number):
    """Return what a list says: of each set its numbers, and link and part of its members in order."""
    sets = range(int(lists.offsets[number]), int(lists.offsets[number + 1]))
    return [
        (
            lists.sets[place].tolist(),
            [
                (lists.links[link].tolist(), lists.roles[place, position].tolist())
                for position, link in enumerate(lists.members[place].tolist())
                if link >= 0
            ],
        )
        for place in sets
    ]


def log_sigmoid(value):
    return -log1p(exp(-value))


def test_numbers_by_hand(statistics):
    odds = {"Li2CO3": 2.0, "LiOH": 1.0, "Co3O4": 1.5, "CoO": -0.5, "Li2CoO3": -1.0}
    candidates = [parse_formula(text) for text in odds]
    # The two best sets are given in the wrong order, so that the rank is not the place.
    sets = [[(1, 2), (0, 2), (4,), (1, 3)]]
    lists = describe(statistics, candidate_lists(sets, [list(odds.values())], TARGETS[:1], candidates))
    values = dict(zip(SET_FEATURES, lists.sets.t().tolist(), strict=True))
    sums = [log_sigmoid(1) + log_sigmoid(1.5), log_sigmoid(2) + log_sigmoid(1.5), log_sigmoid(-1)]
    sums.append(log_sigmoid(1) + log_sigmoid(-0.5))
    assert sums[1] > sums[0] > sums[3] > sums[2]
    expected = {
        "log_probability": sums,
        "mean_log_probability": [sums[0] / 2, sums[1] / 2, sums[2], sums[3] / 2],
        "least_logit": [1.0, 1.5, -1.0, -0.5],
        "sum_of_logits": [2.5, 3.5, -1.0, 0.5],
        "mean_logit": [1.25, 1.75, -1.0, 0.25],
        "log_rank": [log(2), 0.0, log(4), log(3)],
        "gap_to_best": [value - sums[1] for value in sums],
        "logit_gap_to_best": [-1.0, 0.0, -4.5, -3.0],
        # Best for lithium is Li2CO3 with 2, for cobalt Co3O4 with 1.5.
        "opportunity_gap": [1.0, 0.0, 3.0 + 2.5, 1.0 + 2.0],
        "largest_opportunity_gap": [1.0, 0.0, 3.0, 2.0],
        "second_choices": [1.0, 0.0, 2.0, 2.0],
    }
    assert tuple(expected) == SET_FEATURES[len(SET_FREQUENCY_FEATURES) : -len(BALANCE) - 1]
    for name, numbers in expected.items():
        assert values[name] == pytest.approx(numbers, abs=1e-5), name


def test_a_single_weak_candidate_is_not_a_second_choice(statistics):
    """What nobody could supply better costs nothing, however improbable it is."""
    lists = describe(statistics, candidate_lists([[(0, 1)]], [[-9.0, -7.0]], TARGETS[2:], CANDIDATES[6:8]))
    values = dict(zip(SET_FEATURES, lists.sets[0].tolist(), strict=True))
    assert (values["opportunity_gap"], values["largest_opportunity_gap"], values["second_choices"]) == (0, 0, 0)


@st.composite
def problems(draw):
    """Logits of all links, of which some do not compete, and sets made of those that do."""
    odds = np.array(
        draw(
            st.lists(st.lists(st.floats(-12, 12, width=16), min_size=9, max_size=9), min_size=len(TARGETS), max_size=3)
        )
    )
    keep = np.array(draw(st.lists(st.sets(st.integers(0, 8), min_size=2), min_size=3, max_size=3)), dtype=object)
    sets = [
        draw(st.lists(st.sets(st.sampled_from(sorted(own)), min_size=1, max_size=4).map(sorted), max_size=5))
        for own in keep
    ]
    return odds, [sorted(own) for own in keep], sets


@given(problems())
@settings(max_examples=60, deadline=None)
def test_numbers_equal_a_loop(statistics, problem):
    odds, keep, sets = problem
    lists = describe(statistics, candidate_lists(sets, odds, keep=keep))
    assert len(lists) == 3
    assert lists.offsets.tolist() == np.cumsum([0, *map(len, sets)]).tolist()
    assert lists.list_index.tolist() == [row for row, own in enumerate(sets) for _ in own]
    place = 0
    for row, own in enumerate(sets):
        sums = [sum(log_sigmoid(odds[row, each]) for each in members) for members in own]
        totals = [odds[row, members].sum() for members in own]
        for number, members in enumerate(own):
            values = dict(zip(SET_FEATURES, lists.sets[place].tolist(), strict=True))
            lost = [
                max(odds[row, c] for c in keep[row] if symbol in source_elements(CANDIDATES[c]))
                - max(odds[row, c] for c in members if symbol in source_elements(CANDIDATES[c]))
                for symbol in source_elements(TARGETS[row])
                if any(symbol in source_elements(CANDIDATES[c]) for c in members)
            ]
            better = sum((-other, n) < (-sums[number], number) for n, other in enumerate(sums))
            expected = {
                "size": len(members),
                "log_probability": sums[number],
                "mean_log_probability": sums[number] / len(members),
                "least_logit": odds[row, members].min(),
                "sum_of_logits": totals[number],
                "mean_logit": totals[number] / len(members),
                "gap_to_best": sums[number] - max(sums),
                "logit_gap_to_best": totals[number] - max(totals),
                "log_rank": log1p(better),
            }
            if len(lost) == len(source_elements(TARGETS[row])):  # as in every set that the planner makes
                expected |= {
                    "opportunity_gap": sum(lost),
                    "largest_opportunity_gap": max(lost),
                    "second_choices": sum(x > 1e-6 for x in lost),
                }
            if sums.count(sums[number]) > 1:
                expected.pop("log_rank")
            for name, value in expected.items():
                assert values[name] == pytest.approx(value, abs=1e-3), name
            given = content(lists, row)[number][1]
            assert [(int(link[0]), int(link[1])) for link, _ in given] == [(row, c) for c in members]
            assert [link[-1] for link, _ in given] == pytest.approx(odds[row, members].tolist(), abs=1e-5)
            place += 1
    assert place == len(lists.sets)
    assert len(lists.links) == len({(row, c) for row, own in enumerate(sets) for members in own for c in members})


def test_the_statistics_of_sets_come_first(statistics):
    members = np.array([[0, 2, -1], [1, 3, 4]])
    expected, roles = statistics.features(SetBatch(TARGETS[:1], CANDIDATES, np.zeros(2, dtype=int), members))
    lists = describe(statistics, candidate_lists([[(0, 2), (1, 3, 4)]], np.zeros((1, 9)), TARGETS[:1]))
    assert np.array_equal(lists.sets[:, : len(SET_FREQUENCY_FEATURES)], expected)
    assert np.array_equal(lists.roles, roles)
    assert lists.sets.shape[1] == len(SET_FEATURES)
    assert lists.links.shape[1] + lists.roles.shape[2] == len(MEMBER_FEATURES) == len(LINK_FEATURES) + 2


def test_mass_balance_and_reaction_energy_by_hand(statistics):
    """BaCO3 + TiO2 -> BaTiO3 + CO2 with invented formation energies, beside a set with a member in vain."""
    given = candidate_lists([[], [], [(6, 7), (0, 6, 7)]], np.zeros((3, 9)))
    plain = describe(statistics, given)
    of_targets, of_candidates = np.array([9.0, 9.0, -3.4]), np.full(9, 9.0)
    of_candidates[[6, 7]] = -2.4, -3.2
    lists = describe(statistics, given, energies=(of_targets, of_candidates))
    values, other = (dict(zip(SET_FEATURES, row, strict=True)) for row in lists.sets.tolist())
    # For an atom of BaTiO3 an atom of BaCO3 and 3/5 of one of TiO2; 1/5 of an atom of carbon leaves as CO2.
    assert values["energy"] == pytest.approx(
        -3.4 + 0.2 * GASES["CO2"].enthalpy / KJ_PER_EV - 1.0 * -2.4 - 0.6 * -3.2, abs=1e-3
    )
    assert values["released_C"] == pytest.approx(0.2, abs=1e-3)
    assert (values["idle"], other["idle"]) == (0, 1)
    _, expected = balance_sets(SetBatch.of_lists(TARGETS, CANDIDATES, given.sets))
    assert lists.sets[:, -1 - len(BALANCE) : -1].numpy() == pytest.approx(expected, abs=1e-6)
    assert plain.sets[:, -1].tolist() == [0, 0]
    assert torch.equal(plain.sets[:, :-1], lists.sets[:, :-1])


def test_targets_without_sets_or_without_links(statistics):
    lists = describe(statistics, candidate_lists([[]], [], TARGETS[:1], []))
    assert (len(lists), len(lists.sets), len(lists.links)) == (1, 0, 0)
    some = describe(statistics, candidate_lists([[], [(0, 2)], []], np.zeros((3, 9))))
    assert some.offsets.tolist() == [0, 0, 1, 1]
    assert [len(content(some, number)) for number in range(3)] == [0, 1, 0]


@pytest.fixture(scope="module")
def parts(statistics):
    """Two collections of lists, of sets with up to two and up to four members, some lists empty."""
    logits = np.random.default_rng(0).normal(size=(3, 9))
    small = [[(0, 2), (4,), (1, 3)], [], [(6, 7)]]
    large = [[(0, 1, 2, 3)], [(0, 2, 5), (1, 2, 5), (4, 5)], []]
    return [describe(statistics, candidate_lists(sets, logits)) for sets in (small, large)]


def test_concatenated_lists_say_what_they_said(parts):
    whole = ListFeatures.concat(parts)
    assert len(whole) == 6
    expected = [content(part, number) for part in parts for number in range(3)]
    assert [content(whole, number) for number in range(6)] == expected
    assert whole.members.shape[1] == 4
    assert content(ListFeatures.concat(parts[::-1]), 0) == content(parts[1], 0)
    assert [content(ListFeatures.concat(parts[:1]), number) for number in range(3)] == expected[:3]


@pytest.mark.parametrize("chosen", [[4, 0], [5, 1], [2], [0, 1, 2, 3, 4, 5], [4, 4]])
def test_selected_lists_say_what_they_said(parts, chosen):
    whole = ListFeatures.concat(parts)
    some, sets = whole.select(torch.tensor(chosen))
    assert [content(some, number) for number in range(len(chosen))] == [content(whole, number) for number in chosen]
    assert torch.equal(whole.sets[sets], some.sets)
    assert whole.list_index[sets].tolist() == [chosen[owner] for owner in some.list_index.tolist()]


def test_half_keeps_the_lists(parts):
    whole = ListFeatures.concat(parts)
    half = whole.half()
    assert half.sets.dtype == half.links.dtype == half.roles.dtype == torch.float16
    assert torch.equal(half.members, whole.members)
    assert torch.equal(half.offsets, whole.offsets)
    assert half.sets.float() == pytest.approx(whole.sets, rel=1e-3, abs=1e-3)
    some, _ = half.select(torch.tensor([4, 0]))
    assert some.sets.dtype == some.roles.dtype == torch.float32
