from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import VOLATILE, parse_formula, source_elements
from rrgraph.data import LearnedReactions
from rrgraph.errors import ConfigError, PlanningError, ScoreError
from rrgraph.evaluation import PROTOCOLS, evaluate_planner, score_predictions
from rrgraph.metrics import calibration
from rrgraph.planning import LinkScorer, Planner, SetConstraints, planner_for

POOL = [
    parse_formula(f)
    for f in ("Li2CO3", "LiOH", "Co3O4", "Co", "LiCoO2", "TiO2", "Ti", "BaCO3", "BaO", "BaTiO3", "SrS", "NaCl")
]
ROWS = [
    ("LiCoO2", "Li2CO3;Co3O4"),
    ("BaTiO3", "BaCO3;TiO2"),
    ("Li2Co2O4", "LiOH;Co"),
    ("BaLiTiO4", "BaTiO3;LiOH"),
    ("BaTiO3", "BaO;Ti"),
    ("LiCoO2", "Li2CO3;Co3O4"),
    ("Li2TiO3", "Li2CO3;LiOH;TiO2"),
    ("SrTiO3", "SrO;TiO2"),
    ("SrTiO3", "SrS;TiO2"),
]


class Scorer(LinkScorer):
    """Few different logits, so that many sets tie; asks are counted."""

    def __init__(self, values):
        self.values = values
        self.asked = 0

    def logits(self, targets, candidates):
        self.asked += len(targets)
        return np.array([[self.value(t.key, c.key) for c in candidates] for t in targets]).reshape(
            len(targets), len(candidates)
        )

    def value(self, target, candidate):
        return self.values[sum(map(ord, target + candidate)) * 7 % len(self.values)]


def oracle(scorer, target, own, protocol):
    """Return the score of every valid set by brute force, the paper's rule read aloud."""
    needed = target.elements if protocol.cover == "strict" else source_elements(target)
    usable = [c for c in POOL if c != target]
    if protocol.foreign == "forbidden":
        shared = needed | (target.elements - {"O", "H"})
        usable = [c for c in usable if not c.elements - VOLATILE - target.elements and c.elements & shared]
    logits = {c.key: scorer.value(target.key, c.key) for c in usable}
    usable = sorted(usable, key=lambda c: -logits[c.key])[: protocol.max_candidates]
    sizes = [len(own)] if protocol.set_size == "known" else range(1, protocol.max_size + 1)
    return {
        frozenset(c.key for c in members): round(-sum(np.logaddexp(0, -logits[c.key]) for c in members), 9)
        for size in sizes
        for members in combinations(usable, size)
        if needed <= frozenset().union(*(c.elements for c in members))
    }


def oracle_rank(scores, truth, ties):
    best = max((scores[keys] for keys in truth if keys in scores), default=None)
    if best is None:
        return np.inf
    if ties == "optimistic":
        rank = 1 + sum(score > best for score in scores.values())
    else:
        rank = 1 + sum(score >= best for keys, score in scores.items() if keys not in truth)
    return rank if rank <= 10 else np.inf


protocols = st.builds(
    lambda base, **flags: PROTOCOLS[base].override(max_candidates=None, **flags),
    st.sampled_from(["paper", "open"]),
    set_size=st.sampled_from(["known", "unknown"]),
    cover=st.sampled_from(["strict", "exempt"]),
    foreign=st.sampled_from(["allowed", "forbidden"]),
    ties=st.sampled_from(["optimistic", "pessimistic"]),
    truth=st.sampled_from(["row", "any"]),
    max_size=st.integers(1, 4),
)


@given(protocols, st.lists(st.integers(-2, 2).map(float), min_size=1, max_size=7))
@settings(max_examples=60, deadline=None)
def test_ranks_equal_brute_force_under_every_flag(make_table, protocol, values):
    table, scorer = make_table(ROWS), Scorer(values)
    metrics = evaluate_planner(scorer, POOL, table, protocol, resamples=10)
    for row, reaction in enumerate(table):
        own = reaction.precursors.keys
        recorded = {other.precursors.keys for other in table if other.target == reaction.target}
        scores = oracle(scorer, reaction.target, own, protocol)
        truth = recorded if protocol.truth == "any" else {own}
        assert metrics.rows.ranks[row] == oracle_rank(scores, truth, protocol.ties)
        assert metrics.rows.row_ranks[row] == oracle_rank(scores, {own}, protocol.ties)
    reachable = [r.precursors.keys in oracle(scorer, r.target, r.precursors.keys, protocol) for r in table]
    assert metrics.reachable == pytest.approx(np.mean(reachable))


