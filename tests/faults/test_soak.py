"""Two thousand jobs while everything around the client fails: none is lost, doubled or wrong, and nothing is left over.

`make soak` runs ten times as many. The seed is printed, and `SOAK_SEED` runs the same faults once more.
"""

import asyncio
import random
import resource
import signal
import sqlite3
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from cl_client import ServerConfig
from cl_client.watching import mqtt_connection
from cl_server.embedded import LocalStack
from tests.faults.faults_within import FaultsWithin
from tests.faults.soak import JOBS, SEED, Fault, soak
from tests.faults.test_watching import open_files, until

HOUR = 3600


class OneMachine:
    """A stack on this machine, whose processes and folder fail too."""

    def __init__(self, stack: LocalStack, within: FaultsWithin) -> None:
        self.stack = stack
        self.within = within
        self.files = stack.data / "jobs"
        self.elsewhere = stack.data / "jobs-elsewhere"
        self._limits: dict[int, tuple[int, int]] = {}

    @property
    def urls(self) -> Sequence[str]:
        return [self.stack.compute_url]

    @property
    def broker(self) -> tuple[str, int]:
        return self.stack.mqtt_host, self.stack.mqtt_port

    def config(self, url: str, broker_port: int) -> ServerConfig:
        return ServerConfig(compute_url=url, mqtt_host="127.0.0.1", mqtt_port=broker_port)

    def faults(self, chance: random.Random) -> Mapping[str, Fault]:
        def kill(part: Callable[[], str]) -> Fault:
            return lambda: asyncio.to_thread(self.stack.restart, part(), signal.SIGKILL)

        def for_a_while(begin: Callable[[], object], end: Callable[[], object]) -> Fault:
            async def fault() -> None:
                begin()
                await asyncio.sleep(chance.uniform(0.3, 1))
                end()

            return fault

        def at_once(change: Callable[[], object]) -> Fault:
            async def fault() -> None:
                change()

            return fault

        faults = {
            "broker killed": kill(lambda: "broker"),
            "worker killed": kill(lambda: f"w{chance.randrange(2)}"),
            "commit answers lost": at_once(self.within.lose_commits),
            "clock step": at_once(lambda: self.within.set_clock(chance.choice((-HOUR, 0, HOUR)))),
            "disk full": for_a_while(lambda: self.within.fill_disk(full=True), self._make_room),
            "storage away": for_a_while(self._take_files_away, self._bring_files_back),
            "database silent": self._silent_database(chance),
        }
        if sys.platform == "linux":
            faults["few descriptors"] = for_a_while(self._limit_descriptors, self._lift_limit)
        return faults

    async def calm(self) -> None:
        self.within.set_clock(0)
        self._make_room()
        self._bring_files_back()
        self._lift_limit()

    def _make_room(self) -> None:
        self.within.fill_disk(full=False)

    def _take_files_away(self) -> None:
        """As a disk that is unplugged."""
        self.files.rename(self.elsewhere)

    def _bring_files_back(self) -> None:
        if self.elsewhere.exists():
            self.elsewhere.rename(self.files)

    def _silent_database(self, chance: random.Random) -> Callable[[], Awaitable[None]]:
        async def fault() -> None:
            """Somebody else has it. In a long run, now and then for longer than anybody waits."""
            long = JOBS > 2000 and chance.random() < 0.1
            holder = sqlite3.connect(
                self.stack.data / "jobs.sqlite", isolation_level=None, timeout=60, check_same_thread=False
            )
            try:
                await asyncio.to_thread(holder.execute, "BEGIN IMMEDIATE")
                await asyncio.sleep(17 if long else chance.uniform(0.5, 1.5))
                holder.execute("ROLLBACK")
            finally:
                holder.close()

        return fault

    def _limit_descriptors(self) -> None:
        """No more than are open now, and two."""
        pid = self.stack.pids()["compute"]
        self._limits[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        few = psutil.Process(pid).num_fds() + 2
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, self._limits[pid][1]))

    def _lift_limit(self) -> None:
        while self._limits:
            pid, limit = self._limits.popitem()
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)

    async def left_behind(self, jobs: set[str]) -> list[str]:
        # What only a start removes: files of an upload of which nobody could tell whether it became a job.
        await asyncio.to_thread(self.stack.restart, "compute")
        data = self.stack.data
        folders = {path.name for path in self.files.iterdir()}
        left = [f"a job's folder: {name}" for name in folders - jobs]
        left += [f"no folder of {name}" for name in jobs - folders]
        left += [f"an attempt: {path}" for path in self.files.glob("*/.*")]
        left += [f"an upload: {path}" for path in (data / "spool").iterdir()]
        left += [f"set aside: {path}" for path in data.glob("set-aside/*")]
        with sqlite3.connect(data / "jobs.sqlite") as database:
            # What a process had not told when it was killed, another tells after ten seconds.
            await until(lambda: database.execute("SELECT count(*) FROM outbox").fetchone() == (0,))
        database.close()
        return left


@pytest.fixture
def one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OneMachine]:
    within = FaultsWithin(tmp_path)
    with monkeypatch.context() as patch:
        for name, value in within.environment.items():
            patch.setenv(name, value)
        with LocalStack(tmp_path / "data", workers=2) as stack:
            yield OneMachine(stack, within)


@pytest.mark.timeout(60 + JOBS // 10)
async def test_no_job_is_lost_doubled_or_wrong_whatever_fails(one_machine: OneMachine, monkeypatch: pytest.MonkeyPatch):
    print(f"SOAK_SEED={SEED} SOAK_JOBS={JOBS}")
    # A broker that is back is found again within the run.
    monkeypatch.setattr(mqtt_connection, "LONGEST_DELAY", 0.5)
    tasks, threads, files = asyncio.all_tasks(), threading.active_count(), open_files()
    await soak(one_machine)
    await asyncio.get_running_loop().shutdown_default_executor()
    await until(lambda: asyncio.all_tasks() <= tasks)
    await until(lambda: open_files() <= files)
    assert threading.active_count() <= threads
