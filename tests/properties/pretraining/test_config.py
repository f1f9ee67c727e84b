from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rrgraph.errors import ConfigError, DataError, RRGraphError
from rrgraph.properties import PROPERTY_SOURCES, read_properties
from rrgraph.properties.pretraining import PretrainConfig, PropertyDataConfig, UserTable
from rrgraph.properties.pretraining.config import check_pretrain_config, property_sources
from rrgraph.util.config import load_config


def changed(config, key, value):
    """The configuration with one dotted key changed."""
    first, _, rest = key.partition(".")
    return replace(config, **{first: changed(getattr(config, first), rest, value) if rest else value})


def test_the_shipped_configurations_are_accepted():
    check_pretrain_config(PretrainConfig())
    config = load_config(Path(__file__).parents[3] / "configs" / "pretrain.yaml", schema=PretrainConfig)
    check_pretrain_config(config)
    assert "bulk_modulus" in config.data.withhold
    assert config.name == "pretrain"


def test_all_and_none_of_the_built_in_properties(property_file):
    every = property_sources(PropertyDataConfig())
    assert every == tuple(PROPERTY_SOURCES.values())
    some = property_sources(PropertyDataConfig(built_in=["bulk_modulus", "space_group"]))
    assert {source.task.name for source in some} == {"bulk_modulus", "space_group"}
    own = property_sources(PropertyDataConfig(built_in=[], tables=[UserTable(path=str(property_file))]))
    assert [source.task.name for source in own] == ["negativity", "size", "anion"]
    both = property_sources(PropertyDataConfig(tables=[UserTable(path=str(property_file))]))
    assert both == (*every, *own)


def test_columns_of_a_table_carry_their_options(property_file):
    table = UserTable(path=str(property_file), columns={"size": {"name": "bulk", "unit": "GPa", "transform": "log"}})
    (source,) = property_sources(PropertyDataConfig(built_in=[], tables=[table]))
    assert (source.task.name, source.task.unit, source.task.transform) == ("bulk", "GPa", "log")
    assert (source.column, source.formula, source.part) == ("size", "formula", "")


def test_columns_may_have_no_options_and_a_choice_of_rows(property_file):
    columns = {"size": None, "negativity": {"where": ["anion", [0, 2]]}}
    table = UserTable(path=str(property_file), columns=columns)
    config = PropertyDataConfig(built_in=[], tables=[table])
    labels = read_properties(property_sources(config), validation_fraction=0, test_fraction=0).labels
    known = (~np.isnan(labels)).sum(axis=0)
    assert known[1] == known[0] * 2 / 3


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("seed", -1, "seed is -1, expected at least 0"),
        ("training.epochs", 0, "training.epochs is 0, expected at least 1"),
        ("training.batch_size", 0, "training.batch_size is 0"),
        ("training.learning_rate", float("nan"), "training.learning_rate is nan"),
        ("training.learning_rate", float("inf"), "training.learning_rate is inf"),
        ("training.learning_rate", -1.0, "training.learning_rate is -1.0, expected from 0 to 10"),
        ("training.weight_decay", -0.1, "training.weight_decay"),
        ("training.patience", -1, "training.patience"),
        ("training.gradient_clip", -1.0, "training.gradient_clip"),
        ("training.warmup", 1.5, "training.warmup is 1.5, expected from 0 to 1"),
        ("training.ema_decay", 1.0, "training.ema_decay"),
        ("training.balance", 2.0, "training.balance"),
        ("training.masked_elements", 1.1, "training.masked_elements"),
        ("training.masked_fractions", -0.1, "training.masked_fractions"),
        ("training.masked_weight", -1.0, "training.masked_weight"),
        ("training.single_label_share", 2.0, "training.single_label_share"),
        ("training.checkpoint_minutes", -1.0, "training.checkpoint_minutes"),
        ("training.validation_rows", -1, "training.validation_rows"),
        ("training.optimizer", "mion", "Did you mean 'muon'"),
        ("training.weighting", "learnt", "Did you mean 'learned'"),
        ("training.schedule", "cosin", "Did you mean 'cosine'"),
        ("training.monitor", "scor", "Did you mean 'score'"),
        ("training.precision", "ful", "Did you mean 'full'"),
        ("training.device", "gpu", "Unknown device 'gpu'"),
        ("data.validation_fraction", 1.0, "data.validation_fraction"),
        ("data.test_fraction", -0.1, "data.test_fraction"),
        ("data.withhold", ["bulk_modulsu"], "Did you mean 'bulk_modulus'"),
        ("data.built_in", ["band_gap_pm"], "Did you mean 'band_gap_mp'"),
        ("data.built_in", ["all", "band_gap_pm"], "Did you mean 'band_gap_mp'"),
        ("data.tables", [UserTable(path="missing.csv")], "missing.csv"),
        ("data.tables", [UserTable()], "data.tables"),
        ("model.layers", 0, "model.layers"),
        ("model.width", 0, "model.width"),
        ("model.heads", 5, "model.heads=5"),
        ("model.feedforward", 0, "model.feedforward"),
        ("model.dropout", 1.0, "model.dropout"),
        ("model.element_embedding", "mat2vek", "Did you mean 'mat2vec'"),
    ],
)
def test_a_bad_value_is_named_in_one_sentence(key, value, words):
    with pytest.raises(RRGraphError) as caught:
        check_pretrain_config(changed(PretrainConfig(), key, value))
    message = str(caught.value)
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"columns": {"sise": {}}}, "Did you mean 'size'"),
        ({"columns": {"size": {"untit": "eV"}}}, "Did you mean 'unit'"),
        ({"columns": {"size": {"transform": "lgo"}}}, "Did you mean 'log'"),
        ({"columns": {"anion": {"kind": "classification"}}}, "at least 2 classes"),
        ({"columns": {"size": {"low": 3, "high": 1}}}, "plausible range"),
        ({"formula": "formla"}, "Did you mean 'formula'"),
        ({"subset": "prat"}, "no column 'prat'"),
        ({"columns": {"size": 3}}, "size"),
        ({"columns": {"size": {"unit": 3}}}, "unit"),
        ({"columns": {"size": {"low": "none"}}}, "low"),
        ({"columns": {"anion": {"kind": "classification", "classes": "three"}}}, "classes"),
        ({"columns": {"size": {"validation_trains": 1}}}, "true or false"),
        ({"columns": {"size": {"where": ["anion"]}}}, "where"),
    ],
)
def test_a_bad_table_is_named_in_one_sentence(property_file, table, words):
    data = PropertyDataConfig(built_in=[], tables=[UserTable(path=str(property_file), **table)])
    with pytest.raises((ConfigError, DataError)) as caught:
        check_pretrain_config(replace(PretrainConfig(), data=data))
    assert words in str(caught.value)


def test_nothing_to_learn():
    with pytest.raises(RRGraphError, match=r"data\.built_in"):
        check_pretrain_config(replace(PretrainConfig(), data=PropertyDataConfig(built_in=[])))
