"""Measuring a model beside the baselines: link scorers and the data of a run flow in, metrics flow out."""

from __future__ import annotations

from rrgraph.baselines import BASELINES
from rrgraph.evaluation import PROTOCOLS, Metrics, evaluate_planner
from rrgraph.planning import LinkScorer
from rrgraph.runs.config import EvaluationConfig
from rrgraph.runs.prepare import Prepared, candidate_pool

__all__ = ["Comparison", "measure", "set_mode"]

Comparison = dict[str, dict[str, dict[str, Metrics]]]
"""Metrics by part (`validation`, `test`), protocol and system (`model` and the baselines)."""


def set_mode(protocol: str, mode: str) -> str:
    """Return the set score of a protocol: the product of probabilities (eq. 5) where the size is told."""
    return "product" if PROTOCOLS[protocol].set_size == "told" else mode


def measure(model: LinkScorer, prepared: Prepared, config: EvaluationConfig) -> Comparison:
    """Measure a model and the configured baselines on the configured parts and protocols."""
    systems: dict[str, LinkScorer] = {"model": model}
    systems |= {name: BASELINES[name]().fit(prepared.split.train) for name in config.baselines}
    seen = {precursor.key for precursor in prepared.seen}
    comparison: Comparison = {}
    for part in config.parts:
        table = getattr(prepared.split, part)
        if not len(table):
            continue
        pool = candidate_pool(prepared.graph.precursors, table)
        comparison[part] = {
            protocol: {
                name: evaluate_planner(
                    scorer,
                    pool,
                    table,
                    PROTOCOLS[protocol],
                    mode=set_mode(protocol, config.mode),
                    train_precursors=seen,
                )
                for name, scorer in systems.items()
            }
            for protocol in config.protocols
        }
    return comparison
