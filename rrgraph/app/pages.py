"""The pages, rendered on the server; scripts only make them more comfortable."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import ValidationError
from starlette.datastructures import FormData, QueryParams, UploadFile

from rrgraph.app.answers import PlanAnswer, SetAnswer, describe_note, describe_precursor
from rrgraph.app.asking import Desk
from rrgraph.app.downloads import DOWNLOADS
from rrgraph.app.formatting import FILTERS, INFLUENCES
from rrgraph.app.forms import (
    AVOIDED,
    form_values,
    question_of_form,
    question_of_query,
    strings_of,
    typed_values,
)
from rrgraph.app.lookups import reading
from rrgraph.app.molecules import MoleculeQuestion
from rrgraph.app.periodic_table import PERIODIC_TABLE
from rrgraph.app.questions import Question, RequestError, as_request_error
from rrgraph.chem import ELEMENTS, REAGENT_CLASSES, find_reagent, measured_solids
from rrgraph.errors import RRGraphError, suggestion
from rrgraph.lab import DISCLAIMER, handling_notes
from rrgraph.properties import property_name, with_uncertainty

__all__ = ["add_pages", "error_page"]

_LONGEST_LINK: Final = 6000
"""Characters of a permalink; browsers and servers take somewhat more."""
_MOLECULES: Final = "/molecules"

_Formula = Annotated[str, Query(max_length=300)]
_Route = Annotated[str, Query(alias="set", max_length=600)]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rrgraph.app", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(
        avoided=AVOIDED,
        classes=sorted(REAGENT_CLASSES),
        disclaimer=DISCLAIMER,
        influence_names=INFLUENCES,
        compare_link=_compare_link,
        exclude_pairs=_exclude_pairs,
        link=_link,
        sheet_link=_sheet_link,
        periodic_table=PERIODIC_TABLE,
    )
    return environment


def _link(path: str, pairs: Any = (), **parameters: Any) -> str:
    """Return an address with parameters."""
    listed = [*pairs, *((name, str(value)) for name, value in parameters.items())]
    return f"{path}?{urlencode(listed)}" if listed else path


def _exclude_pairs(question: Question) -> list[tuple[str, str]]:
    return [("exclude", each) for each in question.exclude]


def _sheet_link(plan: PlanAnswer, found: SetAnswer, question: Question) -> str:
    """Return the address of the sheet of one set."""
    return _link("/sheet", question.parameters(targets=(plan.target,), top_k=5), set=found.route)


def _compare_link(plan: PlanAnswer, found: SetAnswer, question: Question) -> str:
    """Return the address that compares a set with the first, or the first with the second."""
    other = plan.sets[0] if found is not plan.sets[0] else plan.sets[1]
    grams = [] if question.grams is None else [("grams", f"{question.grams:g}")]
    return _link("/compare", [("target", plan.target), ("route", other.route), ("route", found.route), *grams])


def _render(
    request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
) -> HTMLResponse:
    shared = {"path": request.url.path, "with_molecules": request.app.state.with_molecules}
    text = _environment().get_template(template).render(shared, **context)
    return HTMLResponse(text, status_code=status, headers=dict(headers or {}))


def _ask_page(request: Request, desk: Desk, values: Mapping[str, Any], **more: Any) -> Response:
    return _render(request, "ask.html", asked=values, **{"error": None, "option": "", **more, **_choices(desk)})


def _choices(desk: Desk) -> dict[str, Any]:
    return {"atmospheres": [each.value for each in desk.service.atmospheres]}


def _molecules_page(request: Request, **more: Any) -> Response:
    query = request.query_params
    asked = {"products": "\n".join(query.getlist("products")), "top_k": query.get("top_k", "5")}
    return _render(request, "molecules.html", **{"error": None, "plans": (), **asked, **more})


def error_page(
    desk: Desk, request: Request, message: str, *, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the page to ask on, filled with what was asked, and what is wrong with it."""
    if request.url.path == _MOLECULES:
        return _molecules_page(request, error=message, status=status, headers=headers)
    values = form_values(strings_of(request.query_params))
    return _ask_page(request, desk, values, error=message, status=status, headers=headers)


