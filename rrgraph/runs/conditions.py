"""The workflow on conditions: runs that predict temperatures, times, atmospheres and firings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rrgraph.conditions import (
    CONDITION_SPLITS,
    CONDITIONS,
    CONDITIONS_FORMAT,
    ConditionsConfig,
    ConditionSplit,
    check_conditions_config,
    load_conditions,
    split_conditions,
)
from rrgraph.conditions.run import ConditionsResult, conditions_run
from rrgraph.errors import check_choice
from rrgraph.metrics import REPORTED, RowRanks
from rrgraph.models import load_encoder
from rrgraph.runs.workflow import Columns, TunedWorkflow
from rrgraph.util.config import MODEL

__all__ = ["CONDITION_RUNS"]

_SHORT = {"sintering": "last sintering", "calcination": "last calcination", "highest": "highest", "temperature": "all"}
"""Prefixes of metrics, and the label whose temperatures they are about."""


class _ConditionRuns(TunedWorkflow[ConditionsConfig]):
    """Conditions; the one protocol is `conditions`, by which a row is met whose temperature is within 50 °C."""

    objective = f"{CONDITIONS}.temperature_mae"
    protocols = (CONDITIONS,)
    metrics = tuple(REPORTED)
    schema = ConditionsConfig
    model_format = CONDITIONS_FORMAT
    domain = "conditions"
    splits = CONDITION_SPLITS
    searches = False
    rows = "data.table, data.further_tables, data.holdout and data.holdout_systems"

    def recognises(self, given: Mapping[Any, Any]) -> bool:
        return str(given.get("domain")) == CONDITIONS or getattr(given.get("domain"), "text", "") == CONDITIONS

    def check(self, config: ConditionsConfig) -> None:
        check_conditions_config(config)

    def run(
        self,
        config: ConditionsConfig,
        *,
        resume: bool = False,
        jobs: int | None = None,
        on_data: Callable[[Any], None] | None = None,
        on_epoch: Callable[[Mapping[str, float]], None] | None = None,
        data: Any = None,
        donor: Path | None = None,
    ) -> ConditionsResult:
        return conditions_run(config, load_encoder=load_encoder, resume=resume, on_data=on_data, split=data)

    def data(self, config: ConditionsConfig) -> ConditionSplit:
        return split_conditions(seed=config.seed, **asdict(config.data))

    def unpruned(self, config: ConditionsConfig) -> str:
        return "a model of conditions is learned as a whole and reports no epochs"

    def measured_on(
        self, config: ConditionsConfig, *, subset: str, protocols: Sequence[str], metrics: Sequence[str] = ()
    ) -> ConditionsConfig:
        return replace(config, evaluation=replace(config.evaluation, subsets=[subset]))

    def measured(self, comparison: Mapping[str, Any], *, subset: str, protocol: str) -> Mapping[str, float]:
        return self.values(comparison[subset], [protocol])[protocol]

    def check_protocol(self, name: str) -> None:
        check_choice("protocols", name, (CONDITIONS,))

    def measuring(
        self, config: ConditionsConfig, *, subset: str, protocols: Sequence[str], split: str
    ) -> ConditionsConfig:
        config = replace(config, data=replace(config.data, split=split))
        return self.measured_on(config, subset=subset, protocols=protocols)

    def rows_key(self, config: ConditionsConfig) -> object:
        data = config.data
        return data.table, tuple(data.further_tables), data.holdout, data.holdout_systems

    def tables(self, config: ConditionsConfig) -> list[str]:
        data = config.data
        return [name for name in (data.table, *data.further_tables, data.holdout) if name]

    def count_rows(self, table: str) -> int:
        return len(load_conditions(table)[0])

    def columns(self, measured: Mapping[str, Any]) -> Columns:
        found = measured[MODEL]["temperature"]["all"]
        shares = [name for name in found if name.startswith(("within", "coverage"))]
        return {"rows": found["rows"], **{name: found[name] for name in shares}}

    def values(self, measured: Mapping[str, Any], protocols: Sequence[str]) -> dict[str, Mapping[str, float]]:
        report = measured[MODEL]
        values: dict[str, float] = {}
        for prefix, label in _SHORT.items():
            for suffix, name in (
                ("", label),
                ("_single", f"{label}, single-valued"),
                ("_known_atmosphere", f"{label}, known atmosphere"),
            ):
                if found := report["temperature"].get(name):
                    values[f"{prefix}{suffix}_mae"] = found["mae"]
            if label != "all" and (found := report["temperature"].get(label)):
                values |= _coverage(found, f"{prefix}_")
        whole = report["temperature"]["all"]
        values |= {"temperature_median": whole["median"], "temperature_r2": whole["r2"]}
        values |= _coverage(whole, "") | {
            name.replace("%", ""): each for name, each in whole.items() if name.startswith("width")
        }
        if report["time"]:
            values["time_mae"] = report["time"]["all"]["mae"]
            values |= _coverage(report["time"]["all"], "time_")
        for quantity in ("atmosphere", "firings"):
            for name in ("accuracy", "macro_f1", "ece"):
                if quantity in report:
                    values[f"{quantity}_{name}"] = report[quantity][name]
        return dict.fromkeys(protocols, values)

    def outcomes(
        self, split: str, ranks: Mapping[str, Any], protocols: Sequence[str]
    ) -> dict[str, dict[str, RowRanks]]:
        return {split: {name: RowRanks.from_dict(ranks[name]) for name in protocols}}


def _coverage(found: Mapping[str, float], prefix: str) -> dict[str, float]:
    """Return the shares of values that intervals hold."""
    return {f"{prefix}{name.replace('%', '')}": each for name, each in found.items() if name.startswith("coverage")}


CONDITION_RUNS = _ConditionRuns()
