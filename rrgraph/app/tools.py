"""Tools for language-model agents by the Model Context Protocol: few, read-only, with typed arguments and answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field, ValidationError

from rrgraph.app.answers import PlanAnswer, PrecedentAnswer, describe_plan, describe_precedent
from rrgraph.app.lookups import (
    BalanceAnswer,
    BalanceQuestion,
    PrecursorRecord,
    PropertiesAnswer,
    SubstitutesAnswer,
    balanced,
    precursor_record,
    predicted,
    substitutes_of,
)
from rrgraph.app.questions import MOST_TARGETS, Question, as_request_error, check_names
from rrgraph.app.service import Service
from rrgraph.app.worker import Busy, TooSlow, Worker
from rrgraph.errors import RRGraphError, suggestion
from rrgraph.util.pages import page_text
from rrgraph.version import __version__

__all__ = ["create_server"]

T = TypeVar("T")

_Formula = Annotated[str, Field(description="Chemical formula, such as BaTiO3.", max_length=300)]
_Names = Annotated[list[str], Field(max_length=100)]


class Plans(BaseModel):
    """The answers for several targets."""

    plans: list[PlanAnswer]


class Precedents(BaseModel):
    """Recorded reactions, the nearest first."""

    reactions: list[PrecedentAnswer]


class _Server(MCPServer):
    """Answers calls that cannot be carried out with the sentences of the API."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """Call a tool.

        Raises:
            ToolError: one sentence on what is wrong.
        """
        tools = {tool.name: tool.input_schema["properties"] for tool in await self.list_tools()}
        if name not in tools:
            raise ToolError(f"There is no tool '{name}', expected one of {', '.join(tools)}.{suggestion(name, tools)}")
        try:
            check_names(arguments, tools[name])
            return await super().call_tool(name, arguments, context)
        except RRGraphError as error:
            raise ToolError(str(error)) from None
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, ValidationError):
                raise ToolError(str(as_request_error(cause))) from None
            if isinstance(cause, ToolError):  # what the tool says itself, without its name before it
                raise cause from None
            raise


def create_server(service: Service, worker: Worker | None = None) -> MCPServer:
    """Return the server of the tools.

    Args:
        service: what answers.
        worker: the thread in which it does so.
    """
    thread = worker or Worker(seconds=120)
    server = _Server(
        "rrgraph", version=__version__, log_level="ERROR", instructions=page_text("rrgraph.app", "SKILL.md")
    )
    tool = partial(server.tool, annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))

    async def do(work: Callable[[], T]) -> T:
        def careful() -> T:
            try:
                return work()
            except ValidationError as error:
                raise ToolError(str(as_request_error(error))) from None
            except RRGraphError as error:
                raise ToolError(str(error)) from None

        try:
            return await thread.do(careful)
        except (Busy, TooSlow) as error:
            raise ToolError(str(error)) from None

    @tool(title="Plan syntheses")
    async def plan_synthesis(
        targets: Annotated[_Names, Field(description=f"1 to {MOST_TARGETS} formulas of materials to make.")],
        top_k: Annotated[int, Field(ge=1, le=20, description="Precursor sets for each target.")] = 5,
        exclude: Annotated[
            _Names, Field(description="Elements, precursors and classes such as 'nitrates' or 'toxic' to avoid.")
        ] = [],  # noqa: B006  # the schema shows it, and nothing changes it
        require: Annotated[_Names, Field(description="Elements, precursors or classes that every set has.")] = [],  # noqa: B006
        stock: Annotated[
            str | None, Field(description="The only precursors that may be used, a formula a line.")
        ] = None,
        grams: Annotated[float | None, Field(description="Weigh out for so many grams of each target.")] = None,
        atmosphere: Annotated[
            str | None, Field(description="Of the furnace: air, oxygen, inert, reducing, ammonia or vacuum.")
        ] = None,
    ) -> Plans:
        """Rank precursor sets for solid-state synthesis, with probabilities, equations, masses, handling, literature.

        A probability is the chance that the set is the one reported in the literature.
        """

        def work() -> Plans:
            question = Question(
                targets=tuple(targets),
                top_k=top_k,
                exclude=tuple(exclude),
                require=tuple(require),
                stock=stock,
                grams=grams,
                atmosphere=atmosphere,
            )
            found, notes = service.plan(question)
            return Plans(plans=[describe_plan(plan, size=question.batch, notes=notes) for plan in found])

        return await do(work)

    @tool(title="Balance a reaction")
    async def balance_reaction(
        target: _Formula,
        precursors: Annotated[_Names, Field(min_length=1, description="Formulas of the precursors.")],
        byproducts: Annotated[_Names, Field(description="Solids that may remain, such as NaCl.")] = [],  # noqa: B006
    ) -> BalanceAnswer:
        """Balance an equation with gases from the air, and say which atmosphere it implies."""
        return await do(
            lambda: balanced(service, BalanceQuestion(target=target, precursors=precursors, byproducts=byproducts))
        )

    @tool(title="Weigh out a batch")
    async def weigh_out(
        target: _Formula,
        precursors: Annotated[_Names, Field(min_length=1, description="Formulas, with the water of hydrates.")],
        grams: Annotated[float, Field(gt=0, description="Grams of target.")],
        excess: Annotated[_Names, Field(description="Percent to weigh more, such as 'Li=10'.")] = [],  # noqa: B006
        purity: Annotated[_Names, Field(description="Percent by precursor, such as 'BaCO3=99.5'.")] = [],  # noqa: B006
        balance: Annotated[float | None, Field(gt=0, description="What the balance reads, in g.")] = None,
    ) -> BalanceAnswer:
        """Return the grams of each precursor for a batch of target, with the balanced equation."""
        question = partial(
            BalanceQuestion,
            target=target,
            precursors=precursors,
            grams=grams,
            excess=excess,
            purity=purity,
            balance=balance,
        )
        return await do(lambda: balanced(service, question()))

    @tool(title="Find literature")
    async def find_literature(
        target: _Formula, count: Annotated[int, Field(ge=1, le=30, description="Reactions to return.")] = 10
    ) -> Precedents:
        """Return the recorded reactions of the most similar targets, with papers (DOI) and heating conditions."""
        return await do(
            lambda: Precedents(reactions=[describe_precedent(each) for each in service.precedents(target, count)])
        )

    @tool(title="Find substitutes")
    async def find_substitutes(
        target: _Formula,
        precursors: Annotated[_Names, Field(min_length=1, description="Formulas of the precursor set.")],
    ) -> SubstitutesAnswer:
        """Return the probability of a chosen precursor set, and what could replace each member at which probability."""
        return await do(lambda: substitutes_of(service, target, " + ".join(precursors)))

    @tool(title="Predict properties")
    async def predict_properties(
        formula: _Formula, every: Annotated[bool, Field(description="All properties, not the usual ones.")] = False
    ) -> PropertiesAnswer:
        """Predict formation energy, band gap, moduli and more of a composition, with standard deviations."""
        return await do(lambda: predicted(service, formula, every=every))

    @tool(title="Look up a precursor")
    async def look_up_precursor(formula: _Formula) -> PrecursorRecord:
        """Return name, CAS number, classes, handling notes and recorded uses of a precursor."""
        return await do(lambda: precursor_record(service, formula))

    return server
