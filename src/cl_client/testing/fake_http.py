"""Routes, what comes to them, and what is answered: HTTP on a real socket."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import BinaryIO, Self, cast
from urllib.parse import parse_qs, unquote, urlsplit

from attrs import Factory, frozen

from cl_client.wire.types import JSONValue


@frozen
class Answer:
    """What is sent back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = Factory(dict[str, str])

    @classmethod
    def json(cls, content: JSONValue, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Self:
        return cls(status, json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})})


def error(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A refusal, with the reason where FastAPI has it."""
    return Answer.json({"detail": detail}, status, headers)


@frozen
class Request:
    """What came.

    Attributes:
        words: of its path, by the names that the route has for them.
        query, headers, body: as they came; names of headers are in small letters.
    """

    words: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


Route = tuple[str, re.Pattern[str], Callable[[Request], Answer]]
"""Method, path, and what is answered there."""


def route(method: str, path: str, answer: Callable[[Request], Answer]) -> Route:
    """A route, whose path has `{name}` where any word may stand, and `{path}` where several may."""
    parts = re.split(r"\{(\w+)\}", path)
    pattern = "".join(
        re.escape(part) if place % 2 == 0 else f"(?P<{part}>{'.+' if part == 'path' else '[^/]+'})"
        for place, part in enumerate(parts)
    )
    return method, re.compile(pattern), answer


class FakeHTTPServer(ThreadingHTTPServer):
    """Answers by the first route that fits. Closing it hangs up on all who are there."""

    # Closing it waits for its threads, so that none outlives a test.
    daemon_threads: bool = False

    def __init__(self, address: tuple[str, int], routes: Sequence[Route]) -> None:
        super().__init__(address, _Handler)
        self.routes: Sequence[Route] = routes
        self._connections: set[socket.socket] = set()
        self._guard = Lock()

    def process_request(self, request: object, client_address: object) -> None:
        connection = cast("socket.socket", request)
        with self._guard:
            self._connections.add(connection)
        super().process_request(connection, cast("str", client_address))

    def shutdown_request(self, request: object) -> None:
        connection = cast("socket.socket", request)
        with self._guard:
            self._connections.discard(connection)
        super().shutdown_request(connection)

    def server_close(self) -> None:
        with self._guard:
            for connection in self._connections:
                # A client that has already disconnected needs no close.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version: str = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the output of a test is that of the test."""

    def _answer(self) -> None:
        body = self._body()
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        told = f"fake.answers({self.command!r}, {url.path!r}, {{…}})"
        answer = error(404, f"this fake has no {self.command} {url.path}: {told}")
        for method, pattern, respond in cast("FakeHTTPServer", self.server).routes:
            if method == self.command and (match := pattern.fullmatch(url.path)):
                words = {name: unquote(word) for name, word in match.groupdict().items()}
                answer = respond(Request(words, parse_qs(url.query), headers, body))
                break
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("X-Request-ID", headers.get("x-request-id", "none"))
        if answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _body(self) -> bytes:
        stream = cast("BinaryIO", self.rfile)
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return stream.read(int(self.headers.get("Content-Length", "0")))
        chunks: list[bytes] = []
        while size := int(stream.readline().split(b";")[0], 16):
            chunks.append(stream.read(size))
            stream.readline()
        while stream.readline().strip():
            pass
        return b"".join(chunks)
