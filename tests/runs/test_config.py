from __future__ import annotations

from operator import attrgetter
from pathlib import Path

import pytest

from rrgraph.conditions import ConditionsConfig, check_conditions_config
from rrgraph.errors import ConfigError
from rrgraph.properties.pretraining import PretrainConfig
from rrgraph.properties.pretraining.config import check_pretrain_config
from rrgraph.runs import BaselineConfig, RunConfig, load_run
from rrgraph.runs.check import check_config
from rrgraph.util.config import load_config, save_config, set_values
from rrgraph.util.named_configs import find_config

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_configurations_of_the_repository_are_valid(path):
    config: RunConfig | PretrainConfig | ConditionsConfig
    if path.stem == "pretrain":
        config = load_config(path, schema=PretrainConfig)
        check_pretrain_config(config)
    elif path.stem == "conditions":
        config = load_config(path, schema=ConditionsConfig)
        check_conditions_config(config)
    else:
        config = load_run(path)
        check_config(config)
    assert config.name == path.stem
    assert config.folder == Path("runs") / path.stem


def test_the_paper_configuration_has_the_papers_numbers():
    (path,) = (path for path in CONFIGS if path.stem == "retro_rank_in")
    config = load_run(path, ["model.width=512"])
    training = config.training
    assert (training.batch_size, training.negatives_per_positive, training.loss) == (128, 1, "bce")
    assert (training.learning_rate, training.encoder_learning_rate) == (6.81e-5, 6.37e-5)
    assert (config.model.layers, config.model.decoder, config.model.decoder_layers) == (3, "concat", 3)


def test_overrides_win_and_the_rest_stays(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("seed: 3\ntraining: {epochs: 7, negatives_per_positive: 2}\nevaluation: {subsets: [test]}\n")
    config = load_run(path, ["training.epochs=9", "data.holdout=held.csv", "output=runs/x", "evaluation.subsets=[]"])
    assert (config.name, config.seed) == ("mine", 3)
    assert (config.training.epochs, config.training.negatives_per_positive) == (9, 2)
    assert config.data.holdout == "held.csv"
    assert config.folder == Path("runs/x")
    assert config.evaluation.subsets == []


def test_a_file_with_a_list_for_a_section_is_named(tmp_path):
    (tmp_path / "run.yaml").write_text("training: [1]\n")
    with pytest.raises(ConfigError, match=r"Configuration value training is a list, expected a mapping"):
        load_run(tmp_path / "run.yaml")


def test_an_empty_file_is_the_default(tmp_path):
    (tmp_path / "run.yaml").write_text("")
    assert load_run(tmp_path / "run.yaml") == RunConfig()


def test_what_is_saved_is_what_is_loaded(tmp_path):
    config = RunConfig(name="other", seed=4)
    config.training.learning_rate = 1 / 3
    save_config(config, tmp_path / "config.yaml")
    assert load_run(tmp_path / "config.yaml") == config


@pytest.mark.parametrize("text", ["- 1\n", "word\n", "a: [\n", "a: ${b}\n"])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ConfigError):
        load_run(tmp_path / "bad.yaml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", -1),
        ("model.width", 0),
        ("model.dropout", 1.0),
        ("training.epochs", 0),
        ("training.warmup", 1.1),
        ("training.learning_rate", float("inf")),
        ("training.sampler", "unknown"),
        ("evaluation.mode", "unknown"),
        ("evaluation.subsets", ["train"]),
        ("model.n_decoders", 0),
        ("reranker.model.width", 0),
        ("reranker.model.dropout", 1.0),
        ("reranker.training.candidates", 0),
        ("reranker.model.n_networks", 0),
        ("reranker.training.temperature", -1.0),
        ("reranker.training.temperature", 1e-300),
        ("reranker.training.known_size_temperature", -1.0),
        ("reranker.training.epochs", 0),
        ("reranker.training.ema_decay", 1.0),
        ("reranker.training.schedule", "unknown"),
        ("reranker.training.monitor", "top_3"),
        ("reranker.training.patience", 2),
        ("training.monitor", "temperature_mae"),
        ("training.monitor", "top_11"),
        ("evaluation.metrics", ["mrr", "top_11"]),
        ("reranker.training.optimizer", "unknown"),
    ],
)
def test_the_check_names_the_key(key, value):
    config = RunConfig()
    section, _, name = key.rpartition(".")
    setattr(attrgetter(section)(config) if section else config, name, value)
    with pytest.raises(ConfigError, match=key):
        check_config(config)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["reranker.enabled=true"], "model.statistics=true and model.n_decoders of at least 2"),
        (["reranker.enabled=true", "model.n_decoders=3"], "model.statistics=true and model.n_decoders of at least 2"),
        (
            ["reranker.enabled=true", "model.statistics=true"],
            "model.statistics=true and model.n_decoders of at least 2",
        ),
        (["evaluation.mode=listwise"], "evaluation.mode=listwise needs reranker.enabled=true"),
        (["evaluation.mode=listwise", "model.statistics=true", "model.n_decoders=2"], "needs reranker.enabled=true"),
        (["evaluation.mode=listwse"], "Did you mean 'listwise'"),
        (["reranker.enable=true"], "Did you mean 'reranker.enabled'"),
        (["reranker.training.candidate=9"], "Did you mean 'reranker.training.candidates'"),
    ],
)
def test_a_second_stage_needs_what_it_learns_from(tmp_path, overrides, message):
    (tmp_path / "run.yaml").write_text("")
    with pytest.raises(ConfigError, match=message):
        check_config(load_run(tmp_path / "run.yaml", overrides))


