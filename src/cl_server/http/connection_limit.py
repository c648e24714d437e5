"""Limits connections: idle ones, and those that don't read, are closed, and those above the limit get 503.

A server without free file descriptors answers no one, and asyncio logs each attempt. Therefore, connections are counted
when they are accepted.
"""

import asyncio
import contextlib
import errno
import logging
import os
import resource
import socket
import time
from pathlib import Path
from typing import cast

import h11
from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from cl_server.http import errors
from cl_server.http.early_answer import drain

# Seconds from the first byte of a request, or from the connection, to the end of its head; and in which a client has to
# take something of an answer.
HEAD = 10.0
WRITE = 60.0
# Descriptors that are open at most in one thread that answers: upload, its copy, the database.
EACH_THREAD = 6
THREADS = 40
# Descriptors for everything except connections and threads.
BESIDE = 16
# Seconds between two lines of the log about the same.
QUIET = 60.0
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b'content-length: 54\r\n\r\n{"detail":"too many are connected; try again shortly"}'
)

log = logging.getLogger(__name__)


class ConnectionLimit:
    """`most` connections may be open; from `many` on, requests are refused. `threads` may answer at once."""

    def __init__(self, descriptors: int) -> None:
        self.threads = THREADS if descriptors >= 20 * THREADS else max(2, descriptors // 20)
        # An upload has a descriptor in addition to that of its connection.
        self.most = max(4, (descriptors - self.threads * EACH_THREAD - BESIDE) // 2)
        self.many = max(2, self.most * 3 // 4)
        self.open = 0
        self._said = float("-inf")
        self._refused = 0

    @classmethod
    def of_process(cls) -> "ConnectionLimit":
        """For this process, which is given all descriptors that it may have."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
                soft = hard
        folder = Path("/proc/self/fd" if Path("/proc/self/fd").exists() else "/dev/fd")
        limit = 1 << 20 if soft == resource.RLIM_INFINITY else soft
        return cls(limit - sum(1 for _ in folder.iterdir()))

    def enter(self) -> bool:
        """Count a connection. Returns `False` above the limit."""
        if self.open >= self.most:
            return False
        self.open += 1
        return True

    def refused(self) -> None:
        """Log it, once a minute."""
        self._refused += 1
        if time.monotonic() - self._said > QUIET:
            log.warning("%d connections are open, which is the limit: %d refused", self.open, self._refused)
            self._said = time.monotonic()
            self._refused = 0


class BoundedSocket(socket.socket):
    """A listening socket that accepts no more connections than the limit allows."""

    limit: ConnectionLimit
    _spare: int = -1

    @classmethod
    def of(cls, fd: int, limit: ConnectionLimit) -> "BoundedSocket":
        """A socket that has been bound. It owns the descriptor."""
        bounded = cls(fileno=fd)
        bounded.limit = limit
        bounded._spare = os.open(os.devnull, os.O_RDONLY)
        return bounded

    def accept(self) -> tuple[socket.socket, object]:
        """The next connection; those that are too many are answered and closed on the way."""
        while True:
            try:
                accepted, address = cast("tuple[socket.socket, object]", super().accept())
            except OSError as error:
                if error.errno not in {errno.EMFILE, errno.ENFILE}:
                    raise
                self._turn_away()
                continue
            if self.limit.enter():
                return accepted, address
            self.limit.refused()
            _refuse(accepted)

    def close(self) -> None:
        """Close the socket, and the descriptor that is reserved for refusals."""
        super().close()
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1

    def _turn_away(self) -> None:
        """If no descriptor is left, accept and close waiting connections with the reserved one."""
        self.limit.refused()
        os.close(self._spare)
        try:
            _refuse(super().accept()[0])
        finally:
            self._spare = os.open(os.devnull, os.O_RDONLY)


def _refuse(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        connection.setblocking(False)
        connection.send(REFUSAL)
        connection.shutdown(socket.SHUT_WR)


async def too_many(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that refuses everything."""
    await drain(receive)
    await errors.answer(Request(scope), 503, errors.CROWDED.detail, {"retry-after": "5", "connection": "close"})(
        scope, receive, send
    )


class BoundedProtocol(H11Protocol):
    """As uvicorn's, with an end to waiting. A subclass says the `limit`."""

    limit: ConnectionLimit

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Wait for a request, for a while."""
        super().connection_made(transport)
        self._waiting: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        if self.limit.open > self.limit.many:
            self.limit.refused()
            self.app = too_many
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        super().connection_lost(exc)
        self.limit.open -= 1
        for timer in (self._waiting, self._writing):
            if timer is not None:
                timer.cancel()

    def data_received(self, data: bytes) -> None:
        """A part of a request arrived. The next one has to arrive in time too, unless the request is being answered."""
        super().data_received(data)
        self._wait()

    def on_response_complete(self) -> None:
        """The beginning of the next request has arrived meanwhile. The rest has to arrive in time."""
        super().on_response_complete()
        if self.conn.trailing_data[0] or self.conn.their_state is not h11.IDLE:
            self._wait()

    def pause_writing(self) -> None:
        """The client reads slowly, or doesn't read."""
        super().pause_writing()
        self._writing = self.loop.call_later(WRITE, self._abort)

    def resume_writing(self) -> None:
        """It has read something."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _wait(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison] (it is None at first)
        if answering and self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        elif not answering and self._waiting is None:
            self._waiting = self.loop.call_later(HEAD, self._give_up)

    def _give_up(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self.transport.close()
            # Unread data keeps the connection open.
            self._writing = self._writing or self.loop.call_later(WRITE, self._abort)

    def _abort(self) -> None:
        self._writing = None
        self.transport.abort()
