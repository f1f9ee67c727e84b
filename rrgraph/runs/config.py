"""The configurations of runs on reactions: of a link model with its re-ranker, and of a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from rrgraph.data import HOLDOUT, SPLITS, SUBSET_NAMES, VALIDATION
from rrgraph.errors import ConfigError, check_choice
from rrgraph.graph import FEATURE_NODES
from rrgraph.links import NO_CONTEXT, TrainingConfig, check_edge_features
from rrgraph.nn import ModelConfig
from rrgraph.planning import LISTWISE, RANKING_MODES
from rrgraph.reranking import ATMOSPHERE, REDOX, ListwiseNetworkConfig, RerankingConfig
from rrgraph.training import TreesConfig
from rrgraph.util.config import BaseConfig
from rrgraph.util.registry_options import check_entry
from rrgraph.util.settings import setting

__all__ = [
    "HELD_OUT_BY",
    "BaselineConfig",
    "DataConfig",
    "EvaluationConfig",
    "MeasuredConfig",
    "RerankerConfig",
    "RunConfig",
]


HELD_OUT_BY: Final = ("system", "target", "nothing")
"""What rows of further tables may not share with rows that are held out: an element system, a target, or nothing."""

_LARGEST_WEIGHT: Final = 1e4


@dataclass
class DataConfig:
    """Where reactions come from and how they are divided.

    Attributes:
        table: name of a catalogued table (`textbook`, `text_mined`) or path of a file.
        clean: apply the cleaning rules of `rrgraph data clean` first.
        split: name of the split.
        year: last year of the training and validation rows, for the splits by year.
        validation_fraction: share of the rows outside the test subset that chooses the model.
        holdout: table whose targets (or element systems, for split `nms`) are removed from training.
        further_tables: tables whose rows are added to the training rows after splitting, for all that is learned and
            counted; beside them, `reranker.further_tables` names what only the re-ranker learns from.
        held_out_by: what a row of further tables must not share with a validation, test or holdout row.
        pool: further candidate precursors, a catalogued name or a file with one formula a line; known but never seen.
        precursors: a table of precursors, a file with a column of formulas and any others; for message passing.
        node_features: columns that describe the nodes that messages come from, `{system: [NAME, ...], precursor:
            [NAME, ...]}`: of the table, by the reactions of a system or those that use a precursor, or of `precursors`.
        edge_features: columns of the table that describe edges, by the reactions of a system that use a precursor.
    """

    table: str = "textbook"
    clean: bool = False
    split: str = setting("nms", choices=SPLITS)
    year: int = setting(2014, at_least=1800, at_most=2200)
    validation_fraction: float = setting(0.2, at_least=0, below=1)
    holdout: str | None = None
    further_tables: list[str] = setting(factory=list)
    held_out_by: str = setting("system", choices=HELD_OUT_BY)
    pool: str | None = None
    precursors: str | None = None
    node_features: dict[str, list[str]] = setting(factory=dict)
    edge_features: list[str] = setting(factory=list)

    @property
    def has_features(self) -> bool:
        """Whether columns describe nodes or edges."""
        return bool(self.edge_features) or any(self.node_features.values())

    def cross_check(self, prefix: str) -> None:
        """Refuse columns of nodes of another type, and a table of precursors of which no column is asked for."""
        for kind, names in self.node_features.items():
            check_choice(f"{prefix}node_features", kind, FEATURE_NODES)
            if not all(isinstance(name, str) for name in names):
                raise ConfigError(
                    f"Configuration value {prefix}node_features.{kind} is {names}, expected names of columns."
                )
        if self.precursors and not self.node_features.get("precursor"):
            raise ConfigError(f"{prefix}precursors needs {prefix}node_features.precursor, which names its columns.")


@dataclass
class MeasuredConfig:
    """What is measured at the end of a run.

    Attributes:
        protocols: evaluation protocols that are reported, `paper` or `open`, also with flags, such as
            `paper,max_candidates=20`.
        subsets: what is measured: subsets of the split, `holdout` (the rows of `data.holdout`), and tables by name or
            path, such as `curated_validation`, of whose rows the model may have learned some (the card says so).
        metrics: metrics that are recorded beside those with the usual numbers, such as `map_7` or `link_hits_50`.
    """

    protocols: list[str] = setting(factory=lambda: ["paper", "open"])
    subsets: list[str] = setting(factory=lambda: [VALIDATION.word], choices="rrgraph.data:MEASURED_ROWS", alias="parts")
    metrics: list[str] = setting(factory=list, choices="rrgraph.metrics:METRIC_NAMES")

    @property
    def tables(self) -> list[str]:
        """The tables among what is measured."""
        return [name for name in self.subsets if name not in (*SUBSET_NAMES, HOLDOUT)]

    def cross_check(self, prefix: str) -> None:
        """Refuse a protocol that is unknown or has an unknown flag by a `ConfigError`."""
        # Brings scikit-learn, which planning with a trained model does without.
        from rrgraph.evaluation import PROTOCOLS, read_protocol

        for protocol in self.protocols:
            check_choice(f"{prefix}protocols", protocol.partition(",")[0].strip(), PROTOCOLS)
            read_protocol(protocol)


@dataclass
class EvaluationConfig(MeasuredConfig):
    """How the trained model is measured at the end of a run, and how its links become sets.

    Attributes:
        validation_protocol: protocol of the validation at each epoch.
        mode: what sets are ranked by: `listwise`, or, when the size is unknown, `product`, `log_odds` or `geometric`.
        baselines: names of comparison systems that are fitted to the same training rows.
        card_from: run folders of the same configuration trained on other splits, whose metrics the card shows; for a
            model that leaves no rows to measure it on.
    """

    validation_protocol: str = setting("paper", choices="rrgraph.evaluation:PROTOCOLS")
    mode: str = setting("product", choices=RANKING_MODES)
    baselines: list[str] = setting(factory=lambda: ["popularity"], choices="rrgraph.baselines:BASELINES")
    card_from: list[str] = setting(factory=list)

    def cross_check(self, prefix: str) -> None:
        """Refuse what `MeasuredConfig` does, and a baseline that cannot be made without options."""
        super().cross_check(prefix)
        from rrgraph.baselines import BASELINES

        for baseline in self.baselines:
            check_entry(f"{prefix}baselines", baseline, BASELINES, ("options", {}))


@dataclass
class RerankerConfig:
    """The re-ranker of whole sets.

    Attributes:
        enabled: whether there is a re-ranker; it needs a model with `statistics` and several decoders.
        redox: whether networks and trees also read how oxygen balances, see `rrgraph.graph.balance_oxygen`.
        library: whether the sets that it learns from may also hold reagents of the library that no training row uses,
            as they may where the library is among the candidates.
        atmosphere: whether they also read the atmosphere, where it is known: in training from a column `atmosphere` of
            `further_tables`, in planning as an option.
        further_tables: tables from which the re-ranker learns too, `{TABLE: WEIGHT}`; a list of candidate sets of
            theirs counts WEIGHT times as much as one of the training rows.
        trees: gradient-boosted trees whose logits are added to the scores of sets.
        model: its listwise network.
        training: how the network learns.
    """

    enabled: bool = False
    redox: bool = False
    library: bool = False
    atmosphere: bool = False
    further_tables: dict[str, float] = setting(factory=dict)
    trees: TreesConfig = setting(factory=TreesConfig)
    model: ListwiseNetworkConfig = setting(factory=ListwiseNetworkConfig)
    training: RerankingConfig = setting(factory=RerankingConfig)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of features that it reads beside the usual ones."""
        return tuple(group for group, wanted in ((REDOX, self.redox), (ATMOSPHERE, self.atmosphere)) if wanted)

    def cross_check(self, prefix: str) -> None:
        """Refuse weights that are not positive, and an atmosphere of which nothing is known, by a `ConfigError`."""
        for table, weight in self.further_tables.items():
            if not 0 < weight <= _LARGEST_WEIGHT:
                raise ConfigError(
                    f"Configuration value {prefix}further_tables.{table} is {weight}, expected a weight of more than 0 "
                    f"and at most {_LARGEST_WEIGHT:g}."
                )
        if self.atmosphere and not self.further_tables:
            raise ConfigError(
                f"{prefix}atmosphere=true needs {prefix}further_tables with a column 'atmosphere', such as "
                "{curated_training: 1.0}."
            )


