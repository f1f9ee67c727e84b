"""What a study optimises: measurements of validation rows. Test rows are never looked at."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from rrgraph.data import TEST
from rrgraph.errors import StudyError, suggestion
from rrgraph.evaluation import PROTOCOLS
from rrgraph.metrics import find_metric
from rrgraph.planning import planner_for
from rrgraph.runs import (
    RunConfig,
    RunData,
    TunedConfig,
    TunedWorkflow,
    candidate_pool,
    materials_workflow,
    tuned_workflow,
)

__all__ = ["PLANNING_TIME", "Objective", "measured_protocols", "planning_time", "read_objectives", "shown"]

PLANNING_TIME: Final = "planning_ms"
"""Time to plan one target, in milliseconds."""

_TARGETS: Final = 100
"""Validation targets whose planning is timed, drawn once."""

_REPEATS: Final = 3
"""The best of several times counts, since other work disturbs them."""


@dataclass(frozen=True)
class Objective:
    """A number that a study makes as large or as small as it can.

    Attributes:
        name: `<protocol>.<metric>` on validation rows, such as `open.top_1`, or `planning_ms`.
        direction: whether larger or smaller is better.
    """

    name: str
    direction: Literal["maximize", "minimize"]

    @property
    def protocol(self) -> str:
        """The evaluation protocol of a metric."""
        return self.name.partition(".")[0]

    @property
    def metric(self) -> str:
        """The metric as training reports it, such as `top_1`."""
        return self.name.partition(".")[2]

    def value(self, values: Mapping[str, float]) -> float:
        """Return the metric among those that a run measured under its protocol.

        Raises:
            StudyError: it is not defined for the validation rows.
        """
        if self.metric not in values:
            raise StudyError(f"The objective '{self.name}' is not defined for the validation rows.")
        return values[self.metric]


def read_objectives(names: Sequence[str], workflow: TunedWorkflow[Any] | None = None) -> tuple[Objective, ...]:
    """Return the objectives that names stand for; the first one is a metric.

    Args:
        names: of the objectives.
        workflow: that knows them, by default that of link models.

    Raises:
        StudyError: a name is unknown, asks for test rows, or stands twice, or the first is not a metric.
    """
    workflow = workflow or tuned_workflow(RunConfig())
    known = [f"{protocol}.{metric}" for protocol in workflow.protocols for metric in workflow.metrics]
    known += [PLANNING_TIME] * workflow.plans
    found: list[Objective] = []
    for name in names:
        plain = name.removeprefix("validation.")
        if plain.split(".")[0].startswith(TEST.word):
            raise StudyError(
                f"The objective '{name}' asks for test rows, but settings may be chosen on validation rows alone: "
                f"expected some of {', '.join(known)}."
            )
        protocol, _, metric = plain.partition(".")
        if plain not in known and not (protocol in workflow.protocols and metric in workflow.metrics):
            raise StudyError(
                f"Unknown objective '{name}', expected some of {', '.join(known)}.{suggestion(plain, known)}"
            )
        found.append(Objective(plain, "minimize" if plain == PLANNING_TIME else _direction(plain)))
    if not found or found[0].name == PLANNING_TIME or len(set(found)) < len(found):
        raise StudyError(f"The objectives are {', '.join(names) or 'none'}, expected a metric first and each one once.")
    return tuple(found)


def measured_protocols(objectives: Sequence[Objective]) -> list[str]:
    """Return the protocols under which a trial is measured."""
    return list(dict.fromkeys(each.protocol for each in objectives if each.name != PLANNING_TIME))


def shown(objective: Objective, value: float) -> str:
    """Return a value for people: a share in %, a time in milliseconds."""
    if objective.name == PLANNING_TIME:
        return f"{value:.1f} ms"
    return f"{100 * value:.1f} %" if find_metric(objective.metric).high == 1 else f"{value:.3f}"


def _direction(name: str) -> Literal["maximize", "minimize"]:
    return find_metric(name.partition(".")[2]).direction


def planning_time(config: TunedConfig, data: RunData) -> float:
    """Return the milliseconds that a finished run takes to plan one target under the rules of protocol `open`.

    The mean over 100 validation rows, the best of three passes. A baseline, which keeps no model, is fitted again.
    """
    rows = data.split.validation
    chosen = np.sort(np.random.default_rng(0).permutation(len(rows))[:_TARGETS])
    targets = [rows.targets[row] for row in chosen]
    system, mode = materials_workflow(config).ranker(config, data)
    rules = PROTOCOLS["open"]
    planner = planner_for(
        system, candidate_pool(data.known, rows), rules.constraints(), mode=mode, max_candidates=rules.max_candidates
    )
    best = np.inf
    for _ in range(_REPEATS):
        started = time.perf_counter()
        planner.plan(targets)
        best = min(best, time.perf_counter() - started)
    return 1e3 * best / len(targets)
