"""Measures a model beside the baselines, and records metrics and the outcome of each row."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from rrgraph.baselines import make_baseline
from rrgraph.chem import Composition
from rrgraph.data import LearnedReactions, ReactionTable
from rrgraph.evaluation import (
    SUBGROUPINGS,
    Metrics,
    Protocol,
    evaluate_links,
    evaluate_planner,
    new_system_rows,
    read_protocol,
    subgroup_accuracy,
    with_paired_differences,
)
from rrgraph.metrics import RowRanks, measured_links
from rrgraph.planning import LISTWISE, LinkScorer, SetProposer, known_size_mode
from rrgraph.runs.config import MeasuredConfig
from rrgraph.runs.data import RunData, protocol_candidates
from rrgraph.training import keep_tensors, kept_tensors
from rrgraph.util.config import MODEL
from rrgraph.util.files import write_json, write_text

__all__ = ["Comparison", "discard_measured", "measure", "measure_systems", "record_metrics", "set_mode"]

_STATE: Final = "measuring.safetensors"
"""The file in a run folder with what has been measured, until all is."""

Comparison = dict[str, dict[str, dict[str, Metrics]]]
"""Metrics by subset (`validation`, `test`), protocol and system (`MODEL` and the baselines)."""


def set_mode(protocol: str, mode: str) -> str:
    """Return what sets are ranked by under a protocol."""
    return known_size_mode(mode) if read_protocol(protocol).set_size == "known" else mode


def measure(
    system: LinkScorer | SetProposer,
    data: RunData,
    config: MeasuredConfig,
    *,
    mode: str = "product",
    baselines: Sequence[str] = (),
    device: str = "auto",
    folder: Path | None = None,
) -> Comparison:
    """Measure the system of a run on the configured rows, under the configured protocols.

    Args:
        system: a model or a fitted baseline, called `MODEL` in the result.
        data: of the run.
        config: what is measured.
        mode: what sets are ranked by where their size is unknown.
        baselines: names of comparison systems that are fitted to the same rows and measured beside it.
        device: where they compute.
        folder: of the run, where what has been measured is kept until `record_metrics`, so that an interrupted run need
            not measure it again.
    """
    kept = _Kept(folder)
    systems: dict[str, LinkScorer | SetProposer] = {MODEL: system}
    systems |= {name: make_baseline(name, device=device).fit(data.split.train, data.split) for name in baselines}
    seen = {precursor.key for precursor in data.seen}
    sets = set(data.split.train.set_keys)
    comparison: Comparison = {}
    for subset in config.subsets:
        table = data.split.rows(subset)
        if table is None or not len(table):
            continue
        comparison[subset] = {
            protocol: measure_systems(
                systems,
                protocol_candidates(read_protocol(protocol), data.known, table),
                table,
                read_protocol(protocol),
                mode=set_mode(protocol, mode),
                train_precursors=seen,
                train_sets=sets,
                learned=data.learned,
                known=data.split.train,
                train_systems=data.systems,
                by=tuple(SUBGROUPINGS),
                further=config.metrics,
                kept=partial(kept.metrics, "/".join([subset, protocol, *config.metrics])),
            )
            for protocol in config.protocols
        }
    return comparison


def record_metrics(folder: Path, comparison: Comparison) -> None:
    """Write `ranks.json`, the outcome of each row for the system of the run, and `metrics.json`, which ends a run."""
    outcomes = {
        subset: {
            protocol: rows.to_dict()
            for protocol, systems in protocols.items()
            if (rows := systems[MODEL].rows) is not None
        }
        for subset, protocols in comparison.items()
    }
    metrics = {
        subset: {
            protocol: {system: measured.to_dict() for system, measured in systems.items()}
            for protocol, systems in protocols.items()
        }
        for subset, protocols in comparison.items()
    }
    # Compact: it holds several numbers a row, for programs.
    write_text(folder / "ranks.json", json.dumps(outcomes, ensure_ascii=False, allow_nan=False) + "\n")
    write_json(folder / "metrics.json", metrics)
    discard_measured(folder)


def discard_measured(folder: Path) -> None:
    """Remove what was kept while a run was measured, once `metrics.json` has it."""
    (folder / _STATE).unlink(missing_ok=True)


class _Kept:
    """What an interrupted run has measured, in a file of its folder."""

    def __init__(self, folder: Path | None) -> None:
        self.path = None if folder is None else folder / _STATE
        self.found: dict[str, Any] = {}
        if self.path is not None and self.path.is_file():
            self.found = kept_tensors(self.path)[1]

    def metrics(self, where: str, system: str, measured: Callable[[], Metrics]) -> Metrics:
        """Return the metrics of a system, which a function measures if they are not there."""
        key = f"{where}/{system}"
        if key in self.found:
            values = self.found[key]
            return replace(Metrics.from_dict(values["metrics"]), rows=RowRanks.from_dict(values["rows"]))
        metrics = measured()
        if self.path is not None:
            assert metrics.rows is not None
            self.found[key] = {"metrics": metrics.to_dict(), "rows": metrics.rows.to_dict()}
            keep_tensors(self.path, {}, self.found)
        return metrics


def measure_systems(
    systems: Mapping[str, LinkScorer | SetProposer],
    pool: Sequence[Composition],
    table: ReactionTable,
    protocol: Protocol,
    *,
    mode: str,
    variants: Sequence[LinkScorer] | None = None,
    train_precursors: Container[str],
    train_sets: Container[frozenset[str]] | None = None,
    learned: LearnedReactions | None = None,
    known: ReactionTable | None = None,
    train_systems: Collection[str] | None = None,
    by: Sequence[str] = (),
    further: Sequence[str] = (),
    predictions: str | os.PathLike[str] | None = None,
    kept: Callable[[str, Callable[[], Metrics]], Metrics] = lambda _, measured: measured(),
) -> dict[str, Metrics]:
    """Measure several systems on the same rows, with accuracy by row group and paired differences to the model.

    Args:
        systems: scorers of links and proposers of sets by name; `MODEL` is among them.
        pool: candidate precursors.
        table: the recorded reactions.
        protocol: the rules.
        mode: what sets are ranked by; systems without a re-ranker rank by the product in place of `listwise`.
        variants: what ranks the sets of each row in place of the model.
        train_precursors: canonical keys of the precursors seen in training.
        train_sets: canonical keys of the members of each training set, for the metric `novelty`.
        learned: what the systems learned from, for the metrics on rows that they learned and on new ones.
        known: training rows, whose links are not counted by metrics of links.
        train_systems: element systems of the training targets, for rows of new ones and the grouping `distance`.
        by: groupings of the rows, see `subgroup_accuracy`.
        further: names of metrics beside the usual ones.
        predictions: file for the ranked sets of the model.
        kept: returns the metrics of a system by name, which a function measures if they are not there yet.
    """
    measured = {}
    for name, system in systems.items():
        evaluated = partial(
            evaluate_planner,
            system,
            pool,
            table,
            protocol,
            mode=mode if name == MODEL or mode != LISTWISE else "product",
            variants=variants if name == MODEL else None,
            train_precursors=train_precursors,
            train_sets=train_sets,
            learned=learned,
            further=further,
            predictions=predictions if name == MODEL else None,
        )
        metrics = kept(name, evaluated)
        assert metrics.rows is not None
        rows = replace(metrics.rows, new_system=new_system_rows(table, train_systems))
        values = dict(metrics.values)
        if isinstance(system, LinkScorer):
            links = evaluate_links(system, pool, table, constraints=protocol.constraints(), known=known)
            values |= measured_links(links.scores, further)
        subgroups = subgroup_accuracy(rows, table, by, systems=train_systems)
        measured[name] = replace(metrics, rows=rows, subgroups=subgroups, values=values)
    return with_paired_differences(measured, MODEL)
