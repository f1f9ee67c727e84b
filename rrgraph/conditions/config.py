"""The configuration of a run on conditions, and its checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from rrgraph.conditions.features import GROUPS
from rrgraph.conditions.network import ValueNetworksConfig
from rrgraph.conditions.splits import ALL, SPLITS
from rrgraph.data import SUBSET_NAMES, TEST, VALIDATION
from rrgraph.errors import ConfigError
from rrgraph.training import ValueTreesConfig
from rrgraph.util.config import BaseConfig
from rrgraph.util.settings import check, setting

__all__ = [
    "CONDITIONS",
    "ConditionsConfig",
    "ConditionsDataConfig",
    "ConditionsEvaluationConfig",
    "ConditionsModelConfig",
    "check_conditions_config",
]

CONDITIONS: Final = "conditions"
"""Value of `domain` in a configuration of this kind."""

SYSTEMS: Final = ("boosting", "nearest", "median")


@dataclass
class ConditionsDataConfig:
    """Where recorded conditions come from.

    Attributes:
        table: raw recipes, or a table with the column `steps`, or with `temperature_c`, `time_h` and `atmosphere`; see
            `rrgraph.conditions.load_conditions`.
        split: how rows are divided: `nms`, `cra` or `random` as for reactions, `all` for a final model, whose intervals
            are made on a tenth of the element systems before it learns from these too; `syntmte_year`,
            `syntmte_random` or `curated`, whose rows are measured on while the table is only learned from;
            `curated_half` learns from the curated oxides of half of their element systems and measures the others.
        recipes: whether the table is learned from where the split has training rows of its own.
        own_weight: how much a training row of the split's own, or of a further table, counts beside a row of the table.
        further_tables: tables that are learned from besides, such as `curated`, but for the element systems of
            validation and test rows.
        holdout: table whose targets no training or validation row may have; empty for none.
        holdout_systems: leave out their element systems too.
        learn_validation: learn from the validation rows too, and from recipes of their years, once intervals have been
            made on them; for figures on test rows, when the settings have been chosen.
    """

    table: str = "text_mined_recipes"
    split: str = setting("nms", choices=SPLITS)
    recipes: bool = True
    own_weight: float = setting(3.0, above=0)
    further_tables: list[str] = field(default_factory=list)
    holdout: str = ""
    holdout_systems: bool = False
    learn_validation: bool = False


@dataclass
class ConditionsModelConfig:
    """What is learned.

    Attributes:
        system: `boosting`, or a baseline: the `nearest` recorded recipe, or the `median`.
        groups: groups of features, of `rrgraph.conditions.GROUPS`.
        encoder: pretrained encoder whose predictions are features.
        members: ensembles of trees of different seeds whose mean is the prediction.
        folds: groups of element systems, of which each is predicted without itself to learn how large errors are.
        prior: exponent of a class's frequency that stays after weighting: 1 for none, 0 for classes that count alike.
        recency: years by which a row is older than the latest one when it counts 1/e times as much; 0 for all alike.
        bins: largest number of bins of a feature, between which trees may split.
        trees: of temperatures.
        time_trees: of times.
        networks: of temperatures and times, beside the trees.
        error_trees: of how large errors are, and those that tell it by predicting rows of other element systems.
        class_trees: of each atmosphere and number of firings.
    """

    system: str = setting("boosting", choices=SYSTEMS)
    groups: list[str] = setting(factory=lambda: [*GROUPS], choices=GROUPS)
    encoder: str = "encoder"
    members: int = setting(2, at_least=1, at_most=100)
    folds: int = setting(3, at_least=2, at_most=100)
    prior: float = setting(0.5, at_least=0, at_most=1)
    recency: float = setting(10.0, at_least=0)
    bins: int = setting(63, at_least=2, at_most=255)
    trees: ValueTreesConfig = setting(factory=lambda: ValueTreesConfig(n_trees=300, max_leaves=63, min_samples_leaf=10))
    time_trees: ValueTreesConfig = setting(factory=lambda: ValueTreesConfig(n_trees=100, learning_rate=0.12))
    networks: ValueNetworksConfig = setting(factory=ValueNetworksConfig)
    error_trees: ValueTreesConfig = setting(factory=lambda: ValueTreesConfig(n_trees=80, learning_rate=0.15))
    class_trees: ValueTreesConfig = setting(
        factory=lambda: ValueTreesConfig(n_trees=80, learning_rate=0.12, max_leaves=15)
    )


@dataclass
class ConditionsEvaluationConfig:
    """What is measured at the end of a run.

    Attributes:
        subsets: of the split.
    """

    subsets: list[str] = setting(factory=lambda: [VALIDATION.word], choices=SUBSET_NAMES[1:])


@dataclass
class ConditionsConfig(BaseConfig):
    """Everything that defines a run on conditions.

    Attributes:
        domain: `conditions`, which tells this configuration from the others.
        data: the recorded conditions.
        model: what is learned.
        evaluation: what is measured.
    """

    untrained = ("evaluation",)

    domain: str = setting(CONDITIONS, choices=(CONDITIONS,))
    data: ConditionsDataConfig = setting(factory=ConditionsDataConfig)
    model: ConditionsModelConfig = setting(factory=ConditionsModelConfig)
    evaluation: ConditionsEvaluationConfig = setting(factory=ConditionsEvaluationConfig)

    def cross_check(self, prefix: str) -> None:
        """Refuse to measure on validation rows that are learned from, or to learn nothing, by a `ConfigError`."""
        if not self.model.groups:
            raise ConfigError(f"model.groups is empty, expected some of {', '.join(GROUPS)}.")
        measured = VALIDATION.word in self.evaluation.subsets
        if measured and self.data.split == ALL:
            raise ConfigError(f"data.split={ALL} leaves no rows to measure: set evaluation.subsets to [].")
        if measured and self.data.learn_validation:
            raise ConfigError(
                "data.learn_validation=true leaves no validation rows to measure, and evaluation.subsets names them: "
                f"set it to [{TEST.word}]."
            )


def check_conditions_config(config: ConditionsConfig) -> None:
    """Refuse a configuration that names something unknown or has a value out of range.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    check(config)
