"""Responses that are sent before the whole request has arrived. A client that is still sending would not see them."""

import asyncio
from typing import cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# How long to read on, in seconds, after a refusal.
DRAIN = 2.0


class EarlyAnswerMiddleware:
    """Reads the rest of the request before a refusal is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(cast("list[tuple[bytes, bytes]]", scope["headers"]))
        coming = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        # A client with `Expect: 100-continue` (RFC 9110 §10.1.1) gets the refusal before it sends anything.
        waits = b"expect" in headers

        async def watched() -> Message:
            nonlocal coming, waits
            waits = False
            message = await receive()
            coming = cast("bool", message.get("more_body", False))
            return message

        async def heard(message: Message) -> None:
            refusal = message["type"] == "http.response.start" and cast("int", message["status"]) >= 400
            if refusal and coming and not waits:
                await drain(receive)
            await send(message)

        await self.app(scope, watched, heard)


async def drain(receive: Receive) -> None:
    """Discard the rest of the request."""
    try:
        async with asyncio.timeout(DRAIN):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        return
