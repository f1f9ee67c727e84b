"""A ranking whose head is ranked again by a second stage, against the ranking by links alone."""

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
from rrgraph.planning import LISTWISE, MODES, SCALE, Planner, SetConstraints, known_size_mode

POOL = [
    parse_formula(text)
    for text in ("Li2CO3", "LiOH", "La2O3", "La(OH)3", "ZrO2", "TiO2", "BaCO3", "BaTiO3", "LaTiO3", "BaZrO3")
]
TARGETS = [parse_formula(text) for text in ("Li7La3Zr2O12", "BaTiO3", "LiLaTi2O6", "BaZr0.5Ti0.5O3", "La2O3")]
NO_WAY = parse_formula("KNbO3")


def draw(text, steps):
    return crc32(text.encode()) % steps / 2 - 1


class Links:
    """Log-odds from a checksum of the two keys, coarse enough to tie."""

    def __init__(self, steps=5):
        self.steps = steps

    def logits(self, targets, candidates):
        return np.array(
            [[draw(f"{t.key}|{c.key}", self.steps) for c in candidates] for t in targets], dtype=float
        ).reshape(len(targets), len(candidates))


class TwoStages(Links):
    """The same with a second stage whose scores are checksums of the whole set, coarse enough to tie."""

    ranks_sets = True

    def __init__(self, steps=5, *, set_candidates=4, set_steps=7):
        super().__init__(steps)
        self.set_candidates, self.set_steps = set_candidates, set_steps
        self.asked = []

    def set_log_probabilities(self, targets, candidates, links, sets, told):
        self.asked.append((targets, candidates, links, sets))
        of_set, of_none = [], []
        for target, own in zip(targets, sets, strict=True):
            keys = ["|".join(sorted(candidates[index].key for index in members)) for members in own]
            scores = np.array([*(draw(f"{target.key}:{key}", self.set_steps) for key in keys), 0.5])
            logs = scores - np.logaddexp.reduce(scores)
            of_set.append(logs[:-1])
            of_none.append(logs[-1])
        return of_set, np.array(of_none)


def rankings(scorer, target, constraints=None, *, size=None, max_candidates=None):
    """Return the whole ranking by links, and the lazy one in which the second stage has ranked the head."""
    options = {"constraints": constraints, "max_candidates": max_candidates}
    (plain,) = Planner(scorer, POOL, **options).rankings([target], sizes=[size])
    (again,) = Planner(scorer, POOL, mode=LISTWISE, **options).rankings([target], sizes=[size])
    return list(plain), again


def keys(sets):
    return [ranked.precursors.keys for ranked in sets]


def log_probabilities(scorer, target, sets):
    """What the second stage says of the head, and of none."""
    members = [list(ranked.precursors) for ranked in sets]
    candidates = list({c.key: c for each in members for c in each}.values())
    (logs,), (none,) = scorer.set_log_probabilities(
        [target], candidates, None, [[[candidates.index(c) for c in each] for each in members]], [False]
    )
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
    scorer = TwoStages(steps, set_candidates=number, set_steps=set_steps)
    plain, again = rankings(
        scorer,
        target,
        SetConstraints(balanced=balanced, foreign=True, sizes=(1, 2, 3)),
        size=size,
        max_candidates=max_candidates,
    )
    sets = list(again)
    head, tail = plain[:number], plain[number:]
    logs, none = log_probabilities(scorer, target, head)

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
    for ranked in sets:
        assert again.exact_score(ranked.precursors) == ranked.exact_score
        assert ranked.score == pytest.approx(ranked.exact_score / SCALE)


@pytest.mark.parametrize("number", [1, 4, 64])
def test_exact_scores_need_no_sets_found_before(number):
    """Evaluation asks for the exact score of recorded sets after the first few sets of a ranking alone."""
    for target in TARGETS:
        _, lazy = rankings(TwoStages(set_candidates=number), target)
        _, whole = rankings(TwoStages(set_candidates=number), target)
        expected = {ranked.precursors.keys: ranked.exact_score for ranked in whole}
        for count in (1, 2, 3):
            for members in combinations(POOL, count):
                precursors = PrecursorSet(members[::-1])
                assert lazy.exact_score(precursors) == expected.get(precursors.keys)


def test_plans_may_be_longer_or_shorter_than_the_head():
    plain, _ = rankings(TwoStages(), TARGETS[0])
    for top_k in (1, 3, 4, 5, 7, len(plain), len(plain) + 1):
        _, again = rankings(TwoStages(set_candidates=4), TARGETS[0])
        plan = again.plan(top_k)
        _, whole = rankings(TwoStages(set_candidates=4), TARGETS[0])
        assert list(plan) == list(whole)[:top_k]
        assert plan.exhausted == (top_k >= len(plain))
    assert len(plain) > 8


