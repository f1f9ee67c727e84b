from __future__ import annotations

import numpy as np
import pytest

from rrgraph.chem import parse_formula
from rrgraph.errors import ModelError
from rrgraph.evaluation import PROTOCOLS
from rrgraph.networks import SetShifts, explain_shifts, pair_statistics, reaction_records, set_shifts
from rrgraph.networks.set_shifts import SHIFT_FEATURES, _Describer


def invented(seed: int, *, weights: tuple[float, ...], targets: int = 40, sets: int = 12) -> SetShifts:
    """Shifts that are a weighted sum of the features, and an offset of each target."""
    generator = np.random.default_rng(seed)
    n = targets * sets
    target_index = np.repeat(np.arange(targets), sets)
    features = generator.normal(size=(n, len(SHIFT_FEATURES)))
    links = generator.normal(size=n)
    scores = links + features @ np.array(weights) + generator.normal(size=targets)[target_index]
    best = np.full(targets, -np.inf)
    np.maximum.at(best, target_index, scores)
    return SetShifts(
        tuple(map(str, range(targets))), target_index, links, scores, features, scores == best[target_index]
    )


def test_a_reranker_of_pairs_is_explained_by_pairs():
    fitted, measured = (invented(seed, weights=(0, 0, 0, 1.0)) for seed in (1, 2))
    found = explain_shifts(fitted, measured)
    assert found.explained["size, repeats, context_pmi"] == pytest.approx(1)
    assert found.explained["size, repeats, pmi"] < 0.1
    assert found.correlation["context_pmi"].value == pytest.approx(1)
    assert abs(found.correlation["pmi"].value) < 0.2
    assert found.accuracy["links + 1 context_pmi"][1].value == 1
    assert found.accuracy["re-ranker"][1].value == 1
    assert found.accuracy["links"][1].value < 1
    assert found.to_dict()["accuracy"]["re-ranker"]["1"]["value"] == 1


def test_a_reranker_of_something_else_is_not():
    fitted, measured = (invented(seed, weights=(0, 0, 0, 0)) for seed in (1, 2))
    noise = np.random.default_rng(3)
    shifted = [
        SetShifts(
            s.targets,
            s.target_index,
            s.link_scores,
            s.link_scores + noise.normal(size=len(s.link_scores)),
            s.features,
            s.recorded,
        )
        for s in (fitted, measured)
    ]
    found = explain_shifts(*shifted)
    assert max(found.explained.values()) < 0.1


def test_hits_follow_the_scores():
    shifts = SetShifts(
        ("a", "b"),
        np.array([0, 0, 0, 1]),
        np.array([3.0, 2.0, 1.0, 0.0]),
        np.zeros(4),
        np.zeros((4, len(SHIFT_FEATURES))),
        np.array([False, True, False, False]),
    )
    assert shifts.hits(shifts.link_scores).tolist() == [[0, 1, 1], [0, 0, 0]]
    assert shifts.hits(np.array([0.0, 5, 0, 0])).tolist() == [[1, 1, 1], [0, 0, 0]]
    assert shifts.centred(shifts.link_scores).tolist() == [1, 0, -1, 0]


def test_features_of_a_set(make_table):
    rows = [(f"Li{n}CoO2", "Li2CO3;Co3O4") for n in range(1, 6)] + [(f"Ba{n}TiO3", "BaCO3;TiO2") for n in range(1, 6)]
    describe = _Describer(pair_statistics(reaction_records(make_table(rows))))
    target = parse_formula("LiCoO2")
    members = [parse_formula(text) for text in ("Li2CO3", "LiOH", "Co3O4")]
    size, repeats, pmi, context = describe(target, members)
    assert (size, repeats) == (3, 1)
    assert pmi == pytest.approx(np.log((5 + 1) / (5 * 5 / 10 + 1)))
    assert context == pytest.approx(0)


def test_a_model_without_reranker_is_refused(make_table):
    class Links:
        reranker = None

    table = make_table([("BaTiO3", "BaCO3;TiO2")])
    pairs = pair_statistics(reaction_records(table))
    with pytest.raises(ModelError, match="no re-ranker"):
        set_shifts(Links(), [], table, pairs, PROTOCOLS["open"])
