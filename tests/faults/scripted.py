"""A real HTTP server that answers what it was told to, one answer for each request."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Callable, Sequence

CUT = b"<cut>"
"""At the end of an answer: the connection is closed there, whatever was announced."""
CLOSE = b""
"""Close the connection instead of answering."""


def answer(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """An HTTP/1.1 response; underscores in the names of headers are dashes."""
    lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(body)}", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


Answer = bytes | Callable[[str], bytes]
"""What is sent, or what makes that from the request line and the headers."""


class ScriptedServer:
    """Attributes:
    requests: the request lines and headers that came.
    connections: how many were made.
    url: where it listens.
    """

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self.requests: list[str] = []
        self.connections = 0
        self.url = ""
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        self.connections += 1
        self._idle.clear()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.requests.append(head)
                length = next(
                    (line[16:] for line in head.splitlines() if line.lower().startswith("content-length:")), "0"
                )
                await reader.readexactly(int(length))
                told = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                told = told if isinstance(told, bytes) else told(head)
                if told == CLOSE:
                    break
                writer.write(told.removesuffix(CUT))
                await writer.drain()
                if told.endswith(CUT):
                    break
        writer.close()
        self._open -= 1
        if self._open == 0:
            self._idle.set()

    async def left_alone(self) -> None:
        """Wait until every client has gone."""
        await self._idle.wait()


@contextlib.asynccontextmanager
async def scripted_server(*answers: Answer, tls: ssl.SSLContext | None = None) -> AsyncGenerator[ScriptedServer]:
    """Answers in this order; the last one again and again."""
    scripted = ScriptedServer(answers)
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0, ssl=tls)
    scripted.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield scripted
    finally:
        server.close()
        await scripted.left_alone()
