import pytest
import torch

from rrgraph.baselines import DualEncoderBaseline
from rrgraph.chem import parse_formula
from rrgraph.errors import ModelError
from rrgraph.nn import RetrievalIndex

OPTIONS = {"hidden": 32, "width": 16, "epochs": 20, "ranking_epochs": 10, "learning_rate": 5e-3}


@pytest.fixture(scope="module")
def fitted(small_table):
    return DualEncoderBaseline(**OPTIONS).fit(small_table)


def test_the_nearest_vectors_are_the_most_probable_links(fitted, small_table):
    precursors = list(small_table.precursors().values())
    targets = small_table.targets[:5]
    _, found = RetrievalIndex(fitted.embed_precursors(precursors)).search(fitted.embed_targets(targets), 3)
    best = torch.from_numpy(fitted.logits(targets, precursors)).topk(3, dim=1).indices
    assert torch.equal(found, best)


def test_vectors_are_directions(fitted):
    vectors = fitted.embed_targets([parse_formula(text) for text in ("LiCoO2", "UO2")])
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))


def test_vectors_need_a_fit():
    with pytest.raises(ModelError, match="has not been fitted"):
        DualEncoderBaseline().embed_targets([])


def test_logits_are_calibrated_on_the_links_they_were_fitted_to(fitted, small_table):
    # Logistic regression with an offset: the probabilities add up to the number of recorded links.
    from rrgraph.baselines.dual_encoder import _Rows

    rows = _Rows(small_table)
    logits = torch.from_numpy(fitted.logits(rows.targets, rows.precursors))
    probabilities = logits[rows.eligible[0], rows.eligible[1]].sigmoid()
    assert probabilities.sum().item() == pytest.approx(rows.edges.shape[1], rel=0.01)


@pytest.mark.parametrize("right", ["frozen", "live", "ema"])
def test_every_variant_learns(small_table, right):
    baseline = DualEncoderBaseline(**OPTIONS, right=right).fit(small_table)
    (logits,) = baseline.logits([parse_formula("BaTiO3")], [parse_formula(text) for text in ("BaCO3", "Y2O3")])
    assert logits[0] > logits[1]
