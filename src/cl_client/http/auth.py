"""Authentication of requests."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final, Protocol

from cl_client.errors import InvalidParameterError

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class AuthProvider(ABC):
    """Provides the headers that authenticate a request. It is called for every request, so a token can change.

    A provider has to implement `get_headers`. If its headers expire, it also implements the other two methods.
    """

    @abstractmethod
    def get_headers(self) -> dict[str, str]:
        """Return the headers to add, such as `{"Authorization": "Bearer …"}`, or an empty dictionary for a guest.

        The event loop calls it for each attempt of each request, so it must not block. An exception ends the request.
        """

    async def get_fresh_headers(self) -> dict[str, str]:
        """Return the headers for the next request, after refreshing them if they are about to expire.

        It is awaited before each attempt. Concurrent requests call it at the same time, so one refresh has to serve
        all of them. An exception ends the request.
        """
        return self.get_headers()

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Get other headers, after the server has answered with 401.

        Args:
            refused: The headers of the refused request. If they are no longer the current ones, another request has
                renewed them already.

        Returns:
            Whether `get_headers` now returns other headers. The request is then sent once more.
        """
        return False


class NoAuthProvider(AuthProvider):
    """Authenticates as a guest: sends no headers. The default."""

    def get_headers(self) -> dict[str, str]:
        return {}


class TokenSession(Protocol):
    """A session with a token. `SessionManager` implements it."""

    def is_authenticated(self) -> bool: ...
    def get_token(self) -> str: ...
    async def get_valid_token(self) -> str: ...
    async def refresh(self) -> None: ...


class JWTAuthProvider(AuthProvider):
    """Authenticates with a token of the auth server.

    Args:
        token: Token to send with every request. It is never refreshed.
        session: Session whose current token to send. The session refreshes it in time. If no user is logged in, the
            client is a guest.

    Raises:
        InvalidParameterError: There are both arguments or none, or the token is malformed.
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
        # A user never continues as a guest, nor a guest as a user.
        if self._session is None or not refused or not self._session.is_authenticated():
            return False
        if self.get_headers() == refused:
            await self._session.refresh()
        return self._session.is_authenticated() and self.get_headers() != refused

    def __repr__(self) -> str:
        # A token is a secret, and a repr ends up in logs.
        return "JWTAuthProvider(…)"


def bearer(token: str) -> dict[str, str]:
    """Make the header for a token.

    Raises:
        InvalidParameterError: The token is malformed (RFC 6750 §2.1).
    """
    if not _TOKEN.fullmatch(token):
        raise InvalidParameterError("this is not a token: it is empty or has invalid characters")
    return {"Authorization": f"Bearer {token}"}
