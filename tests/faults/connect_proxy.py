"""A real HTTP proxy that lets TLS through (CONNECT, RFC 9110 §9.3.6), as a company has one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator


class ConnectProxy:
    """Attributes:
    url: for `HTTPS_PROXY`.
    asked: where clients wanted to go, as `host:port`.
    tunnels: those that are open.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.tunnels: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnel = asyncio.ensure_future(self._serve(reader, writer))
        self.tunnels.add(tunnel)
        tunnel.add_done_callback(self.tunnels.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        target = head.split()[1]
        self.asked.append(target)
        host, _, port = target.rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        for end in (writer, far_writer):
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


@contextlib.asynccontextmanager
async def connect_proxy() -> AsyncGenerator[ConnectProxy]:
    proxy = ConnectProxy()
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        # Whoever hangs up, on either side, ends both.
        await asyncio.gather(*proxy.tunnels)
