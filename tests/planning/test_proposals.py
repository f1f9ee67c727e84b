from __future__ import annotations

import math

import pytest

from rrgraph.chem import parse_formula
from rrgraph.data import PrecursorSet
from rrgraph.errors import PlanningError, ScoreError
from rrgraph.evaluation import PROTOCOLS, evaluate_planner
from rrgraph.planning import LinkScorer, Planner, Proposal, ProposalPlanner, SetConstraints, SetProposer, planner_for

CANDIDATES = [parse_formula(f) for f in ("Li2CO3", "LiOH", "Co3O4", "CoO", "LiCoO2", "Na2CO3", "H2O")]
TARGET = parse_formula("LiCoO2")


def precursor_set(text):
    return PrecursorSet([parse_formula(formula) for formula in text.split()])


class Fixed:
    """Proposes the same sets for every target."""

    def __init__(self, *sets, probabilistic=False):
        self.sets, self.probabilistic, self.asked = sets, probabilistic, []

    def propose(self, targets, candidates, *, sizes, constraints, number):
        self.asked.append((len(targets), list(sizes), number))
        return [[Proposal(precursor_set(text), score) for text, score in self.sets] for _ in targets]


def texts(sets):
    return [" ".join(precursor.formula for precursor in ranked.precursors) for ranked in sets]


def ranking(proposer, constraints=None, size=None):
    planner = ProposalPlanner(proposer, CANDIDATES, constraints)
    return next(planner.rankings([TARGET], sizes=None if size is None else [size]))


def test_proposals_come_by_score_each_once():
    found = ranking(Fixed(("LiOH CoO", -2.0), ("Li2CO3 Co3O4", -1.0), ("CoO LiOH", -3.0), ("Li2CO3 CoO", -2.5)))
    assert texts(found) == ["Li2CO3 Co3O4", "LiOH CoO", "Li2CO3 CoO"]
    assert [ranked.score for ranked in found] == [-1.0, -2.0, -2.5]
    assert [ranked.indices for ranked in found] == [(0, 2), (1, 3), (0, 3)]
    assert found.exact_score(precursor_set("CoO LiOH")) == next(iter(ranking(Fixed(("LiOH CoO", -2.0))))).exact_score
    assert found.exact_score(precursor_set("LiOH Co3O4")) is None


@pytest.mark.parametrize(
    ("proposed", "constraints"),
    [
        ("Li2CO3", {}),  # no cobalt
        ("Li2CO3 Co3O4 Na2CO3", {}),  # sodium is foreign
        ("LiCoO2", {}),  # the target itself
        ("Li2CO3 CoSO4", {}),  # no candidate
        ("Li2CO3 Co3O4", {"excluded": {"Li2CO3"}}),
        ("Li2CO3 Co3O4", {"required": {"LiOH"}}),
        ("Li2CO3 LiOH Co3O4", {"one_per_element": True}),
        ("Li2CO3 LiOH Co3O4", {"sizes": (2,)}),
    ],
)
def test_what_is_not_valid_is_dropped(proposed, constraints):
    found = ranking(Fixed((proposed, -1.0), ("LiOH Co3O4", -2.0)), SetConstraints(**constraints))
    assert texts(found) == ["LiOH Co3O4"]


def test_sets_that_do_not_balance_are_dropped():
    constraints = SetConstraints(balanced=True, sizes=(3,), foreign=True)
    found = ranking(Fixed(("LiOH Co3O4 Na2CO3", -1.0), ("LiOH Li2CO3 Co3O4", -2.0)), constraints)
    assert texts(found) == ["Li2CO3 LiOH Co3O4"]


def test_a_known_size_is_handed_on_and_kept_to():
    proposer = Fixed(("LiOH Co3O4", -1.0), ("Li2CO3 LiOH Co3O4", -2.0))
    assert texts(ranking(proposer, size=3)) == ["Li2CO3 LiOH Co3O4"]
    assert proposer.asked == [(1, [3], 200)]


def test_probabilities_are_those_of_probabilistic_systems_alone():
    sets = (("LiOH Co3O4", math.log(0.25)),)
    assert next(iter(ranking(Fixed(*sets, probabilistic=True)))).probability == pytest.approx(0.25)
    assert math.isnan(next(iter(ranking(Fixed(*sets)))).probability)


def test_plans_say_whether_there_is_more():
    planner = ProposalPlanner(Fixed(("LiOH Co3O4", -1.0), ("LiOH CoO", -2.0)), CANDIDATES)
    for top_k, exhausted in ((1, False), (2, True), (3, True)):
        (plan,) = planner.plan([TARGET], top_k=top_k)
        assert (len(plan), plan.exhausted) == (min(top_k, 2), exhausted)
    (plan,) = ProposalPlanner(Fixed(), CANDIDATES[:2]).plan([TARGET])
    assert "supplies Co" in plan.reason


def test_wrong_calls_and_scores_are_refused():
    planner = ProposalPlanner(Fixed(("LiOH Co3O4", math.nan)), CANDIDATES)
    with pytest.raises(ScoreError, match=r"LiCoO2 is nan"):
        planner.plan([TARGET])
    with pytest.raises(PlanningError, match="2 set sizes for 1 targets"):
        planner.plan([TARGET], sizes=[1, 2])
    with pytest.raises(PlanningError, match="at least 1"):
        planner.plan([TARGET], sizes=[0])
    with pytest.raises(PlanningError, match="top_k is 0"):
        planner.plan([TARGET], top_k=0)


def test_the_planner_suits_the_system():
    class Links(LinkScorer):
        def logits(self, targets, candidates): ...

    assert isinstance(Fixed(), SetProposer)
    assert isinstance(planner_for(Fixed(), CANDIDATES), ProposalPlanner)
    assert isinstance(planner_for(Links(), CANDIDATES, max_candidates=3), Planner)


@pytest.mark.parametrize("probabilistic", [False, True])
def test_proposals_are_evaluated_like_links(make_table, probabilistic):
    table = make_table([("LiCoO2", "LiOH;Co3O4"), ("Li2Co2O4", "Li2CO3;CoO"), ("LiCoO2", "LiOH;CoO")])
    sets = (("Li2CO3 Co3O4", -0.5), ("LiOH CoO", -1.0), ("LiOH Co3O4", -1.5), ("Na2CO3 Co3O4 LiOH", -0.1))
    metrics = evaluate_planner(Fixed(*sets, probabilistic=probabilistic), CANDIDATES, table, PROTOCOLS["paper"])
    assert metrics.overall.top[1].value == 0
    assert metrics.overall.top[3].value == pytest.approx(2 / 3)
    assert metrics.reachable == pytest.approx(2 / 3)
    assert (metrics.calibration is not None) == probabilistic
    assert metrics.rows.ranks.tolist() == [3, math.inf, 2]
