"""The configuration of a pretraining run: which properties of which tables, which encoder, how it learns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rrgraph.data import PropertySource, built_in_sources, user_sources
from rrgraph.errors import ConfigError, near_match
from rrgraph.model import PRECISIONS, CompositionEncoder, EncoderConfig, choose_device
from rrgraph.training import OPTIMIZERS, WEIGHTINGS, PretrainingConfig

__all__ = ["PretrainConfig", "PropertyDataConfig", "UserTable", "check_pretrain_config", "property_sources"]


@dataclass
class UserTable:
    """A table of one's own: a column of formulas and columns of properties.

    Attributes:
        path: of a CSV or Parquet file.
        formula: column of the formulas.
        part: column that says train, val or test; empty for a split by a hash of the composition.
        columns: columns to read, each with options of `rrgraph.data.user_sources`; empty reads every column of numbers.
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
class PretrainConfig:
    """Everything that defines a pretraining run.

    Attributes:
        name: of the run; its folder is `output`, or `runs/<name>` when that is empty.
        seed: of initial weights, shuffling, hiding and dropout.
    """

    name: str = "pretrain"
    seed: int = 0
    output: str = ""
    data: PropertyDataConfig = field(default_factory=PropertyDataConfig)
    model: EncoderConfig = field(default_factory=EncoderConfig)
    training: PretrainingConfig = field(default_factory=PretrainingConfig)

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.output) if self.output else Path("runs") / self.name


def property_sources(config: PropertyDataConfig) -> tuple[PropertySource, ...]:
    """Return the columns that a configuration reads, built-in ones first.

    Raises:
        DataError: a property, file, column or option is unknown.
    """
    built_in = built_in_sources(None if "all" in config.built_in else config.built_in) if config.built_in else ()
    own = [
        source
        for table in config.tables
        for source in user_sources(table.path, table.columns or None, formula=table.formula, part=table.part)
    ]
    return (*built_in, *own)


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("training.epochs", 1, math.inf),
    ("training.batch_size", 2, math.inf),
    ("training.learning_rate", 0, math.inf),
    ("training.weight_decay", 0, math.inf),
    ("training.patience", 0, math.inf),
    ("training.gradient_clip", 0, math.inf),
    ("training.warmup", 0, 1),
    ("training.average", 0, 1),
    ("training.balance", 0, 1),
    ("training.masked_elements", 0, 1),
    ("training.masked_fractions", 0, 1),
    ("training.masked_weight", 0, math.inf),
    ("training.single_label_share", 0, 1),
    ("training.checkpoint_minutes", 0, math.inf),
    ("training.validation_rows", 0, math.inf),
    ("data.validation_fraction", 0, 1),
    ("data.test_fraction", 0, 1),
    ("model.layers", 1, math.inf),
    ("model.width", 4, math.inf),
    ("model.heads", 1, math.inf),
    ("model.feedforward", 1, math.inf),
    ("model.dropout", 0, 1),
    ("seed", 0, math.inf),
)

_CHOICES = (
    ("training.optimizer", OPTIMIZERS),
    ("training.weighting", WEIGHTINGS),
    ("training.schedule", ("constant", "cosine")),
    ("training.precision", PRECISIONS),
    ("training.monitor", ("score",)),
)


def check_pretrain_config(config: PretrainConfig) -> None:
    """Refuse a configuration with an unknown name or a value out of range, before a folder is made.

    Raises:
        ConfigError: naming the key, the value and what was expected.
        DataError: a property or table is unknown.
    """
    for key, low, high in _RANGES:
        value = _value(config, key)
        if not (math.isfinite(value) and low <= value <= high):
            expected = f"at least {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
            raise ConfigError(f"Configuration value {key} is {value}, expected {expected}.")
    for key, choices in _CHOICES:
        chosen = _value(config, key)
        if chosen not in choices:
            raise ConfigError(
                f"Configuration value {key} is '{chosen}', expected one of {', '.join(choices)}."
                f"{near_match(chosen, choices)}"
            )
    choose_device(config.training.device)
    CompositionEncoder(config.model)
    tasks = [source.task.name for source in property_sources(config.data)]
    for name in config.data.withhold:
        if name not in tasks:
            raise ConfigError(
                f"Configuration value data.withhold names '{name}', which is not learned; expected some of "
                f"{', '.join(dict.fromkeys(tasks))}.{near_match(name, tasks)}"
            )


def _value(config: PretrainConfig, key: str) -> Any:
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return value
