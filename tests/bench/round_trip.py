"""How long a small job takes, from the call to its typed output."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Iterator

from cl_client import ComputeClient
from cl_server.embedded import LocalStack
from tests.bench.figure import Figure

JOBS = 200


def figures() -> Iterator[Figure]:
    with LocalStack() as stack:
        waited, polled = asyncio.run(_milliseconds(stack))
        p50, p95 = statistics.median(waited), statistics.quantiles(waited, n=20)[-1]
        detail = f"p95 {p95:.1f} ms on {stack.broker_kind}; polling each 50 ms: p50 {statistics.median(polled):.1f} ms"
        yield Figure("hash of 10 kB, submit → completed, p50", p50, 50, unit=" ms", detail=detail)


async def _milliseconds(stack: LocalStack) -> tuple[list[float], list[float]]:
    waited: list[float] = []
    polled: list[float] = []
    async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
        for number in range(JOBS + 10):
            start = time.perf_counter()
            await client.hash.compute(os.urandom(10_000), wait=True)
            if number >= 10:
                waited.append((time.perf_counter() - start) * 1e3)
        for _ in range(20):
            start = time.perf_counter()
            job = await client.hash.compute(os.urandom(10_000))
            await job.poll(0.05)
            polled.append((time.perf_counter() - start) * 1e3)
    return waited, polled
