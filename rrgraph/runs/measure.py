"""Measuring a model beside the baselines: link scorers and the data of a run flow in, metrics flow out."""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import replace

from rrgraph.baselines import BASELINES
from rrgraph.chem import Composition
from rrgraph.data import ReactionTable
from rrgraph.evaluation import GROUPINGS, PROTOCOLS, Metrics, Protocol, evaluate_planner, stratify, with_leads
from rrgraph.planning import LISTWISE, LinkScorer, SetProposer, told_mode
from rrgraph.runs.config import MODEL, EvaluationConfig
from rrgraph.runs.prepare import Prepared, candidate_pool

__all__ = ["Comparison", "measure", "measure_systems", "set_mode"]

Comparison = dict[str, dict[str, dict[str, Metrics]]]
"""Metrics by part (`validation`, `test`), protocol and system (`model` and the baselines)."""


def set_mode(protocol: str, mode: str) -> str:
    """Return what sets are ranked by under a protocol."""
    return told_mode(mode) if PROTOCOLS[protocol].set_size == "told" else mode


def measure(model: LinkScorer, prepared: Prepared, config: EvaluationConfig) -> Comparison:
    """Measure a model and the configured baselines on the configured parts and protocols."""
    systems: dict[str, LinkScorer | SetProposer] = {MODEL: model}
    systems |= {name: BASELINES[name]().fit(prepared.split.train, prepared.split) for name in config.baselines}
    seen = {precursor.key for precursor in prepared.seen}
    comparison: Comparison = {}
    for part in config.parts:
        table = getattr(prepared.split, part)
        if not len(table):
            continue
        pool = candidate_pool(prepared.graph.precursors, table)
        comparison[part] = {
            protocol: measure_systems(
                systems,
                pool,
                table,
                PROTOCOLS[protocol],
                mode=set_mode(protocol, config.mode),
                train_precursors=seen,
                train_systems=prepared.systems,
                by=tuple(GROUPINGS),
            )
            for protocol in config.protocols
        }
    return comparison


def measure_systems(
    systems: Mapping[str, LinkScorer | SetProposer],
    pool: Sequence[Composition],
    table: ReactionTable,
    protocol: Protocol,
    *,
    mode: str,
    train_precursors: Container[str],
    train_systems: Collection[str] | None = None,
    by: Sequence[str] = (),
    predictions: str | os.PathLike[str] | None = None,
) -> dict[str, Metrics]:
    """Measure several systems on the same rows, with accuracy by kind of row and the model's lead over the others.

    Args:
        systems: scorers of links and proposers of sets by name; `MODEL` is among them.
        pool: candidate precursors.
        table: the recorded reactions.
        protocol: the rules.
        mode: what sets are ranked by; systems without a second stage rank by the product in place of `listwise`.
        train_precursors: canonical keys of the precursors seen in training.
        train_systems: element systems of the training targets, for the grouping `distance`.
        by: groupings of the rows, see `stratify`.
        predictions: file for the ranked sets of the model.
    """
    measured = {}
    for name, system in systems.items():
        metrics = evaluate_planner(
            system,
            pool,
            table,
            protocol,
            mode=mode if name == MODEL or mode != LISTWISE else "product",
            train_precursors=train_precursors,
            predictions=predictions if name == MODEL else None,
        )
        assert metrics.rows is not None
        measured[name] = replace(metrics, strata=stratify(metrics.rows, table, by, systems=train_systems))
    return with_leads(measured, MODEL)
