"""What the runs of an experiment are about: a configuration flows in, all that depends on its kind flows out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import numpy as np

from rrgraph.data import SPLITS, load_table
from rrgraph.errors import check_choice
from rrgraph.evaluation import Metrics, read_protocol
from rrgraph.metrics import TOP_K, RowRanks, TopK
from rrgraph.organic import FREQUENCY_BINS, count_reactions, frequency_bin
from rrgraph.organic.run import BY_TEMPLATE, ORGANIC, RANKS, OrganicConfig, check_organic_config, organic_run
from rrgraph.runs import BaselineConfig, RunConfig, carry_out, check_run, load_run
from rrgraph.util.config import MODEL, domain_of, load_config

__all__ = ["AnyConfig", "Kind", "kind_of", "load_any"]

AnyConfig = RunConfig | BaselineConfig | OrganicConfig

C = TypeVar("C", bound=AnyConfig)

Values = dict[str, int | float | None]
"""Columns of a row of results."""

_RARE: Final = 5
"""Training rows of a template up to which it is called rare."""


class Kind(ABC, Generic[C]):
    """What runs of one kind can be asked.

    Attributes:
        splits: that they know.
        searches: whether they search precursor sets, whose cost an experiment may measure.
        rows: the keys of the configuration that must agree for two runs to be measured on the same rows.
    """

    splits: Collection[str]
    searches: bool
    rows: str

    @abstractmethod
    def check(self, config: C) -> None:
        """Refuse a configuration that names something unknown or has a value out of range by a `ConfigError`."""

    @abstractmethod
    def check_protocol(self, name: str) -> None:
        """Refuse a protocol that runs of this kind do not know by a `ConfigError`."""

    @abstractmethod
    def prepared(self, config: C, *, part: str, protocols: Sequence[str], split: str) -> C:
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
    def carry_out(self, config: C, *, jobs: int) -> Collection[str]:
        """Carry out a run, or go on with it; return the parts that it has measured.

        Args:
            config: of the run.
            jobs: processes that it may start.
        """

    @abstractmethod
    def accuracies(self, measured: Mapping[str, Any]) -> Values:
        """Return what `metrics.json` says of a part: `rows`, their number, and accuracies."""

    @abstractmethod
    def outcomes(
        self, split: str, ranks: Mapping[str, Any], protocols: Sequence[str]
    ) -> dict[str, dict[str, RowRanks]]:
        """Return what `ranks.json` says of a part, by panel and protocol.

        The panel of all rows has the name of the split; some rows have further panels for themselves.
        """


class _Reactions(Kind[RunConfig | BaselineConfig]):
    """Targets and precursors: link models and baselines."""

    splits = SPLITS
    searches = True
    rows = "all of data but data.pool"

    def check(self, config: RunConfig | BaselineConfig) -> None:
        check_run(config)

    def check_protocol(self, name: str) -> None:
        read_protocol(name)

    def prepared(
        self, config: RunConfig | BaselineConfig, *, part: str, protocols: Sequence[str], split: str
    ) -> RunConfig | BaselineConfig:
        data, parts, named = replace(config.data, split=split), [part], list(protocols)
        if isinstance(config, BaselineConfig):
            return replace(config, data=data, evaluation=replace(config.evaluation, parts=parts, protocols=named))
        evaluation = replace(config.evaluation, parts=parts, protocols=named, baselines=[], card_from=[])
        return replace(config, data=data, evaluation=evaluation)

    def rows_key(self, config: RunConfig | BaselineConfig) -> object:
        return replace(config.data, pool=None, split="")

    def tables(self, config: RunConfig | BaselineConfig) -> list[str]:
        return [name for name in (config.data.table, config.data.holdout) if name]

    def count_rows(self, table: str) -> int:
        return len(load_table(table))

    def pools(self, config: RunConfig | BaselineConfig) -> list[str]:
        return [config.data.pool] if config.data.pool else []

    def carry_out(self, config: RunConfig | BaselineConfig, *, jobs: int) -> Collection[str]:
        return carry_out(config, resume=True).comparison

    def accuracies(self, measured: Mapping[str, Any]) -> Values:
        protocols = {name: Metrics.from_dict(systems[MODEL]) for name, systems in measured.items()}
        found: Values = {"rows": next(iter(protocols.values())).overall.rows}
        for name, metrics in protocols.items():
            found |= _shares(name, metrics.overall) | _shares(f"{name}_unseen", metrics.unseen)
            found[f"{name}_ece"] = metrics.calibration.ece_width if metrics.calibration else None
        return found

    def outcomes(
        self, split: str, ranks: Mapping[str, Any], protocols: Sequence[str]
    ) -> dict[str, dict[str, RowRanks]]:
        return {split: {name: RowRanks.from_dict(ranks[name]) for name in protocols}}


class _Molecules(Kind[OrganicConfig]):
    """Products and templates; protocols are `reactants`, `by_template` and `template`, see `RANKS`."""

    # A column of their table divides it.
    splits = ("column",)
    searches = False
    rows = "data.table and data.rows"

    def check(self, config: OrganicConfig) -> None:
        check_organic_config(config)

    def check_protocol(self, name: str) -> None:
        check_choice("protocols", name, RANKS)

    def prepared(self, config: OrganicConfig, *, part: str, protocols: Sequence[str], split: str) -> OrganicConfig:
        return replace(config, evaluation=replace(config.evaluation, parts=[part], rows=0, popularity=False))

    def rows_key(self, config: OrganicConfig) -> object:
        return config.data.table, config.data.rows

    def tables(self, config: OrganicConfig) -> list[str]:
        return [config.data.table]

    def count_rows(self, table: str) -> int:
        return count_reactions(table)

    def carry_out(self, config: OrganicConfig, *, jobs: int) -> Collection[str]:
        return organic_run(config, resume=True, jobs=jobs).comparison

    def accuracies(self, measured: Mapping[str, Any]) -> Values:
        plain = measured.get(BY_TEMPLATE, measured[MODEL])
        given = (measured[MODEL]["reactants"], plain["reactants"], measured[MODEL]["templates"])
        found: Values = {"rows": given[0]["rows"]}
        for name, values in zip(RANKS, given, strict=True):
            found |= _shares(name, TopK.from_dict(values))
        return found

    def outcomes(
        self, split: str, ranks: Mapping[str, Any], protocols: Sequence[str]
    ) -> dict[str, dict[str, RowRanks]]:
        whole = {name: RowRanks.from_dict(ranks[name]) for name in protocols}
        counts = np.array(ranks["training_rows"])
        bins = np.array([frequency_bin(count) for count in counts.tolist()])
        masks = {f"at most {_RARE}": counts <= _RARE, **{name: bins == name for name in FREQUENCY_BINS}}
        return {split: whole} | {
            f"{split} (templates with {name} training rows)": {
                protocol: rows.select(keep) for protocol, rows in whole.items()
            }
            for name, keep in masks.items()
        }


def _shares(prefix: str, found: TopK | None) -> Values:
    return {f"{prefix}_top{k}": found.top[k].value if found and k in found.top else None for k in TOP_K}


_REACTIONS, _MOLECULES = _Reactions(), _Molecules()


def kind_of(config: AnyConfig) -> Kind[Any]:
    """Return the kind of a run."""
    return _MOLECULES if isinstance(config, OrganicConfig) else _REACTIONS


def load_any(path: str | Path, overrides: Sequence[str] = ()) -> AnyConfig:
    """Read the configuration of a run of any kind.

    Args and errors are those of `load_config`.
    """
    if domain_of(path) == ORGANIC:
        return load_config(path, overrides, schema=OrganicConfig)
    return load_run(path, overrides)
