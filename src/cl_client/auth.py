"""Who the client says it is."""

from abc import ABC, abstractmethod


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
        return {"Authorization": f"Bearer {self._token}"}

    def __repr__(self) -> str:
        # A token is a secret, and what is printed ends up in logs.
        return "JWTAuthProvider(…)"
