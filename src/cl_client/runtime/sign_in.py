"""Signing in to a server as its spec says, with what a program and its environment give."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Final, Literal, Protocol, TypeAlias
from urllib.parse import urljoin

from attrs import frozen

from cl_client.config.defaults import Timeouts
from cl_client.config.servers import ServerConfig
from cl_client.http.auth import AuthProvider
from cl_client.http.library import httpx
from cl_client.http.oauth import ClientCredentials
from cl_client.http.options import HttpOptions
from cl_client.http.transport import Transport

Secrets: TypeAlias = Mapping[str, str | None]
"""By the argument: `token`, `api_key`, `username`, `password`, `client_id`, `client_secret`, `token_url`."""


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


@frozen
class SignIn:
    """Who calls.

    Attributes:
        provider: Signs the requests. `None` for requests without sign-in.
        keys: the parameters that each address has, for an `AuthProvider` knows only headers.
    """

    provider: AuthProvider | None
    keys: Mapping[str, str]

    @classmethod
    def of(
        cls,
        schemes: tuple[Scheme, ...],
        given: Secrets,
        program: str,
        config: ServerConfig,
        *,
        timeout: float | Timeouts | None,
        library: str,
        http: HttpOptions,
    ) -> SignIn:
        """By all schemes that take what is given.

        Args:
            schemes: of the spec.
            given: by the program; what is not, the environment may have.
            program: whose environment that is: `{PROGRAM}_TOKEN` and so on.
            config: where the server is.
            timeout, library, http: for the requests for tokens.
        """
        secrets = secrets_of(given, config, program)
        key = secrets["api_key"]
        keys = {scheme.name: key for scheme in schemes if scheme.kind == "query" and key is not None}
        flow = flow_of(schemes, secrets)
        if flow is None:
            return cls(_provider(schemes, secrets), keys)
        is_user = flow.kind == "password"
        provider = ClientCredentials(
            urljoin(f"{config.compute_url.rstrip('/')}/", secrets["token_url"] or flow.token_url),
            secrets["client_id"],
            secrets["client_secret"],
            flow.scopes,
            username=secrets["username"] if is_user else None,
            password=secrets["password"] if is_user else None,
            timeout=timeout,
            ca_file=config.ca_file,
            library=library,
            **http,
        )
        return cls(provider, keys)

    def add_keys(self, transport: Transport) -> None:
        """Have each request to the server itself carry the keys."""
        if not self.keys:
            return

        async def add(request: httpx.Request) -> None:
            if request.url.host == transport.base_url.host:
                request.url = request.url.copy_merge_params(dict(self.keys))

        hooks = transport.event_hooks
        transport.event_hooks = {**hooks, "request": [add, *hooks["request"]]}

    async def close(self) -> None:
        """End the connections to a token server."""
        if isinstance(self.provider, ClientCredentials):
            await self.provider.close()


class SignsIn:
    """A client that signs in as its spec says, and that may be one of several."""

    _sign_in: SignIn
    _transport: Transport
    _whole: Closes | None = None

    def sign_in_with(self, keys: SignIn) -> None:
        """Send the keys of another sign-in with each request, too."""
        keys.add_keys(self._transport)

    def end_with(self, whole: Closes) -> None:
        """Close all of several clients, when this one is closed."""
        self._whole = whole

    async def _end(self) -> None:
        await self._sign_in.close()
        whole, self._whole = self._whole, None
        if whole is not None:
            await whole.close()


class Closes(Protocol):
    """What can be closed."""

    async def close(self) -> None: ...


class _Keys(AuthProvider):
    """Headers that stay the same."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    def get_headers(self) -> dict[str, str]:
        return dict(self._headers)


def secrets_of(given: Secrets, config: ServerConfig, *programs: str) -> dict[str, str | None]:
    """What a program gives, and for what it doesn't, its environment: `{PROGRAM}_TOKEN` of the first that has it."""
    prefixes = [program.upper().replace("-", "_") for program in programs if program]
    secrets = {
        name: value or next((found for each in prefixes if (found := os.environ.get(f"{each}_{name.upper()}"))), None)
        for name, value in given.items()
    }
    secrets["client_id"] = secrets["client_id"] or config.client_id
    return secrets


def flow_of(schemes: tuple[Scheme, ...], secrets: Secrets) -> Scheme | None:
    """The flow of OAuth 2.0 for what was given; none for a token."""
    if secrets["token"]:
        return None
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
