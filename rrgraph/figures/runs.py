"""A run folder as figures use it: metrics, ranks of rows, data and model.

Slow steps (loading the data, refitting a baseline, evaluating again) are done when first needed, and only once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rrgraph.baselines import BASELINES, LinkBaseline, SetBaseline
from rrgraph.errors import ConfigError
from rrgraph.evaluation import Metrics, evaluate_planner, read_protocol, subgroup_accuracy
from rrgraph.metrics import RowRanks
from rrgraph.models import load_model
from rrgraph.nn import check_model
from rrgraph.planning import read_candidates
from rrgraph.runs import BaselineConfig, RunConfig, candidate_pool, load_run, protocol_candidates, split_data
from rrgraph.runs.baseline import build_baseline
from rrgraph.runs.measure import set_mode
from rrgraph.util.config import MODEL, read_plain
from rrgraph.util.files import suggest_file
from rrgraph.util.json_files import read_json, value_errors

if TYPE_CHECKING:
    from rrgraph.chem import Composition
    from rrgraph.data import ReactionTable, Split
    from rrgraph.models import Model

__all__ = ["TrainedRun"]

logger = logging.getLogger(__name__)

_SUBGROUPINGS = ("year", "anion_class", "source_elements")


class TrainedRun:
    """A finished run.

    Args:
        folder: the run folder; it needs a `config.yaml`, and `metrics.json` or a model.
        system: name of the run's own system in its metrics, by default `MODEL` if present.
        refit: whether a baseline, which is not saved, is refitted when it is needed.
        splits: splits shared between runs; by default each run loads its own.

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
        """Whether there is a trained model, which has embeddings."""
        if not self.embeds and not (self.folder / "metrics.json").is_file():
            raise ConfigError(f"The run in '{folder}' is not finished: it has neither metrics.json nor a model.")
        self.config = read_plain(self.folder / "config.yaml")
        if domain := self.config.get("domain"):
            what = "molecules" if domain == "organic" else domain
            raise ConfigError(
                f"The run in '{folder}' is about {what}; figures exist only for runs on materials. See its card.md."
            )
        self._recorded = read_json(self.folder / "metrics.json", error=ConfigError, missing={})
        self._ranks = read_json(self.folder / "ranks.json", error=ConfigError, missing={})
        self._check_records()
        if self.embeds:
            check_model(self.folder)
        self._system = system
        self._splits = {} if splits is None else splits
        baseline = str(self.config.get("baseline", ""))
        self._baseline = BASELINES[baseline] if refit and baseline in BASELINES else None
        self._evaluated: dict[tuple[str, str], Metrics | None] = {}

    def _check_records(self) -> None:
        """Read all metrics and ranks once, so that a damaged run is noticed when it is opened."""
        with value_errors(f"The metrics of the run in '{self.folder}'", ConfigError):
            for protocols in self._recorded.values():
                for systems in protocols.values():
                    for recorded in systems.values():
                        Metrics.from_dict(recorded)
        with value_errors(f"The ranks of the run in '{self.folder}'", ConfigError):
            for protocols in self._ranks.values():
                for columns in protocols.values():
                    RowRanks.from_dict(columns)

    @property
    def name(self) -> str:
        """Name of the run's configuration."""
        return str(self.config.get("name") or self.folder.resolve().name)

    @property
    def split(self) -> str:
        """Name of the split it was trained and evaluated on."""
        data = self.config.get("data")
        return str(data.get("split", "")) if isinstance(data, Mapping) else str(self.config.get("split", ""))

    @property
    def has_model(self) -> bool:
        """Whether there is a trained model, or a baseline that can be refitted."""
        return self.embeds or self._baseline is not None

    @property
    def gives_links(self) -> bool:
        """Whether the system gives link probabilities; baselines that propose whole sets do not."""
        return self.embeds or (self._baseline is not None and issubclass(self._baseline, LinkBaseline))

    @cached_property
    def model(self) -> Model | LinkBaseline | SetBaseline:
        """The trained model, or the baseline refitted to the same rows with the same seed."""
        return self.predictor if self.embeds else self._fitted()

    @property
    def links(self) -> Model | LinkBaseline:
        """The model of a run that gives link probabilities."""
        model = self.model
        assert not isinstance(model, SetBaseline)
        return model

    @cached_property
    def predictor(self) -> Model:
        """The trained model of a run that has one, on the device of the run if that is there."""
        config, folder = self._configured, str(self.folder)
        if isinstance(config, RunConfig):
            with suppress(ConfigError):  # of a device that another machine has
                return load_model(folder, device=config.training.device)
        return load_model(folder)

    @cached_property
    def data(self) -> Split:
        """The data of the run, split again."""
        config = self._configured
        key = repr((replace(config.data, pool=None), config.seed))
        if key not in self._splits:
            self._splits[key] = split_data(config.data, seed=config.seed)[0]
        return self._splits[key]

    def table(self, subset: str) -> ReactionTable:
        """Return the rows of a subset of the split, or of a table that was measured."""
        table = self.data.rows(subset)
        assert table is not None
        return table

    def pool(self, subset: str, protocol: str = "paper") -> Sequence[Composition]:
        """Return the candidate precursors that the subset is evaluated with under a protocol."""
        return protocol_candidates(read_protocol(protocol), self._vocabulary, self.table(subset))

    def mode(self, protocol: str) -> str:
        """Return what sets are ranked by under a protocol."""
        known = self.predictor.checkpoint.metadata if self.embeds else {}
        return set_mode(protocol, str(known.get("score_mode", "product")))

    @property
    def subsets(self) -> list[str]:
        """The subsets of the split that were evaluated."""
        return list(self._recorded or self._ranks)

    def protocols(self, subset: str) -> list[str]:
        """Return the protocols under which the subset was or can be evaluated."""
        recorded = list(self._recorded.get(subset, {}) or self._ranks.get(subset, {}))
        return recorded or (["paper", "open"] if self.has_model else [])

    def baselines(self, subset: str) -> list[str]:
        """Return the baselines evaluated with the run's own system."""
        found = (systems for systems in self._recorded.get(subset, {}).values())
        return list(dict.fromkeys(name for systems in found for name in systems if name != self._own(systems)))

    def metrics(self, subset: str, protocol: str, *, system: str | None = None) -> Metrics | None:
        """Return recorded metrics, or for the run's own system new ones; None if it cannot be evaluated.

        Args:
            subset: part of the split.
            protocol: name of the evaluation protocol.
            system: one of `baselines`; the run's own by default.
        """
        systems = self._recorded.get(subset, {}).get(protocol, {})
        recorded = systems.get(system or self._own(systems))
        if recorded is None:
            return None if system else self._evaluate_once(subset, protocol)
        return Metrics.from_dict(recorded)

    def ranks(self, subset: str, protocol: str) -> RowRanks | None:
        """Return the rank of each row from `ranks.json`, or from a new evaluation; None if there can be none."""
        columns = self._ranks.get(subset, {}).get(protocol)
        if columns is None:
            evaluated = self._evaluate_once(subset, protocol)
            return evaluated.rows if evaluated else None
        return RowRanks.from_dict(columns)

    def _own(self, systems: Mapping[str, Any]) -> str:
        """Return the name of the run's own system among those evaluated."""
        return next((name for name in (MODEL, self._system) if name in systems), None) or next(iter(systems), MODEL)

    def _evaluate_once(self, subset: str, protocol: str) -> Metrics | None:
        if not self.has_model:
            return None
        if (subset, protocol) not in self._evaluated:
            self._evaluated[subset, protocol] = self._evaluate(subset, protocol)
        return self._evaluated[subset, protocol]

    def _evaluate(self, subset: str, protocol: str) -> Metrics | None:
        table = self.table(subset)
        if not len(table):
            return None
        metrics = evaluate_planner(
            self.model,
            self.pool(subset, protocol),
            table,
            read_protocol(protocol),
            mode=self.mode(protocol),
            train_precursors={precursor.key for precursor in self._seen},
        )
        assert metrics.rows is not None
        return replace(metrics, subgroups=subgroup_accuracy(metrics.rows, table, _SUBGROUPINGS))

    @cached_property
    def _configured(self) -> RunConfig | BaselineConfig:
        config: RunConfig | BaselineConfig = load_run(self.folder / "config.yaml", recorded=True)
        return config

    @cached_property
    def _seen(self) -> Sequence[Composition]:
        """The precursors in training rows."""
        return self.predictor.seen if self.embeds else list(self.data.train.precursors().values())

    @cached_property
    def _vocabulary(self) -> Sequence[Composition]:
        """The candidate precursors of the system, including those of the pool."""
        if self.embeds:
            return self.predictor.vocabulary
        pool = self._configured.data.pool
        return candidate_pool([*self._seen, *(read_candidates(pool) if pool else ())])

    def _fitted(self) -> LinkBaseline | SetBaseline:
        config = self._configured
        if self._baseline is None or not isinstance(config, BaselineConfig):
            raise ConfigError(f"The run in '{self.folder}' has no model.")
        logger.info("Refitting %s on split %s, since baselines are not saved.", config.baseline, self.split)
        return build_baseline(config).fit(self.data.train, self.data)
