"""The configuration of a run on products and templates, and its checks."""

from __future__ import annotations

from dataclasses import dataclass, field

from rrgraph.errors import ConfigError, check_choice
from rrgraph.nn import choose_device
from rrgraph.organic.chemistry.fingerprints import FRAGMENTS
from rrgraph.organic.chemistry.tokens import TOKENS
from rrgraph.organic.config import ReactantRerankerConfig, SearchConfig, TemplateModelConfig
from rrgraph.organic.encoders import TOWERS
from rrgraph.organic.planner import MERGES
from rrgraph.organic.table import PARTS
from rrgraph.training import OBJECTIVES, RIGHT_ENCODERS, ContrastiveConfig, RankingConfig
from rrgraph.training.range_checks import check_loop, check_ranges
from rrgraph.util.config import BaseConfig

__all__ = ["BANKS", "ORGANIC", "OrganicConfig", "OrganicDataConfig", "OrganicEvaluationConfig", "check_organic_config"]

ORGANIC = "organic"
"""Value of `domain` in a configuration of this kind."""

BANKS = ("train", "all")


@dataclass
class OrganicDataConfig:
    """Where reactions come from.

    Attributes:
        table: catalogued name or file with the columns product, reactants, template and split.
        rows: first rows of each part to use; 0 uses all.
        alternatives: most probable templates that are tried on each training product after stage 1; those that lead to
            its recorded reactants count as recorded in stage 2. 0 tries none.
    """

    table: str = "uspto_50k"
    rows: int = 0
    alternatives: int = 0


@dataclass
class OrganicEvaluationConfig:
    """What is measured at the end of a run.

    Attributes:
        parts: of validation and test.
        rows: first rows of each part; 0 measures all.
        bank: templates to choose among: `train`, or `all` that the table has, also of validation and test rows.
        popularity: also measure the most frequent templates.
    """

    parts: list[str] = field(default_factory=lambda: ["validation"])
    rows: int = 0
    bank: str = "train"
    popularity: bool = True


@dataclass
class OrganicConfig(BaseConfig):
    """Everything that defines a run on products and templates.

    The seed is that of initial weights, shuffling and dropout.

    Attributes:
        domain: `organic`, which tells this kind of configuration from the others.
        data: the reactions.
        model: both towers.
        contrastive: stage 1.
        ranking: stage 2.
        search: how scores become ranked sets of reactants.
        sets: how these are ranked again.
        evaluation: what is measured.
        device: where the model is trained: `auto` takes a GPU when there is one; or a name that torch knows, such as
            `cpu` or `cuda:1`.
    """

    untrained = ("evaluation", "device")

    domain: str = ORGANIC
    data: OrganicDataConfig = field(default_factory=OrganicDataConfig)
    model: TemplateModelConfig = field(default_factory=TemplateModelConfig)
    contrastive: ContrastiveConfig = field(default_factory=ContrastiveConfig)
    ranking: RankingConfig = field(default_factory=RankingConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    sets: ReactantRerankerConfig = field(default_factory=ReactantRerankerConfig)
    evaluation: OrganicEvaluationConfig = field(default_factory=OrganicEvaluationConfig)
    device: str = "auto"


def check_organic_config(config: OrganicConfig) -> None:
    """Refuse a configuration that names something unknown or has a value out of range.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    check_choice("domain", config.domain, [ORGANIC])
    choose_device(config.device)
    sides = ("model.product", "model.template")
    for side, tower in zip(sides, (config.model.product, config.model.template), strict=True):
        check_choice(f"{side}.tower", tower.tower, TOWERS)
        check_choice(f"{side}.tokens", tower.tokens, TOKENS)
        for kind in tower.kinds:
            check_choice(f"{side}.kinds", kind, FRAGMENTS)
        if not tower.kinds or len(set(tower.kinds)) < len(tower.kinds) or tower.bits < len(tower.kinds):
            raise ConfigError(
                f"Configuration value {side}.kinds is {tower.kinds}, expected distinct kinds, at least one and no more "
                f"than {side}.bits={tower.bits}."
            )
        check_ranges(
            config,
            positive=[f"{side}.{name}" for name in ("hidden", "layers", "bits", "heads", "length")],
            not_negative=[f"{side}.radius"],
            below_one=[f"{side}.dropout", f"{side}.fragment_dropout"],
        )
    if config.sets.folds < 2:
        raise ConfigError(f"Configuration value sets.folds is {config.sets.folds}, expected at least 2.")
    check_loop(config, "contrastive")
    check_loop(config, "ranking")
    check_choice("contrastive.objective", config.contrastive.objective, OBJECTIVES)
    check_choice("ranking.right", config.ranking.right, RIGHT_ENCODERS)
    check_choice("search.merge", config.search.merge, MERGES)
    check_choice("evaluation.bank", config.evaluation.bank, BANKS)
    for part in config.evaluation.parts:
        check_choice("evaluation.parts", part, PARTS[1:])
    check_ranges(
        config,
        positive=(
            *("model.width", "ranking.candidates", "search.templates"),
            *("sets.trees.number", "sets.trees.depth", "sets.trees.leaves", "sets.trees.least"),
        ),
        not_negative=(
            *("seed", "data.rows", "data.alternatives", "evaluation.rows"),
            *("ranking.hard", "ranking.right_learning_rate", "sets.trees.learning_rate", "sets.trees.regularisation"),
        ),
        below_one=("ranking.smoothing", "ranking.decay", "ranking.entropy_bonus"),
    )
