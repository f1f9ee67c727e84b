from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field

import pytest
from omegaconf import OmegaConf

from rrgraph.errors import ConfigError
from rrgraph.experiments import ExperimentConfig
from rrgraph.links import SAMPLERS, TrainingConfig
from rrgraph.nn import ModelConfig
from rrgraph.organic.config import TemplateModelConfig
from rrgraph.organic.run import OrganicConfig
from rrgraph.properties.pretraining import PretrainConfig
from rrgraph.reranking import ListwiseNetworkConfig
from rrgraph.runs import BaselineConfig, RunConfig, load_run
from rrgraph.util.config import NamedConfig, load_config, save_config, set_values
from rrgraph.util.registry import Registry
from rrgraph.util.settings import (
    check,
    current_key,
    from_stored,
    rename_keys,
    setting,
    settings,
    to_stored,
)

SCHEMAS = (RunConfig, BaselineConfig, OrganicConfig, PretrainConfig, ExperimentConfig)


def every(chosen):
    """Every setting of every configuration that is chosen, with its configuration."""
    return [
        pytest.param(schema, each, id=f"{schema.__name__}-{each.key}")
        for schema in SCHEMAS
        for each in settings(schema())
        if chosen(each)
    ]


def outside(each):
    """Values just outside the range of a setting, and some that are no number to compare with."""
    limits, whole = each.limits, "whole" in each.type
    step = 1 if whole else 1e-6
    ends = [limits.at_least - step if limits.at_least is not None else None, limits.above, limits.below]
    ends.append(limits.at_most + step if limits.at_most is not None else None)
    found = [end for end in ends if end is not None]
    return found if whole else [*found, float("nan"), float("inf")]


def inside(each):
    """Values at the ends of the range of a setting."""
    limits, whole = each.limits, "whole" in each.type
    step = 1 if whole else 1e-6
    ends = [limits.at_least, limits.at_most, None if limits.below is None else limits.below - step]
    ends.append(None if limits.above is None else limits.above + step)
    return [int(end) if whole else end for end in ends if end is not None]


def put(schema, each, value):
    config = schema()
    *path, name = each.key.split(".")
    section = config
    for part in path:
        section = getattr(section, part)
    setattr(section, name, [value] if isinstance(each.default, list) else value)
    return config


def refused(config):
    """The sentence of the fields alone; what a section says of its fields together comes later."""
    with pytest.raises(ConfigError) as caught:
        check(config)
    return str(caught.value)


@pytest.mark.parametrize(("schema", "each"), every(lambda each: each.limits.range and not each.limits.file_name))
def test_a_value_outside_the_range_is_refused_by_key_value_and_range(schema, each):
    for value in outside(each):
        sentence = refused(put(schema, each, value))
        assert sentence == f"Configuration value {each.key} is {value}, expected {each.limits.range}."
    for value in inside(each):
        try:
            check(put(schema, each, value))
        except ConfigError as error:  # of something else: sections that need each other, an experiment without systems
            assert "expected " + each.limits.range not in str(error) or each.key not in str(error)


@pytest.mark.parametrize(("schema", "each"), every(lambda each: each.limits.names() is not None))
def test_an_unknown_name_is_refused_with_the_nearest_one(schema, each):
    name = next(iter(each.limits.names()))
    sentence = refused(put(schema, each, f"{name}x"))
    assert sentence.startswith(f"Configuration value {each.key} is '{name}x', expected one of ")
    assert sentence.endswith(f"Did you mean '{name}'?")


@pytest.mark.parametrize(("schema", "each"), every(lambda each: True))
def test_every_setting_has_a_meaning_and_a_default_that_fits(schema, each):
    assert each.meaning.endswith(".")
    assert each.meaning[0] == each.meaning[0].upper()
    assert not each.meaning.startswith("Of ")
    given = each.default if isinstance(each.default, list) else [each.default]
    assert all(each.limits.admits(value) for value in given if each.limits.range)
    assert each.limits.names() is None or set(given) <= set(each.limits.names())


def test_registries_are_asked_when_a_value_is_checked(monkeypatch):
    config = TrainingConfig(sampler="late")
    with pytest.raises(ConfigError, match="sampler is 'late'"):
        check(config)
    monkeypatch.setitem(SAMPLERS._entries, "late", SAMPLERS["mixed"])
    check(config)
    config.sampler_options = {"matched_shar": 0.5}
    with pytest.raises(
        ConfigError, match=r"Unknown option 'matched_shar' of the negative sampler 'late'.*Did you mean"
    ):
        check(config)


@dataclass
class Part:
    """A section.

    Attributes:
        size: how large it is,
            in metres.
        names: what it is called.
    """

    size: float = setting(1.0, above=0, at_most=2, alias="length")
    names: list[str] = setting(factory=list, choices=("a", "b"))

    def cross_check(self, prefix):
        if self.size > 1 and not self.names:
            raise ConfigError(f"{prefix}names is empty.")


@dataclass
class Other(Part):
    """A section of another sort.

    Attributes:
        names: what it is called now.
    """


