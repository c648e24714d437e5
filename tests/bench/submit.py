"""Submits against bare httpx, which posts the same multipart body to the same server.

With a key of its own as the client has one, for which the server hashes the file, and without. One by one, the ratio is
what the client adds; of several at once, it is what they gain by going in one request.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias
from uuid import uuid4

import httpx

from cl_client import ComputeClient
from cl_server.embedded import LocalStack
from tests.bench.figure import Figure

# In short turns, so that a busy moment of the machine hits all of them.
JOBS = 64
ROUNDS = 12
# How many at once, and the least that ours are to those of httpx; one by one, it is said only.
BOUNDS = {1: None, 8: 1.5, 64: 2.5}

Submit: TypeAlias = "Callable[[], Awaitable[None]]"


def figures() -> Iterator[Figure]:
    with LocalStack(workers=0) as stack:
        for at_once, bound in BOUNDS.items():
            ours, keyed, plain = asyncio.run(_jobs_per_second(stack.compute_url, at_once))
            for what, peer in (("with a key each", keyed), ("without keys", plain)):
                name = f"submits of 10 kB, {at_once} at once / bare httpx {what}"
                yield Figure(name, ours / peer, bound, at_least=True, detail=f"{ours:.0f} / {peer:.0f} jobs/s")


async def _jobs_per_second(url: str, at_once: int) -> list[float]:
    async with ComputeClient(url, mqtt_port=9) as client, httpx.AsyncClient(base_url=url) as http:

        async def submit() -> None:
            await client.hash.compute(os.urandom(10_000))

        async def post_keyed() -> None:
            await post({"Idempotency-Key": uuid4().hex})

        async def post(headers: dict[str, str] | None = None) -> None:
            file = ("file", os.urandom(10_000), "application/octet-stream")
            answer = await http.post("/jobs/hash", files={"file": file}, headers=headers)
            answer.raise_for_status().json()

        turns: list[Submit] = [submit, post_keyed, post]
        rates: dict[Submit, list[float]] = {one: [] for one in turns}
        for round_ in range(ROUNDS + 1):
            # In turn who is first: each submit leaves the server a little more to keep.
            for one in turns if round_ % 2 else reversed(turns):
                rate = await _rate(one, at_once)
                if round_ > 0:  # the first one warms all
                    rates[one].append(rate)
    return [statistics.median(rates[one]) for one in turns]


async def _rate(one: Submit, at_once: int) -> float:
    async def some() -> None:
        for _ in range(JOBS // at_once):
            await one()

    start = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(at_once)))
    return JOBS // at_once * at_once / (time.perf_counter() - start)
