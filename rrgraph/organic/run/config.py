"""The configuration of a run on products and templates, and its checks."""

from __future__ import annotations

from dataclasses import dataclass

from rrgraph.data import SUBSET_NAMES, VALIDATION
from rrgraph.errors import ConfigError, check_choice
from rrgraph.nn import choose_device
from rrgraph.organic.config import MONITORED, ReactantRerankerConfig, SearchConfig, TemplateModelConfig
from rrgraph.organic.table import check_template_split
from rrgraph.training import ContrastiveConfig, RankingConfig
from rrgraph.util.config import BaseConfig
from rrgraph.util.settings import check, setting

__all__ = ["ORGANIC", "OrganicConfig", "OrganicDataConfig", "OrganicEvaluationConfig", "check_organic_config"]

ORGANIC = "organic"
"""Value of `domain` in a configuration of this kind."""


@dataclass
class OrganicDataConfig:
    """Where reactions come from.

    Attributes:
        table: catalogued name or file with the columns product, reactants, template and split.
        split: how it is divided: `column` by its column; `standard` (uspto_50k only) as in published tables; `mhn`
            (uspto_50k only) by the column of its file, a random split.
        rows: first rows of each subset to use; 0 uses all.
        general: take templates without the atoms that stay as they are, so that they apply to more products.
        alternatives: most probable templates that are tried on each training product after stage 1; those that lead to
            its recorded reactants count as recorded in stage 2. 0 tries none.
    """

    table: str = "uspto_50k"
    split: str = setting("column", choices="rrgraph.organic:SPLITS")
    rows: int = setting(0, at_least=0)
    general: bool = False
    alternatives: int = setting(0, at_least=0)


@dataclass
class OrganicEvaluationConfig:
    """What is measured at the end of a run.

    Attributes:
        subsets: subsets of the table that are measured.
        rows: first rows of each subset; 0 measures all.
        index: templates to choose among: `train`, or `all` that the table has, also of validation and test rows.
        popularity: also measure the most frequent templates.
    """

    subsets: list[str] = setting(factory=lambda: [VALIDATION.word], choices=SUBSET_NAMES[1:], alias="parts")
    rows: int = setting(0, at_least=0)
    index: str = setting("train", choices=("train", "all"), alias="bank")
    popularity: bool = True


@dataclass
class OrganicConfig(BaseConfig):
    """Everything that defines a run on products and templates.

    The seed is that of initial weights, shuffling and dropout.

    Attributes:
        domain: `organic`, which tells this configuration from those on materials.
        data: the reactions.
        model: both encoders.
        contrastive: stage 1.
        ranking: stage 2.
        search: how scores become ranked sets of reactants.
        reranker: how these are re-ranked.
        evaluation: what is measured.
        device: where the model is trained: `auto` takes a CUDA GPU when there is one; or `cpu`, `cuda`, `cuda:1` or
            `mps`.
    """

    untrained = ("evaluation", "device")

    domain: str = setting(ORGANIC, choices=(ORGANIC,))
    data: OrganicDataConfig = setting(factory=OrganicDataConfig)
    model: TemplateModelConfig = setting(factory=TemplateModelConfig)
    contrastive: ContrastiveConfig = setting(factory=ContrastiveConfig)
    ranking: RankingConfig = setting(factory=RankingConfig)
    search: SearchConfig = setting(factory=SearchConfig)
    reranker: ReactantRerankerConfig = setting(factory=ReactantRerankerConfig, alias="sets")
    evaluation: OrganicEvaluationConfig = setting(factory=OrganicEvaluationConfig)
    device: str = "auto"


def check_organic_config(config: OrganicConfig) -> None:
    """Refuse a configuration that names something unknown or has a value out of range.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    check(config)
    for stage in ("contrastive", "ranking"):
        check_choice(f"{stage}.monitor", getattr(config, stage).monitor, [f"top_{k}" for k in MONITORED])
    check_template_split(config.data.table, config.data.split)
    if config.model.sites.enabled and (
        config.ranking.enabled or config.data.alternatives or config.contrastive.objective != "all"
    ):
        raise ConfigError(
            "model.sites.enabled=true is trained in one stage over all templates: give ranking.enabled=false, "
            "data.alternatives=0 and contrastive.objective=all."
        )
    choose_device(config.device)
