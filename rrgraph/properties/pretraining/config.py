"""The configuration of a pretraining run: which properties of which tables, which encoder, how it learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rrgraph.errors import ConfigError, check_choice
from rrgraph.nn import CompositionEncoder, EncoderConfig, choose_device
from rrgraph.properties.pretraining.settings import PretrainingConfig
from rrgraph.properties.tables.sources import built_in_sources, user_sources
from rrgraph.properties.tables.tasks import PropertySource
from rrgraph.util.config import BaseConfig
from rrgraph.util.settings import check, setting

__all__ = ["PretrainConfig", "PropertyDataConfig", "UserTable", "check_pretrain_config", "property_sources"]


@dataclass
class UserTable:
    """A table of one's own: a column of formulas and columns of properties.

    Attributes:
        path: of a CSV or Parquet file.
        formula: column of the formulas.
        subset: column that says train, val or test; empty for a split by a hash of the composition.
        columns: columns to read, each with options of `rrgraph.properties.user_sources`; empty reads every column of
            numbers.
    """

    path: str = ""
    formula: str = "formula"
    subset: str = setting("", alias="part")
    columns: dict[str, Any] = setting(factory=dict)


@dataclass
class PropertyDataConfig:
    """Which labels are learned.

    Attributes:
        built_in: names of built-in properties, or `all`.
        tables: further tables, each with the keys `path`, `formula`, `subset` and `columns`.
        withhold: properties whose test compositions have no training label in any property of the same family.
        validation_fraction: share of the compositions of a table without a column `subset` that validate.
        test_fraction: share of the same compositions that test.
    """

    built_in: list[str] = setting(factory=lambda: ["all"])
    tables: list[UserTable] = setting(factory=list)
    withhold: list[str] = setting(factory=list)
    validation_fraction: float = setting(0.05, at_least=0, below=1)
    test_fraction: float = setting(0.10, at_least=0, below=1)


@dataclass
class PretrainConfig(BaseConfig):
    """Everything that defines a pretraining run.

    The seed is that of initial weights, shuffling, hiding and dropout.
    """

    untrained = ("training.checkpoint_minutes",)

    name: str = setting("pretrain", file_name=True)
    data: PropertyDataConfig = setting(factory=PropertyDataConfig)
    model: EncoderConfig = setting(factory=EncoderConfig)
    training: PretrainingConfig = setting(factory=PretrainingConfig)


def property_sources(config: PropertyDataConfig) -> tuple[PropertySource, ...]:
    """Return the columns that a configuration reads, built-in ones first.

    Raises:
        ConfigError: there is nothing to learn, or a table has no path.
        DataError: a property, file, column or option is unknown.
    """
    if not config.built_in and not config.tables:
        raise ConfigError("There is nothing to learn: data.built_in and data.tables are both empty.")
    if not all(table.path for table in config.tables):
        raise ConfigError("A table of data.tables has no path, expected that of a CSV or Parquet file.")
    named = built_in_sources(name for name in config.built_in if name != "all")
    built_in = built_in_sources() if "all" in config.built_in else named
    own = [
        source
        for table in config.tables
        for source in user_sources(table.path, table.columns or None, formula=table.formula, part=table.subset)
    ]
    return (*built_in, *own)


def check_pretrain_config(config: PretrainConfig) -> None:
    """Refuse a configuration with an unknown name or a value out of range, before a folder is made.

    Raises:
        ConfigError: naming the key, the value and what was expected.
        DataError: a property or table is unknown.
    """
    check(config)
    choose_device(config.training.device)
    CompositionEncoder(config.model)
    tasks = dict.fromkeys(source.task.name for source in property_sources(config.data))
    for name in config.data.withhold:
        check_choice("data.withhold", name, tasks)
