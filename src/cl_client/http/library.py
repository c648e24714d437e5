"""The HTTP library, imported here and nowhere else in the hand-written client: httpx.

httpx2 is a fork of it with the same names, which programs may have beside it, or in its place
(`httpx2.alias_httpx()`). Its classes are others: `except httpx.TimeoutException` does not catch its own, `kinds` gives
both.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Final, Protocol, cast

import httpx

from cl_client.errors import ComputeClientError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

__all__ = ["Library", "Response", "httpx", "kinds", "library_of", "named"]

Response = httpx.Response

_FAMILIES: Final = ("httpx", "httpx2")


class Library(Protocol):
    """What both libraries have, as httpx types it."""

    @property
    def Request(self) -> type[httpx.Request]: ...  # noqa: N802 (a class)
    @property
    def AsyncByteStream(self) -> type[httpx.AsyncByteStream]: ...  # noqa: N802
    @property
    def AsyncBaseTransport(self) -> type[httpx.AsyncBaseTransport]: ...  # noqa: N802
    @property
    def AsyncHTTPTransport(self) -> type[httpx.AsyncHTTPTransport]: ...  # noqa: N802
    def create_ssl_context(self, *, trust_env: bool = True) -> ssl.SSLContext: ...
    @property
    def Limits(self) -> type[httpx.Limits]: ...  # noqa: N802
    @property
    def AsyncClient(self) -> type[httpx.AsyncClient]: ...  # noqa: N802


def kinds(*names: str) -> tuple[type[Exception], ...]:
    """The exceptions of these names, of both libraries as far as they are imported; for `except` and `isinstance`."""
    return tuple(cast("type[Exception]", getattr(library, name)) for library in _imported() for name in names)


def library_of(value: object) -> Library | None:
    """The library that has made an object, or the class that it stands on; `None` where neither has."""
    for library in _imported():
        known = cast("Library", library)
        if isinstance(value, (known.AsyncBaseTransport, known.AsyncClient)):
            return known
    return None


def named(name: str) -> Library:
    """A library by its name, which is imported.

    Raises:
        ComputeClientError: it is not installed.
    """
    try:
        return cast("Library", cast("object", importlib.import_module(name)))
    except ImportError as error:
        raise ComputeClientError(
            f"{name} is not installed, and this client sends with it", hint=f"pip install {name}"
        ) from error


def _imported() -> Iterator[object]:
    return (sys.modules[name] for name in _FAMILIES if name in sys.modules)