@dataclass
class Whole(NamedConfig):
    part: Part = setting(factory=Part, alias="piece")
    many: list[Part] = field(default_factory=list)
    named: dict[str, Part] = field(default_factory=dict)
    free: dict[str, int] = field(default_factory=dict)


def test_meanings_stand_in_the_docstring_and_are_inherited():
    found = {each.key: each for each in settings(Other())}
    assert found["size"].meaning == "How large it is, in metres."
    assert found["names"].meaning == "What it is called now."
    assert (found["size"].type, found["names"].type) == ("number", "list of text")
    assert found["size"].expected == "more than 0 and at most 2"
    assert found["names"].expected == "a, b"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"part": Part(size=0.0)}, "Configuration value part.size is 0.0, expected more than 0 and at most 2."),
        ({"many": [Part(), Part(names=["c"])]}, "Configuration value many[1].names is 'c', expected one of a, b."),
        (
            {"named": {"x": Part(size=3.0)}},
            "Configuration value named.x.size is 3.0, expected more than 0 and at most 2.",
        ),
        ({"part": Part(size=1.5)}, "part.names is empty."),
        ({"many": [Part(size=1.5)]}, "many[0].names is empty."),
        ({"part": Part(names=[["a"]])}, "Configuration value part.names contains a list, expected plain values."),
        ({"part": Part(names=[None])}, "Configuration value part.names contains null, expected plain values."),
    ],
)
def test_sections_in_sections_lists_and_mappings_are_checked(change, sentence):
    assert refused(Whole(**change)) == sentence
    check(Whole(part=Part(size=1.5, names=["a"])))


def test_earlier_names_are_understood_at_every_depth():
    given = {
        "piece": {"length": 1},
        "many": [{"length": 1}, {"size": 2}],
        "named": {"length": {"length": 1}},
        "free": {"length": 3},
        "length": 4,
    }
    values, found = rename_keys(given, Whole)
    assert values == {
        "part": {"size": 1},
        "many": [{"size": 1}, {"size": 2}],
        "named": {"length": {"size": 1}},
        "free": {"length": 3},
        "length": 4,
    }
    assert found == {
        "piece": "part",
        "piece.length": "part.size",
        "many.length": "many.size",
        "named.length.length": "named.length.size",
    }
    assert current_key("piece.length", Whole) == "part.size"
    assert current_key("free.length", Whole) == "free.length"
    assert current_key("part.unknown.length", Whole) == "part.unknown.length"


@pytest.mark.parametrize("given", [{"piece": {}, "part": {}}, {"part": {}, "piece": {}}])
def test_both_names_at_once_are_refused(given):
    with pytest.raises(ConfigError, match="gives both part and piece, its old name"):
        rename_keys(given, Whole)


OLD = """\
training: {average: 0.5, negatives: 3, hardness: 2.0}
model: {members: 2, statistics: true}
sets:
  enabled: true
  trees: {number: 7, leaves: 8, least: 9, regularisation: 2.5}
  model: {members: 3}
  training: {told_temperature: 1.5, average: 0.25}
evaluation: {parts: [test]}
"""


