"""Who sent a request to the compute server, and what they may do."""

from dataclasses import dataclass
from typing import cast

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cl_ml_tools.schemas import ErrorResponse, Job
from cl_server.http.bearer import forbidden, token_of, unauthorized
from cl_server.http.tokens import KeysUnavailableError, TokenError, Verifier
from cl_server.queue.guest_mode import Guests

JOBS = "ai_inference_support"
EVERYTHING = "*"

# The paths that require a user. All others (`/`, `/capabilities`, the document) are public.
PROTECTED = ("/jobs", "/admin", "/events", "/overview")

REFUSALS = {
    401: {"model": ErrorResponse, "description": "The token is missing or not valid"},
    403: {"model": ErrorResponse, "description": "The token lacks the permission"},
    503: {"model": ErrorResponse, "description": "Tokens cannot be verified at the moment"},
}


@dataclass(frozen=True, slots=True)
class User:
    """A user. Guests have no `id`: their jobs belong to all guests."""

    id: str | None
    permissions: frozenset[str]
    is_admin: bool = False

    def may_see(self, job: Job) -> bool:
        """Whether the job belongs to this user. Other users get a 404 for it."""
        return self.is_admin or job.created_by == self.id


GUEST = User(None, frozenset({JOBS}))


class Access:
    """Finds the user of a request. Without a verifier, all users are guests."""

    def __init__(self, verifier: Verifier | None, guests: Guests) -> None:
        self._verifier = verifier
        self._guests = guests

    async def identify(self, headers: Headers) -> User:
        """Who sent this. Raises 401, and 503 where the token cannot be checked now."""
        token = token_of(headers) if self._verifier is not None else None
        if token is None or self._verifier is None:
            if not self._guests.on:
                raise unauthorized("log in first: this server takes no guests")
            return GUEST
        try:
            claims = await self._verifier.verify(token)
        except TokenError as error:
            raise unauthorized(str(error)) from None
        except KeysUnavailableError as error:
            raise HTTPException(503, str(error), {"Retry-After": "5"}) from None
        return User(str(claims.id), frozenset(claims.permissions), claims.is_admin)


class AccessMiddleware:
    """Checks the token before the body is read, so that only permitted users can upload.

    A refusal is raised where the body is read, and by `job_user` and `admin` for requests without a body.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = cast("str", scope.get("path", ""))
        if scope["type"] != "http" or not any(path == root or path.startswith(f"{root}/") for root in PROTECTED):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            found: User | HTTPException = await self.access.identify(headers)
        except HTTPException as error:
            found = error
        scope.setdefault("state", {})["user"] = found
        refusal = refused(found, admin=path.startswith("/admin"))

        async def guarded() -> Message:
            if refusal is not None:
                raise refusal
            return await receive()

        await self.app(scope, guarded, send)


def refused(user: User | HTTPException, *, admin: bool) -> HTTPException | None:
    """The reason of a refusal, or `None`."""
    if isinstance(user, HTTPException):
        return user
    if user.is_admin:
        return None
    if admin:
        if user.id is None:
            return unauthorized("only an admin may do this: log in first")
        return forbidden("only an admin may do this")
    return None if user.permissions & {JOBS, EVERYTHING} else forbidden(f"this needs the permission {JOBS}")


async def job_user(request: Request) -> User:
    """Who may work with jobs. Raises 401, 403 and 503."""
    return _allowed(request, admin=False)


async def admin(request: Request) -> User:
    """An admin. Raises 401, 403 and 503."""
    return _allowed(request, admin=True)


def _allowed(request: Request, *, admin: bool) -> User:
    # Set by the middleware for every protected path. A route elsewhere that requires a user fails, and admits no one.
    found = cast("User | HTTPException", request.state.user)
    refusal = refused(found, admin=admin)
    if refusal is not None:
        raise refusal
    return cast("User", found)
