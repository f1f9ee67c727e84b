"""The workflows on materials: runs of link models and of baselines, which are measured and compared alike."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rrgraph.data import SPLITS, load_table
from rrgraph.errors import ConfigError
from rrgraph.links import NO_CONTEXT
from rrgraph.models import FORMAT
from rrgraph.nn import NO_PRIOR
from rrgraph.runs.config import BaselineConfig, RunConfig
from rrgraph.runs.data import Prepared, RunData, prepare, prepare_data
from rrgraph.runs.train import RunResult, train_run
from rrgraph.runs.workflow import Columns, TunedConfig, TunedWorkflow, workflow_of
from rrgraph.util.config import MODEL

if TYPE_CHECKING:
    from rrgraph.metrics import RowRanks, TopK
    from rrgraph.planning import LinkScorer, SetProposer

__all__ = ["BASELINE_RUNS", "LINK_RUNS", "MaterialsWorkflow", "materials_workflow", "run_data", "top_columns"]

C = TypeVar("C", RunConfig, BaselineConfig)


class MaterialsWorkflow(TunedWorkflow[C]):
    """Targets and precursors: what link models and baselines share."""

    objective = "open.top_1"
    plans = True
    domain = "materials"
    splits = SPLITS
    searches = True
    rows = "all of data but data.pool"

    @abstractmethod
    def data(self, config: C) -> RunData:
        """Return the data of a run; errors are those of `split_data`."""

    @abstractmethod
    def ranker(self, config: C, data: RunData) -> tuple[LinkScorer | SetProposer, str]:
        """Return what ranks sets in a finished run, and what it ranks them by; a baseline is fitted again."""

    @abstractmethod
    def scores_links(self, config: C) -> bool:
        """Whether it scores links, rather than proposing whole sets."""

    @property
    def protocols(self) -> Collection[str]:
        from rrgraph.evaluation import PROTOCOLS

        return PROTOCOLS

    @property
    def metrics(self) -> Collection[str]:
        from rrgraph.metrics import METRIC_NAMES

        return METRIC_NAMES

    def sources(self, config: C) -> list[str]:
        data = config.data
        return [name for name in (data.table, data.holdout, data.pool, data.precursors) if name]

    def measured(self, comparison: Mapping[str, Any], *, subset: str, protocol: str) -> Mapping[str, float]:
        values: Mapping[str, float] = comparison[subset][protocol][MODEL].values
        return values

    def check_protocol(self, name: str) -> None:
        from rrgraph.evaluation import read_protocol

        read_protocol(name)

    def measuring(self, config: C, *, subset: str, protocols: Sequence[str], split: str) -> C:
        config = replace(config, data=replace(config.data, split=split))
        return self.measured_on(config, subset=subset, protocols=protocols)

    def rows_key(self, config: C) -> object:
        return replace(config.data, pool=None, split="")

    def tables(self, config: C) -> list[str]:
        named = (config.data.table, *config.data.further_tables, config.data.holdout, *config.evaluation.tables)
        return [name for name in named if name]

    def count_rows(self, table: str) -> int:
        return len(load_table(table))

    def pools(self, config: C) -> list[str]:
        return [config.data.pool] if config.data.pool else []

    def columns(self, measured: Mapping[str, Any]) -> Columns:
        from rrgraph.evaluation import Metrics

        protocols = {name: Metrics.from_dict(systems[MODEL]) for name, systems in measured.items()}
        found: Columns = {"rows": next(iter(protocols.values())).overall.rows}
        for name, metrics in protocols.items():
            found |= top_columns(name, metrics.overall) | top_columns(f"{name}_unseen", metrics.unseen)
            found[f"{name}_ece"] = metrics.calibration.ece_width if metrics.calibration else None
        return found

    def values(self, measured: Mapping[str, Any], protocols: Sequence[str]) -> dict[str, Mapping[str, float]]:
        from rrgraph.evaluation import Metrics

        return {name: Metrics.from_dict(measured[name][MODEL]).values for name in protocols}

    def outcomes(
        self, split: str, ranks: Mapping[str, Any], protocols: Sequence[str]
    ) -> dict[str, dict[str, RowRanks]]:
        from rrgraph.metrics import RowRanks

        return {split: {name: RowRanks.from_dict(ranks[name]) for name in protocols}}


class _LinkRuns(MaterialsWorkflow[RunConfig]):
    schema = RunConfig
    model_format = FORMAT

    def recognises(self, given: Mapping[Any, Any]) -> bool:
        return True

    def check(self, config: RunConfig) -> None:
        # Brings scikit-learn, which planning with a trained model does without.
        from rrgraph.runs.check import check_config

        check_config(config)

    def run(
        self,
        config: RunConfig,
        *,
        resume: bool = False,
        jobs: int | None = None,
        on_data: Callable[[RunData], None] | None = None,
        on_epoch: Callable[[Mapping[str, float]], None] | None = None,
        data: RunData | None = None,
        donor: Path | None = None,
    ) -> RunResult:
        prepared = cast(Prepared | None, data)
        return train_run(config, resume=resume, on_data=on_data, on_epoch=on_epoch, data=prepared, links=donor)

    def donor_key(self, config: RunConfig) -> object:
        """Return what decides the links, which differ in their prior and in what ranks their sets alone."""
        training, evaluation = replace(config.training, device=""), config.evaluation
        mode = "product" if config.reranker.enabled else evaluation.mode
        model = replace(config.model, candidate_prior=NO_PRIOR)
        return config.seed, config.data, model, training, evaluation.validation_protocol, mode

    def data(self, config: RunConfig) -> RunData:
        return prepare(config)

    def data_key(self, config: RunConfig) -> tuple[object, ...]:
        model = config.model
        needs_all_pairs = config.reranker.enabled or model.candidate_prior != NO_PRIOR
        choices = model.statistics, model.n_decoders > 1, model.context != NO_CONTEXT, needs_all_pairs
        further = repr(config.reranker.further_tables) if config.reranker.enabled else ""
        return *super().data_key(config), *choices, further

    def tables(self, config: RunConfig) -> list[str]:
        return [*super().tables(config), *(config.reranker.further_tables if config.reranker.enabled else ())]

    def epochs(self, config: RunConfig) -> int:
        return config.training.epochs

    def last_epoch(self, config: RunConfig) -> int:
        return 0 if config.reranker.enabled else config.training.epochs

    def useless(self, config: RunConfig, key: str, searched: Sequence[str]) -> str:
        pretrained, enabled = config.model.pretrained, "reranker.enabled"
        if key in _SHAPE and pretrained and "model.pretrained" not in searched:
            return f"the pretrained encoder '{pretrained}' brings its own"
        if key.startswith("reranker.") and key != enabled and not config.reranker.enabled and enabled not in searched:
            return f"{enabled} is false"
        return ""

    def pretrained(self, config: RunConfig) -> str:
        return config.model.pretrained

    def chosen_by(self, config: RunConfig, *, protocol: str, metric: str) -> RunConfig:
        return replace(
            config,
            evaluation=replace(config.evaluation, validation_protocol=protocol),
            training=replace(config.training, monitor=metric),
        )

    def unpruned(self, config: RunConfig) -> str:
        return ""

    def measured_on(
        self, config: RunConfig, *, subset: str, protocols: Sequence[str], metrics: Sequence[str] = ()
    ) -> RunConfig:
        evaluation = replace(
            config.evaluation,
            subsets=[subset],
            protocols=[*protocols],
            metrics=[*metrics],
            baselines=[],
            card_from=[],
        )
        return replace(config, evaluation=evaluation)

    def ranker(self, config: RunConfig, data: RunData) -> tuple[LinkScorer | SetProposer, str]:
        from rrgraph.models import load_model

        return load_model(str(config.folder), device=config.training.device), config.evaluation.mode

    def scores_links(self, config: RunConfig) -> bool:
        return True


class _BaselineRuns(MaterialsWorkflow[BaselineConfig]):
    schema = BaselineConfig
    model_format = ""

    def recognises(self, given: Mapping[Any, Any]) -> bool:
        return "baseline" in given

    def check(self, config: BaselineConfig) -> None:
        from rrgraph.runs.baseline import check_baseline_config

        check_baseline_config(config)

    def run(
        self,
        config: BaselineConfig,
        *,
        resume: bool = False,
        jobs: int | None = None,
        on_data: Callable[[RunData], None] | None = None,
        on_epoch: Callable[[Mapping[str, float]], None] | None = None,
        data: RunData | None = None,
        donor: Path | None = None,
    ) -> RunResult:
        from rrgraph.runs.baseline import baseline_run

        return baseline_run(config, resume=resume, on_data=on_data, data=data)

    def data(self, config: BaselineConfig) -> RunData:
        return prepare_data(config.data, seed=config.seed)

    def keys(self, config: BaselineConfig) -> list[str]:
        from rrgraph.baselines import BASELINES

        fixed = ("seed", "device")
        options = [f"options.{name}" for name in BASELINES.options(config.baseline) if name not in fixed]
        return [*super().keys(config), *options]

    def unpruned(self, config: BaselineConfig) -> str:
        return f"the baseline {config.baseline} is fitted as a whole and reports no epochs"

    def measured_on(
        self, config: BaselineConfig, *, subset: str, protocols: Sequence[str], metrics: Sequence[str] = ()
    ) -> BaselineConfig:
        evaluation = replace(config.evaluation, subsets=[subset], protocols=[*protocols], metrics=[*metrics])
        return replace(config, evaluation=evaluation)

    def ranker(self, config: BaselineConfig, data: RunData) -> tuple[LinkScorer | SetProposer, str]:
        from rrgraph.runs.baseline import build_baseline

        return build_baseline(config).fit(data.split.train, data.split), "product"

    def scores_links(self, config: BaselineConfig) -> bool:
        from rrgraph.baselines import LinkBaseline
        from rrgraph.runs.baseline import build_baseline

        return isinstance(build_baseline(config), LinkBaseline)


_SHAPE = tuple(
    f"model.{name}" for name in ("width", "layers", "heads", "feedforward", "element_embedding", "weigh_fractions")
)
"""What a pretrained encoder brings with it."""

LINK_RUNS, BASELINE_RUNS = _LinkRuns(), _BaselineRuns()


def materials_workflow(config: TunedConfig) -> MaterialsWorkflow[Any]:
    """Return the workflow of a configuration on materials.

    Raises:
        ConfigError: it is not the configuration of a run, or one on molecules or conditions.
    """
    workflow = workflow_of(config)
    if not isinstance(workflow, MaterialsWorkflow):
        raise ConfigError(f"The configuration '{config.name}' is for {workflow.domain}, expected one for materials.")
    return workflow


def run_data(config: RunConfig | BaselineConfig) -> RunData:
    """Return the data of a run; errors are those of `split_data`."""
    return materials_workflow(config).data(config)


def top_columns(prefix: str, found: TopK | None) -> Columns:
    """Return the accuracies as columns of an experiment's results, None where there is nothing to measure."""
    from rrgraph.metrics import TOP_K

    return {f"{prefix}_top{k}": found.top[k].value if found and k in found.top else None for k in TOP_K}
