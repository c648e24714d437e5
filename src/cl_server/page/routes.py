"""`/ui`: the page, its files, and signing in and out."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from starlette.datastructures import Headers

from cl_server.http.access import Access, User
from cl_server.http.bearer import unauthorized
from cl_server.http.client_address import client_address
from cl_server.page.assets import assets, media_type, shell, stamp
from cl_server.page.auth_server import AuthServer, SignInError, Token
from cl_server.page.headers import ASSET_HEADERS, PAGE_HEADERS
from cl_server.page.session_cookie import is_of_our_page, set_cookie, token_in_cookie
from cl_server.queue.guest_mode import Guests
from cl_server.settings import TOKEN_LIFETIME, Network

# Bounded as the auth server bounds them.
FormText = Annotated[str, Form(max_length=1024)]
NO_STORE = {"cache-control": "no-store"}

Question: TypeAlias = Callable[[], Token]


class Session(BaseModel):
    """Who uses the page."""

    signed_in: bool
    is_admin: bool = False
    user_id: str | None = None
    guests: bool = Field(description="Whether one may stay without signing in.")
    accounts: bool = Field(description="Whether there is an auth server, so that one can sign in here.")


def create_router(
    access: Access, guests: Guests, auth_server: AuthServer | None, proxies: tuple[Network, ...] = ()
) -> APIRouter:
    """The routes of the page. They are not in the document: only the page needs them."""
    router = APIRouter(include_in_schema=False)
    known = version("cl-client")

    @router.get("/ui")
    def page() -> HTMLResponse:
        return HTMLResponse(shell(known), headers=PAGE_HEADERS)

    @router.get("/ui/assets/{made}/{name:path}")
    def asset(made: str, name: str) -> Response:
        content = assets().get(name) if made == stamp() else None
        if content is None:
            raise HTTPException(404, "there is no such file; load the page again")
        return Response(content, media_type=media_type(name), headers=ASSET_HEADERS)

    @router.get("/ui/session")
    async def session(request: Request, response: Response) -> Session:
        response.headers.update(NO_STORE)
        token = token_in_cookie(request.headers)
        if token is None:
            return about(None)
        try:
            return about(await who_has(token))
        except HTTPException as error:
            if error.status_code != 401:
                raise
            return about(None)

    @router.post("/ui/session")
    async def sign_in(request: Request, response: Response, username: FormText, password: FormText) -> Session:
        server = allowed(request)
        client = client_address(request, proxies)
        token = await asked(lambda: server.sign_in(username, password, client))
        return await begin(request, response, token)

    @router.post("/ui/session/renew")
    async def renew(request: Request, response: Response) -> Session:
        server = allowed(request)
        token = token_in_cookie(request.headers)
        if token is None:
            raise unauthorized("log in first")
        return await begin(request, response, await asked(lambda: server.renew(token)))

    @router.delete("/ui/session")
    async def sign_out(request: Request, response: Response) -> Session:
        allowed(request)
        response.headers.update({"set-cookie": set_cookie(request.headers, "", 0), **NO_STORE})
        return about(None)

    def allowed(request: Request) -> AuthServer:
        """The auth server, only for our own page: another page could sign in a user as another user."""
        if not is_of_our_page(request.headers, request.method):
            raise HTTPException(403, "only the page of this server may sign in here; programs use POST /auth/token")
        if auth_server is None:
            raise HTTPException(404, "this server has no auth server to sign in at")
        return auth_server

    async def begin(request: Request, response: Response, token: Token) -> Session:
        user = await who_has(token.access_token)
        seconds = token.expires_in or TOKEN_LIFETIME
        cookie = set_cookie(request.headers, token.access_token, seconds)
        response.headers.update({"set-cookie": cookie, **NO_STORE})
        return about(user)

    async def who_has(token: str) -> User:
        return await access.identify(Headers({"authorization": f"Bearer {token}"}))

    def about(user: User | None) -> Session:
        signed_in = user is not None and user.id is not None
        return Session(
            signed_in=signed_in,
            is_admin=user is not None and user.is_admin,
            user_id=None if user is None else user.id,
            guests=guests.on,
            accounts=auth_server is not None,
        )

    del page, asset, session, sign_in, renew, sign_out
    return router


async def asked(question: Question) -> Token:
    """What the auth server says. Raises `HTTPException`."""
    try:
        return await run_in_threadpool(question)
    except SignInError as error:
        raise HTTPException(error.status, error.detail, error.headers) from None
