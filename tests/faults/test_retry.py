"""What is tried again, what is not, and for how long."""

import socket

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
)
from cl_client.retry import ATTEMPTS, passes
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


@pytest.mark.parametrize("trouble", [answer(503), answer(429, Retry_After="0"), CLOSE])
async def test_a_job_is_never_submitted_twice(trouble: bytes):
    async with scripted_server(trouble, TAKEN) as server, ComputeClient(server.url) as client:
        with pytest.raises((ResponseError, ServerUnreachableError)):
            await client.hash.compute(b"x")
        assert len(server.requests) == 1


async def test_a_try_that_had_its_time_is_the_last():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with ComputeClient(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2) as client:
            with pytest.raises(RequestTimeoutError):
                await client.get_capabilities()
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_connection_that_was_never_made_may_be_tried_for_every_request(method: str):
    error = ServerUnreachableError("refused")
    error.__cause__ = httpx.ConnectError("refused")
    assert passes(httpx.Request(method, "http://s"), error)
    error.__cause__ = httpx.ReadError("broken")
    assert passes(httpx.Request(method, "http://s"), error) == (method == "GET")
