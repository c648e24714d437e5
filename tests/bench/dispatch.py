"""What one event of the broker costs, with one watched job and with ten thousand."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator

from cl_api.compute.models import JobResponse
from cl_client.watching.watcher import Watcher
from tests.bench.figure import Figure, median_seconds

EVENTS = 2_000
ROUNDS = 9


def figures() -> Iterator[Figure]:
    one, many = asyncio.run(_both(1, 10_000))
    detail = f"{many * 1e6:.1f} / {one * 1e6:.1f} µs an event"
    yield Figure("dispatch with 10,000 watched jobs / with 1", many / one, 2, detail=detail)


async def _both(*sizes: int) -> list[float]:
    return [await _seconds_of_one_event(watched) for watched in sizes]


async def _seconds_of_one_event(watched: int) -> float:
    def never(_: str) -> asyncio.Future[JobResponse]:
        return asyncio.get_running_loop().create_future()

    watcher = Watcher(never, None)
    watcher.online()
    for number in range(watched):
        watcher.watch(f"job-{number}")
    progress = [_event(f"job-{number * watched // EVENTS}", number) for number in range(EVENTS)]
    at = 0

    def dispatch_all() -> None:
        nonlocal at
        for payload in progress:
            at += 1
            watcher.receive("inference/events", payload.replace(b'"updated_at": 0', b'"updated_at": %d' % at))

    gc.collect()
    gc.freeze()
    seconds = median_seconds(dispatch_all, ROUNDS) / EVENTS
    await watcher.close()
    return seconds


def _event(job_id: str, number: int) -> bytes:
    job = {
        "job_id": job_id,
        "task_type": "hash",
        "status": "processing",
        "event_type": "processing",
        "progress": number % 100,
        "params": {"algorithm": "all"},
        "task_output": None,
        "error_message": None,
        "priority": 5,
        "created_at": 1,
        "updated_at": 0,
        "started_at": 1,
        "completed_at": None,
        "timestamp": 1,
    }
    return json.dumps(job).encode()
