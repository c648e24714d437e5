"""Where a server says that something is which a request made: the header `Location` (RFC 9110 §10.2.2)."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final, cast

from cl_client.http.library import httpx

LOCATIONS: Final[ContextVar[list[str] | None]] = ContextVar("cl_client.locations", default=None)
"""Where what is sent in a context leaves that of its answers, as whole addresses."""


def leave_location(response: httpx.Response) -> None:
    """Store it for later."""
    seen = LOCATIONS.get()
    if seen is None:
        return
    for name in ("location", "operation-location"):
        where = cast("str | None", response.headers.get(name))
        if where is not None:
            seen.append(str(response.request.url.join(where)))
