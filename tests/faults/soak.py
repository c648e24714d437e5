"""Many jobs while everything around the client fails, drawn from a seed, and what has to hold of them afterwards."""

import asyncio
import hashlib
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Protocol

import httpx
from attrs import define, field

from cl_client import ComputeClient, ServerConfig
from cl_client.model import JobState
from tests.faults.gateway import Trouble, gateway
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.scripted import answer
from tests.integration.client.test_trouble import host_and_port

JOBS = int(os.environ.get("SOAK_JOBS", "2000"))
SEED = int(os.environ.get("SOAK_SEED", random.randrange(10**6)))

JOBS_BETWEEN = (20, 100)
"""How many jobs end between two faults of the storm: all kinds come twice in 2,000 jobs."""

SECONDS_FOR_ONE = 120
"""How long a call may be in trouble before it gives up; the soak is about what comes of those that do not."""

REFUSALS = 3
"""Kinds of trouble that a single request may have."""

Fault = Callable[[], Awaitable[None]]


class Installation(Protocol):
    """The servers of a soak."""

    @property
    def urls(self) -> Sequence[str]:
        """The addresses of its APIs."""
        ...

    @property
    def broker(self) -> tuple[str, int]:
        """Host and port of its broker."""
        ...

    def config(self, url: str, broker_port: int) -> ServerConfig:
        """How a client finds the API at a URL, and the broker at a port of this machine."""
        ...

    def faults(self, chance: random.Random) -> Mapping[str, Fault]:
        """What may go wrong with it, by name; each is over when it returns."""
        ...

    async def calm(self) -> None:
        """Mend what a fault that was cut short left broken."""
        ...

    async def left_behind(self, jobs: set[str]) -> list[str]:
        """What there is besides these jobs and their files; names for a person."""
        ...


@define
class Weather:
    """What goes wrong, drawn from the seed: for each request, and one after the other for all else.

    Faults come as jobs end, not as time goes by: a busy machine would have more of them, each with a process to start
    anew, and be the busier for it.

    Attributes:
        seen: how often each fault came.
    """

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

    def on_the_way(self, https: Sequence[FaultProxy], events: FaultProxy) -> dict[str, Fault]:
        """What may go wrong between the client and the servers."""

        async def reset(*proxies: FaultProxy) -> None:
            for proxy in proxies:
                proxy.reset()

        async def swallow(*proxies: FaultProxy) -> None:
            """Silence both ways, and then the end: what was said in it never arrives."""
            for proxy in proxies:
                proxy.black_hole()
            await asyncio.sleep(self.chance.uniform(0.5, 1.5))
            for proxy in proxies:
                proxy.reset()
                proxy.release()

        return {
            "API reset": lambda: reset(*https),
            "API black-holed": lambda: swallow(*https),
            "broker reset": lambda: reset(events),
            "broker black-holed": lambda: swallow(events),
        }

    async def storm(self, faults: Mapping[str, Fault]) -> None:
        """One fault after the other, each kind as often as the others, until it is cancelled."""
        while True:
            for name in self.chance.sample(sorted(faults), len(faults)):
                for _ in range(self.chance.randint(*JOBS_BETWEEN)):
                    await self._ended.acquire()
                await faults[name]()
                self.seen[name] += 1


async def soak(servers: Installation) -> None:
    """Run the jobs, by as many clients as there are APIs, and hold the servers against what the clients heard."""
    weather = Weather()
    sources = [random.Random(f"{SEED} {number}").randbytes(200) for number in range(JOBS)]
    ends: Counter[str] = Counter()
    submits: Counter[str] = Counter()
    ids: dict[bytes, str] = {}

    def ended(job: JobState) -> None:
        ends[job.job_id] += 1

    async def sent(request: httpx.Request) -> None:
        if request.method == "POST":
            submits[request.url.path] += 1

    async def work(client: ComputeClient, share: Sequence[bytes]) -> None:
        todo = share
        while todo:
            refused: list[bytes] = []
            run = client.map(client.hash.compute, todo, ordered=False, on_complete=ended)
            async for outcome in run:
                assert not storm.done(), storm
                if outcome.error is not None and outcome.error.status == 507:
                    # The disk is full, and nothing was changed: whoever hears that comes again.
                    refused.append(outcome.source)
                    continue
                assert outcome.error is None, repr(outcome.error)
                assert outcome.output.sha256 == hashlib.sha256(outcome.source).hexdigest()
                assert outcome.job is not None
                assert outcome.source not in ids
                ids[outcome.source] = outcome.job.job_id
                weather.job_ended()
            todo = refused

    async with AsyncExitStack() as opened:
        events = await opened.enter_async_context(fault_proxy(*servers.broker))
        https: list[FaultProxy] = []
        clients: list[ComputeClient] = []
        for url in servers.urls:
            between = await opened.enter_async_context(gateway(*host_and_port(url), weather.trouble))
            https.append(await opened.enter_async_context(fault_proxy("127.0.0.1", between.port)))
        for http in https:
            config = servers.config(f"http://127.0.0.1:{http.port}", events.port)
            client = ComputeClient(
                server_config=config, timeout=5, deadline=SECONDS_FOR_ONE, event_hooks={"request": [sent]}
            )
            clients.append(await opened.enter_async_context(client))
        faults = {**weather.on_the_way(https, events), **servers.faults(weather.chance)}
        storm = asyncio.create_task(weather.storm(faults))
        try:
            count = len(clients)
            async with asyncio.TaskGroup() as group:
                for number, client in enumerate(clients):
                    group.create_task(work(client, sources[number::count]))
        finally:
            storm.cancel()
            await asyncio.gather(storm, return_exceptions=True)
            await servers.calm()
            print(dict(weather.seen), dict(submits))
    missing = set(faults) - set(weather.seen)
    assert not missing, "the run was too short for all faults"
    assert len(weather.seen) == len(faults) + REFUSALS
    # Alone and together: a submit goes with whatever waits when it comes.
    assert submits.keys() >= {"/jobs/hash", "/jobs/hash/batch"}
    assert set(ids) == set(sources)
    assert ends == Counter(ids.values())
    async with ComputeClient(servers.urls[0], mqtt_port=9) as other:
        on_server = [(job.job_id, job.status) async for job in other.jobs.list()]
    assert sorted(on_server) == sorted((job_id, "completed") for job_id in ids.values())
    assert await servers.left_behind(set(ids.values())) == []
