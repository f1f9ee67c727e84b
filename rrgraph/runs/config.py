"""A run's configuration: YAML and `key=value` overrides flow in, checked dataclasses flow out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rrgraph.errors import ConfigError
from rrgraph.links import TrainingConfig
from rrgraph.nn import ModelConfig
from rrgraph.reranking import ListwiseNetworkConfig, RerankingConfig
from rrgraph.training import TreesConfig
from rrgraph.util.config import BaseConfig, load_config, read_mapping

__all__ = [
    "BaselineConfig",
    "DataConfig",
    "EvaluationConfig",
    "MeasuredConfig",
    "RerankerConfig",
    "RunConfig",
    "load_run",
]


@dataclass
class DataConfig:
    """Where reactions come from and how they are divided.

    Attributes:
        table: name of a catalogued table (`textbook`, `text_mined`) or path of a file.
        clean: apply the cleaning rules of `rrgraph data clean` first.
        split: name of the split.
        year: last year of the training and validation rows, for the splits by year.
        validation_fraction: share of the rows before the test part that chooses the model.
        holdout: table whose targets (or element systems, for split `nms`) are removed from training.
        pool: further candidate precursors, a catalogued name or a file with one formula a line; known but never seen.
    """

    table: str = "textbook"
    clean: bool = False
    split: str = "nms"
    year: int = 2014
    validation_fraction: float = 0.2
    holdout: str | None = None
    pool: str | None = None


@dataclass
class MeasuredConfig:
    """What is measured at the end of a run.

    Attributes:
        protocols: evaluation protocols that are reported, also with flags: `paper,max_candidates=20`.
        parts: parts of the split that are measured, of `validation` and `test`.
    """

    protocols: list[str] = field(default_factory=lambda: ["paper", "open"])
    parts: list[str] = field(default_factory=lambda: ["validation"])


@dataclass
class EvaluationConfig(MeasuredConfig):
    """How the trained model is measured at the end of a run, and how its links become sets.

    Attributes:
        validation_protocol: protocol of the validation at each epoch.
        mode: what sets are ranked by: `listwise`, or, when the size is open, `product`, `log_odds` or `geometric`.
        baselines: comparison systems fitted to the same training rows.
        card_from: run folders of the same configuration trained on other splits, whose metrics the card shows; for a
            model that leaves no rows to measure it on.
    """

    validation_protocol: str = "paper"
    mode: str = "product"
    baselines: list[str] = field(default_factory=lambda: ["popularity"])
    card_from: list[str] = field(default_factory=list)


@dataclass
class RerankerConfig:
    """The second stage, which ranks whole sets.

    Attributes:
        enabled: whether there is one; it needs a model with statistics and several decoders.
        trees: boosted trees whose log-odds are added to the scores of sets.
        model: the set scorer.
        training: how it learns.
    """

    enabled: bool = False
    trees: TreesConfig = field(default_factory=TreesConfig)
    model: ListwiseNetworkConfig = field(default_factory=ListwiseNetworkConfig)
    training: RerankingConfig = field(default_factory=RerankingConfig)


@dataclass
class RunConfig(BaseConfig):
    """Everything that defines a training run.

    The seed is that of splitting, initial weights, shuffling, sampling and dropout.
    """

    untrained = ("evaluation.parts", "evaluation.protocols", "evaluation.baselines", "evaluation.card_from")

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    sets: RerankerConfig = field(default_factory=RerankerConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)


@dataclass
class BaselineConfig(BaseConfig):
    """Everything that defines the run of a comparison system.

    Attributes:
        data: the rows it is fitted to.
        baseline: name of the system, one of `rrgraph.baselines.BASELINES`.
        options: keyword arguments of its constructor; `seed` is that of the run unless it is given here.
        evaluation: what is measured.
    """

    untrained = ("evaluation",)

    data: DataConfig = field(default_factory=DataConfig)
    baseline: str = "popularity"
    options: dict[str, Any] = field(default_factory=dict)
    evaluation: MeasuredConfig = field(default_factory=MeasuredConfig)


def load_run(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig | BaselineConfig:
    """Read the configuration of a run: of a baseline where it has the key `baseline`, else of a link model.

    Args and errors are those of `load_config`.
    """
    given = read_mapping(Path(path))
    if "domain" in given:
        raise ConfigError(f"The configuration '{path}' is about domain '{given['domain']}', expected one of reactions.")
    if "baseline" in given:
        return load_config(path, overrides, schema=BaselineConfig)
    return load_config(path, overrides, schema=RunConfig)