@given(protocols, st.lists(st.integers(-2, 2).map(float), min_size=1, max_size=7))
@settings(max_examples=25, deadline=None)
def test_scoring_the_written_predictions_gives_the_same(make_table, tmp_path_factory, protocol, values):
    table, path = make_table(ROWS), tmp_path_factory.mktemp("evaluate") / "predictions.jsonl"
    known, learned = {"CLi2O3", "Co3O4", "O2Ti"}, LearnedReactions.of(make_table(ROWS[:2]))
    metrics = evaluate_planner(
        Scorer(values), POOL, table, protocol, train_precursors=known, learned=learned, predictions=path, resamples=10
    )
    again = score_predictions(path, table, protocol, train_precursors=known, learned=learned, resamples=10)
    assert again.overlap == metrics.overlap
    within = np.where(again.rows.ranks <= 10, again.rows.ranks, np.inf)
    np.testing.assert_array_equal(within, metrics.rows.ranks)
    assert (again.overall, again.per_row, again.unseen) == (metrics.overall, metrics.per_row, metrics.unseen)


@pytest.mark.parametrize("ties", ["optimistic", "pessimistic"])
def test_written_predictions_include_the_sets_that_tie_with_the_last(make_table, tmp_path, ties):
    # All 32 sets of three tie, and the recorded one has the last candidate of the pool.
    table = make_table([("BaTiO3", "BaO;Ti;NaCl")])
    protocol = PROTOCOLS["paper"].override(ties=ties)
    metrics = evaluate_planner(Scorer([0.0]), POOL, table, protocol, predictions=tmp_path / "p.jsonl", resamples=10)
    again = score_predictions(tmp_path / "p.jsonl", table, protocol, resamples=10)
    assert metrics.rows.ranks.tolist() == [1 if ties == "optimistic" else np.inf]
    assert again.rows.ranks.tolist() == [1 if ties == "optimistic" else 32]
    assert again.overall == metrics.overall


@pytest.mark.parametrize("limit", [1, 3, 6])
def test_only_the_most_probable_candidates_compete(make_table, limit):
    class Distinct(Scorer):
        def value(self, target, candidate):
            return -0.3 * [c.key for c in POOL].index(candidate) + len(target) / 100

    table, scorer = make_table(ROWS), Distinct([])
    protocol = PROTOCOLS["paper"].override(max_candidates=limit)
    metrics = evaluate_planner(scorer, POOL, table, protocol, resamples=10)
    for row, reaction in enumerate(table):
        own = reaction.precursors.keys
        scores = oracle(scorer, reaction.target, own, protocol)
        assert metrics.rows.ranks[row] == oracle_rank(scores, {own}, protocol.ties)


def test_equal_targets_are_scored_once(make_table):
    scorer = Scorer([0.0, 1.0])
    evaluate_planner(scorer, POOL, make_table(ROWS), PROTOCOLS["open"], resamples=10)
    assert scorer.asked == 5
    scorer = Scorer([0.0, 1.0])
    evaluate_planner(scorer, POOL, make_table(ROWS * 3), PROTOCOLS["paper"], resamples=10)
    assert scorer.asked == 5


@pytest.mark.parametrize("mode", ["product", "log_odds", "geometric"])
def test_a_scorer_that_knows_the_answer_is_right(make_table, mode):
    rows = [("LiCoO2", "Li2CO3;Co3O4"), ("BaTiO3", "BaCO3;TiO2"), ("BaLiTiO4", "BaTiO3;LiOH")]
    table = make_table(rows)
    answers = {(r.target.key, key) for r in table for key in r.precursors.keys}

    class Oracle(Scorer):
        def value(self, target, candidate):
            return 5.0 if (target, candidate) in answers else -5.0

    for name in PROTOCOLS:
        metrics = evaluate_planner(Oracle([]), POOL, table, PROTOCOLS[name], mode=mode, resamples=10)
        assert metrics.overall.top[1].value == 1
        assert metrics.calibration.count == 3
        assert metrics.calibration.ece_width < 0.05


