"""Refuses a request body that is too large (at its announcement where there is one, else as soon as it is) or stops."""

import asyncio
from typing import cast

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# How long nothing may come, in seconds, in the middle of a body.
SILENCE = 60.0


class BodyLimitMiddleware:
    """`limit` is in bytes. The refusal is raised where the body is read, and so has the shape of every error."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(cast("list[tuple[bytes, bytes]]", scope["headers"]))
        length = headers.get(b"content-length", b"")
        announced = int(length) if length.isdigit() else 0
        taken = 0
        coming = True

        async def limited() -> Message:
            nonlocal taken, coming
            if announced > self.limit:
                raise self._refusal()
            try:
                # Behind the body there is only the end of the connection to wait for.
                async with asyncio.timeout(SILENCE if coming else None):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408, f"nothing more of the upload came for {SILENCE:g} seconds") from error
            coming = cast("bool", message.get("more_body", False))
            taken += len(cast("bytes", message.get("body", b"")))
            if taken > self.limit:
                raise self._refusal()
            return message

        await self.app(scope, limited, send)

    def _refusal(self) -> HTTPException:
        return HTTPException(413, f"the upload is too large: this server takes at most {self.limit} bytes")
