"""A run folder as figures read it: files flow in; metrics, the outcome of each row, the data and the model flow out.

What takes long (loading the data, measuring again) happens when it is first asked for, and once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from rrgraph.errors import ConfigError
from rrgraph.evaluation import PROTOCOLS, Metrics, RowRanks, evaluate_planner, stratify
from rrgraph.files import near_file
from rrgraph.runs import candidate_pool, load_predictor, run_split
from rrgraph.runs.config import MODEL
from rrgraph.runs.measure import set_mode

if TYPE_CHECKING:
    from rrgraph.chem import Composition
    from rrgraph.data import ReactionTable, Split
    from rrgraph.model import LinkPredictor

__all__ = ["TrainedRun", "read_json", "read_yaml"]

_STRATA = ("year", "anion_class", "source_elements")


class TrainedRun:
    """A finished run.

    Args:
        folder: the run folder; it needs a `config.yaml`, and `metrics.json` or a model.
        system: what the run's own system is called in its metrics, `MODEL` by default where it is there.

    Raises:
        ConfigError: the folder holds no finished run, or one of its files cannot be read.
    """

    def __init__(self, folder: str | Path, *, system: str | None = None) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise ConfigError(f"There is no run folder '{folder}'.{near_file(folder)}")
        if not (self.folder / "config.yaml").is_file():
            raise ConfigError(f"'{folder}' is not a run folder: it has no config.yaml.")
        self.has_model = (self.folder / "model.json").is_file()
        if not self.has_model and not (self.folder / "metrics.json").is_file():
            raise ConfigError(f"The run in '{folder}' is not finished: it has neither metrics.json nor a model.")
        self.config = read_yaml(self.folder / "config.yaml")
        self._recorded = read_json(self.folder / "metrics.json", missing={})
        self._ranks = read_json(self.folder / "ranks.json", missing={})
        self._system = system
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

    @cached_property
    def predictor(self) -> LinkPredictor:
        """The trained model."""
        return load_predictor(str(self.folder))

    @cached_property
    def data(self) -> Split:
        """The data of the run, divided again."""
        return run_split(self.folder)

    def table(self, part: str) -> ReactionTable:
        """Return the rows of a part of the split."""
        table: ReactionTable = getattr(self.data, part)
        return table

    def pool(self, part: str) -> list[Composition]:
        """Return the candidate precursors that the part is measured with."""
        return candidate_pool(self.predictor.vocabulary, self.table(part))

    def mode(self, protocol: str) -> str:
        """Return what the model's sets are ranked by."""
        return set_mode(protocol, str(self.predictor.checkpoint.metadata.get("score_mode", "product")))

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
        """Return what was measured, or for the run's own model is measured now; None if it cannot be.

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
            self.predictor,
            self.pool(part),
            table,
            PROTOCOLS[protocol],
            mode=self.mode(protocol),
            train_precursors={precursor.key for precursor in self.predictor.seen},
        )
        assert metrics.rows is not None
        return replace(metrics, strata=stratify(metrics.rows, table, _STRATA))


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
