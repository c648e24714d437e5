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
