"""The configuration of a pretraining run: which properties of which tables, which encoder, how it learns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rrgraph.errors import ConfigError, check_choice
from rrgraph.nn import CompositionEncoder, EncoderConfig, choose_device
from rrgraph.properties.pretraining.settings import PretrainingConfig
from rrgraph.properties.pretraining.task import WEIGHTINGS
from rrgraph.properties.tables.sources import built_in_sources, user_sources
from rrgraph.properties.tables.tasks import PropertySource
from rrgraph.training.range_checks import check_ranges, check_shared
from rrgraph.util.config import BaseConfig

__all__ = ["PretrainConfig", "PropertyDataConfig", "UserTable", "check_pretrain_config", "property_sources"]


@dataclass
class UserTable:
    """A table of one's own: a column of formulas and columns of properties.

    Attributes:
        path: of a CSV or Parquet file.
        formula: column of the formulas.
        part: column that says train, val or test; empty for a split by a hash of the composition.
        columns: columns to read, each with options of `rrgraph.properties.user_sources`; empty reads every column of
            numbers.
    """

    path: str = ""
    formula: str = "formula"
    part: str = ""
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass
class PropertyDataConfig:
    """Which labels are learned.

    Attributes:
        built_in: names of built-in properties, or `all`.
        tables: further tables.
        withhold: properties whose test compositions have no training label in any property of the same family.
        validation_fraction: share of the compositions of a table without parts that validate.
        test_fraction: share of them that test.
    """

    built_in: list[str] = field(default_factory=lambda: ["all"])
    tables: list[UserTable] = field(default_factory=list)
    withhold: list[str] = field(default_factory=list)
    validation_fraction: float = 0.05
    test_fraction: float = 0.10


@dataclass
class PretrainConfig(BaseConfig):
    """Everything that defines a pretraining run.

    The seed is that of initial weights, shuffling, hiding and dropout.
    """

    name: str = "pretrain"
    data: PropertyDataConfig = field(default_factory=PropertyDataConfig)
    model: EncoderConfig = field(default_factory=EncoderConfig)
    training: PretrainingConfig = field(default_factory=PretrainingConfig)


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
        for source in user_sources(table.path, table.columns or None, formula=table.formula, part=table.part)
    ]
    return (*built_in, *own)


def check_pretrain_config(config: PretrainConfig) -> None:
    """Refuse a configuration with an unknown name or a value out of range, before a folder is made.

    Raises:
        ConfigError: naming the key, the value and what was expected.
        DataError: a property or table is unknown.
    """
    check_shared(config)
    check_ranges(
        config,
        not_negative=("training.masked_weight", "training.checkpoint_minutes", "training.validation_rows"),
        fractions=(
            "training.balance",
            "training.masked_elements",
            "training.masked_fractions",
            "training.single_label_share",
        ),
        below_one=("data.test_fraction",),
    )
    check_choice("training.weighting", config.training.weighting, WEIGHTINGS)
    check_choice("training.monitor", config.training.monitor, ("score",))
    choose_device(config.training.device)
    CompositionEncoder(config.model)
    tasks = dict.fromkeys(source.task.name for source in property_sources(config.data))
    for name in config.data.withhold:
        check_choice("data.withhold", name, tasks)
