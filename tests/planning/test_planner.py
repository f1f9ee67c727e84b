"""The planner with a scorer that needs no training, against brute force over all subsets of the pool."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from math import exp, fsum, inf, log1p, nan
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import VOLATILE, BalanceError, balance, parse_formula, source_elements
from rrgraph.data import PrecursorSet
from rrgraph.errors import PlanningError, ScoreError
from rrgraph.planning import AGGREGATES, SCALE, LinkScorer, Planner, SetConstraints, read_candidates

POOL = [
    parse_formula(text)
    for text in ("Li2CO3", "LiOH", "La2O3", "La(OH)3", "ZrO2", "TiO2", "BaCO3", "BaTiO3", "LaTiO3", "BaZrO3", "NaCl")
]
TARGETS = [parse_formula(text) for text in ("Li7La3Zr2O12", "BaTiO3", "LiLaTi2O6", "BaZr0.5Ti0.5O3", "La2O3")]


class Scorer(LinkScorer):
    """Logits from a checksum of the two keys, coarse enough to tie."""

    def __init__(self, steps: int = 5) -> None:
        self.steps = steps
        self.pairs = 0

    def logits(self, targets, candidates):
        self.pairs += len(targets) * len(candidates)
        return np.array([[self.link(target, candidate) for candidate in candidates] for target in targets], dtype=float)

    def link(self, target, candidate) -> float:
        return crc32(f"{target.key}|{candidate.key}".encode()) % self.steps / 2 - 1


class PairScorer(Scorer):
    def link_logits(self, links):
        self.pairs += len(links)
        pairs = zip(links.target_index, links.candidate_index, strict=True)
        return np.array([self.link(links.targets[t], links.candidates[c]) for t, c in pairs])


class Constant(LinkScorer):
    def __init__(self, value: float) -> None:
        self.value = value

    def logits(self, targets, candidates):
        return np.full((len(targets), len(candidates)), self.value)


def names(plan):
    return [{precursor.formula for precursor in ranked.precursors} for ranked in plan]


def valid_sets(target, rules, aggregate, candidates):
    """Chemistry from the definition: the valid sets among `candidates`."""
    source = source_elements(target)
    needed = (target.elements if rules.cover == "strict" else source) | rules.required_elements

    def covers(members):
        return needed <= frozenset().union(*[member.elements for member in members])

    own = target.elements | VOLATILE | rules.required_elements
    shared = (target.elements - {"O", "H"}) | needed
    for size in rules.sizes:
        for members in combinations(candidates, size):
            keys = {member.key for member in members}
            others = [member for member in members if member.key not in rules.required]
            broken = [
                target.key in keys,
                not rules.required <= keys,
                not covers(members),
                bool(keys & rules.excluded),
                any(member.elements & rules.excluded_elements for member in members),
                rules.stock is not None and not keys <= rules.stock,
                not rules.foreign and any(member.elements - own or not member.elements & shared for member in others),
                rules.one_per_element and any(a.elements & b.elements & source for a, b in combinations(members, 2)),
                aggregate == "geometric" and any(covers([m for m in members if m != other]) for other in others),
            ]
            if not any(broken):
                yield members


def set_score(aggregate, logits):
    logs = [-log1p(exp(-value)) for value in logits]
    return {"product": fsum(logs), "log_odds": fsum(logits), "geometric": fsum(logs) / len(logs)}[aggregate]


@st.composite
def rules(draw):
    keys = st.sampled_from([candidate.key for candidate in POOL])
    symbols = st.sampled_from(["Li", "La", "Ba", "Ti", "Cl", "C", "O"])
    stock = draw(st.none() | st.sets(keys, min_size=1))
    required = draw(st.just(set()) | st.sets(keys if stock is None else st.sampled_from(sorted(stock)), max_size=1))
    wishes = {
        "sizes": draw(st.sets(st.integers(1, 4), min_size=1)),
        "cover": draw(st.sampled_from(["strict", "exempt"])),
        "foreign": draw(st.booleans()),
        "one_per_element": draw(st.booleans()),
        "stock": stock,
        "required": required,
        "excluded": draw(st.just(set()) | st.sets(keys, max_size=2)) - required,
        "required_elements": draw(st.just(set()) | st.sets(symbols, max_size=1)),
        "excluded_elements": draw(st.just(set()) | st.sets(symbols, max_size=1)),
    }
    try:
        return SetConstraints(**wishes)
    except PlanningError:
        return SetConstraints(**{**wishes, "required": set(), "excluded_elements": set()})


@given(
    rules(), st.sampled_from(AGGREGATES), st.sampled_from(TARGETS), st.sampled_from([Scorer(), PairScorer(), Scorer(1)])
)
@settings(max_examples=200, deadline=None)
def test_plans_equal_brute_force(constraints, aggregate, target, scorer):
    planner = Planner(scorer, POOL, constraints, aggregate=aggregate)
    (plan,) = planner.plan([target], top_k=10_000)
    expected = {
        frozenset(member.key for member in members): [scorer.link(target, member) for member in members]
        for members in valid_sets(target, constraints, aggregate, POOL)
    }
    assert {ranked.precursors.keys for ranked in plan} == expected.keys()
    assert len(plan) == len(expected)
    assert plan.exhausted
    for ranked in plan:
        logits = expected[ranked.precursors.keys]
        assert ranked.score == pytest.approx(set_score(aggregate, logits), abs=1e-12)
        assert ranked.probability == pytest.approx(exp(set_score("product", logits)), rel=1e-9)
        assert [planner.candidates[index] for index in ranked.indices] == list(ranked.precursors)
    order = [(-ranked.exact_score, len(ranked.precursors), ranked.indices) for ranked in plan]
    assert order == sorted(order)


def test_batches_and_single_targets_agree_whatever_the_batch_size(monkeypatch):
    batch = Planner(Scorer(97), POOL).plan(TARGETS * 3, top_k=4)
    monkeypatch.setattr("rrgraph.planning.planner._BATCH_SIZE", 2)
    assert Planner(PairScorer(97), POOL).plan(TARGETS * 3, top_k=4) == batch
    assert [Planner(Scorer(97), POOL).plan([target], top_k=4)[0] for target in TARGETS] == batch[:5]


def test_told_sizes_and_open_sizes_side_by_side():
    told, opened = Planner(Scorer(), POOL).plan([TARGETS[0]] * 2, sizes=[4, None])
    assert {len(ranked.precursors) for ranked in told} == {4}
    assert {len(ranked.precursors) for ranked in opened} == {3, 4, 5}
    assert opened.exhausted and not told.missing


def test_says_how_many_sets_exist():
    planner = Planner(Scorer(), POOL, SetConstraints(sizes=(2,)))
    plan = planner.plan([parse_formula("BaTiO3")], top_k=5)[0]
    assert names(plan) == [{"BaCO3", "TiO2"}]
    assert (len(plan), plan.exhausted) == (1, True)
    assert plan.reason == "Only 1 precursor set for BaTiO3 satisfies the constraints."
    none = planner.plan([parse_formula("BaTiO3")], sizes=[1])[0]
    assert none.reason == "No precursor set for BaTiO3 satisfies the constraints."
    more = Planner(Scorer(), POOL).plan([TARGETS[0]], top_k=2)[0]
    assert (len(more), more.exhausted, more.reason) == (2, False, None)


def test_says_which_element_nobody_brings():
    plan = Planner(Scorer(), POOL).plan([parse_formula("KNbO3")])[0]
    assert (plan.sets, plan.exhausted, plan.missing) == ((), True, ("K", "Nb"))
    assert plan.reason == "No candidate that may be used for KNbO3 supplies K, Nb."


def test_the_paper_protocol_takes_the_most_probable_candidates():
    target = TARGETS[1]
    scorer = Scorer(97)
    paper = SetConstraints(sizes=(2,), cover="strict", foreign=True)
    plan = Planner(scorer, POOL, paper, max_candidates=6).plan([target], top_k=1000)[0]
    best = sorted((c for c in POOL if c != target), key=lambda c: -scorer.link(target, c))[:6]
    assert {ranked.precursors.keys for ranked in plan} == {
        frozenset(member.key for member in members) for members in valid_sets(target, paper, "product", best)
    }


def test_required_precursors_survive_the_cut():
    paper = SetConstraints(sizes=(3,), foreign=True, required=["NaCl"])
    for scorer in (Scorer(97), Scorer(1), Scorer(13)):
        plan = Planner(scorer, POOL, paper, max_candidates=9).plan([TARGETS[1]])[0]
        assert plan.sets
        assert all("NaCl" in names for names in names(plan))


def test_scores_no_more_links_than_needed():
    grid, pairs = Scorer(), PairScorer()
    Planner(grid, POOL).plan([parse_formula("BaTiO3")])
    assert grid.pairs == 2
    Planner(pairs, POOL).plan([parse_formula("BaTiO3"), parse_formula("LiLaO2"), parse_formula("ZrO2")])
    assert pairs.pairs == 2 + 4
    Planner(pairs, POOL).plan([parse_formula("KNbO3")])
    assert pairs.pairs == 2 + 4


def test_confident_links_do_not_saturate():
    class Confident(Scorer):
        def link(self, target, candidate):
            return {"Li2CO3": 25.0, "LiOH": 26.0}.get(candidate.formula, 30.0)

    plan = Planner(Confident(), POOL, SetConstraints(sizes=(3,))).plan([TARGETS[0]], top_k=2)[0]
    assert all("LiOH" in members for members in names(plan))
    assert plan.sets[0].probability > 1 - 1e-10


def test_exact_scores_of_single_sets():
    ranking = next(Planner(Scorer(1), POOL, SetConstraints(sizes=(3, 4))).rankings([TARGETS[0]]))
    sets = list(ranking)
    assert [len(ranked.precursors) for ranked in sets] == [3] * 4 + [4] * 4
    for ranked in sets:
        assert ranking.exact_score(ranked.precursors) == ranked.exact_score
    assert sets[0].score == pytest.approx(sets[0].exact_score / SCALE)
    for invalid in ("Li2CO3;La2O3", "Li2CO3;La2O3;ZrO2;NaCl", "Li2CO3;La2O3;ZrO", "Li7La3Zr2O12"):
        precursors = PrecursorSet(parse_formula(text) for text in invalid.split(";"))
        assert ranking.exact_score(precursors) is None


@pytest.mark.parametrize("value", [nan, inf, -inf])
@pytest.mark.parametrize("constraints", [SetConstraints(), SetConstraints(foreign=True)])
def test_refuses_scores_that_are_not_finite(value, constraints):
    with pytest.raises(ScoreError, match=f"link from BaTiO3 to .* is {value}, expected a finite number"):
        Planner(Constant(value), POOL, constraints).plan([TARGETS[1]])


def test_refuses_a_scorer_with_nan_even_where_the_link_is_not_needed():
    class Partly(Scorer):
        def link(self, target, candidate):
            return nan if (target.formula, candidate.formula) == (TARGETS[1].formula, "Li2CO3") else 0.0

    with pytest.raises(ScoreError, match="link from BaTiO3 to Li2CO3 is nan"):
        Planner(Partly(), POOL).plan(TARGETS[:2])


def test_refuses_scores_of_the_wrong_shape():
    class Flat(Scorer):
        def logits(self, targets, candidates):
            return np.zeros(len(candidates))

    class Short(PairScorer):
        def link_logits(self, links):
            return np.zeros(1)

    with pytest.raises(ScoreError, match=r"shape \(2,\) for 1 targets and 2 candidates"):
        Planner(Flat(), POOL).plan([TARGETS[1]])
    with pytest.raises(ScoreError, match=r"shape \(1,\) for 6 links"):
        Planner(Short(), POOL).plan([parse_formula("BaTiO3"), parse_formula("LiLaO2"), parse_formula("ZrO2")])


@pytest.mark.parametrize(
    ("arguments", "call", "message"),
    [
        (
            {"aggregate": "mean"},
            {},
            "Unknown aggregate 'mean', expected one of product, log_odds, geometric.",
        ),
        ({"max_candidates": 0}, {}, "max_candidates is 0, expected at least 1 or None for the whole pool."),
        ({}, {"top_k": 0}, "top_k is 0, expected at least 1."),
        ({}, {"sizes": [1, 2]}, "Got 2 set sizes for 1 targets, expected one each."),
        ({}, {"sizes": [0]}, "Set size is 0, expected a whole number of at least 1."),
    ],
)
def test_says_what_is_wrong_with_a_question(arguments, call, message):
    with pytest.raises(PlanningError) as caught:
        Planner(Scorer(), POOL, **arguments).plan([TARGETS[1]], **call)
    assert str(caught.value) == message


def test_no_targets():
    assert Planner(Scorer(), POOL).plan([]) == []


def test_the_case_study_of_a_boride_works_with_a_candidate_list():
    candidates = read_candidates("B,Cr,Al,AlB2,Al45Cr7,Al8Cr5,AlCr2,CrB,CrB4,Cr3B4,Cr5B3,Cr2B3,CrB2,Cr2B")
    plan = Planner(Scorer(97), candidates).plan([parse_formula("Cr2AlB2")], top_k=1000)[0]
    assert {"CrB", "Al"} in names(plan)
    assert len(plan) == 1000


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_balanced_keeps_the_order_and_leaves_out_what_does_not_balance(aggregate):
    target = parse_formula("Cr2AlB2")
    pool = [parse_formula(text) for text in ("Cr", "Al", "B", "CrB", "CrB2", "AlB2", "Al8Cr5", "Cr2B")]
    scorer = Scorer()
    every = [ranked.precursors for ranked in next(Planner(scorer, pool, aggregate=aggregate).rankings([target]))]
    planner = Planner(scorer, pool, SetConstraints(balanced=True), aggregate=aggregate)
    ranking = next(planner.rankings([target]))
    kept = [ranked.precursors for ranked in ranking]
    assert kept == [precursors for precursors in every if _balances(target, precursors)]
    assert 0 < len(kept) < len(every)
    left_out = next(precursors for precursors in every if precursors not in kept)
    assert ranking.exact_score(left_out) is None
    assert ranking.exact_score(kept[0]) is not None


def test_balanced_search_ends_and_says_so(monkeypatch):
    monkeypatch.setattr("rrgraph.planning.ranking.EXAMINED", 5)
    pool = [parse_formula(text) for text in ("CrB", "CrB2", "Cr2B", "AlB2", "Al8Cr5", "AlCr2")]
    plan = Planner(Scorer(), pool, SetConstraints(balanced=True)).plan([parse_formula("Cr2AlB2")])[0]
    assert plan.cut
    assert not plan.exhausted
    assert len(plan) < 5
    number = f"Only {len(plan)}" if plan.sets else "None"
    assert f"{number} of the 5 best precursor sets for Cr2AlB2 can be balanced and mixed." == plan.reason


def _balances(target, precursors):
    try:
        balance(target, list(precursors))
    except BalanceError:
        return False
    return True


def test_planning_does_without_torch():
    code = "import sys, rrgraph.planning; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
