"""An HTTP gateway before a real server that now and then answers in its place, or keeps its answer to itself."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Callable

from attrs import frozen

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@frozen
class Trouble:
    """What the client hears instead of the server's word.

    Attributes:
        answer: the HTTP response.
        forwarded: whether the server gets the request all the same: it does the work, and nobody hears so.
    """

    answer: bytes
    forwarded: bool = False


class Gateway:
    """Attributes:
    port: where it listens, on 127.0.0.1.
    """

    def __init__(self, host: str, port: int, trouble: Callable[[], Trouble | None]) -> None:
        self._target = (host, port)
        self._trouble = trouble
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Hang up on everybody."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            # Whoever hangs up, on either side, ends both.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                far_reader, far_writer = await asyncio.open_connection(*self._target)
                ends.append(far_writer)
                while True:
                    request = await _message(reader)
                    trouble = self._trouble()
                    answer = b""
                    if trouble is None or trouble.forwarded:
                        far_writer.write(request)
                        answer = await _message(far_reader)
                    writer.write(answer if trouble is None else trouble.answer)
                    await writer.drain()
        finally:
            for end in ends:
                end.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request or response, whose length is told (RFC 9112 §6.2)."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


@contextlib.asynccontextmanager
async def gateway(host: str, port: int, trouble: Callable[[], Trouble | None]) -> AsyncGenerator[Gateway]:
    """Ask `trouble` at each request what goes wrong with it; `None` is nothing."""
    between = Gateway(host, port, trouble)
    server = await asyncio.start_server(between.accept, "127.0.0.1", 0)
    between.port = server.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        server.close()
        await between.close()
