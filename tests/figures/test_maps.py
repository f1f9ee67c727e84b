from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.decomposition import PCA

from rrgraph.chem import parse_formula
from rrgraph.errors import ConfigError
from rrgraph.figures import FigureOptions, gather
from rrgraph.figures.maps import (
    TargetMap,
    collect_precursor_maps,
    collect_target_maps,
    draw_precursor_maps,
    draw_target_maps,
    principal_components,
)


@pytest.mark.parametrize("shape", [(40, 5), (6, 12)])
def test_principal_components_agree_with_another_implementation(shape):
    vectors = np.random.default_rng(1).normal(size=shape) @ np.random.default_rng(2).normal(size=(shape[1], shape[1]))
    points, explained = principal_components(vectors)
    reference = PCA(2).fit(vectors)
    assert np.abs(points) == pytest.approx(np.abs(reference.transform(vectors)))
    assert explained == pytest.approx(tuple(reference.explained_variance_ratio_))


def test_equal_vectors_have_no_components():
    points, explained = principal_components(np.ones((3, 4)))
    assert np.all(points == 0) and explained == (0.0, 0.0)


def test_targets_carry_their_best_rank(tiny):
    (found,) = collect_target_maps([tiny], FigureOptions(protocol="paper"))
    outcome = tiny.first.ranks("test", "paper")
    best = {}
    for key, rank in zip(outcome.targets, outcome.ranks, strict=True):
        best[key] = min(rank, best.get(key, np.inf))
    assert found.ranks.tolist() == list(best.values())
    assert found.points.shape == (len(best), 2)
    assert 0 < found.explained[1] <= found.explained[0] < 1
    assert collect_target_maps(gather([tiny.first.folder])[1:], FigureOptions()) == []


def test_ranks_of_other_rows_are_refused(tiny, tmp_path):
    shutil.copytree(tiny.first.folder, tmp_path / "run")
    columns = tiny.first.ranks("test", "open").to_dict()
    (tmp_path / "run" / "ranks.json").write_text(
        json.dumps({"test": {"open": {name: values[1:] for name, values in columns.items()}}})
    )
    with pytest.raises(ConfigError, match="not those of the rows"):
        collect_target_maps(gather([tmp_path / "run"]), FigureOptions())


def test_targets_are_coloured_by_rank():
    ranks = np.array([1.0, 2, 3, 4, 5, 6, 10, 11, np.inf])
    data = TargetMap("a model", np.arange(18.0).reshape(9, 2), ranks, (0.5, 0.25))
    (axis,) = draw_target_maps([data]).axes
    points = axis.collections[0]
    places = map(tuple, points.get_offsets())
    color = {place: to_hex(shown) for place, shown in zip(places, points.get_facecolors(), strict=True)}
    shown = [color[tuple(place)] for place in data.points]
    assert shown[1] == shown[2] and shown[3] == shown[4] and shown[5] == shown[6] and shown[7] == shown[8]
    assert len(set(shown)) == 5
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == ["1 (11 %)", "2-3 (22 %)", "4-5 (22 %)", "6-10 (22 %)", "beyond 10 (22 %)"]
    assert "50 % of the variance" in axis.get_xlabel()


def test_precursors_around_a_wished_target(tiny):
    target = parse_formula("LiCoO2")
    (found,) = collect_precursor_maps([tiny], FigureOptions(target=target))
    pool = [parse_formula(formula) for formula in found.formulas]
    logits = tiny.first.predictor.logits([target], pool)[0]
    assert found.probabilities == pytest.approx(1 / (1 + np.exp(-logits)))
    assert found.target == "LiCoO2" and found.points.shape == (len(pool), 2)
    assert {each.key for each in pool} == {each.key for each in tiny.first.pool("test")} - {target.key}
    (axis,) = draw_precursor_maps([found]).axes
    crosses = axis.collections[1]
    assert crosses.get_facecolors()[:, 3] == pytest.approx(np.clip(found.probabilities, 0, 1))
    best = found.formulas[int(np.argmax(found.probabilities))]
    assert any(text.get_text().startswith(best[:2]) for text in axis.texts)
    assert np.all(np.isfinite([*axis.get_xlim(), *axis.get_ylim()]))


def test_the_first_target_is_shown_by_default(tiny):
    (found,) = collect_precursor_maps([tiny], FigureOptions())
    assert found.target == tiny.first.table("test").targets[0].formula


def test_baselines_that_give_links_are_shown_on_the_map_of_a_model(tiny, baselines):
    target = parse_formula("LiCoO2")
    links, model = collect_precursor_maps([*baselines, tiny], FigureOptions(target=target))
    assert links.title == "composition_multilabel, random\non the map of tiny" and model.title == "tiny, random"
    pool = [parse_formula(formula) for formula in links.formulas]
    logits = baselines[0].first.model.logits([target], pool)[0]
    assert links.probabilities == pytest.approx(1 / (1 + np.exp(-logits)))
    embedded = tiny.first.predictor.embed([target, *pool]).numpy()
    assert links.points == pytest.approx(principal_components(embedded)[0][1:])
    # Without a trained model there is no map to show them on.
    assert collect_precursor_maps(baselines, FigureOptions(target=target)) == []
    assert collect_target_maps(baselines, FigureOptions()) == []
