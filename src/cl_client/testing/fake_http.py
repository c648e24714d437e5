"""The routes of the fake server, as the wire contract has them."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO, Final, Self, cast
from urllib.parse import parse_qs, unquote, urlsplit

from attrs import Factory, frozen

from cl_client.version import __version__
from cl_client.wire.types import JSONObject

if TYPE_CHECKING:
    from cl_client.testing.fake_server import FakeComputeServer


@frozen
class Answer:
    """What is sent back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = Factory(dict[str, str])

    @classmethod
    def json(cls, content: JSONObject, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Self:
        return cls(status, json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})})


def error(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A refusal, with the reason where FastAPI has it."""
    return Answer.json({"detail": detail}, status, headers)


@frozen
class _Request:
    server: FakeComputeServer
    words: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


def _info(_: _Request) -> Answer:
    return Answer.json(
        {"status": "healthy", "service": "fake", "version": __version__, "guestMode": "on", "auth_required": False}
    )


def _find(request: _Request) -> Answer:
    words = {name: values[-1] for name, values in request.query.items() if name in ("status", "task_type")}
    return request.server.find(request.query.get("ids", []), words)


_ROUTES: Final[list[tuple[str, str, Callable[[_Request], Answer]]]] = [
    ("GET", r"/", _info),
    ("GET", r"/capabilities", lambda r: r.server.capabilities()),
    ("GET", r"/jobs", _find),
    ("GET", r"/jobs/(?P<id>[^/]+)", lambda r: r.server.read(r.words["id"])),
    ("DELETE", r"/jobs/(?P<id>[^/]+)", lambda r: r.server.delete(r.words["id"])),
    ("GET", r"/jobs/(?P<id>[^/]+)/files", lambda r: r.server.files(r.words["id"])),
    ("GET", r"/jobs/(?P<id>[^/]+)/files/(?P<path>.+)", lambda r: r.server.file(r.words["id"], r.words["path"])),
    ("POST", r"/jobs/(?P<id>[^/]+)/cancel", lambda r: r.server.cancel(r.words["id"])),
    ("POST", r"/jobs/(?P<id>[^/]+)/retry", lambda r: r.server.retry(r.words["id"])),
    ("POST", r"/jobs/(?P<task>[^/]+)", lambda r: r.server.submit(r.words["task"], r.headers, r.body)),
]


class FakeHTTPServer(ThreadingHTTPServer):
    """Gives requests to a `FakeComputeServer`. Closing it hangs up on all who are there."""

    # Whoever closes it waits for its threads: none outlives a test.
    daemon_threads: bool = False

    def __init__(self, address: tuple[str, int], fake: FakeComputeServer) -> None:
        super().__init__(address, _Handler)
        self.fake: FakeComputeServer = fake
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
                # Whoever left already is not to be hung up on.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version: str = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the output of a test is that of the test."""

    def _answer(self) -> None:
        body = self._body()
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = error(404, f"this fake has no {self.command} {url.path}")
        for method, pattern, route in _ROUTES:
            if method == self.command and (match := re.fullmatch(pattern, url.path)):
                words = {name: unquote(word) for name, word in match.groupdict().items()}
                fake = cast("FakeHTTPServer", self.server).fake
                answer = route(_Request(fake, words, parse_qs(url.query), headers, body))
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
