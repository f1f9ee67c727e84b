"""One interface to every workflow: link models and baselines on materials, template models on molecules, conditions.

What commands, experiments and studies need of a run goes through the `Workflow` of its configuration.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Protocol, TypeAlias, TypeVar

from rrgraph.errors import ConfigError
from rrgraph.models import bundled_models
from rrgraph.nn import model_format
from rrgraph.runs.config import BaselineConfig, RunConfig
from rrgraph.util.config import BaseConfig, config_keys, load_config, read_mapping

if TYPE_CHECKING:
    from rrgraph.conditions import ConditionsConfig
    from rrgraph.metrics import RowRanks
    from rrgraph.organic.run import OrganicConfig

__all__ = [
    "AnyConfig",
    "Columns",
    "RunOutcome",
    "TunedConfig",
    "TunedWorkflow",
    "Workflow",
    "check_run",
    "load_run",
    "run",
    "tuned_workflow",
    "workflow_of",
    "workflow_of_model",
]

AnyConfig: TypeAlias = "RunConfig | BaselineConfig | OrganicConfig | ConditionsConfig"
"""The configuration of a run of any workflow."""

TunedConfig: TypeAlias = "RunConfig | BaselineConfig | ConditionsConfig"
"""The configuration of a run whose settings a study can search."""

C = TypeVar("C", bound=BaseConfig)

_ELSEWHERE: Final = {
    "systems": "rrgraph experiment",
    "parameters": "rrgraph tune --space",
    **dict.fromkeys(("data.built_in", "data.tables", "data.withhold"), "rrgraph pretrain"),
}
"""Keys by which configurations of other commands are recognised."""

Columns = dict[str, int | float | None]
"""Columns of a row of an experiment's results."""


