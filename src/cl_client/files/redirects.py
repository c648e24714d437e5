"""A file that is somewhere else by now: its server says where (RFC 9110 §15.4)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Collection, Mapping
from typing import Final, cast

from cl_client.errors import DownloadError
from cl_client.http.library import httpx
from cl_client.http.sender import Sender

MOST: Final = 10
"""Redirects of one file, one after the other."""

_MOVED: Final = frozenset({301, 302, 303, 307, 308})


@contextlib.asynccontextmanager
async def followed(
    transport: Sender, url: str, headers: Mapping[str, str], handled: Collection[int]
) -> AsyncGenerator[httpx.Response]:
    """The answer to a GET, wherever the server sends us; who we are is told to nobody but that server.

    Args:
        transport: the way to the server.
        url: of the file, on that server.
        headers: of each request.
        handled: statuses that the caller understands, beside 2xx.

    Raises:
        DownloadError: the redirects never end, or lead to what is no web server.
        ComputeClientError: as `Sender.send`.
    """
    here: str | httpx.URL = url
    for _ in range(MOST + 1):
        async with transport.open(here, headers, {*handled, *_MOVED}) as response:
            if response.status_code not in _MOVED:
                yield response
                return
            here = _next(url, response)
    raise DownloadError(f"{url}: the server redirects in a circle, last to {here}")


def _next(url: str, response: httpx.Response) -> httpx.URL:
    location = cast("str", response.headers.get("location", ""))
    try:
        target = response.url.join(location)
    except httpx.InvalidURL:
        target = httpx.URL()
    if not location or target.scheme not in ("http", "https") or not target.host:
        raise DownloadError(f"{url}: the server redirects to {location[:200]!r} (HTTP {response.status_code})")
    return target
