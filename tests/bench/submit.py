"""What the client adds to a submit: against bare httpx, which posts the same multipart body to the same server."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator

import httpx

from cl_client import ComputeClient
from cl_server.embedded import LocalStack
from tests.bench.figure import Figure

JOBS = 100
ROUNDS = 7
AT_ONCE = 8


def figures() -> Iterator[Figure]:
    with LocalStack(workers=0) as stack:
        ours, bare = asyncio.run(_jobs_per_second(stack.compute_url))
    detail = f"{ours:.0f} / {bare:.0f} jobs/s"
    yield Figure("submits of 10 kB, 8 at once / bare httpx", ours / bare, 0.85, at_least=True, detail=detail)


async def _jobs_per_second(url: str) -> tuple[float, float]:
    ours: list[float] = []
    peer: list[float] = []
    async with ComputeClient(url, mqtt_port=9) as client, httpx.AsyncClient(base_url=url) as http:

        async def submit() -> None:
            await client.hash.compute(os.urandom(10_000))

        async def post() -> None:
            file = ("file", os.urandom(10_000), "application/octet-stream")
            answer = await http.post("/jobs/hash", files={"file": file})
            answer.raise_for_status().json()

        for round_ in range(ROUNDS + 1):
            # In turn who is first: each submit leaves the server a little more to keep.
            turns = [(ours, submit), (peer, post)]
            for rates, one in turns if round_ % 2 else reversed(turns):
                rate = await _rate(one)
                if round_ > 0:  # the first one warms both
                    rates.append(rate)
    return statistics.median(ours), statistics.median(peer)


async def _rate(one: Callable[[], Awaitable[None]]) -> float:
    async def some() -> None:
        for _ in range(JOBS // AT_ONCE):
            await one()

    start = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return JOBS // AT_ONCE * AT_ONCE / (time.perf_counter() - start)
