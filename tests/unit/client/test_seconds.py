"""Times are numbers; what only looks like one is refused where it is given."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from fractions import Fraction

import numpy as np
import pytest

from cl_client import ComputeClient, ComputeClientError, Timeouts, as_completed
from cl_client.config.seconds import positive, seconds
from cl_client.errors import InvalidParameterError
from cl_client.loops.parallel import in_parallel

NO_TIMES = ["5", b"5", True, float("nan"), timedelta(seconds=5), [5], 5j]


@pytest.mark.parametrize("value", [5, 0.5, 0, -1, np.float32(0.5), np.int64(2), Fraction(1, 2), float("inf")])
def test_a_number_of_any_library_is_a_time(value: float):
    assert seconds("timeout", value) == value


@pytest.mark.parametrize("value", NO_TIMES)
def test_what_is_no_number_is_no_time(value: object):
    with pytest.raises(InvalidParameterError, match=r"timeout is .*, and has to be a number of seconds"):
        seconds("timeout", value)
    with pytest.raises(InvalidParameterError, match="has to be"):
        Timeouts(read=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, -1])
def test_a_time_that_has_to_be_more_than_nothing_is(value: float):
    with pytest.raises(InvalidParameterError, match="more than 0"):
        positive("deadline", value)
    assert positive("deadline", None) is None


async def everything(jobs: object) -> None:
    async for _ in as_completed([], timeout=jobs):  # type: ignore[arg-type]
        pass


async def side_by_side(number: object) -> None:
    async for _ in in_parallel([], number):  # type: ignore[arg-type]
        pass


CALLS: list[Callable[[ComputeClient, object], Awaitable[object]]] = [
    lambda client, value: client.hash.compute(b"x", wait=True, timeout=value),  # type: ignore[arg-type]
    lambda client, value: client.hash.submit_with_files({"file": b"x"}, timeout=value),  # type: ignore[arg-type]
    lambda client, value: client.wait_for_workers(timeout=value),  # type: ignore[arg-type]
    lambda client, value: client.workers.wait_for("hash", timeout=value),  # type: ignore[arg-type]
    lambda client, value: everything(value),
    lambda client, value: side_by_side(value),
]


@pytest.mark.parametrize("call", CALLS)
async def test_a_text_for_a_time_is_refused_before_anything_is_sent(
    call: Callable[[ComputeClient, object], Awaitable[object]], unused_tcp_port: int
):
    # Nobody listens there: whatever was sent would be another error.
    async with ComputeClient(f"http://127.0.0.1:{unused_tcp_port}", mqtt_port=unused_tcp_port) as client:
        with pytest.raises(InvalidParameterError, match="'5'"):
            await asyncio.wait_for(call(client, "5"), 5)


@pytest.mark.parametrize("argument", ["timeout", "deadline"])
def test_a_client_takes_no_text_for_a_time(argument: str):
    with pytest.raises(ComputeClientError, match="has to be a number of seconds"):
        ComputeClient("http://127.0.0.1:1", **{argument: "5"})  # type: ignore[arg-type]
