from __future__ import annotations

from dataclasses import replace
from math import exp, log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import pad

from rrgraph.reranking import (
    ListFeatures,
    ListwiseNetwork,
    ListwiseNetworkConfig,
    list_log_softmax,
    recorded_log_probability,
)

LENGTHS = [5, 1, 0, 8, 2]


@pytest.fixture
def scorer():
    torch.manual_seed(0)
    scorer = ListwiseNetwork(ListwiseNetworkConfig(width=12, dropout=0.5, n_networks=2)).eval()
    for network in scorer.networks:
        torch.nn.init.normal_(network.direct.weight)  # which is zero at the start
    return scorer


@pytest.fixture
def lists(invent_lists):
    return invent_lists(LENGTHS)


def test_one_score_a_set_and_one_for_none(scorer, lists):
    scores, none = scorer(lists)
    assert (scores.shape, none.shape) == ((sum(LENGTHS),), (len(LENGTHS),))
    assert torch.isfinite(scores).all()
    assert torch.isfinite(none).all()


def test_scores_are_the_mean_of_the_networks(scorer, lists):
    (first, first_none), (second, second_none) = scorer.member_scores(lists)
    assert not torch.isclose(first, second).any()
    for found, one, other in zip(scorer(lists), (first, first_none), (second, second_none), strict=True):
        assert torch.allclose(found, (one + other) / 2, atol=1e-5)


def test_distinct_members_are_scored_as_all_are(scorer, lists):
    present, sets = lists.members >= 0, scorer._scaled("numbers", lists.sets)
    links = scorer._scaled("links", lists.links[lists.members.clamp_min(0)])
    for network, found in zip(scorer.networks, scorer.member_scores(lists), strict=True):
        expected = network(torch.cat([links, lists.roles], dim=-1), present, sets, lists)
        for one, other in zip(found, expected, strict=True):
            assert torch.allclose(one, other, atol=1e-5)


def test_the_order_of_members_does_not_matter(scorer, lists):
    order = torch.stack([torch.randperm(lists.members.shape[1]) for _ in lists.members])
    shuffled = replace(
        lists,
        members=lists.members.gather(1, order),
        roles=lists.roles.gather(1, order[..., None].expand_as(lists.roles)),
    )
    assert not torch.equal(shuffled.members, lists.members)
    for first, second in zip(scorer(lists), scorer(shuffled), strict=True):
        assert torch.allclose(first, second, atol=1e-5)


def test_padding_does_not_matter(scorer, lists):
    padded = replace(lists, members=pad(lists.members, (0, 3), value=-1), roles=pad(lists.roles, (0, 0, 0, 3), value=7))
    for first, second in zip(scorer(lists), scorer(padded), strict=True):
        assert torch.allclose(first, second, atol=1e-5)


def test_members_links_roles_and_features_all_matter(scorer, lists):
    base, _ = scorer(lists)
    changed = {
        "sets": replace(lists, sets=lists.sets + 1),
        "links": replace(lists, links=lists.links + 1),
        "roles": replace(lists, roles=lists.roles + 1),
        "members": replace(lists, members=torch.where(lists.members >= 0, (lists.members + 1) % 40, -1)),
    }
    for name, other in changed.items():
        assert ((scorer(other)[0] - base).abs() > 1e-6).all(), name


def test_sets_of_other_lists_do_not_matter(scorer, lists):
    scores, none = scorer(lists)
    for number in range(len(lists)):
        alone, sets = lists.select(torch.tensor([number]))
        own, own_none = scorer(alone)
        assert torch.allclose(own, scores[sets], atol=1e-5)
        assert torch.allclose(own_none, none[number], atol=1e-5)


def test_none_reads_the_whole_list(scorer, lists):
    _, none = scorer(lists)
    changed = lists.sets.clone()
    changed[7] += 1  # in the fourth list
    after = scorer(replace(lists, sets=changed))[1]
    assert torch.isclose(none, after).tolist() == [True, True, True, False, True]


