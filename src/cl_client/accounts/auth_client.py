"""A method for each endpoint of the auth server. It stores nothing; `SessionManager` stores a token."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Sequence
from contextvars import ContextVar
from typing import Final, TypeVar, Unpack

from cl_api.auth import models as wire
from cl_api.auth.api.auth import create_token, get_public_key, refresh_token
from cl_api.auth.api.users import create_user, delete_user, get_current_user, get_user, list_users, update_user
from cl_api.auth.models import PublicKeyResponse, TokenResponse, UserResponse
from cl_client.accounts.user import UserCreateRequest, UserUpdateRequest
from cl_client.config.addresses import without_secrets
from cl_client.config.defaults import ComputeClientConfig
from cl_client.config.servers import ServerConfig
from cl_client.errors import ResponseError
from cl_client.http.auth import AuthProvider, bearer
from cl_client.http.error_translation import promised
from cl_client.http.options import HttpOptions
from cl_client.http.transport import Transport
from cl_client.loops.closing import Closing
from cl_client.wire.client import Client
from cl_client.wire.types import UNSET, Unset

Value = TypeVar("Value")

_IS_AWAY: Final = "is the auth server running? `cl-client server up --auth` starts one; AUTH_URL says where it is"

# Generated endpoints take no headers; each call of a task has its own token here.
_token: Final[ContextVar[str | None]] = ContextVar("cl_client.accounts.auth_client", default=None)


class AuthClient(Closing):
    """A client for one auth server and one event loop. Use it as an async context manager, or call `close`.

    Every method raises `ServerUnreachableError` if the server doesn't answer, and a `ResponseError` for an error
    status: `AuthenticationError` for an invalid token, and `PermissionError` if only admins have access.

    Args:
        base_url: Address of the auth server. Default: `AUTH_URL`, or `http://localhost:8000`.
        timeout: Seconds for each connect, read and write. Default: 30.
        server_config: All addresses in one object. `base_url` takes precedence.
        http: Options for requests. See `HttpOptions`.

    Raises:
        InvalidParameterError: An address or a time is invalid.
    """

    def __init__(
        self,
        base_url: str | None = None,
        timeout: float | None = None,
        server_config: ServerConfig | None = None,
        **http: Unpack[HttpOptions],
    ) -> None:
        config = server_config or ServerConfig.from_env()
        self.base_url: str = (base_url or config.auth_url).rstrip("/")
        seconds = ComputeClientConfig.DEFAULT_TIMEOUT if timeout is None else timeout
        self._transport = Transport(
            self.base_url,
            timeout=seconds,
            auth=_TokenOfTheCall(),
            when_away=_IS_AWAY,
            ca_file=config.ca_file,
            options=http,
        )
        self.api: Client = Client(base_url=self.base_url).set_async_httpx_client(self._transport)
        """The wire layer, for operations without a method."""

    def __repr__(self) -> str:
        return f"<AuthClient {without_secrets(self.base_url)}>"

    async def login(self, username: str, password: str) -> TokenResponse:
        """Exchange a name and a password for a token. Nothing is stored: `SessionManager.login` does that.

        Raises:
            AuthenticationError: The name or the password is wrong, or the account is inactive.
            RateLimitError: There were too many attempts. Try again after `retry_after` seconds.
        """
        body = wire.BodyCreateToken(username=username, password=password)
        with promised():
            return await create_token.asyncio(client=self.api, body=body)

    async def refresh_token(self, token: str) -> TokenResponse:
        """Exchange a valid token for a new one, with a full lifetime.

        Raises:
            AuthenticationError: The token has expired, or the user was deactivated or has a new password.
        """
        with _as(token), promised():
            return await refresh_token.asyncio(client=self.api)

    async def get_public_key(self) -> PublicKeyResponse:
        """Get the public key of new tokens (ES256), as PEM."""
        with promised():
            return await get_public_key.asyncio(client=self.api)

    async def get_current_user(self, token: str) -> UserResponse:
        """Get the user of a token.

        Raises:
            AuthenticationError: The token is no longer valid.
        """
        with _as(token), promised():
            return await get_current_user.asyncio(client=self.api)

    async def create_user(self, token: str, user_create: UserCreateRequest) -> UserResponse:
        """Create a user (admins only).

        Raises:
            ConflictError: The name is in use.
            ValidationError: The name, the password or a permission is invalid.
        """
        body = wire.UserCreateRequest(
            username=user_create.username,
            password=user_create.password,
            is_admin=user_create.is_admin,
            # A server that does not know the field refuses it, so it goes out only where it says something.
            is_active=UNSET if user_create.is_active else False,
            permissions=_listed(user_create.permissions),
        )
        with _as(token), promised():
            return await create_user.asyncio(client=self.api, body=body)

    async def list_users(self, token: str, skip: int = 0, limit: int = 100) -> list[UserResponse]:
        """List users, oldest first (admins only).

        Args:
            token: Token of an admin.
            skip: Number of users to skip at the beginning.
            limit: The maximum number of users to return, up to 1000.

        Raises:
            ValidationError: `skip` or `limit` is out of its bounds.
        """
        with _as(token), promised():
            try:
                return await list_users.asyncio(client=self.api, skip=skip, limit=limit)
            except (KeyError, TypeError, AttributeError) as error:
                raise ResponseError(f"{self.base_url} did not answer with a list of users") from error

    async def get_user(self, token: str, user_id: int) -> UserResponse:
        """Get a user by id (admins only).

        Raises:
            NotFoundError: The user doesn't exist.
        """
        with _as(token), promised():
            return await get_user.asyncio(user_id, client=self.api)

    async def update_user(self, token: str, user_id: int, user_update: UserUpdateRequest) -> UserResponse:
        """Change a user (admins only). A new password ends the sessions of the user.

        Raises:
            NotFoundError: The user doesn't exist.
            ConflictError: The user is the last active admin.
            ValidationError: The password or a permission is invalid.
        """
        body = wire.UserUpdateRequest(
            password=_given(user_update.password),
            permissions=UNSET if user_update.permissions is None else _listed(user_update.permissions),
            is_admin=_given(user_update.is_admin),
            is_active=_given(user_update.is_active),
        )
        with _as(token), promised():
            return await update_user.asyncio(user_id, client=self.api, body=body)

    async def delete_user(self, token: str, user_id: int) -> None:
        """Delete a user (admins only).

        Raises:
            NotFoundError: The user doesn't exist.
            ConflictError: The user is the last active admin.
        """
        with _as(token), promised():
            await delete_user.asyncio(user_id, client=self.api)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


class _TokenOfTheCall(AuthProvider):
    def get_headers(self) -> dict[str, str]:
        token = _token.get()
        return {} if token is None else bearer(token)


@contextlib.contextmanager
def _as(token: str) -> Generator[None]:
    """Sign what is sent in this block."""
    before = _token.set(token)
    try:
        yield
    finally:
        _token.reset(before)


def _listed(permissions: Sequence[str]) -> str:
    """A comma list, which all servers of this family read. None at all is a comma: an empty field is left out."""
    words = list(permissions)
    return json.dumps(words) if any("," in word for word in words) else ",".join(words) or ","


def _given(value: Value | None) -> Value | Unset:
    return UNSET if value is None else value
