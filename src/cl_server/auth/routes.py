"""The routes of the auth server."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from cl_ml_tools.form_fields import refuse_others
from cl_ml_tools.schemas import ErrorResponse
from cl_server.auth.accounts import Accounts
from cl_server.auth.keys import KeyRing
from cl_server.auth.limits import TooManyError
from cl_server.auth.passwords import BusyError, WeakPasswordError
from cl_server.auth.schemas import (
    AuthServerInfo,
    JsonWebKeySet,
    PublicKeyResponse,
    TokenResponse,
    UserCreateRequest,
    UserId,
    UserResponse,
    UserUpdateRequest,
)
from cl_server.auth.users import LastAdminError, User, UsernameTakenError
from cl_server.http import bearer
from cl_server.http.client_address import client_address
from cl_server.settings import Network

# Tokens are not for caches (RFC 6749 §5.1).
NO_STORE = "no-store"

NOT_LOGGED_IN = {401: {"model": ErrorResponse, "description": "The token is missing or not valid"}}
NOT_ADMIN = {**NOT_LOGGED_IN, 403: {"model": ErrorResponse, "description": "Only an admin may do this"}}
NO_SUCH_USER = {404: {"model": ErrorResponse, "description": "There is no such user"}}
INVALID = {422: {"model": ErrorResponse, "description": "A field is missing or out of its range"}}

Id = Annotated[UserId, Path()]
# Bounded, so that the server never hashes megabytes.
FormText = Annotated[str, Form(max_length=1024)]


def token_router(accounts: Accounts, ring: KeyRing, proxies: Sequence[Network] = ()) -> APIRouter:
    """`/auth`: tokens, and the keys to believe them by."""
    router = APIRouter(prefix="/auth", tags=["auth"])

    @router.post(
        "/token",
        operation_id="create_token",
        summary="Log in",
        responses={
            401: {"model": ErrorResponse, "description": "The name or the password is wrong, or the account inactive"},
            429: {"model": ErrorResponse, "description": "Too many attempts; `Retry-After` says when to try again"},
            **INVALID,
        },
    )
    async def create_token(
        request: Request, response: Response, username: FormText, password: FormText
    ) -> TokenResponse:
        response.headers["cache-control"] = NO_STORE
        try:
            return await accounts.login(username, password, client_address(request, proxies))
        except TooManyError as error:
            raise HTTPException(429, str(error), {"Retry-After": str(error.retry_after)}) from None
        except BusyError as error:
            raise _busy(error) from None

    @router.post(
        "/token/refresh",
        operation_id="refresh_token",
        summary="Exchange a valid token for a new one",
        dependencies=[Depends(bearer.scheme)],
        responses={**NOT_LOGGED_IN},
    )
    async def refresh_token(request: Request, response: Response) -> TokenResponse:
        response.headers["cache-control"] = NO_STORE
        return await accounts.refresh(request.headers)

    @router.get("/public-key", operation_id="get_public_key", summary="Get the public key of new tokens")
    def get_public_key() -> PublicKeyResponse:
        return PublicKeyResponse(public_key=ring.signing().public_pem)

    @router.get("/jwks", operation_id="get_jwks", summary="Get the public keys of all tokens in use (RFC 7517)")
    def get_jwks() -> JsonWebKeySet:
        return JsonWebKeySet(keys=[key.jwk for key in ring.verifying()])

    # FastAPI holds them; the names are for the reader.
    del create_token, refresh_token, get_public_key, get_jwks
    return router


def user_router(accounts: Accounts) -> APIRouter:
    """`/users`: who there is. But for `/users/me`, only admins get anything here."""
    router = APIRouter(prefix="/users", tags=["users"], dependencies=[Depends(bearer.scheme)])

    async def current(request: Request) -> User:
        user = await accounts.current(request.headers)
        request.state.user = user
        return user

    async def admin(request: Request) -> None:
        request.state.user = await accounts.admin(request.headers)

    admins = [Depends(admin)]

    @router.get("/me", operation_id="get_current_user", summary="Get the current user", responses={**NOT_LOGGED_IN})
    def get_current_user(me: Annotated[User, Depends(current)]) -> UserResponse:
        return _response(me)

    @router.post(
        "/",
        operation_id="create_user",
        summary="Create a user",
        status_code=201,
        dependencies=admins,
        responses={
            **NOT_ADMIN,
            409: {"model": ErrorResponse, "description": "A user with this name exists"},
            **INVALID,
        },
    )
    async def create_user(request: Request, user: Annotated[UserCreateRequest, Form()]) -> UserResponse:
        await refuse_others(request, UserCreateRequest.model_fields)
        try:
            return _response(await accounts.create(user))
        except UsernameTakenError:
            raise HTTPException(409, f"there is a user {user.username} already") from None
        except WeakPasswordError as error:
            raise _weak(error) from None
        except BusyError as error:
            raise _busy(error) from None

    @router.get(
        "/",
        operation_id="list_users",
        summary="List users",
        dependencies=admins,
        responses={**NOT_ADMIN, **INVALID},
    )
    def list_users(
        skip: Annotated[int, Query(ge=0, lt=1 << 31)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[UserResponse]:
        return [_response(user) for user in accounts.users.list(skip, limit)]

    @router.get(
        "/{user_id}",
        operation_id="get_user",
        summary="Get a user",
        dependencies=admins,
        responses={**NOT_ADMIN, **NO_SUCH_USER, **INVALID},
    )
    def get_user(user_id: Id) -> UserResponse:
        user = accounts.users.get(user_id)
        if user is None:
            raise _no_such_user(user_id)
        return _response(user)

    last_admin = {409: {"model": ErrorResponse, "description": "This is the last active admin"}}

    @router.put(
        "/{user_id}",
        operation_id="update_user",
        summary="Update a user",
        dependencies=admins,
        responses={**NOT_ADMIN, **NO_SUCH_USER, **last_admin, **INVALID},
    )
    async def update_user(request: Request, user_id: Id, change: Annotated[UserUpdateRequest, Form()]) -> UserResponse:
        await refuse_others(request, UserUpdateRequest.model_fields)
        try:
            user = await accounts.update(user_id, change)
        except LastAdminError:
            raise _last_admin() from None
        except WeakPasswordError as error:
            raise _weak(error) from None
        except BusyError as error:
            raise _busy(error) from None
        if user is None:
            raise _no_such_user(user_id)
        return _response(user)

    @router.delete(
        "/{user_id}",
        operation_id="delete_user",
        summary="Delete a user",
        status_code=204,
        dependencies=admins,
        responses={**NOT_ADMIN, **NO_SUCH_USER, **last_admin, **INVALID},
    )
    def delete_user(user_id: Id) -> Response:
        try:
            if not accounts.users.delete(user_id):
                raise _no_such_user(user_id)
        except LastAdminError:
            raise _last_admin() from None
        return Response(status_code=204)

    del get_current_user, create_user, list_users, get_user, update_user, delete_user
    return router


def server_router() -> APIRouter:
    """`/`."""
    router = APIRouter(tags=["server"])
    info = AuthServerInfo(status="ok", service="auth", version=version("cl-client"))

    @router.get("/", operation_id="get_server_info", summary="Get the server's status and version")
    async def get_server_info() -> AuthServerInfo:
        return info

    del get_server_info
    return router


def _response(user: User) -> UserResponse:
    return UserResponse(
        id=user.id,
        username=user.username,
        is_admin=user.is_admin,
        is_active=user.is_active,
        created_at=user.created_at,
        permissions=list(user.permissions),
    )


def _no_such_user(user_id: int) -> HTTPException:
    return HTTPException(404, f"there is no user {user_id}")


def _last_admin() -> HTTPException:
    return HTTPException(409, "this is the last active admin: make another one first")


def _weak(error: WeakPasswordError) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": ("body", "password"), "msg": str(error)}])


def _busy(error: BusyError) -> HTTPException:
    return HTTPException(503, str(error), {"Retry-After": "5"})
