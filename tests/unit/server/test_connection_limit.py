"""Connections that say nothing, half a head, or never read are closed; too many are answered, and the rest goes on."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from cl_server.http import connection_limit
from cl_server.http.connection_limit import BoundedProtocol, BoundedSocket, ConnectionLimit

ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Opened]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers `/` shortly, and all else with more than a connection holds."""
    del receive
    body = b"ok" if scope["path"] == "/" else bytes(64 << 20)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def limit() -> ConnectionLimit:
    return ConnectionLimit(10_000)


@pytest.fixture
async def dial(limit: ConnectionLimit, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dial]:
    """A server whose patience is short, and how to reach it."""
    monkeypatch.setattr(connection_limit, "HEAD", 0.3)
    monkeypatch.setattr(connection_limit, "WRITE", 0.3)

    class Limited(BoundedProtocol):
        pass

    Limited.limit = limit
    config = uvicorn.Config(application, http=Limited, log_config=None, lifespan="off")
    config.load()
    state = ServerState()
    bound = socket.create_server(("127.0.0.1", 0))
    address = bound.getsockname()
    listening = BoundedSocket.of(bound.detach(), limit)
    server = await asyncio.get_running_loop().create_server(
        lambda: Limited(config=config, server_state=state, app_state={}), sock=listening
    )

    writers: list[asyncio.StreamWriter] = []

    async def connect() -> Opened:
        reader, writer = await asyncio.open_connection(*address[:2])
        writers.append(writer)
        return reader, writer

    yield connect
    server.close()
    for writer in writers:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    while limit.open:
        await asyncio.sleep(0.01)


async def is_closed(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(), 30) is not None
    except ConnectionError:
        return True


async def answer(opened: Opened, request: bytes = ASK) -> bytes:
    reader, writer = opened
    writer.write(request)
    return await asyncio.wait_for(reader.readuntil(b"\r\n"), 30)


@pytest.mark.parametrize("said", [b"", b"G", b"GET / HTTP/1.1\r\nHost: loc", b"\r\n"])
async def test_a_head_that_does_not_come_ends_the_connection(dial: Dial, limit: ConnectionLimit, said: bytes) -> None:
    reader, writer = await dial()
    writer.write(said)
    assert await is_closed(reader)
    while limit.open:
        await asyncio.sleep(0.01)


async def test_half_of_a_second_head_ends_the_connection_too(dial: Dial) -> None:
    reader, writer = await dial()
    assert (await answer((reader, writer))).startswith(b"HTTP/1.1 200")
    writer.write(b"GET /")
    assert await is_closed(reader)


async def test_a_connection_that_is_used_stays_open(dial: Dial) -> None:
    reader, writer = await dial()
    for _ in range(5):
        assert (await answer((reader, writer))).startswith(b"HTTP/1.1 200")
        await reader.readuntil(b"ok")
        await asyncio.sleep(0.15)


async def test_who_never_reads_is_let_go(dial: Dial, limit: ConnectionLimit) -> None:
    reader, writer = await dial()
    # What it does not take out of its own buffer, it does not read.
    reader._transport.pause_reading()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] (asyncio's)
    writer.write(ASK.replace(b"/ ", b"/large "))
    while not limit.open:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(30):
        while limit.open:
            await asyncio.sleep(0.01)


async def test_those_that_are_too_many_are_told_and_the_others_go_on(
    dial: Dial, limit: ConnectionLimit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limit, "HEAD", 30)
    limit.most, limit.many = 4, 2
    first = [await dial(), await dial()]
    assert [(await answer(opened))[:12] for opened in first] == [b"HTTP/1.1 200"] * 2
    refused = [await dial() for _ in range(20)]
    for opened in refused:
        line = await answer(opened)
        assert line.startswith(b"HTTP/1.1 503")
    assert all([await is_closed(reader) for reader, _ in refused])
    for opened in first:
        await opened[0].readuntil(b"ok")
        assert (await answer(opened)).startswith(b"HTTP/1.1 200")
    assert sum("which is the limit" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("descriptors", [16, 44, 200, 1000, 60_000])
def test_the_limit_leaves_descriptors_for_the_work(descriptors: int) -> None:
    limit = ConnectionLimit(descriptors)
    assert 2 <= limit.threads <= 40
    assert 2 <= limit.many < limit.most
    if descriptors > 40:
        assert 2 * limit.most + limit.threads * connection_limit.EACH_THREAD < descriptors
