"""The web application: pages for people and a JSON API, all on one `Service` behind one `Worker`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from rrgraph.app.api import add_api
from rrgraph.app.asking import Desk
from rrgraph.app.pages import add_pages, error_page
from rrgraph.app.questions import as_request_error, named_error, request_error
from rrgraph.app.security import BodyLimit, KnownHosts, SecurityHeaders, api_error
from rrgraph.app.service import Service
from rrgraph.app.worker import Busy, TooSlow, Worker
from rrgraph.errors import RRGraphError
from rrgraph.version import __version__

__all__ = ["create_app"]

logger = logging.getLogger(__name__)

_ABOUT = """\
Precursor sets for inorganic materials, from a model on this machine. Every answer is the one that `rrgraph plan` gives.

Errors are `{"error": {"option": ..., "message": ...}}` with status 422 for what cannot be answered, 400 where the
server is called by another name than its own, 413 for a request that is too large, 429 where too many requests wait and
503 where the answer takes too long; try the last two again after the seconds that `Retry-After` names.
"""


def create_app(
    service: Service | None = None,
    *,
    worker: Worker | None = None,
    hosts: Sequence[str] = ("127.0.0.1", "localhost", "[::1]", "testserver"),
    warm: bool = False,
) -> FastAPI:
    """Return the application.

    Args:
        service: what answers.
        worker: the thread in which it does so, with the limits on waiting requests and time.
        hosts: names by which the server may be called, so that no other site can reach it under a name of its own.
        warm: load the models as soon as the server runs.
    """
    desk = Desk(service or Service(), worker or Worker())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(_warm_up(desk)) if warm else None
        yield
        if warming is not None:
            warming.cancel()
        desk.worker.close()

    app = FastAPI(
        title="rrgraph",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(KnownHosts, allowed_hosts=list(hosts))
    app.add_middleware(SecurityHeaders)
    app.mount("/static", StaticFiles(packages=[("rrgraph.app", "static")]), name="static")
    add_api(app, desk)
    add_pages(app, desk)
    _add_errors(app, desk)
    return app


async def _warm_up(desk: Desk) -> None:
    try:
        await desk.worker.do(desk.service.warm_up)
    except TooSlow:
        pass
    except RRGraphError as error:  # the first question says so again
        logger.warning("%s", error)


def _add_errors(app: FastAPI, desk: Desk) -> None:
    """Answer errors with one sentence: as JSON below /api, as a page elsewhere."""

    async def answer(request: Request, status: int, message: str, option: str = "") -> Response:
        headers = {"Retry-After": "2"} if status in (429, 503) else None
        if request.url.path.startswith("/api/"):
            return api_error(message, status=status, option=option, headers=headers)
        return error_page(desk, request, message, status=status, headers=headers)

    @app.exception_handler(RRGraphError)
    async def refused(request: Request, error: RRGraphError) -> Response:
        option, message = named_error(error)
        return await answer(request, 422, message, option)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        first = dict(error.errors()[0])
        if first["type"] == "json_invalid":
            return await answer(request, 422, "The request is not valid JSON.")
        # The place begins with "body" or "query".
        named = request_error({**first, "loc": tuple(first["loc"])[1:]})
        return await answer(request, 422, str(named), named.option)

    @app.exception_handler(ValidationError)
    async def invalid(request: Request, error: ValidationError) -> Response:
        named = as_request_error(error)
        return await answer(request, 422, str(named), named.option)

    @app.exception_handler(Busy)
    async def busy(request: Request, error: Busy) -> Response:
        return await answer(request, 429, str(error))

    @app.exception_handler(TooSlow)
    async def slow(request: Request, error: TooSlow) -> Response:
        return await answer(request, 503, str(error))

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        if error.status_code == 400 and request.url.path.startswith("/api/"):
            return await answer(request, 422, "The request is not valid JSON, or is nested too deeply.")
        known = {404: "There is no such page.", 405: "This address takes no such request."}
        return await answer(request, error.status_code, known.get(error.status_code, str(error.detail)))
