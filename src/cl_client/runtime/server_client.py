"""A client of a server that has no jobs: its address, its connections, who calls."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from types import TracebackType
from typing import ClassVar, Final, Literal, Self, Unpack
from urllib.parse import urljoin

from attrs import frozen

from cl_client.config.addresses import without_secrets
from cl_client.config.defaults import ConnectionLimits, Timeouts
from cl_client.config.servers import ServerConfig
from cl_client.config.settings import Told, told_by_all, told_by_environment
from cl_client.http.auth import AuthProvider
from cl_client.http.library import httpx
from cl_client.http.oauth import ClientCredentials
from cl_client.http.options import HttpOptions
from cl_client.http.sender import AWAY
from cl_client.http.transport import Transport
from cl_client.wire.client import Client

__all__ = ["Scheme", "ServerClient"]


@frozen
class Scheme:
    """A way to sign in that the spec of a server has (OpenAPI 3.1 §4.8.27).

    Attributes:
        kind: `bearer`, `basic`, or where an API key is: `header`, `query`, `cookie`; `client_credentials` and
            `password` are the flows of OAuth 2.0 in which a program gets its token for itself.
        name: of the header, parameter or cookie of a key.
        token_url: where tokens come from; scopes: what operations want of them.
    """

    kind: Literal["bearer", "basic", "header", "query", "cookie", "client_credentials", "password"]
    name: str = ""
    token_url: str = ""
    scopes: tuple[str, ...] = ()


class ServerClient:
    """A client of one server, for one event loop: all but the operations, which generated packages mix in.

    Use it as an async context manager, or `await client.close()` at the end.

    Args:
        base_url: of the server; `COMPUTE_URL`, or the address that the spec has, when not given.
        timeout: seconds for each connect, read and write of a request, or a `Timeouts` for each of them its own; 30
            when not given.
        auth_provider: signs the requests.
        server_config: addresses in one object; `base_url` goes before it.
        token: for servers with bearer tokens; `api_key`: for those with keys; `username`, `password`: for basic
            authentication, and for servers that give a token for them; `client_id`, `client_secret`: for those that
            give one to programs (OAuth 2.0), at `token_url` where the spec names no such place, or another one.
            When not given, what the environment has: `{PROGRAM}_TOKEN`, `{PROGRAM}_API_KEY`, `{PROGRAM}_USERNAME`,
            `{PROGRAM}_PASSWORD`, `{PROGRAM}_CLIENT_ID`, `{PROGRAM}_CLIENT_SECRET` and `{PROGRAM}_TOKEN_URL`.
        deadline: seconds that a call may take in all; when not given, a request is tried a few times.
        limits: of the connections.
        http: how requests go out; see `HttpOptions`.

    Raises:
        InvalidParameterError: an address or a time that cannot be one.
    """

    program: ClassVar[str] = ""
    address: ClassVar[str] = ""
    http_library: ClassVar[str] = "httpx"
    """`httpx` or `httpx2`: whose connections they are."""
    schemes: ClassVar[tuple[Scheme, ...]] = ()

    def __init__(
        self,
        base_url: str | None = None,
        timeout: float | Timeouts | None = None,
        auth_provider: AuthProvider | None = None,
        server_config: ServerConfig | None = None,
        *,
        token: str | None = None,
        api_key: str | None = None,
        username: str | None = None,
        password: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        token_url: str | None = None,
        deadline: float | None = None,
        limits: ConnectionLimits | None = None,
        **http: Unpack[HttpOptions],
    ) -> None:
        told = told_by_environment() if server_config is None else server_config.told
        if base_url is None and "compute_url" not in told and self.address:
            base_url = self.address
        arguments = {"compute_url": Told(base_url, "argument")} if base_url else {}
        config = ServerConfig.of(told_by_all(told, arguments))
        self.base_url: str = config.compute_url.rstrip("/")
        said = {"token": token, "api_key": api_key, "username": username, "password": password}
        said |= {"client_id": client_id, "client_secret": client_secret, "token_url": token_url}
        secrets = {name: value or self._environment(name) for name, value in said.items()}
        secrets["client_id"] = secrets["client_id"] or config.client_id
        self._tokens: ClientCredentials | None = None
        if auth_provider is None and not secrets["token"] and (flow := _flow(self.schemes, secrets)) is not None:
            is_user = flow.kind == "password"
            auth_provider = self._tokens = ClientCredentials(
                urljoin(f"{self.base_url}/", secrets["token_url"] or flow.token_url),
                secrets["client_id"],
                secrets["client_secret"],
                flow.scopes,
                username=secrets["username"] if is_user else None,
                password=secrets["password"] if is_user else None,
                timeout=timeout,
                ca_file=config.ca_file,
                library=self.http_library,
                **http,
            )
        self._transport = Transport(
            self.base_url,
            timeout=Timeouts() if timeout is None else timeout,
            auth=auth_provider or _provider(self.schemes, secrets),
            deadline=deadline,
            limits=limits or ConnectionLimits(),
            when_away=AWAY,
            ca_file=config.ca_file,
            options=http,
            library=self.http_library,
        )
        self._add_keys(secrets["api_key"])
        self.api: Client = Client(base_url=self.base_url).set_async_httpx_client(self._transport)
        """The wire layer beneath."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {without_secrets(self.base_url)}>"

    def _environment(self, name: str) -> str | None:
        return os.environ.get(f"{self.program.upper().replace('-', '_')}_{name.upper()}") if self.program else None

    def _add_keys(self, key: str | None) -> None:
        """A key in the query goes into each address; an AuthProvider knows only headers."""
        names = [scheme.name for scheme in self.schemes if scheme.kind == "query"]
        if key is None or not names:
            return

        async def add(request: httpx.Request) -> None:
            for name in names:
                request.url = request.url.copy_set_param(name, key)

        hooks = self._transport.event_hooks
        self._transport.event_hooks = {**hooks, "request": [add, *hooks["request"]]}

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()
        if self._tokens is not None:
            await self._tokens.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Keys(AuthProvider):
    """Headers that stay the same."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    def get_headers(self) -> dict[str, str]:
        return dict(self._headers)


def _flow(schemes: tuple[Scheme, ...], secrets: Mapping[str, str | None]) -> Scheme | None:
    """The flow of OAuth 2.0 for what was given."""
    given = {"client_credentials": secrets["client_id"], "password": secrets["username"]}
    found = next((scheme for scheme in schemes if given.get(scheme.kind)), None)
    if found is None and secrets["client_id"] and secrets["token_url"]:
        return Scheme("client_credentials")
    return found


_NOTHING: Final[Mapping[str, str]] = {}


def _provider(schemes: tuple[Scheme, ...], secrets: Mapping[str, str | None]) -> AuthProvider | None:
    """What signs with what was given, by all schemes that take it."""
    headers: dict[str, str] = {}
    for scheme in schemes:
        headers |= _headers(scheme, secrets)
    if not headers and (token := secrets["token"]):
        headers = {"Authorization": f"Bearer {token}"}
    return _Keys(headers) if headers else None


def _headers(scheme: Scheme, secrets: Mapping[str, str | None]) -> Mapping[str, str]:
    token, key, username = secrets["token"], secrets["api_key"], secrets["username"]
    match scheme.kind:
        case "bearer" if token:
            return {"Authorization": f"Bearer {token}"}
        case "basic" if username:
            pair = f"{username}:{secrets['password'] or ''}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}
        case "header" if key:
            return {scheme.name: key}
        case "cookie" if key:
            return {"Cookie": f"{scheme.name}={key}"}
        case _:
            return _NOTHING