@given(protocols, st.lists(st.integers(-2, 2).map(float), min_size=3, max_size=7))
@settings(max_examples=25, deadline=None)
def test_every_shown_probability_is_compared_with_what_is_recorded(make_table, protocol, values):
    table, scorer = make_table(ROWS), Scorer(values)
    shown, firsts = [], []
    planner = Planner(scorer, POOL, protocol.constraints(), max_candidates=protocol.max_candidates)
    for reaction in table:
        size = len(reaction.precursors) if protocol.set_size == "known" else None
        recorded = {other.precursors.keys for other in table if other.target == reaction.target}
        truth = recorded if protocol.truth == "any" else {reaction.precursors.keys}
        (plan,) = planner.plan([reaction.target], top_k=10, sizes=[size])
        listed = [(found.probability, found.precursors.keys in truth) for found in plan]
        shown += listed
        firsts += listed[:1]
    metrics = evaluate_planner(scorer, POOL, table, protocol, resamples=10)
    assert metrics.listed_calibration == (calibration(*zip(*shown, strict=True)) if shown else None)
    assert metrics.calibration == (calibration(*zip(*firsts, strict=True)) if firsts else None)


def test_constant_scores_are_no_success_against_ties(make_table):
    table = make_table([("LiCoO2", "Li2CO3;Co3O4"), ("LiCoO2", "LiOH;Co3O4")])
    kind = evaluate_planner(Scorer([0.0]), POOL, table, PROTOCOLS["paper"], resamples=10)
    harsh = evaluate_planner(Scorer([0.0]), POOL, table, PROTOCOLS["paper"].override(ties="pessimistic"), resamples=10)
    assert kind.overall.top[1].value == 1
    assert harsh.overall.top[1].value == 0


def test_rules_of_the_protocol_win_over_further_constraints(make_table):
    table = make_table(ROWS[:1])
    stock = SetConstraints(stock=frozenset({"LiOH", "Co3O4"}), sizes=(5,), cover="strict")
    metrics = evaluate_planner(Scorer([0.0]), POOL, table, PROTOCOLS["open"], constraints=stock, resamples=10)
    assert metrics.reachable == 0
    wide = evaluate_planner(
        Scorer([0.0]), POOL, table, PROTOCOLS["open"], constraints=SetConstraints(sizes=(5,)), resamples=10
    )
    assert wide.reachable == 1


def test_a_target_that_cannot_be_made_is_a_miss_without_probability(make_table):
    metrics = evaluate_planner(Scorer([0.0]), POOL, make_table([("CuO", "Cu")]), PROTOCOLS["open"], resamples=10)
    assert metrics.rows.ranks.tolist() == [np.inf]
    assert (metrics.calibration, metrics.listed_calibration) == (None, None)


def test_a_table_without_rows_gives_empty_metrics(make_table):
    table = make_table(ROWS).select([])
    metrics = evaluate_planner(Scorer([0.0]), POOL, table, PROTOCOLS["open"])
    assert (metrics.overall.rows, metrics.reachable) == (0, None)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused(make_table, bad, tmp_path):
    with pytest.raises(ScoreError):
        evaluate_planner(
            Scorer([0.0, bad]), POOL, make_table(ROWS), PROTOCOLS["open"], predictions=tmp_path / "p.jsonl"
        )
    assert not list(tmp_path.iterdir())


def test_an_unknown_mode_is_refused(make_table):
    with pytest.raises(PlanningError, match="Did you mean 'product'"):
        evaluate_planner(Scorer([0.0]), POOL, make_table(ROWS), PROTOCOLS["open"], mode="produc")


def test_a_limit_below_the_largest_k_is_refused(make_table):
    with pytest.raises(ConfigError, match="max_rank is 5"):
        evaluate_planner(Scorer([0.0]), POOL, make_table(ROWS), PROTOCOLS["open"], max_rank=5)


def test_what_ranks_the_sets_is_made_once_for_each_system(make_table, monkeypatch):
    made = []

    def planner(system, *arguments, **options):
        made.append(system)
        return planner_for(system, *arguments, **options)

    monkeypatch.setattr("rrgraph.evaluation.evaluate.planner_for", planner)
    table, usual, other = make_table(ROWS), Scorer([0.5, -1.0]), Scorer([1.0, -2.0, 0.0])
    evaluate_planner(usual, POOL, table, PROTOCOLS["open"])
    assert made == [usual]
    evaluate_planner(usual, POOL, table, PROTOCOLS["open"], variants=[usual, other] * 4 + [other])
    assert made == [usual, usual, other]
