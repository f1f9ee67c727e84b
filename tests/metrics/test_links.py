from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rrgraph.errors import ScoreError
from rrgraph.metrics import LinkScores, edge_metrics, link_ranks

shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6)


@st.composite
def grids(draw):
    """A small grid with many ties: scores, recorded links, ignored pairs."""
    shape = draw(shapes)
    scores = draw(hnp.arrays(np.float64, shape, elements=st.integers(-2, 2).map(float)))
    return scores, draw(hnp.arrays(bool, shape)), draw(hnp.arrays(bool, shape))


def naive(scores, positives, ignore):
    """Return AUC, average precision and (optimistic, realistic, pessimistic) ranks by looping over pairs."""
    cells = [(i, j) for i, j in np.ndindex(scores.shape) if not ignore[i, j]]
    good = [cell for cell in cells if positives[cell]]
    bad = [cell for cell in cells if not positives[cell]]
    wins = sum((scores[g] > scores[b]) + 0.5 * (scores[g] == scores[b]) for g in good for b in bad)
    auc = wins / (len(good) * len(bad)) if good and bad else None
    precision, recall_before = 0.0, 0.0
    for threshold in sorted({scores[cell] for cell in cells}, reverse=True):
        kept = [cell for cell in cells if scores[cell] >= threshold]
        recall = sum(positives[cell] for cell in kept) / max(len(good), 1)
        precision += (recall - recall_before) * sum(positives[cell] for cell in kept) / len(kept)
        recall_before = recall
    ranks = []
    for i, j in good:
        others = [scores[b] for b in bad if b[0] == i]
        above, equal = sum(s > scores[i, j] for s in others), sum(s == scores[i, j] for s in others)
        ranks.append((1 + above, 1 + above + equal / 2, 1 + above + equal))
    return auc, precision, ranks


@given(grids())
@settings(max_examples=100, deadline=None)
def test_all_metrics_equal_naive_loops(grid):
    scores, positives, ignore = grid
    auc, precision, ranks = naive(scores, positives, ignore)
    result = edge_metrics(LinkScores.of_grid(scores, positives, ignore=ignore))
    found = link_ranks(LinkScores.of_grid(scores, positives, ignore=ignore))
    for column, kind in enumerate(("optimistic", "realistic", "pessimistic")):
        np.testing.assert_allclose(found[kind], [rank[column] for rank in ranks])
    assert result.positives == len(ranks)
    assert result.positives + result.negatives == (~ignore).sum()
    if auc is None:
        assert (result.roc_auc, result.average_precision, result.mrr, result.hits) == (None,) * 4
        assert result.reason
        return
    assert result.reason is None
    assert result.roc_auc == pytest.approx(auc)
    assert result.average_precision == pytest.approx(precision)
    for column, kind in enumerate(("optimistic", "realistic", "pessimistic")):
        values = np.array([rank[column] for rank in ranks])
        assert result.mrr[kind] == pytest.approx(np.mean(1 / values))
        assert result.hits[kind] == {k: pytest.approx(np.mean(values <= k)) for k in (1, 3, 5, 10)}


def test_other_recorded_links_of_the_target_are_no_competition():
    ranks = link_ranks(LinkScores.of_grid([[3.0, 2.0, 1.0, 0.0]], [[True, True, False, True]]))
    assert ranks["pessimistic"].tolist() == [1, 1, 2]


def test_constant_scores_are_neither_perfect_nor_hopeless():
    positives = np.zeros((4, 10), dtype=bool)
    positives[:, 0] = True
    result = edge_metrics(LinkScores.of_grid(np.zeros((4, 10)), positives))
    assert result.roc_auc == 0.5
    assert result.average_precision == pytest.approx(0.1)
    assert (result.mrr["optimistic"], result.mrr["pessimistic"]) == (1.0, pytest.approx(0.1))
    assert result.hits["realistic"] == {1: 0.0, 3: 0.0, 5: 0.0, 10: 1.0}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused(bad):
    scores = np.zeros((2, 3))
    scores[1, 2] = bad
    with pytest.raises(ScoreError, match="target 2 is"):
        edge_metrics(LinkScores.of_grid(scores, np.eye(2, 3, dtype=bool)))


def test_one_class_gives_none_and_a_reason():
    nothing = edge_metrics(LinkScores.of_grid(np.zeros((2, 2)), np.zeros((2, 2), dtype=bool)))
    assert (nothing.roc_auc, nothing.targets, nothing.negatives) == (None, 0, 4)
    assert "no recorded link" in nothing.reason
    everything = edge_metrics(LinkScores.of_grid(np.zeros((2, 2)), np.ones((2, 2), dtype=bool)))
    assert everything.mrr is None
    assert "every link" in everything.reason
    assert json.loads(json.dumps(nothing.to_dict(), allow_nan=False))["roc_auc"] is None


def test_shapes_that_differ_are_refused():
    with pytest.raises(ScoreError, match="one grid"):
        edge_metrics(LinkScores.of_grid(np.zeros((2, 3)), np.zeros((3, 2), dtype=bool)))
