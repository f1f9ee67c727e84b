"""A ranking whose head is re-ranked, against the ranking by links alone."""

from __future__ import annotations

from itertools import combinations, pairwise
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import parse_formula
from rrgraph.data import PrecursorSet
from rrgraph.errors import PlanningError
from rrgraph.planning import (
    AGGREGATES,
    LISTWISE,
    RANKING_MODES,
    SCALE,
    LinkScorer,
    Planner,
    SetConstraints,
    known_size_mode,
    link_planner,
)
from rrgraph.planning.constraints import can_be_made

POOL = [
    parse_formula(text)
    for text in ("Li2CO3", "LiOH", "La2O3", "La(OH)3", "ZrO2", "TiO2", "BaCO3", "BaTiO3", "LaTiO3", "BaZrO3")
]
TARGETS = [parse_formula(text) for text in ("Li7La3Zr2O12", "BaTiO3", "LiLaTi2O6", "BaZr0.5Ti0.5O3", "La2O3")]
NO_WAY = parse_formula("KNbO3")


def draw(text, steps):
    return crc32(text.encode()) % steps / 2 - 1


class Links(LinkScorer):
    """Logits from a checksum of the two keys, coarse enough to tie."""

    def __init__(self, steps=5):
        self.steps = steps

    def logits(self, targets, candidates):
        return np.array(
            [[draw(f"{t.key}|{c.key}", self.steps) for c in candidates] for t in targets], dtype=float
        ).reshape(len(targets), len(candidates))


class SetScores:
    """A re-ranker whose scores are checksums of the whole set, coarse enough to tie."""

    def __init__(self, *, candidates=4, set_steps=7):
        self.candidates, self.set_steps = candidates, set_steps
        self.asked = []

    def log_probabilities(self, lists):
        self.asked.append(lists)
        of_set, of_none = [], []
        for target, sets in zip(lists.links.targets, lists.sets, strict=True):
            formulas = [[lists.links.candidates[index] for index in members] for members in sets]
            logs, none = self.of_sets(target, formulas)
            of_set.append(logs)
            of_none.append(none)
        return of_set, np.array(of_none)

    def of_sets(self, target, sets):
        keys = ["|".join(sorted(candidate.key for candidate in members)) for members in sets]
        scores = np.array([*(draw(f"{target.key}:{key}", self.set_steps) for key in keys), 0.5])
        logs = scores - np.logaddexp.reduce(scores)
        return logs[:-1], logs[-1]


def rankings(reranker, target, constraints=None, *, steps=5, size=None, max_candidates=None):
    """Return the whole ranking by links, and the lazy one in which the re-ranker has ranked the head."""
    options = {"constraints": constraints, "max_candidates": max_candidates}
    (plain,) = Planner(Links(steps), POOL, **options).rankings([target], sizes=[size])
    (again,) = Planner(Links(steps), POOL, reranker=reranker, **options).rankings([target], sizes=[size])
    return list(plain.all_sets()), again


def keys(sets):
    return [ranked.precursors.keys for ranked in sets]


def log_probabilities(reranker, target, sets):
    """Return the log probabilities that the re-ranker gives to the head, and to another set."""
    logs, none = reranker.of_sets(target, [list(ranked.precursors) for ranked in sets])
    return dict(zip(keys(sets), logs.tolist(), strict=True)), none


