"""The sockets beneath a request: those of httpx, or of httpx2 for a package that was made for it.

httpcore reads 64 KiB at a time. asyncio hands over up to 256 KiB, of which the rest is copied each time: with that, a
download takes half as much processor time again.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterable
from typing import Final, cast

import httpcore

from cl_client.http.lent import LentTransport
from cl_client.http.library import Library, httpx

AT_ONCE: Final = 256 * 1024
"""Bytes of a read: as many as asyncio hands over."""


def network_transport(
    library: Library, certificates: ssl.SSLContext, limits: httpx.Limits, proxy: str | None
) -> httpx.AsyncBaseTransport:
    """The library's own transport, which takes all there is at each read; no other client of the process is changed.

    Args:
        library: whose connections they are.
        certificates: what a server has to show.
        limits: of the connections.
        proxy: through which all of them go.
    """
    known = library.Limits(
        max_connections=limits.max_connections,
        max_keepalive_connections=limits.max_keepalive_connections,
        keepalive_expiry=limits.keepalive_expiry,
    )
    transport = library.AsyncHTTPTransport(verify=certificates, limits=known, trust_env=False, proxy=proxy)
    pool = transport._pool  # pyright: ignore[reportPrivateUsage]
    # httpcore takes a backend as an argument, which httpx does not hand on.
    pool._network_backend = _Backend(_anyio(pool))  # pyright: ignore[reportPrivateUsage]
    return transport if library.AsyncBaseTransport is httpx.AsyncBaseTransport else OwnTransport(transport)


class OwnTransport(LentTransport):
    """A transport of another library that is ours, and is closed with us."""

    async def aclose(self) -> None:
        """As httpx wants it."""
        await self.beneath.aclose()


def _anyio(pool: object) -> httpcore.AsyncNetworkBackend:
    """The backend of the httpcore, or httpcore2, that a pool is of."""
    core = sys.modules[type(pool).__module__.partition(".")[0]]
    return cast("type[httpcore.AsyncNetworkBackend]", getattr(core, "AnyIOBackend"))()  # noqa: B009 (of a module)


class _Backend(httpcore.AsyncNetworkBackend):
    def __init__(self, beneath: httpcore.AsyncNetworkBackend) -> None:
        self._beneath = beneath

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._beneath.connect_tcp(host, port, timeout, local_address, socket_options))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._beneath.connect_unix_socket(path, timeout, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._beneath.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, beneath: httpcore.AsyncNetworkStream) -> None:
        self._beneath = beneath

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._beneath.read(max(max_bytes, AT_ONCE), timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._beneath.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._beneath.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        # A read of TLS is one record, of 16 KiB at most (RFC 8446 §5.1): nothing is cut there.
        return await self._beneath.start_tls(ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> object:
        return cast("object", self._beneath.get_extra_info(info))