class RunOutcome(Protocol):
    """What every run leaves behind."""

    @property
    def folder(self) -> Path:
        """The run folder."""

    @property
    def comparison(self) -> Mapping[str, Any]:
        """Metrics by subset."""

    def sections(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield titles and metrics by system, to be shown one after the other."""


class Workflow(ABC, Generic[C]):
    """What runs of one workflow can be asked.

    Attributes:
        schema: class of their configurations.
        model_format: format of the models that runs leave, see `rrgraph.nn.model_format`; empty if they leave none.
        domain: `materials`, `molecules` or `conditions`; runs are compared within one.
        splits: that they know.
        searches: whether they search precursor sets, whose cost an experiment may measure.
        rows: the keys of the configuration that must agree for two runs to be measured on the same rows.
    """

    schema: ClassVar[type[Any]]
    domain: ClassVar[str]
    model_format: ClassVar[str]
    splits: Collection[str]
    searches: bool
    rows: str

    @abstractmethod
    def recognises(self, given: Mapping[Any, Any]) -> bool:
        """Whether what a configuration file holds is for this workflow."""

    @abstractmethod
    def check(self, config: C) -> None:
        """Refuse a configuration that names something unknown or has a value out of range by a `ConfigError`."""

    @abstractmethod
    def run(
        self,
        config: C,
        *,
        resume: bool = False,
        jobs: int | None = None,
        on_data: Callable[[Any], None] | None = None,
        on_epoch: Callable[[Mapping[str, float]], None] | None = None,
        data: Any = None,
        donor: Path | None = None,
    ) -> RunOutcome:
        """Train, or fit, and measure.

        Args:
            config: every choice; recorded in the run folder.
            resume: continue an interrupted run; a finished one is only measured again.
            jobs: processes that it may start, where it starts any; one a processor core unless given.
            on_data: called with the data before training starts.
            on_epoch: called with the history's row of each epoch, where there are epochs; what it raises ends the run.
            data: of the run, to save the time of preparing it.
            donor: folder of a finished run with the same `donor_key`, whose part is taken over.

        Raises:
            ConfigError: the configuration or the run folder is refused; nothing has been written then.
        """

    def donor_key(self, config: C) -> object:
        """Return what decides the part of a run that others can take over, None where there is no such part."""
        return None

    @abstractmethod
    def check_protocol(self, name: str) -> None:
        """Refuse a protocol that these runs do not know by a `ConfigError`."""

    @abstractmethod
    def measuring(self, config: C, *, subset: str, protocols: Sequence[str], split: str) -> C:
        """Return a configuration that measures what an experiment compares, and no systems beside its own."""

    @abstractmethod
    def rows_key(self, config: C) -> object:
        """Return what two runs must have in common to be measured on the same rows of a split."""

    @abstractmethod
    def tables(self, config: C) -> list[str]:
        """Return the tables that a run reads."""

    @abstractmethod
    def count_rows(self, table: str) -> int:
        """Return the rows of a table.

        Raises:
            DataError: it cannot be read.
        """

    def pools(self, config: C) -> list[str]:
        """Return the files of candidates that a run reads."""
        return []

    @abstractmethod
    def columns(self, measured: Mapping[str, Any]) -> Columns:
        """Return what `metrics.json` says of a subset: `rows`, their number, and accuracies."""

    def values(self, measured: Mapping[str, Any], protocols: Sequence[str]) -> dict[str, Mapping[str, float]]:
        """Return what `metrics.json` says of a subset: the values of metrics by protocol and name, if it has them."""
        return {}

    @abstractmethod
    def outcomes(
        self, split: str, ranks: Mapping[str, Any], protocols: Sequence[str]
    ) -> dict[str, dict[str, RowRanks]]:
        """Return what `ranks.json` says of a subset, by panel and protocol.

        The panel of all rows has the name of the split; some rows have further panels for themselves.
        """


class TunedWorkflow(Workflow[C]):
    """What a study asks of runs beside that; without epochs, unless a workflow says otherwise.

    Attributes:
        objective: what a study optimises unless another is given, `<protocol>.<metric>`.
        protocols: of objectives.
        metrics: of objectives, by name.
        plans: whether the time to plan a target can be an objective.
    """

    objective: ClassVar[str]
    plans: ClassVar[bool] = False

    @property
    @abstractmethod
    def protocols(self) -> Collection[str]: ...

    @property
    @abstractmethod
    def metrics(self) -> Collection[str]: ...

    @abstractmethod
    def data(self, config: C) -> Any:
        """Return the data of a run, which another with the same `data_key` may take."""

    def data_key(self, config: C) -> tuple[object, ...]:
        """Return what decides the data of a run."""
        return type(config), repr(config.data), config.seed  # type: ignore[attr-defined]

    def sources(self, config: C) -> list[str]:
        """Return the tables and files by whose contents a study is known."""
        return self.tables(config)

    def keys(self, config: C) -> list[str]:
        """Return the keys that a search may set."""
        return config_keys(type(config))

    def epochs(self, config: C) -> int:
        """Return the largest number of epochs that are reported one by one, 1 for what is fitted as a whole."""
        return 1

    @abstractmethod
    def unpruned(self, config: C) -> str:
        """Return why a run cannot be ended early, empty if it can."""

    def last_epoch(self, config: C) -> int:
        """Return the epoch after which nothing but the measurement is left to do, 0 where there is none."""
        return 0

    def useless(self, config: C, key: str, searched: Sequence[str]) -> str:
        """Return why a value of a key has no effect, empty if it has one.

        Args:
            config: what is changed.
            key: what would be changed.
            searched: keys that may have other values than in the configuration.
        """
        return ""

    def pretrained(self, config: C) -> str:
        """Return the pretrained encoder that a model starts from, empty for none."""
        return ""

    def chosen_by(self, config: C, *, protocol: str, metric: str) -> C:
        """Return a configuration whose best epoch is the one with the best metric under a protocol."""
        return config

    @abstractmethod
    def measured_on(self, config: C, *, subset: str, protocols: Sequence[str], metrics: Sequence[str] = ()) -> C:
        """Return a configuration that measures a subset under protocols, and no systems beside its own.

        Args:
            config: what is changed.
            subset: of the split.
            protocols: of its metrics.
            metrics: beside those that are always measured.
        """

    @abstractmethod
    def measured(self, comparison: Mapping[str, Any], *, subset: str, protocol: str) -> Mapping[str, float]:
        """Return the metrics of a run by name, from what it measured."""


def load_run(path: str | Path, overrides: Sequence[str] = (), *, recorded: bool = False) -> Any:
    """Read the configuration of a run of any workflow.

    Args and errors are those of `load_config`; what another command takes is refused by its name.
    """
    given = read_mapping(Path(path))
    for key, command in _ELSEWHERE.items():
        if _holds(given, key):
            raise ConfigError(f"'{path}' is not the configuration of a run: `{command}` takes it.")
    schema = next(each.schema for each in _workflows() if each.recognises(given))
    return load_config(path, overrides, schema=schema, recorded=recorded, given=given)


def _holds(given: Any, key: str) -> bool:
    """Whether nested mappings have a dotted key."""
    for name in key.split("."):
        if not isinstance(given, Mapping) or name not in given:
            return False
        given = given[name]
    return True


def workflow_of(config: C) -> Workflow[C]:
    """Return the workflow of a configuration.

    Raises:
        ConfigError: it is not the configuration of a run.
    """
    for each in _workflows():
        if type(config) is each.schema:
            return each
    raise ConfigError(
        "A run needs a configuration: a file, the name of a built-in one, or a RunConfig, BaselineConfig, "
        f"OrganicConfig or ConditionsConfig, not {type(config).__name__}."
    )


def tuned_workflow(config: TunedConfig) -> TunedWorkflow[Any]:
    """Return the workflow of a configuration whose settings a study can search.

    Raises:
        ConfigError: it is not the configuration of a run, or one on molecules.
    """
    workflow = workflow_of(config)
    if not isinstance(workflow, TunedWorkflow):
        raise ConfigError(
            f"The configuration '{config.name}' is for {workflow.domain}, expected one for materials or conditions."
        )
    return workflow


def workflow_of_model(folder: str) -> Workflow[Any]:
    """Return the workflow of a bundled model, or of the model in a folder; of other folders that of link models."""
    known = {each.model_format: each for each in _workflows() if each.model_format}
    for name, workflow in known.items():
        if folder in bundled_models(name):
            return workflow
    found = model_format(folder) if Path(folder, "model.json").is_file() else ""
    return known.get(found, _workflows()[-1])


def check_run(config: BaseConfig) -> None:
    """Refuse a configuration that names something unknown or has a value out of range.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    workflow_of(config).check(config)


def run(
    config: BaseConfig,
    *,
    resume: bool = False,
    jobs: int | None = None,
    on_data: Callable[[Any], None] | None = None,
    on_epoch: Callable[[Mapping[str, float]], None] | None = None,
    data: Any = None,
) -> Any:
    """Carry out the run of a configuration; arguments and errors are those of `Workflow.run`.

    The result is a `RunResult` for materials, an `OrganicResult` for molecules and a `ConditionsResult` for conditions.
    """
    return workflow_of(config).run(config, resume=resume, jobs=jobs, on_data=on_data, on_epoch=on_epoch, data=data)


def _workflows() -> tuple[Workflow[Any], ...]:
    """Return all workflows; the first one that recognises a file takes it."""
    from rrgraph.runs.conditions import CONDITION_RUNS
    from rrgraph.runs.materials import BASELINE_RUNS, LINK_RUNS
    from rrgraph.runs.molecules import MOLECULE_RUNS

    return CONDITION_RUNS, MOLECULE_RUNS, BASELINE_RUNS, LINK_RUNS
