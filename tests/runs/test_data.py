from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rrgraph.errors import ConfigError
from rrgraph.runs import DataConfig, RunConfig, candidate_pool, run_split, split_data
from rrgraph.runs.data import prepare


@pytest.fixture
def table_file(small_table, tmp_path):
    path = tmp_path / "table.csv"
    small_table.write(path)
    return path


def configured(path, **options):
    return RunConfig(data=DataConfig(table=str(path), split="all", **options))


def test_counts_are_distinct_training_targets(table_file):
    prepared = prepare(configured(table_file))
    counts = dict(zip((p.formula for p in prepared.graph.precursors), prepared.counts.tolist(), strict=True))
    assert counts["TiO2"] == 3
    assert counts["Co3O4"] == 2
    assert {p.formula for p in prepared.seen} == set(counts)
    assert prepared.statistics is None
    assert prepared.folds is None
    assert prepared.link_statistics is None


def test_the_pool_is_known_but_not_seen(table_file, tmp_path):
    (tmp_path / "pool.txt").write_text("Nb2O5\nO2Ti\nWO3\n")
    config = configured(table_file, pool=str(tmp_path / "pool.txt"))
    config.model.statistics = True
    prepared = prepare(config)
    known = {p.key for p in prepared.graph.precursors}
    seen = {p.key for p in prepared.seen}
    assert known - seen == {"Nb2O5", "O3W"}
    assert prepared.statistics is not None
    assert {p.key for p in prepared.statistics.vocabulary} == known
    assert len(prepared.statistics.systems.presence) == len(prepared.systems)
    assert prepared.systems == set(prepared.split.train.element_systems)


def test_statistics_and_several_decoders_need_folds(table_file):
    config = configured(table_file)
    config.model.n_decoders = 2
    prepared = prepare(config)
    assert prepared.statistics is None
    assert prepared.link_statistics is None
    assert prepared.folds is not None
    assert len(prepared.folds.targets) == len(prepared.graph.targets)
    config.model.statistics = True
    other = prepare(config)
    assert np.array_equal(other.folds.targets, prepared.folds.targets)
    assert len(other.link_statistics.offsets) == len(prepared.graph.targets) + 1
    # The seed of the run is that of the folds.
    assert not np.array_equal(prepare(replace(config, seed=1)).folds.targets, prepared.folds.targets)


@pytest.mark.parametrize(
    ("key", "value", "instead"),
    [("reranker.enabled", True, "false"), ("model.candidate_prior", "class", "none")],
)
def test_what_scores_all_pairs_is_refused_where_they_are_too_many(table_file, monkeypatch, key, value, instead):
    monkeypatch.setattr("rrgraph.graph.cross_fitting.MOST_VALUES", 1)
    config = configured(table_file)
    config.model.statistics, config.model.n_decoders = True, 2
    assert not hasattr(prepare(config).link_statistics, "offsets")
    section, name = key.split(".")
    setattr(getattr(config, section), name, value)
    with pytest.raises(ConfigError, match=rf"make too many pairs .*: set {key}={instead}\."):
        prepare(config)


def test_a_holdout_leaves_training(table_file, make_table, tmp_path):
    make_table([("BaTiO3", "BaO;TiO2")]).write(tmp_path / "held.csv")
    split, _ = split_data(configured(table_file, holdout=str(tmp_path / "held.csv")).data, seed=0)
    assert len(split.train) == 13
    assert "BaO3Ti" not in set(split.train.target_keys)
    assert split.report.to_dict()


def test_cleaning_is_optional(make_table, tmp_path):
    make_table([("BaTiO3", "BaCO3;TiO2"), ("LiCoO2", "Co3O4")]).write(tmp_path / "raw.csv")
    raw, nothing = split_data(configured(tmp_path / "raw.csv").data, seed=0)
    cleaned, report = split_data(configured(tmp_path / "raw.csv", clean=True).data, seed=0)
    assert (len(raw.train), nothing) == (2, None)
    assert (len(cleaned.train), report.rows_out) == (1, 1)


def test_nothing_left_to_train_on_is_an_error(table_file):
    with pytest.raises(ConfigError, match="leaves no training rows"):
        split_data(configured(table_file, holdout=str(table_file)).data, seed=0)


def test_a_run_knows_its_split_again(run_folder, finished, tmp_path):
    again = run_split(run_folder)
    for part in ("train", "validation", "test"):
        assert getattr(again, part).frame.equals(getattr(finished.split, part).frame)
    with pytest.raises(ConfigError, match=r"no config\.yaml"):
        run_split(tmp_path)
    (tmp_path / "config.yaml").write_text("domain: organic\n")
    with pytest.raises(ConfigError, match="about molecules, expected one on materials"):
        run_split(tmp_path)


def test_another_seed_is_another_split(tiny):
    first, second = (split_data(tiny.data, seed=seed)[0].test.target_keys for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, split_data(replace(tiny.data), seed=0)[0].test.target_keys)


def test_the_pool_of_an_evaluation_adds_the_measured_rows(small_table, make_table):
    known = list(make_table([("BaTiO3", "BaO;TiO2")]).precursors().values())
    pool = candidate_pool(known, small_table)
    assert [p.formula for p in pool[:2]] == ["BaO", "TiO2"]
    assert {p.key for p in pool} == {p.key for p in known} | set(small_table.precursors())
    assert len({p.key for p in pool}) == len(pool)
    assert candidate_pool(known, make_table([])) == known
