"""The sockets beneath a request.

httpcore reads 64 KiB at a time. asyncio hands over up to 256 KiB, of which the rest is copied each time: with that, a
download takes half as much processor time again.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Final, cast

import httpcore

from cl_client.http.library import httpx

AT_ONCE: Final = 256 * 1024
"""Bytes of a read: as many as asyncio hands over."""


class NetworkTransport(httpx.AsyncHTTPTransport):
    """httpx's own, which takes all that there is at each read; no other client of the process is changed.

    Args:
        certificates: what a server has to show.
        limits: of the connections.
        proxy: through which all of them go.
    """

    def __init__(self, certificates: ssl.SSLContext, limits: httpx.Limits, proxy: str | None) -> None:
        super().__init__(verify=certificates, limits=limits, trust_env=False, proxy=proxy)
        # httpcore takes a backend as an argument, which httpx does not hand on.
        self._pool._network_backend = _Backend(_anyio())  # pyright: ignore[reportPrivateUsage]


def _anyio() -> httpcore.AsyncNetworkBackend:
    # Its type is that of a substitute, too, for where there is no anyio.
    return cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())


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
