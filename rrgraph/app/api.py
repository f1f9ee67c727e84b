"""The JSON API."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import BaseModel

from rrgraph.app.answers import PlanAnswer, PrecedentAnswer, describe_precedent
from rrgraph.app.asking import Desk
from rrgraph.app.lookups import (
    BalanceAnswer,
    BalanceQuestion,
    PrecursorRecord,
    PropertiesAnswer,
    ReadingAnswer,
    SubstitutesAnswer,
    SubstitutesQuestion,
    balanced,
    precursor_record,
    predicted,
    reading,
    substitutes_of,
)
from rrgraph.app.molecules import MoleculeQuestion, MoleculesAnswer
from rrgraph.app.questions import Question

__all__ = ["add_api"]

_Formula = Annotated[str, Query(max_length=300, examples=["BaTiO3"])]


class PlansAnswer(BaseModel):
    """The answers for several targets."""

    plans: list[PlanAnswer]


def add_api(app: FastAPI, desk: Desk) -> None:
    """Add what answers below /api."""

    @app.post("/api/plan", summary="Rank precursor sets for targets", tags=["api"])
    async def plan(question: Question) -> PlansAnswer:
        return PlansAnswer(plans=[answer for _, answer in await desk.plan(question)])

    @app.post("/api/balance", summary="Balance an equation, and weigh it out", tags=["api"])
    async def balance(question: BalanceQuestion) -> BalanceAnswer:
        return await desk.do(lambda: balanced(desk.service, question), first=True)

    @app.get("/api/formula", summary="How a formula is read", tags=["api"])
    async def formula(text: _Formula) -> ReadingAnswer:
        return await desk.do(lambda: reading(desk.service, text), first=True)

    @app.get("/api/precursor", summary="What is known of a precursor", tags=["api"])
    async def precursor(formula: _Formula) -> PrecursorRecord:
        return await desk.do(lambda: precursor_record(desk.service, formula))

    @app.get("/api/properties", summary="Predict properties of a composition", tags=["api"])
    async def properties(formula: _Formula, every: bool = False) -> PropertiesAnswer:
        return await desk.do(lambda: predicted(desk.service, formula, every=every))

    @app.post("/api/substitutes", summary="What could replace the members of a set", tags=["api"])
    async def substitutes(question: SubstitutesQuestion) -> SubstitutesAnswer:
        return await desk.do(lambda: substitutes_of(desk.service, question.target, question.precursors))

    @app.post(
        "/api/molecules",
        summary="Rank sets of reactants for molecules, where the server has a model for them",
        tags=["api"],
    )
    async def molecules(question: MoleculeQuestion) -> MoleculesAnswer:
        return MoleculesAnswer(plans=await desk.plan_molecules(question))

    @app.get("/api/literature", summary="Recorded reactions nearest to a target", tags=["api"])
    async def literature(formula: _Formula, count: Annotated[int, Query(ge=1, le=50)] = 10) -> list[PrecedentAnswer]:
        found = await desk.do(lambda: desk.service.precedents(formula, count))
        return [describe_precedent(each) for each in found]
