"""What a process of a screening does: it plans the rows of a shard, or some of them, and returns a table.

A row that cannot be planned is rejected with the reason and leaves the others alone. The digits of an answer depend on
what is planned with it, so batches are the same however the work is spread.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa

from rrgraph.chem import Composition, FormulaWarning, as_atmosphere, element_system, parse_formula
from rrgraph.errors import FormulaError, RRGraphError, reason_of, shortened
from rrgraph.evaluation import system_distances
from rrgraph.models import Model, condition_source, energy_source, load_model
from rrgraph.planning import Conditions, ConditionSource, EnergySource, SetConstraints, SynthesisPlan
from rrgraph.screening.columns import SCHEMA, Shelf, answer_row
from rrgraph.screening.settings import ScreeningSettings

__all__ = ["BATCH_ROWS", "Answers", "InputRow", "Job", "Reject", "Task", "answer", "check"]

BATCH_ROWS: Final = 250
"""Rows that are planned together; equal formulas among them are planned once."""

_MEMORY: Final = 800_000_000
"""Bytes that a process may take, what it keeps for later targets included."""
_GROWTH: Final = 1.2
"""How many times its first size a process may take even if that is more."""
_LONGEST: Final = 300
"""Characters of a rejected text that are kept."""


class InputRow(NamedTuple):
    """A row of the input: its line, and the text of its target."""

    line: int
    text: str


class Reject(NamedTuple):
    """A row that was rejected: its line, its text, and why."""

    line: int
    text: str
    reason: str

    @classmethod
    def of(cls, row: InputRow, reason: str) -> Reject:
        """Return the rejected row, its text shortened."""
        return cls(row.line, shortened(row.text, most=_LONGEST), shortened(reason, most=2 * _LONGEST))


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is the same for all tasks of a screening.

    Attributes:
        key: of this call; equal keys mean equal jobs.
        settings: what is asked.
        constraints: which sets are valid.
        shelf: what is at hand.
    """

    key: str
    settings: ScreeningSettings
    constraints: SetConstraints = field(repr=False)
    shelf: Shelf = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Task:
    """Rows of a shard that one process works on.

    Attributes:
        shard: number of the shard.
        rows: all of its rows, those of one batch, or one.
        tries: how often a process died of them.
    """

    shard: int
    rows: tuple[InputRow, ...]
    tries: int = 0


@dataclass(frozen=True)
class Answers:
    """What came of a task.

    Attributes:
        shard: number of the shard.
        rows: how many of its rows.
        table: the answers, of `SCHEMA`.
        rejects: the rows without one.
        is_large: whether the process has grown so much that another one should take its place.
    """

    shard: int
    rows: int
    table: pa.Table
    rejects: list[Reject]
    is_large: bool = False


class _Planner:
    """Plans rows, with the model and what it keeps between tasks."""

    def __init__(self, job: Job) -> None:
        import torch

        # The last digits of a product depend on how many threads share it.
        torch.set_num_threads(1)
        self.job = job
        self.model: Model = load_model(job.settings.model, device=job.settings.device)
        self.energies: EnergySource | None = energy_source(job.settings.energies, temperature=job.settings.temperature)
        fired = job.settings.conditions
        self.fired: ConditionSource | None = condition_source(fired) if fired else None
        self._plans([])  # raises at once what no target can change
        self.most = max(_MEMORY, _GROWTH * _memory())

    def answers(self, task: Task) -> Answers:
        """See `answer`."""
        rows, tables, rejects = task.rows, [], []
        for start in range(0, len(rows), BATCH_ROWS):
            targets = []
            for row in rows[start : start + BATCH_ROWS]:
                try:
                    targets.append((row, _target(row.text)))
                except RRGraphError as error:
                    rejects.append(Reject.of(row, str(error)))
            for found in self._planned(targets):
                if isinstance(found, Reject):
                    rejects.append(found)
                else:
                    tables.append(found)
        table = pa.concat_tables([SCHEMA.empty_table(), *tables])
        return Answers(task.shard, len(rows), table, rejects, is_large=_memory() > self.most)

    def _planned(self, targets: Sequence[tuple[InputRow, Composition]]) -> Iterator[pa.Table | Reject]:
        """Yield the answers to a batch; if there are none, those to each row alone."""
        if not targets:
            return
        try:
            yield self._table(targets)
        except Exception as error:
            if len(targets) == 1:
                reason = (
                    str(error) if isinstance(error, RRGraphError) else f"{type(error).__name__}: {reason_of(error)}"
                )
                yield Reject.of(targets[0][0], reason)
                return
            for each in targets:
                yield from self._planned([each])

    def _table(self, targets: Sequence[tuple[InputRow, Composition]]) -> pa.Table:
        distinct = {row.text: target for row, target in targets}
        plans = dict(zip(distinct, self._plans([*distinct.values()]), strict=True))
        conditions = self._conditions(distinct, plans)
        known = self.model.systems
        systems = [element_system(target) for target in distinct.values()]
        found = system_distances(systems, known).tolist() if known else [None] * len(systems)
        distances = dict(zip(distinct, found, strict=True))
        rows = [
            answer_row(
                row.line,
                row.text,
                target,
                plans[row.text],
                distance=distances[row.text],
                shelf=self.job.shelf,
                conditions=conditions.get(row.text),
            )
            for row, target in targets
        ]
        return pa.Table.from_pylist(rows, schema=SCHEMA)

    def _conditions(
        self, targets: Mapping[str, Composition], plans: Mapping[str, SynthesisPlan]
    ) -> dict[str, Conditions]:
        """Return how the best set of each target is fired, where there is one; all are predicted together."""
        best = {text: plan.best for text, plan in plans.items() if plan.sets}
        if self.fired is None or not best:
            return {}
        asked = [targets[text] for text in best], [found.precursors for found in best.values()]
        found = self.fired.conditions(
            *asked,
            atmosphere=as_atmosphere(self.job.settings.atmosphere),
            byproducts=self.job.constraints.byproducts,
        )
        return dict(zip(best, found, strict=True))

    def _plans(self, targets: Sequence[Composition]) -> list[SynthesisPlan]:
        settings = self.job.settings
        plans: list[SynthesisPlan] = self.model.plan(
            targets,
            top_k=settings.top_k,
            constraints=self.job.constraints,
            candidates=settings.candidates,
            atmosphere=settings.atmosphere,
            energies=self.energies or False,
            literature=False,
        )
        return plans


_LAST: dict[str, _Planner] = {}
"""The planner of the last job of this process, by its key."""


def answer(job: Job, task: Task) -> Answers:
    """Return the answers to a task."""
    return _planner(job).answers(task)


def check(job: Job) -> None:
    """Refuse settings with which no row can be planned, by an `RRGraphError`."""
    _planner(job)


def _planner(job: Job) -> _Planner:
    if job.key not in _LAST:
        _LAST.clear()
        _LAST[job.key] = _Planner(job)
    return _LAST[job.key]


def _target(text: str) -> Composition:
    """Read the target of a row.

    Raises:
        FormulaError: it is no formula.
    """
    if not text:
        raise FormulaError("There is no formula.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormulaWarning)
        return parse_formula(text)


def _memory() -> int:
    """Return the bytes that this process takes, 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
