"""What is tried again, what is not, and for how long."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from cl_client import (
    ComputeClient,
    NotFoundError,
    RateLimitError,
    RequestTimeoutError,
    ResponseError,
    ServerError,
    ServerUnreachableError,
    Timeouts,
    Upload,
)
from cl_client.http.retry import ATTEMPTS, was_never_connected
from tests.faults.scripted import CLOSE, answer, scripted_server

WORKERS = answer(200, b'{"num_workers": 1, "capabilities": {}}')
TAKEN = answer(200, b'{"job_id": "a", "status": "queued", "task_type": "hash"}')


@pytest.mark.parametrize("trouble", [answer(502), answer(503), answer(504), answer(429, Retry_After="0"), CLOSE])
async def test_a_question_is_asked_again_when_the_trouble_may_pass(trouble: bytes):
    async with scripted_server(trouble, trouble, WORKERS) as server, ComputeClient(server.url) as client:
        assert (await client.get_capabilities()).num_workers == 1
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("trouble", "error"),
    [(answer(503), ServerError), (answer(429), RateLimitError), (CLOSE, ServerUnreachableError)],
)
async def test_it_is_given_up_after_a_few_tries(trouble: bytes, error: type[Exception]):
    async with scripted_server(trouble) as server, ComputeClient(server.url) as client:
        with pytest.raises(error):
            await client.get_capabilities()
        assert len(server.requests) == ATTEMPTS


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (answer(500), ServerError),
        (answer(501), ServerError),
        (answer(404), NotFoundError),
        (answer(302, Location="/x"), ResponseError),
        (answer(429, Retry_After="100"), RateLimitError),
        (answer(503, Retry_After="100"), ServerError),
    ],
)
async def test_what_would_only_come_again_or_take_too_long_is_told_at_once(trouble: bytes, error: type[Exception]):
    async with scripted_server(trouble) as server, ComputeClient(server.url, timeout=5) as client:
        with pytest.raises(error):
            await client.get_capabilities()
        assert len(server.requests) == 1


SPEC = {"paths": {"/jobs/hash": {"post": {"parameters": [{"in": "header", "name": "Idempotency-Key"}]}}}}
KEYED = answer(200, json.dumps(SPEC).encode())
TROUBLES = [answer(502), answer(503), answer(504), answer(429, Retry_After="0"), CLOSE]


def keys_of(requests: list[str]) -> list[str]:
    return re.findall(r"(?im)^idempotency-key: (.*?)\r?$", "\n".join(requests))


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_submit_is_sent_again_under_its_key_where_the_spec_of_the_server_has_keys(trouble: bytes):
    async with scripted_server(trouble, KEYED, trouble, TAKEN) as server, ComputeClient(server.url) as client:
        assert (await client.hash.compute(b"x")).job_id == "a"
        lines = [request.split("\r\n", 1)[0].split()[:2] for request in server.requests]
        assert lines == [["POST", "/jobs/hash"], ["GET", "/openapi.json"], *[["POST", "/jobs/hash"]] * 2]
        first, *others = keys_of(server.requests)
        assert others == [first, first]
        await client.hash.compute(b"x")
        await client.hash.compute(b"x", idempotency_key="mine")
        another, mine = keys_of(server.requests)[3:]
        assert another != first
        assert mine == "mine"


@pytest.mark.parametrize(
    "spec", [answer(404), answer(200, b'{"paths": {"/jobs/hash": {"post": {}}}}'), answer(200, b"[")]
)
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_where_the_server_keeps_no_keys_a_job_is_never_submitted_twice(trouble: bytes, spec: bytes):
    async with scripted_server(trouble, spec, TAKEN) as server, ComputeClient(server.url) as client:
        with pytest.raises((ResponseError, ServerUnreachableError)):
            await client.hash.compute(b"x")
        assert [request.split()[0] for request in server.requests] == ["POST", "GET"]


async def test_what_can_be_read_once_is_sent_once():
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    async with scripted_server(answer(503), TAKEN) as server, ComputeClient(server.url) as client:
        with pytest.raises(ServerError):
            await client.hash.compute(Upload(pieces(), size=1))
        assert len(server.requests) == 1


async def test_a_server_that_knows_better_is_believed():
    refused = answer(503, b'{"detail": "no model"}', X_Should_Retry="false")
    async with scripted_server(refused, KEYED) as server, ComputeClient(server.url) as client:
        with pytest.raises(ServerError, match="no model"):
            await client.hash.compute(b"x")
        assert len(server.requests) == 1


async def test_with_a_deadline_it_is_tried_as_long_as_that_lasts():
    async with scripted_server(answer(503)) as server, ComputeClient(server.url, deadline=0.6) as client:
        # The last answer, or a try that the deadline cuts short.
        with pytest.raises((ServerError, RequestTimeoutError)):
            await client.get_capabilities()
        assert len(server.requests) >= 3


async def test_a_deadline_ends_a_call_that_hangs():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with ComputeClient(f"http://127.0.0.1:{silent.getsockname()[1]}", deadline=0.2) as client:
            with pytest.raises(RequestTimeoutError, match=r"/capabilities: not done within the deadline of 0\.2 s"):
                await client.get_capabilities()


async def test_with_a_deadline_a_step_that_timed_out_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with ComputeClient(url, timeout=Timeouts(read=0.1), deadline=0.5) as client:
            with pytest.raises(RequestTimeoutError):
                await client.get_capabilities()
        silent.setblocking(False)
        for _ in range(2):
            silent.accept()[0].close()


@pytest.mark.parametrize("date", ["Fri, 31 Dec 1999 23:59:58 GMT", None])
async def test_a_date_to_come_back_at_is_read_by_the_clock_of_the_server(date: str | None):
    told = {"Retry_After": "Fri, 31 Dec 1999 23:59:59 GMT", **({"Date": date} if date else {})}
    loop = asyncio.get_running_loop()
    async with scripted_server(answer(503, **told), WORKERS) as server, ComputeClient(server.url) as client:
        start = loop.time()
        await client.get_capabilities()
        assert (loop.time() - start >= 1) == (date is not None)


async def test_a_try_that_had_its_time_is_the_last():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with ComputeClient(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2) as client:
            with pytest.raises(RequestTimeoutError):
                await client.get_capabilities()
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


@pytest.mark.parametrize(
    ("error", "again"), [(httpx.ConnectError, True), (httpx.ConnectTimeout, True), (httpx.ReadError, False)]
)
def test_a_connection_that_was_never_made_carried_nothing(error: type[httpx.TransportError], again: bool):
    trouble = ServerUnreachableError("refused")
    trouble.__cause__ = error("refused")
    assert was_never_connected(trouble) == again