@given(
    st.sampled_from(TARGETS),
    st.sampled_from([1, 2, 5, 13, 64]),
    st.sampled_from([1, 3, 97]),
    st.sampled_from([1, 3, 97]),
    st.booleans(),
    st.sampled_from([None, 2, 3]),
    st.sampled_from([None, 5]),
)
@settings(max_examples=150, deadline=None)
def test_the_head_is_ranked_again_and_the_tail_follows(
    target, number, steps, set_steps, balanced, size, max_candidates
):
    reranker = SetScores(candidates=number, set_steps=set_steps)
    plain, again = rankings(
        reranker,
        target,
        SetConstraints(balanced=balanced, foreign=True, sizes=(1, 2, 3)),
        steps=steps,
        size=size,
        max_candidates=max_candidates,
    )
    sets = list(again.all_sets())
    head, tail = plain[:number], plain[number:]
    logs, none = log_probabilities(reranker, target, head)

    order = sorted(range(len(head)), key=lambda place: (-round(logs[head[place].precursors.keys] * SCALE), place))
    assert keys(sets[: len(head)]) == [head[place].precursors.keys for place in order]
    assert keys(sets[len(head) :]) == keys(tail)

    for ranked in sets[: len(head)]:
        assert ranked.score == pytest.approx(logs[ranked.precursors.keys], abs=1e-12)
        assert ranked.probability == pytest.approx(np.exp(logs[ranked.precursors.keys]))
    total = sum(ranked.probability for ranked in sets[: len(head)]) + np.exp(none)
    assert total == pytest.approx(1, abs=1e-9)
    assert again.plan(3).none == pytest.approx(np.exp(none))

    exact = [ranked.exact_score for ranked in sets]
    assert exact == sorted(exact, reverse=True)
    if head and tail:
        assert max(exact[len(head) :]) < min(exact[: len(head)])
    # The tail ties where it tied, and only there.
    for (a, b), (c, d) in zip(pairwise(tail), pairwise(sets[len(head) :]), strict=True):
        assert (a.exact_score == b.exact_score) == (c.exact_score == d.exact_score)
    listed = list(again)
    assert listed == [ranked for ranked in sets if not balanced or can_be_made(target, ranked.precursors)]
    plan = again.plan(3)
    assert list(plan) == listed[:3]
    assert set(keys(plan.hidden)) <= set(keys(sets)) - set(keys(listed))
    for ranked in sets:
        expected = ranked.exact_score if ranked in listed else None
        assert again.exact_score(ranked.precursors) == expected
        assert ranked.score == pytest.approx(ranked.exact_score / SCALE)


@pytest.mark.parametrize("number", [1, 4, 64])
def test_exact_scores_need_no_sets_found_before(number):
    """Evaluation asks for the exact score of recorded sets after the first few sets of a ranking alone."""
    for target in TARGETS:
        _, lazy = rankings(SetScores(candidates=number), target)
        _, whole = rankings(SetScores(candidates=number), target)
        expected = {ranked.precursors.keys: ranked.exact_score for ranked in whole}
        for count in (1, 2, 3):
            for members in combinations(POOL, count):
                precursors = PrecursorSet(members[::-1])
                assert lazy.exact_score(precursors) == expected.get(precursors.keys)


def test_plans_may_be_longer_or_shorter_than_the_head():
    plain, _ = rankings(SetScores(), TARGETS[0])
    for top_k in (1, 3, 4, 5, 7, len(plain), len(plain) + 1):
        _, again = rankings(SetScores(candidates=4), TARGETS[0])
        plan = again.plan(top_k)
        _, whole = rankings(SetScores(candidates=4), TARGETS[0])
        assert list(plan) == list(whole)[:top_k]
        assert plan.exhausted == (top_k >= len(plain))
    assert len(plain) > 8


def test_fewer_sets_than_the_head_and_none_at_all():
    reranker = SetScores(candidates=64)
    few, nothing, other = Planner(Links(), POOL, SetConstraints(sizes=(2,)), reranker=reranker).plan(
        [TARGETS[1], NO_WAY, TARGETS[3]]
    )
    assert keys(few) == [{parse_formula("BaCO3").key, parse_formula("TiO2").key}]
    assert few.exhausted
    assert few.sets[0].probability + few.none == pytest.approx(1)
    assert (nothing.sets, nothing.missing, nothing.none) == ((), ("K", "Nb"), 1.0)
    assert len(other) > 1
    # Also when there is no link at all to speak of.
    (alone,) = Planner(Links(), POOL, reranker=reranker).plan([NO_WAY])
    assert alone == nothing


def test_the_reranker_is_given_what_competes():
    reranker = SetScores(candidates=6)
    planner = Planner(Links(97), POOL, reranker=reranker, max_candidates=5)
    targets = [TARGETS[0], NO_WAY, TARGETS[2]]
    heads = [ranking.plan(6).sets for ranking in planner.rankings(targets, sizes=[None, 2, None])]
    (lists,) = reranker.asked
    links = lists.links
    assert list(links.targets) == targets
    assert lists.known_size == [False, True, False]
    ascending = list(zip(links.target_index.tolist(), links.candidate_index.tolist(), strict=True))
    assert ascending == sorted(set(ascending))
    for row, target in enumerate(targets):
        own = links.target_index == row
        assert own.sum() == (0 if target is NO_WAY else 5)
        candidates = links.candidate_index[own].tolist()
        assert lists.logits[own].tolist() == [draw(f"{target.key}|{links.candidates[c].key}", 97) for c in candidates]
        given = [frozenset(links.candidates[index].key for index in members) for members in lists.sets[row]]
        assert sorted(map(sorted, given)) == sorted(map(sorted, keys(heads[row])))
        assert {index for members in lists.sets[row] for index in members} <= set(candidates)


