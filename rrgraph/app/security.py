"""What keeps a server on this machine safe: headers, known names, and a limit on the size of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["MOST_BYTES", "BodyLimit", "KnownHosts", "SecurityHeaders", "api_error"]

MOST_BYTES: Final = 2_000_000
"""Of the body of a request."""

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SecurityHeaders:
    """Adds headers to every response: nothing is loaded from elsewhere, nothing runs inside another page.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


def api_error(message: str, *, status: int, option: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Return an error of the API."""
    error = {"option": option or None, "message": message}
    return JSONResponse({"error": error}, status_code=status, headers=headers)


def _refused(scope: Scope, message: str, *, status: int) -> Response:
    """Return the refusal of a request that no page and no address of the API sees."""
    if scope["path"].startswith("/api/"):
        return api_error(message, status=status)
    return PlainTextResponse(f"{message}\n", status_code=status)


class KnownHosts:
    """Refuses requests that call the server by another name than its own, as a page of another site would.

    Args:
        app: what answers.
        allowed_hosts: names without port, ``*`` for any.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str]) -> None:
        self.app, self.allowed_hosts = app, allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] not in ("http", "websocket") or "*" in self.allowed_hosts:
            await self.app(scope, receive, send)
            return
        name = re.sub(r":\d*$", "", Headers(scope=scope).get("host", "").lower())
        if name in self.allowed_hosts:
            await self.app(scope, receive, send)
            return
        message = f"This server is not called '{name[:80]}', expected one of {', '.join(self.allowed_hosts)}."
        await _refused(scope, message, status=400)(scope, receive, send)


class BodyLimit:
    """Refuses requests with more than `MOST_BYTES`, whatever length they state.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # The body is small enough to be kept, so that nothing is answered before its size is known.
        body, more = b"", scope["method"] not in ("GET", "HEAD")
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MOST_BYTES:
                refusal = f"The request has more than {MOST_BYTES:,} bytes, the most that it may."
                await _refused(scope, refusal, status=413)(scope, receive, send)
                return
        given = False

        async def again() -> Message:
            nonlocal given
            if given or scope["method"] in ("GET", "HEAD"):
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)