@dataclass
class RunConfig(BaseConfig):
    """Everything that defines a training run.

    The seed is that of splitting, initial weights, shuffling, sampling and dropout.
    """

    untrained = (
        "evaluation.subsets",
        "evaluation.protocols",
        "evaluation.metrics",
        "evaluation.baselines",
        "evaluation.card_from",
        "training.device",
    )

    data: DataConfig = setting(factory=DataConfig)
    model: ModelConfig = setting(factory=ModelConfig)
    training: TrainingConfig = setting(factory=TrainingConfig)
    reranker: RerankerConfig = setting(factory=RerankerConfig, alias="sets")
    evaluation: EvaluationConfig = setting(factory=EvaluationConfig)

    def cross_check(self, prefix: str) -> None:
        """Refuse a re-ranker that lacks what it learns from, or is asked for and absent, by a `ConfigError`.

        It learns from decoders that did not see a target, and reads frequency features. Refuse also features of columns
        that no message carries, and to measure a holdout that is not there.
        """
        _check_holdout(self.data, self.evaluation)
        if self.reranker.enabled and (self.model.n_decoders < 2 or not self.model.statistics):
            raise ConfigError("reranker.enabled=true needs model.statistics=true and model.n_decoders of at least 2.")
        if self.data.has_features and self.model.context == NO_CONTEXT:
            raise ConfigError(
                f"data.node_features and data.edge_features need message passing, and model.context is {NO_CONTEXT}: "
                "set it, for example to sage, or to gatv2 for features of edges."
            )
        if self.data.edge_features:
            check_edge_features(self.model.context)
        if self.evaluation.mode == LISTWISE and not self.reranker.enabled:
            raise ConfigError(f"evaluation.mode={LISTWISE} needs reranker.enabled=true.")


@dataclass
class BaselineConfig(BaseConfig):
    """Everything that defines the run of a comparison system.

    Attributes:
        data: the rows it is fitted to.
        baseline: name of the system.
        options: keyword arguments of the system; `seed` is that of the run unless it is given here.
        evaluation: what is measured.
    """

    untrained = ("evaluation",)

    data: DataConfig = setting(factory=DataConfig)
    baseline: str = setting("popularity", choices="rrgraph.baselines:BASELINES", options="options")
    options: dict[str, Any] = setting(factory=dict)
    evaluation: MeasuredConfig = setting(factory=MeasuredConfig)

    def cross_check(self, prefix: str) -> None:
        """Refuse features of columns, which no comparison system takes, and a missing holdout by a `ConfigError`."""
        _check_holdout(self.data, self.evaluation)
        if self.data.has_features:
            raise ConfigError("data.node_features and data.edge_features are for link models; a baseline takes none.")


def _check_holdout(data: DataConfig, evaluation: MeasuredConfig) -> None:
    if HOLDOUT in evaluation.subsets and not data.holdout:
        raise ConfigError(f"evaluation.subsets names {HOLDOUT}, and data.holdout is empty: set it to a table.")
