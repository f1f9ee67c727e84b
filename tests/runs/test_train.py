from __future__ import annotations

import csv
import json
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest
from omegaconf import OmegaConf
from safetensors.torch import load_file

from rrgraph.chem import parse_formula
from rrgraph.data import ReactionTable
from rrgraph.errors import ConfigError
from rrgraph.evaluation import PROTOCOLS, evaluate_planner
from rrgraph.links import LinkTask
from rrgraph.metrics import METRICS, metric_names
from rrgraph.models import load_checkpoint, load_model
from rrgraph.runs import candidate_pool, load_run, run_data, train_run
from rrgraph.runs.measure import set_mode
from rrgraph.runs.train import _validator
from rrgraph.training import STATE_FILE
from rrgraph.util.config import save_config
from rrgraph.util.environment import describe_environment
from rrgraph.util.settings import check, to_stored

TARGETS = [parse_formula(text) for text in ("BaTiO3", "LiCoO2", "Y3Al5O12", "Cr2AlB2")]


def test_the_same_seed_gives_the_same_numbers(tiny, finished, tmp_path):
    again = train_run(replace(tiny, output=str(tmp_path / "again")))
    weights, expected = (load_file(folder / "model.safetensors") for folder in (again.folder, finished.folder))
    assert all(weights[name].equal(expected[name]) for name in expected)
    assert again.comparison == finished.comparison


def test_data_that_served_another_run_serve_this_one(tiny, finished, tmp_path):
    data, told = run_data(tiny), []
    for name in ("first", "second"):
        again = train_run(replace(tiny, output=str(tmp_path / name)), data=data, on_epoch=told.append)
        assert again.comparison == finished.comparison
    expected = [{name: value for name, value in row.items() if name != "seconds"} for row in finished.history]
    assert told == expected * 2


def test_another_seed_gives_others(tiny, finished, tmp_path):
    other = train_run(replace(tiny, seed=1, output=str(tmp_path / "other")))
    assert [row["loss"] for row in other.history] != [row["loss"] for row in finished.history]


def test_the_folder_records_the_run(tiny, finished, run_folder):
    assert load_run(run_folder / "config.yaml") == tiny
    assert json.loads((run_folder / "environment.json").read_text()) == describe_environment()
    with (run_folder / "history.csv").open() as handle:
        history = list(csv.DictReader(handle))
    assert [{name: float(value) for name, value in row.items()} for row in history] == finished.history
    assert [row["epoch"] for row in finished.history] == [1, 2]
    assert not (run_folder / STATE_FILE).exists()
    metrics = json.loads((run_folder / "metrics.json").read_text())
    for part, protocols in finished.comparison.items():
        for protocol, systems in protocols.items():
            for system, measured in systems.items():
                assert metrics[part][protocol][system] == json.loads(json.dumps(measured.to_dict()))


def test_the_card_says_data_licence_metrics_and_limits(finished, run_folder):
    card = (run_folder / "card.md").read_text()
    assert card.startswith("# Model card: tiny\n")
    for title in ("## Data", "## Metrics", "## Limits"):
        assert title in card
    assert "licence" in card
    split = finished.split
    assert f"{len(split.train)} training" in card
    shares = finished.comparison["test"]["open"]["model"].overall.top
    assert f"| test | open | model | {' | '.join(map(str, shares.values()))} | {len(split.test)} |" in card


def test_the_saved_model_predicts_as_measured(tiny, finished, run_folder):
    predictor = load_model(str(run_folder))
    seen = {precursor.key for precursor in predictor.seen}
    for part in ("validation", "test"):
        table = getattr(finished.split, part)
        for protocol in ("paper", "open"):
            again = evaluate_planner(
                predictor,
                candidate_pool(predictor.vocabulary, table),
                table,
                PROTOCOLS[protocol],
                mode=set_mode(protocol, tiny.evaluation.mode),
                train_precursors=seen,
                learned=predictor.learned,
            )
            expected = replace(finished.comparison[part][protocol]["model"], subgroups=())
            measured = {name: value for name, value in expected.values.items() if name in again.values}
            assert again.values == pytest.approx(measured, abs=1e-6)
            assert replace(again, values=expected.values) == expected