def add_pages(app: FastAPI, desk: Desk) -> None:
    """Add the pages."""
    app.state.with_molecules = desk.service.molecules is not None
    _add_questions(app, desk)
    _add_sets(app, desk)
    _add_browsing(app, desk)

    @app.get(_MOLECULES, include_in_schema=False)
    async def molecules(request: Request) -> Response:
        reranked = desk.service.reactant_planner.reranker is not None
        query = request.query_params
        if not query:
            return _molecules_page(request)
        given = dict(query) | {"products": query.getlist("products"), "drawings": True}
        question = MoleculeQuestion.model_validate(given)
        plans = await desk.plan_molecules(question)
        permalink = _link(_MOLECULES, question.parameters(drawings=False))
        return _molecules_page(request, plans=plans, permalink=permalink, reranked=reranked)

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        return _render(request, "docs.html", schema=app.openapi())

    @app.get("/model", include_in_schema=False)
    async def model(request: Request) -> Response:
        return _render(request, "model.html", card=await desk.do(lambda: desk.service.card, first=True))


def _add_questions(app: FastAPI, desk: Desk) -> None:
    async def answered(request: Request, question: Question) -> Response:
        found = [answer for _, answer in await desk.plan(question)]
        pairs = question.parameters()
        permalink = _link("/plan", pairs)
        return _render(
            request,
            "answer.html",
            asked=form_values(_strings(question)),
            error=None,
            option="",
            question=question,
            plans=found,
            permalink=permalink if len(permalink) <= _LONGEST_LINK else None,
            pairs=pairs,
            downloads=DOWNLOADS,
            **_choices(desk),
        )

    async def written(question: Question, kind: str) -> Response:
        if kind == "json":
            kind = "jsonl"
        if kind not in DOWNLOADS:
            near = suggestion(kind, DOWNLOADS)
            raise RequestError("kind", f" is '{kind[:20]}', expected one of {', '.join(DOWNLOADS)}.{near}")
        plans = [plan for plan, _ in await desk.plan(question)]
        batch = question.batch
        content = await desk.do(lambda: DOWNLOADS[kind].write(plans, batch), first=True)
        headers = {"Content-Disposition": f'attachment; filename="plan.{kind}"'}
        return Response(content, media_type=DOWNLOADS[kind].media_type, headers=headers)

    @app.get("/", include_in_schema=False)
    async def ask(request: Request) -> Response:
        return _ask_page(request, desk, form_values(strings_of(request.query_params)))

    @app.post("/ask", include_in_schema=False)
    async def asked(request: Request) -> Response:
        form = await request.form(max_files=1, max_fields=200)
        try:
            uploaded = await _uploaded(desk, form)
            if uploaded is not None:
                others = [each for each in form.multi_items() if each[0] not in ("stock", "use_stock", "shelf_file")]
                form = FormData([*others, ("stock", uploaded[0]), ("use_stock", "on")])
            question = question_of_form(form)
            permalink = _link("/plan", question.parameters())
            if len(permalink) <= _LONGEST_LINK:
                return RedirectResponse(permalink, status_code=303)
            return await answered(request, question)
        except (RRGraphError, ValidationError) as error:
            named = as_request_error(error) if isinstance(error, ValidationError) else error
            option = getattr(named, "option", "")
            return _ask_page(request, desk, typed_values(form), error=str(named), option=option, status=422)

    @app.get("/plan", include_in_schema=False)
    async def plan(request: Request) -> Response:
        return await answered(request, question_of_query(request.query_params))

    @app.get("/download/{kind}", include_in_schema=False)
    async def download(request: Request, kind: str) -> Response:
        return await written(question_of_query(request.query_params), kind)

    @app.post("/download/{kind}", include_in_schema=False)
    async def download_long(request: Request, kind: str) -> Response:
        form = await request.form(max_files=0, max_fields=300)
        fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        return await written(question_of_query(QueryParams(fields)), kind)

    @app.get("/reading", include_in_schema=False)
    async def read(text: _Formula) -> JSONResponse:
        # While a formula is typed it is wrong most of the time: no error that a browser should report.
        def work() -> dict[str, Any]:
            try:
                return reading(desk.service, text).model_dump()
            except RRGraphError as error:
                return {"error": str(error)}

        return JSONResponse(await desk.do(work, first=True))

    @app.post("/shelf", include_in_schema=False)
    async def shelf(request: Request) -> Response:
        form = await request.form(max_files=1, max_fields=5)
        try:
            text, notes = await _uploaded(desk, form) or ("", ())
        except RRGraphError as error:
            return JSONResponse({"error": str(error)})
        return JSONResponse({"text": text, "notes": notes})


