"""Gives every request an id, in its response and in the log, and turns unhandled exceptions into a plain 500."""

import json
import logging
import re
from typing import cast
from uuid import uuid4

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cl_server import log as logs
from cl_server.http.request_log import printable

HEADER = b"x-request-id"
SANE = re.compile(rb"[A-Za-z0-9._:-]{1,128}")

log = logging.getLogger(__name__)


class RequestIdMiddleware:
    """Around all that answers, so that also errors carry the id. The client's own id is kept when it is a sane one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = cast("list[tuple[bytes, bytes]]", scope["headers"])
        sent = next((value for name, value in headers if name == HEADER), b"")
        request_id = sent if SANE.fullmatch(sent) else uuid4().hex.encode()
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        logs.request_id.set(request_id.decode())
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id)]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except ClientDisconnect:
            log.info("request %s: the client disconnected", request_id.decode())
        except Exception:
            what = f"{scope['method']} {printable(cast('str', scope['path']))}"
            log.exception("request %s: %s failed", request_id.decode(), what)
            if started:
                raise
            body = json.dumps({"detail": "internal error", "request_id": request_id.decode()}).encode()
            length = str(len(body)).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", length)]
            await send_with_id({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": body})
