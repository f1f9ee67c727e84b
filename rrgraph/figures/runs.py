"""A run folder as figures read it: files flow in; metrics, the outcome of each row, the data and the model flow out.

What takes long (loading the data, fitting a baseline again, measuring again) happens when it is first asked for, and
once.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from rrgraph.baselines import BASELINES, LinkBaseline, SetBaseline
from rrgraph.errors import ConfigError
from rrgraph.evaluation import Metrics, evaluate_planner, read_protocol, subgroup_accuracy
from rrgraph.metrics import RowRanks
from rrgraph.models import load_model
from rrgraph.runs import BaselineConfig, RunConfig, candidate_pool, load_run, read_pool, split_data
from rrgraph.runs.baseline import build_baseline
from rrgraph.runs.measure import set_mode
from rrgraph.util.config import MODEL
from rrgraph.util.files import suggest_file

if TYPE_CHECKING:
    from rrgraph.chem import Composition
    from rrgraph.data import ReactionTable, Split
    from rrgraph.models import Model

__all__ = ["TrainedRun", "read_json", "read_yaml"]

logger = logging.getLogger(__name__)

_STRATA = ("year", "anion_class", "source_elements")


class TrainedRun:
    """A finished run.

    Args:
        folder: the run folder; it needs a `config.yaml`, and `metrics.json` or a model.
        system: what the run's own system is called in its metrics, `MODEL` by default where it is there.
        refit: whether a baseline, which keeps no model, is fitted again when it is asked for.
        splits: data that runs share, divided once; each run loads its own by default.

    Raises:
        ConfigError: the folder holds no finished run, or one of its files cannot be read.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        system: str | None = None,
        refit: bool = True,
        splits: MutableMapping[str, Split] | None = None,
    ) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise ConfigError(f"There is no run folder '{folder}'.{suggest_file(folder)}")
        if not (self.folder / "config.yaml").is_file():
            raise ConfigError(f"'{folder}' is not a run folder: it has no config.yaml.")
        self.embeds = (self.folder / "model.json").is_file()
        """Whether there is a trained model that has embeddings."""
        if not self.embeds and not (self.folder / "metrics.json").is_file():
            raise ConfigError(f"The run in '{folder}' is not finished: it has neither metrics.json nor a model.")
        self.config = read_yaml(self.folder / "config.yaml")
        if "domain" in self.config:
            raise ConfigError(
                f"The run in '{folder}' is about molecules, figures are of runs on materials; see its card.md."
            )
        self._recorded = read_json(self.folder / "metrics.json", missing={})
        self._ranks = read_json(self.folder / "ranks.json", missing={})
        self._system = system
        self._splits = {} if splits is None else splits
        baseline = str(self.config.get("baseline", ""))
        self._baseline = BASELINES[baseline] if refit and baseline in BASELINES else None
        self._again: dict[tuple[str, str], Metrics | None] = {}

    @property
    def name(self) -> str:
        """Name of the run's configuration."""
        return str(self.config.get("name") or self.folder.resolve().name)

    @property
    def split(self) -> str:
        """Name of the split it was trained and measured on."""
        data = self.config.get("data")
        return str(data.get("split", "")) if isinstance(data, Mapping) else str(self.config.get("split", ""))

    @property
    def has_model(self) -> bool:
        """Whether there is a system that can be asked anew: a trained model, or a baseline that is fitted again."""
        return self.embeds or self._baseline is not None

    @property
    def gives_links(self) -> bool:
        """Whether that system gives probabilities of links; one that proposes whole sets does not."""
        return self.embeds or (self._baseline is not None and issubclass(self._baseline, LinkBaseline))

    @cached_property
    def model(self) -> Model | LinkBaseline | SetBaseline:
        """The trained model, or the baseline fitted again to the same rows with the same seed."""
        return self.predictor if self.embeds else self._fitted()

    @property
    def links(self) -> Model | LinkBaseline:
        """The same, of a run that gives links."""
        model = self.model
        assert not isinstance(model, SetBaseline)
        return model

    @cached_property
    def predictor(self) -> Model:
        """The trained model of a run that kept one."""
        return load_model(str(self.folder))

    @cached_property
    def data(self) -> Split:
        """The data of the run, divided again."""
        config = self._configured
        key = repr((replace(config.data, pool=None), config.seed))
        if key not in self._splits:
            self._splits[key] = split_data(config.data, seed=config.seed)[0]
        return self._splits[key]

    def table(self, part: str) -> ReactionTable:
        """Return the rows of a part of the split."""
        table: ReactionTable = getattr(self.data, part)
        return table

    def pool(self, part: str) -> list[Composition]:
        """Return the candidate precursors that the part is measured with."""
        return candidate_pool(self._vocabulary, self.table(part))

    def mode(self, protocol: str) -> str:
        """Return what the system's sets are ranked by."""
        known = self.predictor.checkpoint.metadata if self.embeds else {}
        return set_mode(protocol, str(known.get("score_mode", "product")))

    @property
    def parts(self) -> list[str]:
        """The parts of the split that were measured."""
        return list(self._recorded or self._ranks)

    def protocols(self, part: str) -> list[str]:
        """Return the protocols that the part was, or can be, measured under."""
        recorded = list(self._recorded.get(part, {}) or self._ranks.get(part, {}))
        return recorded or (["paper", "open"] if self.has_model else [])

    def baselines(self, part: str) -> list[str]:
        """Return the systems that were measured beside the run's own."""
        found = (systems for systems in self._recorded.get(part, {}).values())
        return list(dict.fromkeys(name for systems in found for name in systems if name != self._own(systems)))

    def metrics(self, part: str, protocol: str, *, system: str | None = None) -> Metrics | None:
        """Return what was measured, or for the run's own system is measured now; None if it cannot be.

        Args:
            part: of the split.
            protocol: name of the evaluation protocol.
            system: one of `baselines`; the run's own by default.
        """
        systems = self._recorded.get(part, {}).get(protocol, {})
        recorded = systems.get(system or self._own(systems))
        if recorded is None:
            return None if system else self._measured_again(part, protocol)
        try:
            return Metrics.from_dict(recorded)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"The metrics of the run in '{self.folder}' cannot be read: {error!r}.") from None

    def ranks(self, part: str, protocol: str) -> RowRanks | None:
        """Return the outcome of each row from `ranks.json`, or else measured now; None if it cannot be.

        Raises:
            ConfigError: `ranks.json` cannot be read.
        """
        columns = self._ranks.get(part, {}).get(protocol)
        if columns is None:
            again = self._measured_again(part, protocol)
            return again.rows if again else None
        try:
            return RowRanks.from_dict(columns)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"The ranks of the run in '{self.folder}' cannot be read: {error!r}.") from None

    def _own(self, systems: Mapping[str, Any]) -> str:
        """Return what the run's own system is called among those measured."""
        return next((name for name in (MODEL, self._system) if name in systems), None) or next(iter(systems), MODEL)

    def _measured_again(self, part: str, protocol: str) -> Metrics | None:
        if not self.has_model:
            return None
        if (part, protocol) not in self._again:
            self._again[part, protocol] = self._measure(part, protocol)
        return self._again[part, protocol]

    def _measure(self, part: str, protocol: str) -> Metrics | None:
        table = self.table(part)
        if not len(table):
            return None
        metrics = evaluate_planner(
            self.model,
            self.pool(part),
            table,
            read_protocol(protocol),
            mode=self.mode(protocol),
            train_precursors={precursor.key for precursor in self._seen},
        )
        assert metrics.rows is not None
        return replace(metrics, strata=subgroup_accuracy(metrics.rows, table, _STRATA))

    @cached_property
    def _configured(self) -> RunConfig | BaselineConfig:
        return load_run(self.folder / "config.yaml")

    @cached_property
    def _seen(self) -> Sequence[Composition]:
        """The precursors seen in training."""
        return self.predictor.seen if self.embeds else list(self.data.train.precursors().values())

    @cached_property
    def _vocabulary(self) -> Sequence[Composition]:
        """The candidate precursors that the system knows, those of the pool with them."""
        if self.embeds:
            return self.predictor.vocabulary
        pool = self._configured.data.pool
        return candidate_pool([*self._seen, *(read_pool(pool) if pool else ())])

    def _fitted(self) -> LinkBaseline | SetBaseline:
        config = self._configured
        if self._baseline is None or not isinstance(config, BaselineConfig):
            raise ConfigError(f"The run in '{self.folder}' kept no model.")
        logger.info("Fitting %s on split %s again, since baselines keep no model.", config.baseline, self.split)
        return build_baseline(config).fit(self.data.train, self.data)


def read_json(path: Path, *, missing: Any = None) -> Any:
    """Return the value of a JSON file, or `missing` when there is none.

    Raises:
        ConfigError: it cannot be read.
    """
    if not path.is_file():
        return missing
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"'{path}' is no valid JSON: {error}.") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping of a YAML file.

    Raises:
        ConfigError: it cannot be read or holds no mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"'{path}' is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"'{path}' is not a mapping, expected lines such as 'seed: 0'.")
    return values
