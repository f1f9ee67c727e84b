"""The workflow on molecules: runs of template models, compared by the ranks of reactants and templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from rrgraph.errors import check_choice
from rrgraph.metrics import RowRanks, TopK
from rrgraph.organic import FREQUENCY_BINS, SPLITS, TEMPLATE_FORMAT, count_reactions, frequency_bin
from rrgraph.organic.run import (
    BY_TEMPLATE,
    RANKS,
    OrganicConfig,
    OrganicResult,
    check_organic_config,
    organic_run,
)
from rrgraph.runs.materials import top_columns
from rrgraph.runs.workflow import Columns, Workflow
from rrgraph.util.config import MODEL

__all__ = ["MOLECULE_RUNS"]

_RARE: Final = 5
"""Training rows of a template up to which it is called rare."""


class _MoleculeRuns(Workflow[OrganicConfig]):
    """Products and templates; protocols are `reactants`, `by_template` and `template`, see `RANKS`."""

    schema = OrganicConfig
    model_format = TEMPLATE_FORMAT
    domain = "molecules"
    splits = SPLITS
    searches = False
    rows = "data.table and data.rows"

    def recognises(self, given: Mapping[Any, Any]) -> bool:
        return "domain" in given

    def check(self, config: OrganicConfig) -> None:
        check_organic_config(config)

    def run(
        self,
        config: OrganicConfig,
        *,
        resume: bool = False,
        jobs: int | None = None,
        on_data: Callable[[Any], None] | None = None,
        on_epoch: Callable[[Mapping[str, float]], None] | None = None,
        data: Any = None,
        donor: Path | None = None,
    ) -> OrganicResult:
        return organic_run(config, resume=resume, jobs=jobs, on_data=on_data)

    def check_protocol(self, name: str) -> None:
        check_choice("protocols", name, RANKS)

    def measuring(self, config: OrganicConfig, *, subset: str, protocols: Sequence[str], split: str) -> OrganicConfig:
        config = replace(config, data=replace(config.data, split=split))
        return replace(config, evaluation=replace(config.evaluation, subsets=[subset], rows=0, popularity=False))

    def rows_key(self, config: OrganicConfig) -> object:
        return config.data.table, config.data.rows

    def tables(self, config: OrganicConfig) -> list[str]:
        return [config.data.table]

    def count_rows(self, table: str) -> int:
        return count_reactions(table)

    def columns(self, measured: Mapping[str, Any]) -> Columns:
        plain = measured.get(BY_TEMPLATE, measured[MODEL])
        given = (measured[MODEL]["reactants"], plain["reactants"], measured[MODEL]["templates"])
        found: Columns = {"rows": given[0]["rows"]}
        for name, values in zip(RANKS, given, strict=True):
            found |= top_columns(name, TopK.from_dict(values))
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


MOLECULE_RUNS = _MoleculeRuns()
