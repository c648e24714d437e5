"""Refuses a request body that is too large, by its `Content-Length` or when it exceeds the limit, or that stalls."""

import asyncio
from collections.abc import Callable
from typing import cast

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# How long nothing may come, in seconds, in the middle of a body.
SILENCE = 60.0


class BodyLimitMiddleware:
    """`limit` gives the bytes for a path. The refusal is raised where the body is read, and so has the shape of every
    error."""

    def __init__(self, app: ASGIApp, limit: Callable[[str], int]) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(cast("list[tuple[bytes, bytes]]", scope["headers"]))
        length = headers.get(b"content-length", b"")
        announced = int(length) if length.isdigit() else 0
        limit = self.limit(cast("str", scope["path"]))
        taken = 0
        coming = True

        async def limited() -> Message:
            nonlocal taken, coming
            if announced > limit:
                raise _refusal(limit)
            try:
                # Behind the body there is only the end of the connection to wait for.
                async with asyncio.timeout(SILENCE if coming else None):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408, f"nothing more of the upload came for {SILENCE:g} seconds") from error
            coming = cast("bool", message.get("more_body", False))
            taken += len(cast("bytes", message.get("body", b"")))
            if taken > limit:
                raise _refusal(limit)
            return message

        await self.app(scope, limited, send)


def _refusal(limit: int) -> HTTPException:
    return HTTPException(413, f"the upload is too large: this server takes at most {limit} bytes")
