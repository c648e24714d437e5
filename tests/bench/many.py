"""What `map` gains over one job after another, and how much of the time is the client's own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator

from cl_client import ComputeClient
from cl_server.embedded import LocalStack
from tests.bench.figure import Figure

JOBS = 1_000
# Of one way and then of the other, so that a busy moment of the machine hits both.
PART = 250
# Of which the middle one counts.
ROUNDS = 3


def figures() -> Iterator[Figure]:
    with LocalStack() as stack:
        rounds = sorted((asyncio.run(_seconds(stack)) for _ in range(ROUNDS)), key=lambda took: took[0] / took[1])
    alone, together, busy = rounds[ROUNDS // 2]
    detail = f"{alone:.1f} / {together:.1f} s"
    yield Figure("1,000 hashes, one after another / by map", alone / together, 1.7, at_least=True, detail=detail)
    detail = f"{busy:.1f} s of CPU / {together:.1f} s"
    yield Figure("1,000 hashes by map, share of the client", busy / together, None, detail=detail)


async def _seconds(stack: LocalStack) -> tuple[float, float, float]:
    async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
        await client.hash.compute(b"the connection to the broker is made", wait=True)
        alone = together = busy = 0.0
        for part in range(JOBS // PART):
            # Each goes first as often as the other: a machine that is slowing down favours whoever does.
            for by_map in (False, True) if part % 2 else (True, False):
                sources = [os.urandom(1_000) for _ in range(PART)]
                start, used = time.perf_counter(), time.process_time()
                if by_map:
                    async for outcome in client.map(client.hash.compute, sources):
                        if outcome.error is not None:
                            raise outcome.error
                    together += time.perf_counter() - start
                    busy += time.process_time() - used
                else:
                    for source in sources:
                        await client.hash.compute(source, wait=True)
                    alone += time.perf_counter() - start
    return alone, together, busy