def test_every_metric_can_choose_the_epoch(tiny, run_folder):
    data, checkpoint, training = (
        run_data(tiny),
        load_checkpoint(run_folder),
        replace(tiny.training, validation_targets=2),
    )
    for name in metric_names():
        check(replace(training, monitor=name))
    for name in METRICS:
        monitor = f"{name}_7" if "k" in METRICS.options(name) else name
        config = replace(tiny, training=replace(training, monitor=monitor))
        check(config)
        assert np.isfinite(_validator(checkpoint, data, config)()[monitor]), monitor


def test_links_of_the_training_rows_are_not_counted_when_epochs_are_chosen(tiny, run_folder):
    data = run_data(tiny)
    config = replace(tiny, training=replace(tiny.training, monitor="link_mrr", validation_targets=0))
    known = replace(data, split=replace(data.split, validation=_halved(data.split.train)))
    kept = replace(known, split=replace(known.split, train=data.split.test))
    better, worse = (_validator(load_checkpoint(run_folder), each, config)()["link_mrr"] for each in (known, kept))
    assert better > worse


def _halved(table):
    """The rows with the first member of each set alone."""
    halved = table.frame.assign(precursors=table.frame["precursors"].str.partition(";")[0])
    return ReactionTable(halved.head(20))


def test_two_loads_give_the_same_scores(run_folder):
    first, second = load_model(str(run_folder)), load_model(f"{run_folder}/")
    candidates = [*first.vocabulary, parse_formula("Al45Cr7")]
    scores = first.logits(TARGETS, candidates)
    assert np.isfinite(scores).all()
    assert np.array_equal(scores, second.logits(TARGETS, candidates))


def test_a_model_without_validation_rows_is_trained_to_the_end(tiny, tmp_path):
    config = replace(tiny, output=str(tmp_path / "whole"), data=replace(tiny.data, split="all"))
    result = train_run(config)
    assert len(result.history) == 2
    assert result.comparison == {}
    assert "nothing is left to measure it on" in (result.folder / "card.md").read_text()
    checkpoint = load_checkpoint(result.folder)
    assert checkpoint.metadata["training_reactions"] == len(result.split.train)
    assert checkpoint.systems == set(result.split.train.element_systems)


def test_a_resumed_run_must_have_the_same_configuration(tiny, finished):
    with pytest.raises(ConfigError, match="exists"):
        train_run(tiny)
    with pytest.raises(ConfigError, match="another configuration"):
        train_run(replace(tiny, seed=9), resume=True)