def test_features_are_scaled_and_cut(scorer, lists):
    scorer.standardise(lists)
    scaled = scorer._scaled("numbers", lists.sets)
    assert scaled.mean(0) == pytest.approx(torch.zeros(scaled.shape[1]), abs=1e-5)
    assert scaled.std(0, correction=0) == pytest.approx(torch.ones(scaled.shape[1]), abs=1e-4)
    assert scorer._scaled("links", lists.links).std(0, correction=0) == pytest.approx(1, abs=1e-4)
    far = replace(lists, sets=lists.sets + 100, links=lists.links + 100)
    further = replace(lists, sets=lists.sets + 1000, links=lists.links + 1000)
    assert torch.equal(scorer(far)[0], scorer(further)[0])
    assert not torch.isclose(scorer(far)[0], scorer(lists)[0]).any()


def test_constant_features_do_no_harm(scorer, lists):
    constant = replace(lists, sets=torch.ones_like(lists.sets))
    scorer.standardise(constant)
    assert torch.isfinite(scorer(constant)[0]).all()


def test_lists_in_16_bits_are_scored_nearly_alike(scorer, lists):
    assert torch.allclose(scorer(lists.half())[0], scorer(lists)[0], atol=2e-2)


scores_of_lists = st.lists(
    st.tuples(st.floats(-30, 30, width=32), st.lists(st.floats(-30, 30, width=32), max_size=5)), min_size=1, max_size=5
)


def flatten(drawn):
    list_index = torch.tensor([row for row, (_, scores) in enumerate(drawn) for _ in scores], dtype=torch.int64)
    scores = torch.tensor([score for _, scores in drawn for score in scores], dtype=torch.float64)
    return scores, torch.tensor([none for none, _ in drawn], dtype=torch.float64), list_index


@given(scores_of_lists)
def test_lists_are_normalised_each_as_by_a_loop(drawn):
    of_set, of_none = list_log_softmax(*flatten(drawn))
    expected, expected_none = [], []
    for none, scores in drawn:
        highest = max(none, *scores) if scores else none
        total = highest + log(sum(exp(each - highest) for each in [none, *scores]))
        expected += [each - total for each in scores]
        expected_none.append(none - total)
    assert of_set.tolist() == pytest.approx(expected, abs=1e-9)
    assert of_none.tolist() == pytest.approx(expected_none, abs=1e-9)


def test_large_scores_do_not_overflow():
    of_set, of_none = list_log_softmax(torch.tensor([1000.0, 1000.0]), torch.tensor([-1000.0]), torch.zeros(2).long())
    assert of_set.tolist() == pytest.approx([-log(2)] * 2, abs=1e-4)
    assert of_none.tolist() == pytest.approx([-2000 - log(2)])


def test_the_gradient_is_that_of_a_softmax():
    scores, none = torch.tensor([1.0, 2.0, -1.0], requires_grad=True), torch.tensor([0.5, 0.0], requires_grad=True)
    of_set, _ = list_log_softmax(scores, none, torch.tensor([0, 0, 1]))
    of_set[0].backward()
    share = torch.softmax(torch.tensor([1.0, 2.0, 0.5]), 0).tolist()
    assert scores.grad.tolist() == pytest.approx([1 - share[0], -share[1], 0])
    assert none.grad.tolist() == pytest.approx([-share[2], 0])


@given(scores_of_lists, st.randoms(use_true_random=False))
def test_right_sets_share_the_probability(drawn, random):
    scores, none, list_index = flatten(drawn)
    of_set, of_none = list_log_softmax(scores, none, list_index)
    recorded = torch.tensor([random.random() < 0.4 for _ in scores], dtype=torch.bool)
    found = recorded_log_probability(of_set, of_none, list_index, recorded)
    for number in range(len(drawn)):
        own = of_set[(list_index == number) & recorded]
        expected = log(max(sum(map(exp, own.tolist())), 1e-12)) if len(own) else of_none[number].item()
        assert found[number].item() == pytest.approx(expected, abs=1e-9)


def test_dropout_only_while_learning(scorer, lists):
    assert torch.equal(scorer(lists)[0], scorer(lists)[0])
    scorer.train()
    assert not torch.equal(scorer(lists)[0], scorer(lists)[0])


def test_no_lists(scorer, invent_lists):
    lists = invent_lists([2])
    empty, _ = lists.select(torch.tensor([], dtype=torch.int64))
    assert isinstance(empty, ListFeatures)
    assert [len(part) for part in scorer(empty)] == [0, 0]
