"""Who the client says it is."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Final

from cl_client.errors import InvalidParameterError

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class AuthProvider(ABC):
    """Gives the headers that sign a request. It is asked for every request, so a token may change in between."""

    @abstractmethod
    def get_headers(self) -> dict[str, str]:
        """The headers to add, such as `{"Authorization": "Bearer …"}`."""


class NoAuthProvider(AuthProvider):
    """A guest: no headers. The default."""

    def get_headers(self) -> dict[str, str]:
        return {}


class JWTAuthProvider(AuthProvider):
    """Somebody with a token of the auth server.

    Args:
        token: sent as it is with every request, until it expires.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def get_headers(self) -> dict[str, str]:
        return bearer(self._token)

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