def test_what_has_been_measured_is_not_measured_again(tiny, finished, run_folder, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    (folder / "metrics.json").unlink()
    calls = []

    def interrupted(*args, **options):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return evaluate_planner(*args, **options)

    monkeypatch.setattr("rrgraph.runs.measure.evaluate_planner", interrupted)
    config = replace(tiny, output=str(folder))
    save_config(config, folder / "config.yaml")
    with pytest.raises(KeyboardInterrupt):
        train_run(config, resume=True)
    again = train_run(config, resume=True)
    systems = sum(len(found) for protocols in finished.comparison.values() for found in protocols.values())
    assert len(calls) == systems + 1
    assert again.comparison == finished.comparison
    assert {entry.name for entry in folder.iterdir()} == {entry.name for entry in run_folder.iterdir()}
    for name in ("metrics.json", "ranks.json", "card.md"):
        assert (folder / name).read_bytes() == (run_folder / name).read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("heed_ctrl_c")
@pytest.mark.parametrize(("context", "columns"), [("none", {}), ("hops", {}), ("hops", {"system": ["category"]})])
def test_an_epoch_with_mined_negatives_is_resumed_within(tiny, tmp_path, monkeypatch, context, columns):
    training = replace(tiny.training, sampler="hard", batch_size=64, validation_targets=2)
    model = replace(tiny.model, context=context)
    data = replace(tiny.data, node_features=columns)
    config = replace(tiny, data=data, training=training, model=model, evaluation=replace(tiny.evaluation, subsets=[]))
    straight = train_run(replace(config, output=str(tmp_path / "straight")))
    loss, steps = LinkTask.loss, []

    def pressed(self, batch, generator):
        steps.append(batch)
        if len(steps) in (2, 9):
            signal.raise_signal(signal.SIGINT)
        return loss(self, batch, generator)

    monkeypatch.setattr(LinkTask, "loss", pressed)
    broken = replace(config, output=str(tmp_path / "broken"))
    for resume in (False, True):
        with pytest.raises(KeyboardInterrupt):
            train_run(broken, resume=resume)
    again = train_run(broken, resume=True)
    assert [row["loss"] for row in again.history] == [row["loss"] for row in straight.history]
    weights = [(folder / "model.safetensors").read_bytes() for folder in (straight.folder, again.folder)]
    assert weights[0] == weights[1]


def test_a_finished_run_is_measured_again(tiny, finished, run_folder):
    before = (run_folder / "history.csv").read_text()
    again = train_run(tiny, resume=True)
    assert again.history == []
    assert again.comparison == finished.comparison
    assert (run_folder / "history.csv").read_text() == before


def test_the_told_size_is_ranked_by_the_product():
    assert set_mode("paper", "geometric") == "product"
    assert set_mode("open", "geometric") == "geometric"
    assert set_mode("paper", "listwise") == set_mode("open", "listwise") == "listwise"


def test_a_finished_run_can_be_measured_in_another_way_but_not_trained_in_another(tiny, tmp_path):
    first = replace(tiny, output=str(tmp_path / "run"), training=replace(tiny.training, epochs=1))
    train_run(first)
    again = replace(first, evaluation=replace(tiny.evaluation, subsets=["validation"], protocols=["open"]))
    result = train_run(again, resume=True)
    assert {part: list(protocols) for part, protocols in result.comparison.items()} == {"validation": ["open"]}
    with pytest.raises(ConfigError, match="another configuration"):
        train_run(replace(again, seed=tiny.seed + 1), resume=True)
    with pytest.raises(ConfigError, match="another configuration"):
        train_run(replace(again, evaluation=replace(again.evaluation, validation_protocol="open")), resume=True)


def test_the_card_tells_unmeasured_from_unmeasurable(tiny, tmp_path):
    quick = replace(tiny, training=replace(tiny.training, epochs=1))
    unmeasured = replace(quick, output=str(tmp_path / "a"), evaluation=replace(tiny.evaluation, subsets=[]))
    train_run(unmeasured)
    assert "Not measured: evaluation.subsets" in (tmp_path / "a" / "card.md").read_text()
    train_run(replace(unmeasured, output=str(tmp_path / "b"), data=replace(tiny.data, split="all")))
    assert "Every row was used for training" in (tmp_path / "b" / "card.md").read_text()


def test_a_folder_of_an_earlier_release_is_resumed(tiny, finished, run_folder, tmp_path, recwarn):
    """Its config.yaml has the earlier names of settings, of which nobody has to be warned."""
    folder = tmp_path / "old"
    shutil.copytree(run_folder, folder)
    config = replace(tiny, output=str(folder))
    earlier = OmegaConf.to_yaml(OmegaConf.create(to_stored(config)))
    assert all(name in earlier for name in ("average:", "negatives:", "hardness:", "members:", "sets:", "parts:"))
    (folder / "config.yaml").write_text(earlier)
    assert load_run(folder / "config.yaml", recorded=True) == config
    again = train_run(config, resume=True)
    assert again.history == []
    assert again.comparison == finished.comparison
    assert not [warning for warning in recwarn if issubclass(warning.category, FutureWarning)]
    with pytest.raises(ConfigError, match="another configuration"):
        train_run(replace(config, training=replace(tiny.training, inverse_temperature=4.0)), resume=True)