@pytest.mark.parametrize("mode", ["product", "listwise"])
def test_a_second_stage_that_has_what_it_needs(tmp_path, mode):
    (tmp_path / "run.yaml").write_text(
        f"model: {{statistics: true, n_decoders: 2}}\nreranker: {{enabled: true}}\nevaluation: {{mode: {mode}}}\n"
    )
    check_config(load_run(tmp_path / "run.yaml"))


def test_values_are_set_by_dotted_key_and_checked():
    config = RunConfig(name="mine")
    changed = set_values(config, {"training.epochs": 7, "model.decoder": "add", "data.holdout": None})
    assert (changed.training.epochs, changed.model.decoder, changed.name) == (7, "add", "mine")
    assert config.training.epochs == RunConfig().training.epochs
    options = set_values(BaselineConfig(), {"options.alpha": 0.5}).options
    assert options == {"alpha": 0.5}
    for values, words in (
        ({"training.epoch": 1}, "Did you mean 'training.epochs'"),
        ({"seed": "x"}, "seed is 'x', expected"),
    ):
        with pytest.raises(ConfigError, match=words):
            set_values(config, values)


def test_the_bundled_models_have_a_configuration_of_an_earlier_release():
    bundled = Path(__file__).parents[2] / "rrgraph" / "models" / "bundled"
    config = load_run(bundled / "default" / "config.yaml", recorded=True)
    assert (config.model.n_decoders, config.reranker.trees.n_trees, config.reranker.model.n_networks) == (4, 300, 2)
    assert config.reranker.training.known_size_temperature == 1.653
    (path,) = (path for path in CONFIGS if path.stem == "default")
    shipped = load_run(path)
    assert (config.model, config.training, config.reranker) == (shipped.model, shipped.training, shipped.reranker)
    encoder = load_config(bundled / "encoder" / "config.yaml", schema=PretrainConfig, recorded=True)
    assert encoder.training.ema_decay == 0.999


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("reranker.further_tables={}", {}),
        ("reranker.further_tables={curated: 1}", {"curated": 1.0}),
        ("reranker={further_tables: {curated: 1}}", {"curated": 1.0}),
        ("reranker.further_tables.curated=1", {"curated": 1.0, "textbook": 0.5}),
        ("reranker={trees: {n_trees: 5}}", {"curated": 2.0, "textbook": 0.5}),
    ],
)
def test_a_mapping_takes_the_place_of_the_one_before(override, expected):
    found = load_run(find_config("default"), ["reranker.atmosphere=false", override]).reranker.further_tables
    assert found == expected


@pytest.mark.parametrize(
    ("name", "command"),
    [("pretrain", "pretrain"), ("experiments/table2", "experiment"), ("tuning/quickstart", "tune --space")],
)
def test_what_another_command_takes_is_refused_by_its_name(name, command):
    with pytest.raises(ConfigError, match=f"not the configuration of a run: `rrgraph {command}` takes it"):
        load_run(find_config(name))
