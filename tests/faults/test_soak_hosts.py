"""The soak on many hosts: two APIs and a few hosts of workers, on PostgreSQL, S3 and Mosquitto, all of which fail.

`make soak SOAK_HOSTS=4` runs it, and nothing else does: it takes minutes. Hosts are processes with data folders and
clocks of their own; what they share is behind proxies.
"""

import asyncio
import os
import random
import resource
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest
from attrs import define, field
from sqlalchemy import make_url

from cl_client import ComputeClient, ServerConfig
from cl_client.watching import mqtt_connection
from cl_server.files import s3 as s3_files
from cl_server.files.s3 import S3FileStorage
from cl_server.queue import orphaned_files
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import open_database
from tests.conformance.postgres_proxy import PostgresProxy
from tests.conftest import require
from tests.faults.faults_within import FaultsWithin
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.soak import JOBS, SEED, Fault, soak
from tests.hosts import Part, SafeMosquitto, compute, gone, workers
from tests.integration.client.test_trouble import host_and_port
from tests.ports import free_port
from tests.s3 import S3Server
from tests.workflows.test_many_hosts import ready

HOSTS = int(os.environ.get("SOAK_HOSTS", "0"))
SLOTS = 1
HOUR = 3600
LEASE = 30


@define
class ManyHosts:
    """What runs; `database` is its address behind no proxy, and `direct` leads to the storage behind none."""

    mosquitto: SafeMosquitto
    apis: list[Part]
    workers: list[Part]
    urls: list[str]
    database: str
    postgres: PostgresProxy
    storage: FaultProxy
    bucket: str
    within: dict[str, FaultsWithin]
    folder: Path
    _limits: dict[int, tuple[int, int]] = field(factory=dict)
    _starting: threading.Lock = field(factory=threading.Lock)

    def keep(self, stop: threading.Event) -> None:
        """As whoever keeps servers does it: one that begins while its database is silent says so, ends, and is started
        again."""
        while not stop.wait(0.5):
            with self._starting:
                for api in self.apis:
                    if api.process is not None and api.process.poll() == 1:
                        api.start()

    @property
    def broker(self) -> tuple[str, int]:
        return "127.0.0.1", self.mosquitto.port

    def config(self, url: str, broker_port: int) -> ServerConfig:
        events = self.mosquitto.url("client").replace(f":{self.mosquitto.port}", f":{broker_port}")
        return ServerConfig(compute_url=url, mqtt_ca_file=str(self.mosquitto.ca_file)).with_broker(events)

    def all(self) -> list[Part]:
        return [self.mosquitto, *self.apis, *self.workers]

    def faults(self, chance: random.Random) -> Mapping[str, Fault]:
        def in_thread(change: Callable[[], object]) -> Fault:
            async def fault() -> None:
                await asyncio.to_thread(change)

            return fault

        def for_a_while(begin: Callable[[], object], end: Callable[[], object], most: float) -> Fault:
            async def fault() -> None:
                begin()
                await asyncio.sleep(chance.uniform(0.5, most))
                end()

            return fault

        def kill(part: Part) -> None:
            with self._starting:
                part.kill()
                part.start()

        def kill_child() -> None:
            for child in chance.choice(self.workers).children():
                child.kill()

        def lose_commits() -> None:
            self.postgres.lose += chance.randint(1, 5)

        def step_clock() -> None:
            chance.choice(list(self.within.values())).set_clock(chance.choice((-HOUR, 0, HOUR)))

        async def storage_refuses() -> None:
            await self.storage.stop()
            await asyncio.sleep(chance.uniform(1, 6))
            await self.storage.start()

        async def host_sleeps() -> None:
            """A laptop that is closed; now and then for longer than a lease lasts."""
            host = chance.choice(self.workers)
            assert host.process is not None
            asleep = [psutil.Process(host.process.pid), *host.children()]
            for process in asleep:
                process.suspend()
            await asyncio.sleep(LEASE + 5 if chance.random() < 0.1 else chance.uniform(1, 5))
            for process in asleep:
                process.resume()

        faults: dict[str, Fault] = {
            "broker killed": in_thread(lambda: kill(self.mosquitto)),
            "API killed": in_thread(lambda: kill(chance.choice(self.apis))),
            "host killed": in_thread(lambda: kill(chance.choice(self.workers))),
            "worker killed": in_thread(kill_child),
            "host asleep": host_sleeps,
            "commit answers lost": in_thread(lose_commits),
            "database silent": for_a_while(self._silence, self._break_silence, 8),
            "database sessions ended": in_thread(self._end_sessions),
            "storage silent": for_a_while(self.storage.black_hole, self.storage.release, 6),
            "storage refuses": storage_refuses,
            "clock step": in_thread(step_clock),
            "disk full": for_a_while(lambda: self._fill(chance, full=True), lambda: self._fill(chance, full=False), 1),
        }
        if sys.platform == "linux":
            faults["few descriptors"] = for_a_while(lambda: self._limit(chance.choice(self.apis)), self._lift_limit, 2)
        return faults

    async def calm(self) -> None:
        self.postgres.lose = 0
        self._break_silence()
        self.storage.release()
        self._lift_limit()
        for within in self.within.values():
            within.fill_disk(full=False)
            within.set_clock(0)

    def _silence(self) -> None:
        self.postgres.silent = True

    def _break_silence(self) -> None:
        self.postgres.silent = False

    def _end_sessions(self) -> None:
        """As a database that is started anew does it."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def _fill(self, chance: random.Random, *, full: bool) -> None:
        for within in self.within.values() if not full else [chance.choice(list(self.within.values()))]:
            within.fill_disk(full=full)

    def _limit(self, part: Part) -> None:
        """No more descriptors than are open now, and two."""
        assert part.process is not None
        pid = part.process.pid
        self._limits[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        few = psutil.Process(pid).num_fds() + 2
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, self._limits[pid][1]))

    def _lift_limit(self) -> None:
        while self._limits:
            pid, limit = self._limits.popitem()
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)

    async def left_behind(self, jobs: set[str]) -> list[str]:
        left = await asyncio.to_thread(self._left_in_storage, jobs)
        with psycopg.connect(self.database, autocommit=True) as connection:
            for _ in range(600):
                # What a process had not told when it was killed, another tells after ten seconds.
                (untold,) = connection.execute("SELECT count(*) FROM outbox").fetchone() or (0,)
                if not untold:
                    break
                await asyncio.sleep(0.1)
            else:
                left.append(f"{untold} events")
        left += [f"an upload: {path}" for path in self.folder.glob("*/data/spool/*")]
        left += [f"a copy: {path}" for path in self.folder.glob("*/data/scratch/*/*")]
        return left

    def _left_in_storage(self, jobs: set[str]) -> list[str]:
        engine = open_database(self.database)
        storage = S3FileStorage.at(self.bucket, scratch=self.folder / "scratch")
        with pytest.MonkeyPatch.context() as patch:
            # As a sweep of tomorrow does it: of an upload, nobody could tell whether it became a job.
            patch.setattr(s3_files, "UNKNOWN_FOR", timedelta(seconds=-5))
            found = storage.abandoned(SqlJobRepository(engine))
            print(f"{len(found.jobs)} uploads that became no job are left for the sweep of {found.total}")
            orphaned_files._try_to_remove(SqlJobRepository(engine), storage)
        engine.dispose()
        keys = [key for key, _, _ in storage.objects("jobs")]
        there = set(keys)
        assert len(keys) == 3 * len(there), "each job has its input, the list of it, and that of its outputs"
        return [f"a job's files: {job}" for job in there - jobs] + [f"no files of {job}" for job in jobs - there]


@asynccontextmanager
async def many_hosts(folder: Path, postgres_url: str, s3: S3Server) -> AsyncGenerator[ManyHosts]:
    name = f"soak_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    database = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    mosquitto = SafeMosquitto(folder)
    bucket = s3.bucket()
    async with fault_proxy(*host_and_port(s3.url)) as storage:
        with PostgresProxy(database) as postgres:
            shared = ["--database", postgres.url, "--storage", bucket]
            common = {**mosquitto.environment_of("server"), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{storage.port}"}
            within: dict[str, FaultsWithin] = {}

            def environment(host: str) -> dict[str, str]:
                place = folder / f"{host}-faults"
                place.mkdir()
                within[host] = FaultsWithin(place)
                return {**common, **within[host].environment}

            ports = [free_port(), free_port()]
            apis = [compute(folder / f"api{n}", port, environment(f"api{n}"), *shared) for n, port in enumerate(ports)]
            hosts = [workers(folder / f"host{n}", SLOTS, environment(f"host{n}"), *shared) for n in range(HOSTS)]
            urls = [f"http://127.0.0.1:{port}" for port in ports]
            found = ManyHosts(mosquitto, apis, hosts, urls, database, postgres, storage, bucket, within, folder)
            stop = threading.Event()
            keeper = threading.Thread(target=found.keep, args=(stop,), daemon=True)
            keeper.start()
            try:
                for part in found.all():
                    part.start()
                yield found
            finally:
                stop.set()
                await asyncio.to_thread(keeper.join)
                processes = [process for part in found.all() if part.process for process in part.children()]
                for part in reversed(found.all()):
                    await asyncio.to_thread(part.stop)
                assert await asyncio.to_thread(gone, processes), "processes are left over"


@pytest.mark.skipif(not HOSTS, reason="SOAK_HOSTS says on how many hosts: make soak SOAK_HOSTS=4")
@pytest.mark.timeout(600 + JOBS // 4)
async def test_no_job_is_lost_doubled_or_wrong_on_many_hosts(
    tmp_path: Path, postgres_url: str, s3: S3Server, monkeypatch: pytest.MonkeyPatch
):
    print(f"SOAK_SEED={SEED} SOAK_JOBS={JOBS} SOAK_HOSTS={HOSTS}")
    require("mosquitto")
    monkeypatch.setattr(mqtt_connection, "LONGEST_DELAY", 0.5)
    async with many_hosts(tmp_path, postgres_url, s3) as hosts:
        for url in hosts.urls:
            async with ComputeClient(url, mqtt_port=9) as client:
                await ready(client, HOSTS * SLOTS)
        await soak(hosts)