async def _uploaded(desk: Desk, form: FormData) -> tuple[str, tuple[str, ...]] | None:
    """Return the text of an uploaded shelf and what could not be read of it, None where no file was chosen.

    Raises:
        RRGraphError: the file cannot be read.
    """
    upload = form.get("shelf_file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        return None
    name, content = upload.filename, await upload.read()
    return await desk.do(lambda: desk.service.shelf_of_file(name, content), first=True)


def _strings(question: Question) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in question.parameters():
        found.setdefault(name, []).append(value)
    return found


def _add_sets(app: FastAPI, desk: Desk) -> None:
    @app.get("/set", include_in_schema=False)
    async def one_set(
        request: Request,
        target: _Formula,
        route: _Route,
        exclude: Annotated[list[str] | None, Query(max_length=50)] = None,
        fragment: bool = False,
    ) -> Response:
        question = Question(targets=(target,), exclude=tuple(exclude or ()))

        def work() -> dict[str, Any]:
            found, _ = desk.service.planned_set(question, route)
            return {
                "found": found,
                "why": desk.service.explain(question, route),
                "substitutes": desk.service.substitutes(question, route),
            }

        context = await desk.do(work)
        template, level = ("set_details.html", 4) if fragment else ("set.html", 2)
        return _render(request, template, target=target, route=route, level=level, **context)

    @app.get("/sheet", include_in_schema=False)
    async def sheet(request: Request, route: _Route) -> Response:
        others = [(name, value) for name, value in request.query_params.multi_items() if name != "set"]
        question = question_of_query(QueryParams(others))
        asked = question.model_copy(update={"routes": (route,), "targets": question.targets[:1]})
        ((_, answer),) = await desk.plan(asked)
        found = answer.sets[0] if answer.sets else None
        return _render(request, "sheet.html", question=question, plan=answer, found=found)

    @app.get("/compare", include_in_schema=False)
    async def compare(request: Request, target: _Formula = "") -> Response:
        query = request.query_params
        routes = tuple(route.strip() for route in query.getlist("route") if route.strip())
        plans = []
        if target and routes:
            grams = query.get("grams") or None
            question = Question.model_validate({"targets": target, "routes": routes, "grams": grams})
            plans = [answer for _, answer in await desk.plan(question)]
        return _render(request, "compare.html", target=target, routes=routes, plans=plans, grams=query.get("grams", ""))


def _add_browsing(app: FastAPI, desk: Desk) -> None:
    @app.get("/precursor", include_in_schema=False)
    async def precursor(request: Request, formula: _Formula) -> Response:
        def work() -> dict[str, Any]:
            read = desk.service.read(formula)
            composition = read.composition
            return {
                "read": read,
                "known": describe_precursor(composition),
                "uses": desk.service.model.count(composition),
                "use": desk.service.index.precursor(composition),
                "notes": [describe_note(each) for each in handling_notes(composition)],
                "solid": measured_solids().get(composition.key),
                "predicted": [
                    (property_name(each.task), with_uncertainty(each.value, each.uncertainty), each.task.unit)
                    for each in desk.service.properties(formula)
                    if each.value is not None and each.uncertainty is not None
                ],
                "reagent": find_reagent(composition),
            }

        return _render(request, "precursor.html", formula=formula, **await desk.do(work))

    @app.get("/elements", include_in_schema=False)
    async def elements(request: Request) -> Response:
        return _render(request, "elements.html")

    @app.get("/element/{symbol}", include_in_schema=False)
    async def element(request: Request, symbol: str) -> Response:
        found = await desk.do(lambda: desk.service.index.element(symbol))
        number = ELEMENTS.index(symbol)
        neighbours = [ELEMENTS[place] for place in (number - 1, number + 1) if 0 <= place < len(ELEMENTS)]
        return _render(request, "element.html", found=found, neighbours=neighbours)
