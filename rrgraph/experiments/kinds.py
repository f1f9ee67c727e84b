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
from rrgraph.evaluation import TOP_K, Metrics, RowRanks, TopK, read_protocol
from rrgraph.organic import FREQUENCY_BINS, count_reactions, frequency_bin
from rrgraph.runs import BaselineConfig, RunConfig, carry_out, check_run, domain_of, load_config, load_run
from rrgraph.runs.config import MODEL
from rrgraph.runs.organic import RANKS, organic_run
from rrgraph.runs.organic_config import ORGANIC, OrganicConfig, check_organic_config

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
    """

    splits: Collection[str]

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
    def count(self, table: str) -> int:
        """Return the rows of a table.

        Raises:
            DataError: it cannot be read.
        """

    def pools(self, config: C) -> list[str]:
        """Return the files of candidates that a run reads."""
        return []

    @abstractmethod
    def carry_out(self, config: C) -> Collection[str]:
        """Carry out a run, or go on with it; return the parts that it has measured."""

    @abstractmethod
    def values(self, measured: Mapping[str, Any]) -> Values:
        """Return what `metrics.json` says of a part: `rows`, their number, and accuracies."""

    @abstractmethod
    def panels(self, split: str) -> list[str]:
        """Return the names of the rows of a split that have a panel for themselves, all rows first."""

    @abstractmethod
    def outcomes(self, ranks: Mapping[str, Any], protocols: Sequence[str]) -> list[dict[str, RowRanks]]:
        """Return what `ranks.json` says of a part by protocol, for the rows of each of `panels`."""


class _Reactions(Kind[RunConfig | BaselineConfig]):
    """Targets and precursors: link models and baselines."""

    splits = SPLITS

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

    def count(self, table: str) -> int:
        return len(load_table(table))

    def pools(self, config: RunConfig | BaselineConfig) -> list[str]:
        return [config.data.pool] if config.data.pool else []

    def carry_out(self, config: RunConfig | BaselineConfig) -> Collection[str]:
        return carry_out(config, resume=True).comparison

    def values(self, measured: Mapping[str, Any]) -> Values:
        protocols = {name: Metrics.from_dict(systems[MODEL]) for name, systems in measured.items()}
        found: Values = {"rows": next(iter(protocols.values())).overall.rows}
        for name, metrics in protocols.items():
            found |= _shares(name, metrics.overall) | _shares(f"{name}_unseen", metrics.unseen)
            found[f"{name}_ece"] = metrics.calibration.ece_width if metrics.calibration else None
        return found

    def panels(self, split: str) -> list[str]:
        return [split]

    def outcomes(self, ranks: Mapping[str, Any], protocols: Sequence[str]) -> list[dict[str, RowRanks]]:
        return [{name: RowRanks.from_dict(ranks[name]) for name in protocols}]


class _Molecules(Kind[OrganicConfig]):
    """Products and templates; protocols are `reactants`, `by_template` and `template`, see `RANKS`."""

    # A column of their table divides it.
    splits = ("column",)

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

    def count(self, table: str) -> int:
        return count_reactions(table)

    def carry_out(self, config: OrganicConfig) -> Collection[str]:
        return organic_run(config, resume=True).comparison

    def values(self, measured: Mapping[str, Any]) -> Values:
        reactants, template = (TopK.from_dict(measured[MODEL][name]) for name in ("reactants", "templates"))
        return {"rows": reactants.rows, **_shares("reactants", reactants), **_shares("template", template)}

    def panels(self, split: str) -> list[str]:
        bins = [f"at most {_RARE}", *FREQUENCY_BINS]
        return [split, *(f"{split}, training rows of the template: {name}" for name in bins)]

    def outcomes(self, ranks: Mapping[str, Any], protocols: Sequence[str]) -> list[dict[str, RowRanks]]:
        whole = {name: RowRanks.from_dict(ranks[name]) for name in protocols}
        counts = ranks["training_rows"]
        masks = [[count <= _RARE for count in counts]]
        masks += [[frequency_bin(count) == name for count in counts] for name in FREQUENCY_BINS]
        return [
            whole,
            *({name: rows.select(np.array(keep, dtype=bool)) for name, rows in whole.items()} for keep in masks),
        ]


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
