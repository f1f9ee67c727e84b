from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
import yaml

from rrgraph.evaluation import read_protocol
from rrgraph.figures import FigureOptions, TrainedRun, gather
from rrgraph.runs import candidate_pool, load_run, prepare_data

from ..separate_device import DEVICE

BOTH = pytest.mark.parametrize("place", [0, 1], ids=["links", "sets"])


@BOTH
def test_a_baseline_fitted_again_finds_what_the_run_found(baselines, place, tmp_path):
    recorded = baselines[place].first
    shutil.copytree(recorded.folder, tmp_path / "run")
    (tmp_path / "run" / "ranks.json").unlink()
    again = TrainedRun(tmp_path / "run")
    for protocol in ("paper", "open"):
        expected, found = recorded.ranks("test", protocol), again.ranks("test", protocol)
        assert list(found.targets) == list(expected.targets)
        assert np.array_equal(found.ranks, expected.ranks)
        assert np.array_equal(found.unseen, expected.unseen)


@BOTH
def test_a_part_that_a_baseline_did_not_measure_is_measured_now(baselines, place):
    run = baselines[place].first
    assert run.protocols("validation") == ["paper", "open"]
    metrics = run.metrics("validation", "open")
    assert metrics.overall.rows == len(run.table("validation")) > 0
    assert metrics.overall.top[10].value > 0
    assert {strata.by for strata in metrics.subgroups} == {"year", "anion_class", "source_elements"}


@BOTH
def test_candidates_are_those_of_the_run(baselines, place):
    run = baselines[place].first
    config = load_run(run.folder / "config.yaml")
    data = prepare_data(config.data, seed=config.seed)
    expected = candidate_pool(data.known, data.split.test)
    assert [each.key for each in run.pool("test")] == [each.key for each in expected]
    assert run.mode("open") == run.mode("paper") == "product"


def test_candidates_of_a_pool_are_among_them(fitted, tmp_path):
    (tmp_path / "pool.txt").write_text("RbSc2F7\n")
    run = TrainedRun(fitted("popularity", tmp_path / "run", pool=str(tmp_path / "pool.txt")))
    assert "RbSc2F7" in {each.formula for each in run.pool("test")}


def test_what_a_run_can_be_asked(tiny, baselines):
    model, links, sets = (each.first for each in (tiny, *baselines))
    assert [each.has_model for each in (model, links, sets)] == [True, True, True]
    assert [each.gives_links for each in (model, links, sets)] == [True, True, False]
    assert [each.embeds for each in (model, links, sets)] == [True, False, False]


@pytest.mark.parametrize(("recorded", "there"), [("cpu", "cpu"), (DEVICE, DEVICE), ("gpu", "cpu")])
def test_a_model_is_loaded_where_it_was_trained_if_that_is_here(
    run_folder, tmp_path, separate_device, monkeypatch, recorded, there
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    shutil.copytree(run_folder, tmp_path / "run")
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    config["training"]["device"] = recorded
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(config))
    assert TrainedRun(tmp_path / "run").predictor.device.type == there


def test_nothing_is_fitted_before_it_is_asked_for_and_then_once(baselines, caplog):
    folder = baselines[1].first.folder
    with caplog.at_level("INFO", logger="rrgraph.figures.runs"):
        run = TrainedRun(folder)
        assert run.has_model and run.ranks("test", "open") is not None and run.pool("test")
        assert not caplog.records
        assert run.model is run.model
    assert ["nearest_target" in record.getMessage() for record in caplog.records] == [True]


def test_baselines_are_left_alone_when_asked_to(baselines):
    folders = [each.first.folder for each in baselines]
    for each in gather(folders, refit=False):
        assert not (each.has_model or each.gives_links)
        assert each.first.metrics("validation", "open") is None
        assert each.first.ranks("test", "open") is not None  # what was recorded is still known


def test_a_system_that_is_not_registered_here_is_not_fitted(baselines, tmp_path):
    shutil.copytree(baselines[1].first.folder, tmp_path / "run")
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(config | {"baseline": "elsewhere"}))
    run = TrainedRun(tmp_path / "run")
    assert not run.has_model and run.metrics("validation", "open") is None


def test_runs_of_the_same_data_share_its_split(baselines, run_folder):
    first, second = (each.first for each in baselines)
    assert first.data is second.data
    # The trained run has another seed, so its rows are divided in another way.
    assert gather([first.folder, run_folder])[1].first.data is not first.data


def test_protocols_with_flags(baselines, tmp_path):
    run = baselines[0].first
    few = run.metrics("test", "paper,max_candidates=3")
    assert few.protocol == read_protocol("paper,max_candidates=3")
    assert few.overall.top[10].value < run.metrics("test", "paper").overall.top[10].value
    shutil.copytree(run.folder, tmp_path / "run")
    for name in ("metrics.json", "ranks.json"):
        recorded = json.loads((run.folder / name).read_text())["test"]["paper"]
        (tmp_path / "run" / name).write_text(json.dumps({"test": {"paper,max_candidates=7": recorded}}))
    (series,) = gather([tmp_path / "run"])
    assert FigureOptions(protocol="paper, max_candidates=7").chosen(series) == "paper,max_candidates=7"
    assert FigureOptions(protocol="open").chosen(series) == "open"
