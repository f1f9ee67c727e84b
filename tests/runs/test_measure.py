from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rrgraph.baselines import make_baseline
from rrgraph.data import load_table
from rrgraph.errors import DataError
from rrgraph.evaluation import PROTOCOLS, SUBGROUPINGS, evaluate_planner, read_predictions, subgroup_accuracy
from rrgraph.metrics import paired_accuracy
from rrgraph.planning import LISTWISE, LinkScorer
from rrgraph.runs import MeasuredConfig, prepare_data, train_run
from rrgraph.runs.measure import measure, measure_systems


class Constant(LinkScorer):
    """Every link has the same log-odds, or those that are named are sure."""

    def __init__(self, *sure):
        self.sure = sure

    def logits(self, targets, candidates):
        return np.array([[5.0 if c.formula in self.sure else 0.0 for c in candidates] for _ in targets])


def test_each_system_has_its_strata_and_baselines_the_models_lead(small_table, tmp_path):
    pool = list(small_table.precursors().values())
    seen = {precursor.key for precursor in pool if precursor.formula != "MnO2"}
    # A constant cannot tell Li2CO3 from LiOH for LiMn2O4.
    systems = {"model": Constant("Li2CO3"), "popularity": Constant()}
    options = {"mode": "product", "train_precursors": seen}
    measured = measure_systems(
        systems,
        pool,
        small_table,
        PROTOCOLS["open"],
        **options,
        train_systems={"Ba-O-Ti", "Fe-O"},
        by=tuple(SUBGROUPINGS),
        predictions=tmp_path / "p.jsonl",
    )
    alone = {
        name: evaluate_planner(scorer, pool, small_table, PROTOCOLS["open"], **options)
        for name, scorer in systems.items()
    }
    for name, metrics in measured.items():
        assert metrics.overall == alone[name].overall
        assert metrics.subgroups == subgroup_accuracy(alone[name].rows, small_table, systems={"Ba-O-Ti", "Fe-O"})
    assert measured["model"].paired_differences == {}
    assert measured["popularity"].paired_differences == paired_accuracy(alone["model"].rows, alone["popularity"].rows)
    assert measured["popularity"].paired_differences[1].difference.value > 0
    best = [prediction.sets[0].keys for prediction in read_predictions(tmp_path / "p.jsonl")]
    manganate = [target.formula for target in small_table.targets].index("LiMn2O4")
    assert best[manganate] == small_table.set_keys[manganate]


def test_tables_are_measured_beside_the_subsets(tiny):
    data = prepare_data(tiny.data, seed=0)
    system = make_baseline("popularity").fit(data.split.train)
    config = MeasuredConfig(protocols=["open"], subsets=["test", "textbook"])
    found = measure(system, data, config)
    assert [*found] == ["test", "textbook"]
    metrics = found["textbook"]["open"]["model"]
    assert metrics.overall.rows == len(load_table("textbook")) > len(data.split.test)
    assert metrics.overlap.learned.rows >= len(data.split.train)
    new = np.array([system not in data.systems for system in load_table("textbook").element_systems])
    assert metrics.rows.new_system.tolist() == new.tolist()
    assert 0 < new.sum() < len(new)


def test_a_table_that_is_not_there_is_refused_before_anything_is_learned(tiny, tmp_path):
    evaluation = replace(tiny.evaluation, subsets=["test", str(tmp_path / "gone.csv")])
    with pytest.raises(DataError, match=r"gone\.csv"):
        train_run(replace(tiny, output=str(tmp_path / "run"), evaluation=evaluation))
    assert not (tmp_path / "run").exists()


def test_other_numbers_of_metrics_are_recorded_where_they_are_asked_for(tiny):
    data = prepare_data(tiny.data, seed=0)
    config = MeasuredConfig(protocols=["open"], subsets=["test"], metrics=["map_7", "link_hits_50", "mrr"])
    system = make_baseline("popularity").fit(data.split.train)
    found = measure(system, data, config)["test"]["open"]["model"].values
    usual = measure(system, data, replace(config, metrics=[]))["test"]["open"]["model"].values
    assert found.keys() - usual == {"map_7", "link_hits_50"}
    assert usual["map_5"] <= found["map_7"] or found["map_7"] >= usual["map_10"]
    assert found["link_hits_50"] >= usual["link_hits_10"]


class HydroxideFirst:
    """A re-ranker that prefers sets with lithium hydroxide."""

    candidates = 5

    def log_probabilities(self, lists):
        found = [
            np.array([any(lists.links.candidates[i].formula == "LiOH" for i in members) for members in sets])
            for sets in lists.sets
        ]
        return [np.log(np.where(own, 0.2, 0.1)) for own in found], np.full(len(found), np.log(0.1))


class TwoStages(Constant):
    reranker = HydroxideFirst()


def test_listwise_is_for_the_model_and_the_product_for_the_others(small_table):
    pool = list(small_table.precursors().values())
    seen = {precursor.key for precursor in pool}
    systems = {"model": TwoStages("Li2CO3"), "popularity": Constant("Li2CO3"), "other": TwoStages("Li2CO3")}
    measured = measure_systems(
        systems, pool, small_table, PROTOCOLS["open"], mode=LISTWISE, train_precursors=seen, predictions=None
    )
    expected = {
        name: evaluate_planner(
            systems[name], pool, small_table, PROTOCOLS["open"], mode=mode, train_precursors=seen
        ).overall
        for name, mode in (("model", LISTWISE), ("popularity", "product"), ("other", "product"))
    }
    assert {name: metrics.overall for name, metrics in measured.items()} == expected
    assert expected["model"] != expected["other"] == expected["popularity"]
