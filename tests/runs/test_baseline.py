from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from rrgraph.baselines import BASELINES, LinkBaseline, Popularity
from rrgraph.data import load_table
from rrgraph.errors import ConfigError
from rrgraph.evaluation import PROTOCOLS, evaluate_planner
from rrgraph.metrics import RowRanks
from rrgraph.runs import (
    BaselineConfig,
    DataConfig,
    MeasuredConfig,
    RunConfig,
    candidate_pool,
    check_run,
    load_run,
    run,
    run_split,
)
from rrgraph.runs.baseline import build_baseline


@pytest.fixture(scope="module")
def popular(tmp_path_factory):
    """The configuration of a popularity run on a third of the textbook reactions."""
    folder = tmp_path_factory.mktemp("baseline")
    textbook = load_table("textbook")
    textbook.select(range(0, len(textbook), 3)).write(folder / "reactions.csv")
    return BaselineConfig(
        name="popular",
        output=str(folder / "run"),
        data=DataConfig(table=str(folder / "reactions.csv"), split="random"),
        options={"alpha": 0.3},
        evaluation=MeasuredConfig(protocols=["open", "paper,max_candidates=12"], subsets=["test"]),
    )


@pytest.fixture(scope="module")
def finished(popular):
    return run(popular)


class Drawing(LinkBaseline):
    """A system that draws."""

    def __init__(self, *, seed: int = 0, share: float = 0.5, words: str = "few", layers: int = 1) -> None:
        super().__init__()
        self.seed, self.share = seed, share

    def _learn(self, table, split):
        pass

    def _logits(self, targets, candidates):
        return np.random.default_rng(self.seed).normal(size=(len(targets), len(candidates)))


@pytest.fixture
def drawing(monkeypatch):
    monkeypatch.setitem(BASELINES._entries, "drawing", Drawing)


def test_a_baseline_run_measures_the_fitted_system(popular, finished):
    split = run_split(finished.folder)
    system = Popularity(alpha=0.3).fit(split.train, split)
    pool = candidate_pool(list(split.train.precursors().values()), split.test)
    for name, protocol in (
        ("open", PROTOCOLS["open"]),
        ("paper,max_candidates=12", PROTOCOLS["paper"].override(max_candidates=12)),
    ):
        found = finished.comparison["test"][name]["model"]
        assert found.protocol == protocol
        assert found.overall == evaluate_planner(system, pool, split.test, protocol).overall


def test_the_folder_records_the_run(popular, finished):
    assert {entry.name for entry in finished.folder.iterdir()} == {
        "card.md",
        "config.yaml",
        "data.json",
        "environment.json",
        "metrics.json",
        "ranks.json",
    }
    assert load_run(finished.folder / "config.yaml") == popular
    card = (finished.folder / "card.md").read_text()
    assert card.startswith("# Baseline card: popular\n")
    assert "Popularity of a precursor for its element" in card
    assert "`alpha=0.3`" in card
    assert "Args:" not in card
    assert "| test | open | popularity |" in card


def test_ranks_hold_the_outcome_of_each_row(finished):
    ranks = json.loads((finished.folder / "ranks.json").read_text())
    assert list(ranks) == ["test"]
    for name, protocol in ranks["test"].items():
        rows = RowRanks.from_dict(protocol)
        expected = finished.comparison["test"][name]["model"]
        assert list(rows.targets) == finished.split.test.target_keys.tolist()
        assert np.array_equal(rows.ranks, expected.rows.ranks)
        assert np.array_equal(rows.row_ranks, expected.rows.row_ranks)
        assert np.array_equal(rows.unseen, expected.rows.unseen)
        assert (rows.ranks <= 3).mean() == pytest.approx(expected.overall.top[3].value)


def test_a_run_is_not_overwritten_but_measured_again_on_demand(popular, finished):
    with pytest.raises(ConfigError, match="exists"):
        run(popular)
    again = run(popular, resume=True)
    assert again.comparison == finished.comparison
    with pytest.raises(ConfigError, match="another configuration"):
        run(replace(popular, options={"alpha": 0.4}), resume=True)


def test_the_seed_is_handed_on_to_systems_that_draw(drawing, popular):
    assert build_baseline(replace(popular, seed=7, baseline="drawing", options={})).seed == 7
    assert build_baseline(replace(popular, seed=7, baseline="drawing", options={"seed": 3})).seed == 3
    assert not hasattr(build_baseline(replace(popular, seed=7)), "seed")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpa": 1.0}, "Unknown option 'alpa' of the baseline 'popularity'.*Did you mean 'alpha'"),
        ({"alpha": "much"}, "options.alpha is 'much', expected a value such as 0.1"),
        ({"alpha": True}, "options.alpha is True"),
        ({"by_oxygen": 1}, "options.by_oxygen is 1, expected a value such as True"),
        ({"alpha": None}, "options.alpha is None"),
    ],
)
def test_options_are_checked_before_anything_is_written(popular, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        run(replace(popular, options=options, output=str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()


def test_options_may_be_whole_numbers_where_any_number_does(drawing, popular):
    check_run(replace(popular, options={"alpha": 1}))
    with pytest.raises(ConfigError, match=r"options\.layers is 1\.5"):
        check_run(replace(popular, baseline="drawing", options={"layers": 1.5}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseline": "popularty"}, "Did you mean 'popularity'"),
        ({"data": DataConfig(split="nmss")}, "Did you mean 'nms'"),
        ({"evaluation": MeasuredConfig(subsets=["tests"])}, "Did you mean 'test'"),
        ({"evaluation": MeasuredConfig(protocols=["papr,ties=optimistic"])}, "Did you mean 'paper'"),
        ({"evaluation": MeasuredConfig(protocols=["paper,tis=optimistic"])}, "Did you mean 'ties'"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_names_are_checked_with_near_matches(popular, change, message):
    with pytest.raises(ConfigError, match=message):
        check_run(replace(popular, **change))


def test_the_key_baseline_tells_the_kinds_of_run_apart(tmp_path):
    (tmp_path / "a.yaml").write_text("baseline: popularity\n")
    (tmp_path / "b.yaml").write_text("model: {width: 32}\n")
    assert load_run(tmp_path / "a.yaml", ["options.alpha=0.25"]) == BaselineConfig(name="a", options={"alpha": 0.25})
    assert isinstance(load_run(tmp_path / "b.yaml"), RunConfig)