def test_fewer_sets_than_the_head_and_none_at_all():
    scorer = TwoStages(set_candidates=64)
    few, nothing, other = Planner(scorer, POOL, SetConstraints(sizes=(2,)), mode=LISTWISE).plan(
        [TARGETS[1], NO_WAY, TARGETS[3]]
    )
    assert keys(few) == [{parse_formula("BaCO3").key, parse_formula("TiO2").key}]
    assert few.exhausted
    assert few.sets[0].probability + few.none == pytest.approx(1)
    assert (nothing.sets, nothing.missing, nothing.none) == ((), ("K", "Nb"), 1.0)
    assert len(other) > 1
    # Also when there is no link at all to speak of.
    (alone,) = Planner(scorer, POOL, mode=LISTWISE).plan([NO_WAY])
    assert alone == nothing


def test_the_second_stage_is_told_what_competes():
    scorer = TwoStages(97, set_candidates=6)
    planner = Planner(scorer, POOL, mode=LISTWISE, max_candidates=5)
    targets = [TARGETS[0], NO_WAY, TARGETS[2]]
    (heads,) = [[ranking.plan(6).sets for ranking in planner.rankings(targets)]]
    ((asked, candidates, links, sets),) = scorer.asked
    assert list(asked) == targets
    ascending = list(zip(links.rows.tolist(), links.columns.tolist(), strict=True))
    assert ascending == sorted(set(ascending))
    for row, target in enumerate(targets):
        own = links.rows == row
        assert own.sum() == (0 if target is NO_WAY else 5)
        formulas = [candidates[column] for column in links.columns[own].tolist()]
        odds = [draw(f"{target.key}|{c.key}", 97) for c in formulas]
        assert links.log_odds[own].tolist() == odds
        told = [frozenset(candidates[index].key for index in members) for members in sets[row]]
        assert sorted(map(sorted, told)) == sorted(map(sorted, keys(heads[row])))
        assert {index for members in sets[row] for index in members} <= set(links.columns[own].tolist())


def test_batches_and_single_targets_agree_whatever_the_chunk(monkeypatch):
    planner = Planner(TwoStages(97), POOL, mode=LISTWISE)
    batch = planner.plan(TARGETS * 2, top_k=6, sizes=[None, 2, 3, None, 1, 3, None, 2, None, None])
    monkeypatch.setattr("rrgraph.planning.planner._CHUNK", 3)
    assert planner.plan(TARGETS * 2, top_k=6, sizes=[None, 2, 3, None, 1, 3, None, 2, None, None]) == batch
    assert planner.plan([TARGETS[2]], top_k=6, sizes=[3]) == [batch[2]]


def test_a_ranking_that_was_read_on_can_still_be_ranked_again():
    (ranking,) = Planner(Links(), POOL).rankings([TARGETS[0]])
    before = ranking.plan(7).sets
    ranking.rerank(np.log([0.1, 0.2, 0.3]).tolist(), float(np.log(0.4)))
    plan = ranking.plan(7)
    assert keys(plan) == keys([before[2], before[1], before[0], *before[3:]])
    assert [ranked.probability for ranked in plan.sets[:3]] == pytest.approx([0.3, 0.2, 0.1])
    assert plan.none == pytest.approx(0.4)
    assert all(ranked.exact_score < plan.sets[2].exact_score for ranked in plan.sets[3:])


def test_the_head_is_positions_among_the_candidates():
    (ranking,) = Planner(Links(), POOL).rankings([TARGETS[0]])
    sets = ranking.plan(5).sets
    assert ranking.head(3) == [ranked.indices for ranked in sets[:3]]
    assert len(ranking.head(10_000)) == len(list(ranking))


@pytest.mark.parametrize("mode", MODES)
def test_without_a_second_stage_there_is_no_probability_of_none(mode):
    assert all(plan.none is None for plan in Planner(TwoStages(), POOL, mode=mode).plan(TARGETS))


@pytest.mark.parametrize("scorer", [Links(), type("Off", (TwoStages,), {"ranks_sets": False})()])
def test_listwise_needs_a_second_stage(scorer):
    with pytest.raises(PlanningError, match="needs a model with a set scorer"):
        Planner(scorer, POOL, mode=LISTWISE)


def test_a_told_size_is_ranked_by_the_product_or_by_the_second_stage():
    assert [known_size_mode(mode) for mode in ("product", "log_odds", "geometric", LISTWISE)] == ["product"] * 3 + [
        LISTWISE
    ]
