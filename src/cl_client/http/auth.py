"""Who the client says it is."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final, Protocol

from cl_client.errors import InvalidParameterError

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class AuthProvider(ABC):
    """Gives the headers that sign a request. It is asked for every request, so a token may change in between.

    `get_headers` is all that a provider needs. One whose headers age has the other two as well.
    """

    @abstractmethod
    def get_headers(self) -> dict[str, str]:
        """The headers to add, such as `{"Authorization": "Bearer …"}`; an empty dict for a guest.

        Called in the event loop for each try of each request, so it may not block. What it raises ends the request.
        """

    async def get_fresh_headers(self) -> dict[str, str]:
        """As `get_headers`, for the request that comes now: the moment to replace what is about to expire."""
        return self.get_headers()

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Called when the server answered 401 to these headers: the moment to get others.

        Returns:
            Whether `get_headers` now gives others, with which the request is sent once more.
        """
        return False


class NoAuthProvider(AuthProvider):
    """A guest: no headers. The default."""

    def get_headers(self) -> dict[str, str]:
        return {}


class TokenSession(Protocol):
    """What a provider asks of a session; a `SessionManager` is one."""

    def is_authenticated(self) -> bool: ...
    def get_token(self) -> str: ...
    async def get_valid_token(self) -> str: ...
    async def refresh(self) -> None: ...


class JWTAuthProvider(AuthProvider):
    """Somebody with a token of the auth server.

    Args:
        token: sent as it is with every request, until it expires.
        session: in place of a token: its current one is sent, and refreshed in time. A session in which nobody is
            logged in is a guest.

    Raises:
        InvalidParameterError: there are both or none, or the token is written as no token is.
    """

    def __init__(self, token: str | None = None, *, session: TokenSession | None = None) -> None:
        if (token is None) == (session is None):
            raise InvalidParameterError("a JWTAuthProvider needs a token or a session, and not both")
        self._headers = {} if token is None else bearer(token)
        self._session = session

    def get_headers(self) -> dict[str, str]:
        if self._session is None:
            return dict(self._headers)
        return bearer(self._session.get_token()) if self._session.is_authenticated() else {}

    async def get_fresh_headers(self) -> dict[str, str]:
        if self._session is not None and self._session.is_authenticated():
            await self._session.get_valid_token()
        return self.get_headers()

    async def renew(self, refused: Mapping[str, str]) -> bool:
        # Who was signed in never goes on as a guest, nor the other way round.
        if self._session is None or not refused or not self._session.is_authenticated():
            return False
        if self.get_headers() == refused:
            await self._session.refresh()
        return self._session.is_authenticated() and self.get_headers() != refused

    def __repr__(self) -> str:
        # A token is a secret, and what is printed ends up in logs.
        return "JWTAuthProvider(…)"


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token.

    Raises:
        InvalidParameterError: no token is written like that (RFC 6750 §2.1).
    """
    if not _TOKEN.fullmatch(token):
        raise InvalidParameterError("this is no token: it is empty, or holds characters that no token has")
    return {"Authorization": f"Bearer {token}"}