def test_a_file_with_earlier_names_is_read_with_one_warning(tmp_path):
    (tmp_path / "old.yaml").write_text(OLD)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        config = load_run(tmp_path / "old.yaml", ["training.negatives=4", "sets={model: {width: 8}}"])
    (warning,) = caught
    assert warning.category is FutureWarning
    for pair in ("'training.average' is now 'training.ema_decay'", "'sets.trees.least' is now 'reranker.trees.min_sam"):
        assert pair in str(warning.message)
    training, reranker = config.training, config.reranker
    assert (training.ema_decay, training.negatives_per_positive, training.inverse_temperature) == (0.5, 4, 2.0)
    trees = reranker.trees
    assert (trees.n_trees, trees.max_leaves, trees.min_samples_leaf, trees.l2) == (7, 8, 9, 2.5)
    assert (reranker.enabled, reranker.model.n_networks, reranker.model.width) == (True, 3, 8)
    assert (reranker.training.known_size_temperature, reranker.training.ema_decay) == (1.5, 0.25)
    assert (config.model.n_decoders, config.evaluation.subsets) == (2, ["test"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (
            load_run(tmp_path / "old.yaml", ["training.negatives_per_positive=4"], recorded=True).model == config.model
        )


def test_a_saved_configuration_has_todays_names(tmp_path):
    save_config(RunConfig(), tmp_path / "new.yaml")
    text = OmegaConf.load(tmp_path / "new.yaml")
    assert not rename_keys(OmegaConf.to_container(text), RunConfig)[1]
    assert load_run(tmp_path / "new.yaml") == RunConfig()


@pytest.mark.parametrize(
    ("schema", "override", "key", "value"),
    [
        (RunConfig, "training.average=0.75", "training.ema_decay", 0.75),
        (RunConfig, "sets.training.told_temperature=2", "reranker.training.known_size_temperature", 2.0),
        (BaselineConfig, "evaluation.parts=[test]", "evaluation.subsets", ["test"]),
        (OrganicConfig, "ranking.right=frozen", "ranking.candidate_encoder", "frozen"),
        (OrganicConfig, "ranking.right_learning_rate=0.5", "ranking.candidate_learning_rate", 0.5),
        (OrganicConfig, "model.template.tower=table", "model.template.encoder", "table"),
        (OrganicConfig, "model.product.kinds=[paths]", "model.product.fragments", ["paths"]),
        (OrganicConfig, "evaluation.bank=all", "evaluation.index", "all"),
        (OrganicConfig, "sets.trees.least=4", "reranker.trees.min_samples_leaf", 4),
        (PretrainConfig, "training.average=0.5", "training.ema_decay", 0.5),
        (ExperimentConfig, "part=validation", "subset", "validation"),
    ],
)
def test_overrides_may_use_earlier_names(tmp_path, schema, override, key, value):
    (tmp_path / "a.yaml").write_text("")
    with pytest.warns(FutureWarning, match=rf"'{override.partition('=')[0]}' is now '{key}'"):
        config = load_config(tmp_path / "a.yaml", [override], schema=schema)
    assert {each.key: each.value for each in settings(config)}[key] == value


@pytest.mark.parametrize(
    ("schema", "override", "key"),
    [
        (RunConfig, "training.negativs=4", "training.negatives_per_positive"),
        (RunConfig, "hardnes=2", "training.inverse_temperature"),
        (RunConfig, "sets.trees.regularization=2", "reranker.trees.l2"),
        (OrganicConfig, "evaluation.bnak=all", "evaluation.index"),
    ],
)
def test_a_mistyped_earlier_name_suggests_todays(tmp_path, schema, override, key):
    (tmp_path / "a.yaml").write_text("")
    with pytest.raises(ConfigError, match=rf"Unknown configuration key .* Did you mean '{re.escape(key)}'\?"):
        load_config(tmp_path / "a.yaml", [override], schema=schema)


def test_tables_of_ones_own_may_use_earlier_names(tmp_path):
    (tmp_path / "a.yaml").write_text("data: {tables: [{path: a.csv, part: set}]}\n")
    with pytest.warns(FutureWarning, match=r"'data\.tables\.part' is now 'data\.tables\.subset'"):
        config = load_config(tmp_path / "a.yaml", schema=PretrainConfig)
    assert config.data.tables[0].subset == "set"


def test_values_may_be_set_under_earlier_names():
    with pytest.warns(FutureWarning, match="training.negatives_per_positive"):
        assert set_values(RunConfig(), {"training.negatives": 9}).training.negatives_per_positive == 9


@pytest.mark.parametrize(
    "config", [ModelConfig(n_decoders=3), ListwiseNetworkConfig(n_networks=2), TemplateModelConfig()]
)
def test_stored_models_keep_the_names_of_their_format(config):
    stored = to_stored(config)
    assert {"n_decoders", "n_networks", "fragments"}.isdisjoint(str(stored))
    assert from_stored(type(config), {**stored, "unknown": 1}, ignore_unknown=True) == from_stored(type(config), stored)
    assert from_stored(type(config), stored) == config
    with pytest.raises(ValueError, match="unknown"):
        from_stored(type(config), {**stored, "unknown": 1})
    assert not any(
        name in str(stored) for name in ("n_decoders", "n_networks", "fragments'", "'encoder': 'fingerprint'")
    )


def test_every_choice_can_be_listed():
    for schema in SCHEMAS:
        for each in settings(schema()):
            names = each.limits.names()
            assert names is None or isinstance(names, Registry) or len(list(names)) == len(set(names))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seeds: [1e400]", "Configuration value seeds[0] is inf, expected a whole number."),
        ("seeds: [0, [1]]", "Configuration value seeds[1] is a list, expected a whole number."),
        ("seeds: {a: 1}", "Configuration value seeds is a mapping, expected a list of whole numbers."),
        ("systems: {a: 1}", "Configuration value systems.a is 1, expected a mapping."),
        ("systems: {a.b: {config: [x]}}", "Configuration value systems.a.b.config is a list, expected text."),
        ("systems: {a: null}", "Configuration value systems.a is null, expected a mapping."),
        ("search: yes", "Configuration value search is True, expected a mapping."),
        ("quick: {systems: {a: x}}", "Configuration value quick.systems.a is 'x', expected a list of text."),
        ("search: {targets: many}", "Configuration value search.targets is 'many', expected a whole number."),
        ("systems: {a: {confg: x}}", "Unknown configuration key 'systems.a.confg'. Did you mean 'systems.a.config'?"),
        ("sedes: [1]", "Unknown configuration key 'sedes'. Did you mean 'seeds'?"),
    ],
)
def test_a_value_of_another_kind_is_named_with_what_was_expected(tmp_path, text, sentence):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "a.yaml", schema=ExperimentConfig)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("key", ["training..epochs", ".epochs", "epochs.", ""])
def test_an_override_without_a_part_of_its_key_is_refused(tmp_path, key):
    (tmp_path / "a.yaml").write_text("")
    with pytest.raises(ConfigError, match="is not of the form key=value"):
        load_config(tmp_path / "a.yaml", [f"{key}=5"], schema=RunConfig)
