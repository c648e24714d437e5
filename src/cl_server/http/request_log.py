"""One line in the log for each request, and the same in the metrics."""

import logging
import time
from typing import cast
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cl_server.http.request_metrics import RequestMetrics

# Paths that machines request all the time.
ROUTINE = frozenset({"/healthz", "/readyz", "/metrics"})
# The status of nginx for a client that disconnected before the response.
WENT_AWAY = 499
LINE = "request %(request_id)s: %(method)s %(path)s %(status)s, %(ms)s ms, user %(user)s"

log = logging.getLogger(__name__)


class RequestLogMiddleware:
    """Logs requests. It is outermost, so that it sees the final response.

    A line contains method, path, status and duration, and never headers, query or body, which can contain secrets.
    """

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = WENT_AWAY

        async def counted() -> Message:
            message = await receive()
            self.metrics.received(len(cast("bytes", message.get("body", b""))))
            return message

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = cast("int", message["status"])
            await send(message)

        try:
            await self.app(scope, counted, noted)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = cast("str", scope["method"])
        self.metrics.answered(method, route_of(scope), status, seconds)
        state = cast("dict[str, object]", scope.get("state", {}))
        said = {
            "request_id": state.get("request_id"),
            "method": method,
            "path": printable(cast("str", scope["path"])),
            "status": status,
            "ms": round(seconds * 1000, 1),
            "user": who(state.get("user")),
        }
        level = logging.DEBUG if scope["path"] in ROUTINE else logging.INFO
        log.log(
            level, "request %(request_id)s: %(method)s %(path)s %(status)s, %(ms)s ms, user %(user)s", said, extra=said
        )


def route_of(scope: Scope) -> str:
    """The pattern of the path, because the number of paths is unlimited."""
    found: object = getattr(scope.get("route"), "path", None)
    return found if isinstance(found, str) else "none"


def who(user: object) -> str | None:
    """The id of the user. Guests have none."""
    if user is None or isinstance(user, HTTPException):
        return None
    found: object = getattr(user, "id", None)
    return "guest" if found is None else str(found)


def printable(path: str) -> str:
    """The path, shortened and without line breaks."""
    return quote(path[:200], safe="/:@!$&'()*+,;=~")
