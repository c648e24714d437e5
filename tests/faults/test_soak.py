"""Two thousand jobs while everything around the client fails: none is lost, doubled or wrong, and nothing is left over.

`make soak` runs ten times as many. The seed is printed, and `SOAK_SEED` runs the same faults once more.
"""

import asyncio
import hashlib
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import pytest
from attrs import define, field

from cl_client import ComputeClient
from cl_client.model import JobState
from cl_client.watching import mqtt_connection
from cl_server.embedded import LocalStack
from tests.faults.gateway import Trouble, gateway
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.scripted import answer
from tests.faults.test_watching import open_files, until
from tests.integration.client.test_trouble import host_and_port

JOBS = int(os.environ.get("SOAK_JOBS", "2000"))
SEED = int(os.environ.get("SOAK_SEED", random.randrange(10**6)))

JOBS_BETWEEN = (20, 100)
"""How many jobs end between two faults of the storm: all six kinds come five times in 2,000 jobs."""

SECONDS_FOR_ONE = 120
"""How long a call may be in trouble before it gives up; the soak is about what comes of those that do not."""


@define
class Weather:
    """What goes wrong, drawn from the seed: for each request, and one after the other for all else.

    Faults come as jobs end, not as time goes by: a busy machine would have more of them, each with a process to start
    anew, and be the busier for it.

    Attributes:
        seen: how often each fault came.
    """

    stack: LocalStack
    requests: random.Random = field(factory=lambda: random.Random(f"requests {SEED}"))
    chance: random.Random = field(factory=lambda: random.Random(f"storm {SEED}"))
    seen: Counter[str] = field(factory=Counter)
    _ended: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(0))

    def job_ended(self) -> None:
        self._ended.release()

    def trouble(self) -> Trouble | None:
        """What goes wrong with one request: nothing with most, and one in fifty is done without anybody hearing."""
        draw = self.requests.random()
        if draw < 0.03:
            return self._noted("503", Trouble(answer(503)))
        if draw < 0.06:
            return self._noted("429", Trouble(answer(429, Retry_After="0")))
        if draw < 0.08:
            return self._noted("503 for what was done", Trouble(answer(503), forwarded=True))
        return None

    def _noted(self, name: str, trouble: Trouble) -> Trouble:
        self.seen[name] += 1
        return trouble

    async def storm(self, http: FaultProxy, events: FaultProxy) -> None:
        """One fault after the other, each kind as often as the others, until it is cancelled."""

        async def reset(proxy: FaultProxy) -> None:
            proxy.reset()

        async def swallow(proxy: FaultProxy) -> None:
            """Silence both ways, and then the end: what was said in it never arrives."""
            proxy.black_hole()
            await asyncio.sleep(self.chance.uniform(0.5, 1.5))
            proxy.reset()
            proxy.release()

        async def kill(part: str) -> None:
            await asyncio.to_thread(self.stack.restart, part, signal.SIGKILL)

        faults: dict[str, Callable[[], Awaitable[None]]] = {
            "broker killed": lambda: kill("broker"),
            "worker killed": lambda: kill(f"w{self.chance.randrange(2)}"),
            "API reset": lambda: reset(http),
            "API black-holed": lambda: swallow(http),
            "broker reset": lambda: reset(events),
            "broker black-holed": lambda: swallow(events),
        }
        while True:
            for name in self.chance.sample(list(faults), len(faults)):
                for _ in range(self.chance.randint(*JOBS_BETWEEN)):
                    await self._ended.acquire()
                await faults[name]()
                self.seen[name] += 1


@pytest.fixture
def fresh_stack() -> Iterator[LocalStack]:
    with LocalStack(workers=2) as stack:
        yield stack


@pytest.mark.timeout(60 + JOBS // 10)
async def test_no_job_is_lost_doubled_or_wrong_whatever_fails(fresh_stack: LocalStack, monkeypatch: pytest.MonkeyPatch):
    print(f"SOAK_SEED={SEED} SOAK_JOBS={JOBS}")
    # A broker that is back is found again within the run.
    monkeypatch.setattr(mqtt_connection, "LONGEST_DELAY", 0.5)
    tasks, threads, files = asyncio.all_tasks(), threading.active_count(), open_files()
    await soak(fresh_stack)
    await asyncio.get_running_loop().shutdown_default_executor()
    await until(lambda: asyncio.all_tasks() <= tasks)
    await until(lambda: open_files() <= files)
    assert threading.active_count() <= threads


async def soak(stack: LocalStack) -> None:
    weather = Weather(stack)
    sources = [random.Random(f"{SEED} {number}").randbytes(200) for number in range(JOBS)]
    ends: Counter[str] = Counter()
    ids: dict[bytes, str] = {}

    def ended(job: JobState) -> None:
        ends[job.job_id] += 1

    async with (
        gateway(*host_and_port(stack.compute_url), weather.trouble) as between,
        fault_proxy("127.0.0.1", between.port) as http,
        fault_proxy(stack.mqtt_host, stack.mqtt_port) as events,
        ComputeClient(
            f"http://127.0.0.1:{http.port}",
            timeout=5,
            mqtt_broker="127.0.0.1",
            mqtt_port=events.port,
            deadline=SECONDS_FOR_ONE,
        ) as client,
    ):
        storm = asyncio.create_task(weather.storm(http, events))
        async for outcome in client.map(client.hash.compute, sources, concurrency=16, ordered=False, on_complete=ended):
            assert outcome.error is None
            assert outcome.output.sha256 == hashlib.sha256(outcome.source).hexdigest()
            assert outcome.job is not None
            ids[outcome.source] = outcome.job.job_id
            weather.job_ended()
            assert not storm.done()
        storm.cancel()
        await asyncio.gather(storm, return_exceptions=True)
    print(dict(weather.seen))
    assert len(weather.seen) == 9, "the run was too short for all faults"
    assert set(ids) == set(sources)
    assert ends == Counter(ids.values())
    async with ComputeClient(stack.compute_url, mqtt_port=9) as other:
        on_server = [(job.job_id, job.status) async for job in other.jobs.list()]
    assert sorted(on_server) == sorted((job_id, "completed") for job_id in ids.values())