def test_batches_and_single_targets_agree_whatever_the_batch_size(monkeypatch):
    planner = Planner(Links(97), POOL, reranker=SetScores())
    batch = planner.plan(TARGETS * 2, top_k=6, sizes=[None, 2, 3, None, 1, 3, None, 2, None, None])
    monkeypatch.setattr("rrgraph.planning.planner._BATCH_SIZE", 3)
    assert planner.plan(TARGETS * 2, top_k=6, sizes=[None, 2, 3, None, 1, 3, None, 2, None, None]) == batch
    assert planner.plan([TARGETS[2]], top_k=6, sizes=[3]) == [batch[2]]


def test_reranking_leaves_the_ranking_by_links_as_it_is():
    (ranking,) = Planner(Links(), POOL).rankings([TARGETS[0]])
    before = ranking.plan(7)
    plan = ranking.reranked(np.log([0.1, 0.2, 0.3]).tolist(), float(np.log(0.4))).plan(7)
    assert keys(plan) == keys([before.sets[2], before.sets[1], before.sets[0], *before.sets[3:]])
    assert [ranked.probability for ranked in plan.sets[:3]] == pytest.approx([0.3, 0.2, 0.1])
    assert plan.none == pytest.approx(0.4)
    assert all(ranked.exact_score < plan.sets[2].exact_score for ranked in plan.sets[3:])
    assert ranking.plan(7) == before


def test_the_sets_behind_the_head_are_found_by_either_ranking():
    whole = list(next(Planner(Links(), POOL).rankings([TARGETS[0]])))
    (ranking,) = Planner(Links(), POOL).rankings([TARGETS[0]])
    reranked = ranking.reranked(np.log([0.2, 0.1]).tolist(), float(np.log(0.7)))
    for first, second in ((3, 5), (9, 7), (20, 20)):
        assert keys(ranking.plan(first)) == keys(whole[:first])
        assert keys(reranked.plan(second)) == keys(whole[:second])


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_any_aggregate_may_find_what_is_reranked(aggregate):
    (plain,) = Planner(Links(), POOL, aggregate=aggregate).rankings([TARGETS[2]])
    (again,) = Planner(Links(), POOL, aggregate=aggregate, reranker=SetScores(candidates=3)).rankings([TARGETS[2]])
    sets, found = list(plain), list(again)
    assert set(keys(found[:3])) == set(keys(sets[:3])) and keys(found[3:]) == keys(sets[3:])
    assert sum(ranked.probability for ranked in found[:3]) + again.plan(1).none == pytest.approx(1)


def test_the_head_is_indices_among_the_candidates():
    (ranking,) = Planner(Links(), POOL).rankings([TARGETS[0]])
    sets = ranking.plan(5).sets
    assert ranking.head(3) == [ranked.indices for ranked in sets[:3]]
    assert len(ranking.head(10_000)) == len(list(ranking))


class WithReranker(Links):
    reranker = SetScores()


@pytest.mark.parametrize("mode", RANKING_MODES)
def test_modes_are_aggregates_or_the_reranker(mode):
    planner = link_planner(WithReranker(), POOL, mode=mode)
    expected = ("product", WithReranker.reranker) if mode == LISTWISE else (mode, None)
    assert (planner.aggregate, planner.reranker) == expected
    assert all((plan.none is not None) == (mode == LISTWISE) for plan in planner.plan(TARGETS))


def test_listwise_needs_a_reranker():
    with pytest.raises(PlanningError, match="needs a model with a re-ranker"):
        link_planner(Links(), POOL, mode=LISTWISE)


def test_an_unknown_mode_is_refused():
    with pytest.raises(PlanningError) as caught:
        link_planner(Links(), POOL, mode="mean")
    message = "Unknown ranking mode 'mean', expected one of product, log_odds, geometric, listwise."
    assert str(caught.value) == message


def test_a_known_size_is_ranked_by_the_product_or_by_the_reranker():
    assert [known_size_mode(mode) for mode in RANKING_MODES] == ["product"] * 3 + [LISTWISE]
