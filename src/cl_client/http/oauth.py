"""Tokens that a client gets for itself (OAuth 2.0, RFC 6749 §4.3 and §4.4)."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping, Sequence
from typing import Final, Unpack, cast
from urllib.parse import quote_plus, urljoin

from cl_client.config.defaults import Timeouts
from cl_client.errors import AuthenticationError, BadRequestError, InvalidParameterError, ResponseError
from cl_client.http.auth import AuthProvider, bearer
from cl_client.http.options import HttpOptions
from cl_client.http.transport import Transport
from cl_client.wire.types import JSONValue

__all__ = ["ClientCredentials"]

MARGIN: Final = 30.0
"""Seconds before its end at which a token is replaced, but never before the last tenth of its life."""


class ClientCredentials(AuthProvider):
    """A program that an OAuth 2.0 server knows by an id and a secret. Its token is kept until it ends, and got anew
    once where it is refused. For one event loop; `close()` ends the connections to the token server.

    Args:
        token_url: where tokens come from.
        client_id, client_secret: of the program.
        scopes: what the token has to be good for; what the server gives unasked when not given.
        username, password: of a user who gives them to the program (§4.3); for servers that know nothing else.
        timeout: seconds for each connect, read and write.
        http: how requests go out; see `HttpOptions`.

    Raises:
        InvalidParameterError: The address is invalid, or the name is missing.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        scopes: Sequence[str] = (),
        *,
        username: str | None = None,
        password: str | None = None,
        timeout: float | Timeouts | None = None,
        ca_file: str | None = None,
        library: str = "httpx",
        **http: Unpack[HttpOptions],
    ) -> None:
        if not client_id and not username:
            raise InvalidParameterError("a token is for a client_id, or for a username")
        self.token_url: str = token_url
        grant = {"grant_type": "password", "username": username or "", "password": password or ""}
        self._form: dict[str, str] = grant if username else {"grant_type": "client_credentials"}
        if scopes:
            self._form["scope"] = " ".join(scopes)
        self._client = (client_id, client_secret or "") if client_id else None
        self._transport = Transport(
            urljoin(token_url, "/"),
            timeout=Timeouts() if timeout is None else timeout,
            when_away="tokens come from there",
            ca_file=ca_file,
            options=http,
            library=library,
        )
        self._headers: dict[str, str] = {}
        self._until = 0.0
        self._turn = asyncio.Lock()

    def get_headers(self) -> dict[str, str]:
        return dict(self._headers)

    async def get_fresh_headers(self) -> dict[str, str]:
        """The headers with a token, which is got where there is none or it ends.

        Raises:
            AuthenticationError: the token server gives none.
            ServerUnreachableError: there is no token server.
        """
        if time.monotonic() >= self._until:
            async with self._turn:
                if time.monotonic() >= self._until:  # No other call refreshed it meanwhile.
                    await self._get()
        return self.get_headers()

    async def renew(self, refused: Mapping[str, str]) -> bool:
        async with self._turn:
            if self._headers == refused:
                await self._get()
        return self._headers != refused

    async def close(self) -> None:
        """Close the connections to the token server."""
        await self._transport.aclose()

    async def _get(self) -> None:
        asked = time.monotonic()
        answer = await self._ask()
        token, kind, life = (answer.get(key) for key in ("access_token", "token_type", "expires_in"))
        if not isinstance(token, str) or str(kind or "bearer").lower() != "bearer":
            raise AuthenticationError(f"{self.token_url}: the answer has no bearer token")
        try:
            self._headers = bearer(token)
        except InvalidParameterError as error:
            raise AuthenticationError(f"{self.token_url}: {error}") from None
        seconds = _seconds(life)
        self._until = asked + seconds - min(MARGIN, seconds / 10)

    async def _ask(self) -> Mapping[str, JSONValue]:
        """What the token server says. All have to know HTTP Basic (§2.3.1), but some want the secret in the form."""
        ways: list[tuple[dict[str, str], dict[str, str]]] = [({}, self._form)]
        if self._client is not None:
            name, secret = self._client
            pair = f"{quote_plus(name)}:{quote_plus(secret)}".encode()
            basic = {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}
            ways = [(basic, self._form), ({}, {**self._form, "client_id": name, "client_secret": secret})]
        why: ResponseError | None = None
        for headers, form in ways:
            try:
                response = await self._transport.request(
                    "POST", self.token_url, data=form, headers={"Accept": "application/json", **headers}
                )
                answer = cast("JSONValue", response.json())
            except (AuthenticationError, BadRequestError) as refused:
                why = why or refused
                continue
            except ValueError:
                answer = None
            if not isinstance(answer, dict):
                raise AuthenticationError(f"{self.token_url}: the response is not a JSON object")
            return answer
        raise AuthenticationError(f"{self.token_url} gives no token: {why}", status=why.status if why else None)

    def __repr__(self) -> str:
        # A secret is nothing for logs.
        return f"{type(self).__name__}({self.token_url!r}, …)"


def _seconds(life: JSONValue) -> float:
    """How long a token lives; where that is not said, until it is refused."""
    try:
        return max(0.0, float(life)) if isinstance(life, str | int | float) else float("inf")
    except ValueError:
        return float("inf")
