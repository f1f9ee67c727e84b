"""What pages and API ask the service for, each in the thread of the worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from rrgraph.app.answers import PlanAnswer, describe_plan
from rrgraph.app.molecules import MoleculeQuestion, ProductAnswer, describe_product
from rrgraph.app.questions import Question
from rrgraph.app.service import Planned, Service
from rrgraph.app.worker import Worker
from rrgraph.planning import SynthesisPlan

__all__ = ["Desk"]

T = TypeVar("T")


class Desk:
    """A service and its worker.

    Args:
        service: what answers.
        worker: in whose thread.
    """

    def __init__(self, service: Service, worker: Worker) -> None:
        self.service, self.worker = service, worker

    async def do(self, work: Callable[[], T], *, first: bool = False) -> T:
        """Return what a function returns, called in the thread of the worker."""
        return await self.worker.do(work, first=first)

    async def plan(self, question: Question) -> list[tuple[SynthesisPlan, PlanAnswer]]:
        """Return the plan of each target, and the same as a record; equal options of several people are asked at once.

        Raises:
            RRGraphError: an option cannot be used.
        """
        options, batch = question.options, question.batch
        plans = self.service.kept((target, options) for target in question.targets)
        if plans is None:

            def work(targets: Any) -> list[Planned]:
                return self.service.plan_each([(target, options) for target in targets])

            plans = await self.worker.do_all(("plan", options.digest), question.targets, work)
        weighed = (material for plan, _ in plans for found in plan for material in found.weighed)
        unused = [] if batch is None else batch.unused(weighed)
        return [(plan, describe_plan(plan, size=batch, notes=[*notes, *unused])) for plan, notes in plans]

    async def plan_molecules(self, question: MoleculeQuestion) -> list[ProductAnswer]:
        """Return the sets of reactants of each molecule; equal options of several people are asked at once.

        Raises:
            ConfigError: there is no model for molecules.
        """
        top_k, drawings = question.top_k, question.drawings

        def work(products: Sequence[str]) -> list[ProductAnswer]:
            plans = self.service.plan_molecules(products, top_k=top_k)
            return [describe_product(plan, drawings=drawings) for plan in plans]

        return await self.worker.do_all(("molecules", top_k, drawings), question.products, work)
