"""Refuses uploads of users whose quota is used up, before reading them."""

from typing import cast

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cl_server.http.access import User
from cl_server.queue.quota import Quota

# The size of a form without its file, in bytes. Uploads that exceed the quota by less are refused after the upload.
AROUND = 64 << 10


class QuotaMiddleware:
    """Spares the user an upload, and the server its disk; what holds is `Quota.take`, when the job is added."""

    def __init__(self, app: ASGIApp, quota: Quota) -> None:
        self.app = app
        self.quota = quota

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        user = cast("dict[str, object]", scope.get("state", {})).get("user")
        if not self.quota or not isinstance(user, User) or not _is_submit(scope):
            await self.app(scope, receive, send)
            return
        looked = False

        async def allowed() -> Message:
            nonlocal looked
            if not looked:
                looked = True
                await self._look(user, scope)
            return await receive()

        await self.app(scope, allowed, send)

    async def _look(self, user: User, scope: Scope) -> None:
        headers = dict(cast("list[tuple[bytes, bytes]]", scope["headers"]))
        # A request with an idempotency key may be for a job that was accepted earlier.
        if b"idempotency-key" in headers:
            return
        length = headers.get(b"content-length", b"")
        announced = int(length) if length.isdigit() else 0
        await run_in_threadpool(self.quota.look, user.id, max(announced - AROUND, 0))


def _is_submit(scope: Scope) -> bool:
    parts = cast("str", scope["path"]).split("/")
    return scope["method"] == "POST" and len(parts) == 3 and parts[1] == "jobs"
