"""A TCP proxy that misbehaves on demand: what stands between a client and a real server in the tests of faults."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncGenerator, Callable


class FaultProxy:
    """Forwards to one address until it is told not to.

    Attributes:
        port: where it listens, on 127.0.0.1.
        connections: how many were made so far.
        requests: how many HTTP requests came through so far.
        greetings: what was said first on each connection.
        answers: the beginning of each piece of what the server said.

    Args:
        turns_away: hang up on connections that begin like this.
        cut: after so many bytes of answer on each connection, until `whole`; by RST, or by FIN if `politely`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        turns_away: Callable[[bytes], bool] = lambda _: False,
        cut: int | None = None,
        politely: bool = False,
    ) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers = asyncio.Event()
        self._answers.set()
        self._forwards = asyncio.Event()
        self._forwards.set()
        self.port = 0
        self.connections = 0
        self.requests = 0
        self.greetings: list[bytes] = []
        self.answers: list[bytes] = []
        self._turns_away = turns_away
        self._cut = cut
        self._politely = politely

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection: what a server that died looks like."""
        if self._server is not None:
            self._server.close()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._answers.set()
        self._forwards.set()

    def hold_answers(self) -> None:
        """Keep what the server says, until `release`: the request arrives, the response does not."""
        self._answers.clear()

    def black_hole(self) -> None:
        """Swallow both directions, connections staying open, until `release`."""
        self._answers.clear()
        self._forwards.clear()

    def lose_requests(self) -> None:
        """Swallow what the client says, until `release`; what the server says arrives."""
        self._forwards.clear()

    def whole(self) -> None:
        """Cut no more connections."""
        self._cut = None

    def release(self) -> None:
        self._answers.set()
        self._forwards.set()

    def reset(self) -> None:
        """Cut every connection with a TCP RST."""
        for writer in list(self._writers):
            _reset(writer)

    def end(self) -> None:
        """Close every connection with a TCP FIN."""
        for writer in list(self._writers):
            writer.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A connection may have been accepted in the moment in which the port was closed.
        if self._server is None or not self._server.is_serving():
            writer.transport.abort()
            return
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._forward(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(far_writer)
        try:
            greeting = b""
            with contextlib.suppress(OSError):
                greeting = await reader.read(65536)
            if greeting:
                self.greetings.append(greeting)
            if not greeting or self._turns_away(greeting):
                return
            self._count(greeting)
            await self._forwards.wait()
            far_writer.write(greeting)
            pumps = [
                asyncio.create_task(self._pump(reader, far_writer, self._forwards, self._count)),
                asyncio.create_task(self._pump(far_reader, writer, self._answers, self._note, self._cut)),
            ]
            self._tasks.update(pumps)
            for pump in pumps:
                pump.add_done_callback(self._tasks.discard)
            await asyncio.wait(pumps)
        finally:
            self._writers.discard(far_writer)
            far_writer.close()

    def _note(self, data: bytes) -> None:
        self.answers.append(data[:64])

    def _count(self, data: bytes) -> None:
        self.requests += data.startswith((b"GET /", b"POST /", b"DELETE /"))

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        gate: asyncio.Event,
        see: Callable[[bytes], None] = lambda _: None,
        cut: int | None = None,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536 if cut is None else max(1, cut)):
                see(data)
                await gate.wait()
                writer.write(data[:cut])
                await writer.drain()
                if cut is not None and (cut := cut - len(data)) <= 0:
                    writer.close() if self._politely else _reset(writer)
                    return
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.asynccontextmanager
async def fault_proxy(
    host: str,
    port: int,
    *,
    turns_away: Callable[[bytes], bool] = lambda _: False,
    cut: int | None = None,
    politely: bool = False,
) -> AsyncGenerator[FaultProxy]:
    proxy = FaultProxy(host, port, turns_away=turns_away, cut=cut, politely=politely)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
