from __future__ import annotations

import json

import numpy as np
import pytest

from rrgraph.chem import parse_formula
from rrgraph.errors import ScoreError
from rrgraph.evaluation import evaluate_links
from rrgraph.metrics import LinkScores, calibration, edge_metrics
from rrgraph.planning import LinkScorer, SetConstraints, TargetCandidates

POOL = [parse_formula(f) for f in ("Li2CO3", "LiOH", "Co3O4", "TiO2", "BaCO3", "NaCl", "BaO")]


class Scorer(LinkScorer):
    def __init__(self, bad=None):
        self.bad = bad

    def logits(self, targets, candidates):
        values = np.array([[len(t.key) - 2.0 * len(c.key) for c in candidates] for t in targets])
        if self.bad is not None:
            values[0, 0] = self.bad
        return values


@pytest.fixture(scope="module")
def table(make_table):
    return make_table([("LiCoO2", "Li2CO3;Co3O4"), ("BaTiO3", "BaCO3;TiO2"), ("Co2Li2O4", "LiOH;Co3O4")])


def grid(rows):
    return np.array(
        [
            [formula in row.split() for formula in ("Li2CO3", "LiOH", "Co3O4", "TiO2", "BaCO3", "NaCl", "BaO")]
            for row in rows
        ]
    )


def test_the_grid_holds_each_target_once_with_all_its_precursors(table):
    recorded = grid(["Li2CO3 Co3O4 LiOH", "BaCO3 TiO2"])
    logits = Scorer().logits([parse_formula("LiCoO2"), parse_formula("BaTiO3")], POOL)
    result = evaluate_links(Scorer(), POOL, table)
    assert result.edges == edge_metrics(LinkScores.of_grid(logits, recorded))
    expected = calibration((1 / (1 + np.exp(-logits))).ravel(), recorded.ravel())
    for name in ("count", "ece_width", "ece_mass", "brier"):
        assert getattr(result.calibration, name) == pytest.approx(getattr(expected, name))
    assert result.absent == 0
    json.dumps(result.to_dict(), allow_nan=False)


def test_pairs_that_planning_would_not_consider_are_left_out(table):
    result = evaluate_links(Scorer(), POOL, table, constraints=SetConstraints())
    assert (result.edges.positives, result.edges.negatives) == (5, 1)
    excluded = evaluate_links(Scorer(), POOL, table, constraints=SetConstraints(excluded=frozenset({"LiOH"})))
    assert (excluded.edges.positives, excluded.absent) == (4, 1)


def test_links_known_before_are_neither_right_nor_wrong(table, make_table):
    known = make_table([("LiCoO2", "Li2CO3;NaCl"), ("CuO", "Cu")])
    result = evaluate_links(Scorer(), POOL, table, known=known)
    assert (result.edges.positives, result.edges.negatives) == (5, 8)


def test_precursors_that_are_no_candidates_are_counted(table):
    result = evaluate_links(Scorer(), POOL[1:], table)
    assert (result.edges.positives, result.absent) == (4, 1)


def test_candidates_of_single_targets_are_pairs_of_these_alone(table):
    own = {"CoLiO2": POOL[:3], "BaO3Ti": [POOL[4]]}
    result = evaluate_links(Scorer(), TargetCandidates([POOL[5]], own), table)
    assert (result.edges.positives, result.edges.negatives, result.absent) == (4, 2, 1)
    targets = [parse_formula("LiCoO2"), parse_formula("BaTiO3")]
    logits = Scorer().logits(targets, [POOL[5], *POOL[:3], POOL[4]])
    ignore = np.array([[False, False, False, False, True], [False, True, True, True, False]])
    recorded = grid(["Li2CO3 Co3O4 LiOH", "BaCO3 TiO2"])[:, [5, 0, 1, 2, 4]]
    assert result.edges == edge_metrics(LinkScores.of_grid(logits, recorded, ignore=ignore))


def test_a_grid_without_pairs_has_no_metrics(table):
    result = evaluate_links(Scorer(), TargetCandidates([], {}), table)
    assert (result.edges.positives, result.calibration, result.absent) == (0, None, 5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_refused(table, bad):
    with pytest.raises(ScoreError, match="link from Co2Li2O4 to Li2CO3"):
        evaluate_links(Scorer(bad), POOL, table)


def test_scores_of_a_wrong_shape_are_refused(table):
    class Wrong(LinkScorer):
        def logits(self, targets, candidates):
            return np.zeros((len(candidates), len(targets)))

    with pytest.raises(ScoreError, match="shape"):
        evaluate_links(Wrong(), POOL, table)


def test_blocks_change_nothing(table, monkeypatch):
    whole = evaluate_links(Scorer(), POOL, table, constraints=SetConstraints())
    monkeypatch.setattr("rrgraph.evaluation.links._BATCH_SIZE", 1)
    blocks = evaluate_links(Scorer(), POOL, table, constraints=SetConstraints())
    assert blocks.scores.scores.tolist() == whole.scores.scores.tolist()
    assert blocks.edges == whole.edges
