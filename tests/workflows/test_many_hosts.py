"""Two APIs and two hosts with two workers each, on PostgreSQL, S3 and a broker with TLS; and what dies of them."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest
from attrs import define, field

from cl_client import ComputeClient, JobResponse, ServerConfig, ServerUnreachableError
from cl_ml_tools.job_queue import JobQuery
from cl_ml_tools.schemas import JobStatus
from cl_server.embedded import LocalStack
from cl_server.files.local import open_storage
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import open_database
from tests.conftest import require
from tests.hosts import Part, SafeMosquitto, compute, gone, workers
from tests.media.photo import photo
from tests.ports import free_port
from tests.s3 import S3Server

EACH = 20


@define
class Hosts:
    """What runs."""

    broker: SafeMosquitto
    apis: list[Part]
    workers: list[Part]
    urls: list[str]
    database: str

    def all(self) -> list[Part]:
        return [self.broker, *self.apis, *self.workers]

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to it."""
        running = [part for part in self.all() if part.process is not None and part.process.poll() is None]
        own = [psutil.Process(part.process.pid) for part in running if part.process is not None]
        return own + [child for part in running for child in part.children()]


@pytest.fixture
def hosts(tmp_path: Path, database: str, s3: S3Server) -> Iterator[Hosts]:
    require("mosquitto")
    mosquitto = SafeMosquitto(tmp_path)
    shared = ["--database", database, "--storage", s3.bucket()]
    environment = mosquitto.environment_of("server")
    ports = [free_port(), free_port()]
    found = Hosts(
        mosquitto,
        [compute(tmp_path / f"api{n}", port, environment, *shared) for n, port in enumerate(ports)],
        [workers(tmp_path / f"host{n}", 2, environment, *shared) for n in range(2)],
        [f"http://127.0.0.1:{port}" for port in ports],
        database,
    )
    for part in found.all():
        part.start()
    processes: list[psutil.Process] = []
    try:
        yield found
        processes = found.processes()
    finally:
        for part in reversed(found.all()):
            part.stop()
        for part in found.all():
            print(part.log.read_text())
    assert gone(processes), "processes are left over"


@define
class Ledger:
    """What was submitted, how each ended, and how often that was heard."""

    submitted: set[str] = field(factory=set)
    ended: dict[str, JobResponse] = field(factory=dict)
    heard: Counter[str] = field(factory=Counter)

    def end(self, state: JobResponse) -> None:
        self.ended[state.job_id] = state
        self.heard[state.job_id] += 1

    async def until(self, count: int) -> None:
        """Wait until so many have ended."""
        while len(self.ended) < count:
            await asyncio.sleep(0.01)


async def clients_of(hosts: Hosts, stack: AsyncExitStack) -> list[ComputeClient]:
    """A client of each API, which may only listen to the broker."""
    found: list[ComputeClient] = []
    for url in hosts.urls:
        config = ServerConfig(compute_url=url, mqtt_ca_file=str(hosts.broker.ca_file))
        config = config.with_broker(hosts.broker.url("client"))
        found.append(await stack.enter_async_context(ComputeClient(server_config=config)))
    return found


async def ready(client: ComputeClient, workers: int) -> None:
    """Wait until an API knows so many workers."""
    while True:
        try:
            if (await client.get_capabilities()).num_workers == workers:
                return
        except ServerUnreachableError:
            pass
        await asyncio.sleep(0.05)


async def submit(client: ComputeClient, ledger: Ledger, number: int) -> None:
    """A small job, another kind each time."""
    picture = PHOTOS[number % 3]
    match number % 3:
        case 0:
            job = await client.hash.compute(picture, on_complete=ledger.end)
        case 1:
            job = await client.media_thumbnail.generate(picture, 64, 64, on_complete=ledger.end)
        case _:
            job = await client.image_conversion.convert(picture, "webp", on_complete=ledger.end)
    ledger.submitted.add(job.job_id)


PHOTOS = [photo(400, 300), photo(300, 300), photo(300, 400)]


async def test_whatever_dies_no_job_is_lost_or_done_twice(hosts: Hosts, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        clients = await clients_of(hosts, stack)
        for client in clients:
            await ready(client, 4)
        ledger = Ledger()
        await asyncio.gather(*(submit(clients[n % 2], ledger, n) for n in range(2 * EACH)))

        await ledger.until(5)
        hosts.broker.kill()
        next(child for child in hosts.workers[0].children() if child.name() == "cl-worker").kill()
        await ledger.until(10)
        hosts.broker.start()
        hosts.apis[1].kill()
        # The workers of this host end with the process that keeps them; what they have, they give back.
        hosts.workers[1].kill()
        hosts.apis[1].start()
        hosts.workers[1].start()
        await asyncio.gather(*(submit(clients[0], ledger, n) for n in range(EACH)))

        await ledger.until(3 * EACH)
        await ready(clients[1], 4)
        assert {state.status for state in ledger.ended.values()} == {"completed"}
        assert ledger.heard == Counter(ledger.submitted)
        for number, state in enumerate(ledger.ended.values()):
            await same_everywhere(clients, state, tmp_path / str(number))
    engine = open_database(hosts.database)
    kept = SqlJobRepository(engine).list_jobs(JobQuery(limit=200)).jobs
    engine.dispose()
    assert {job.job_id for job in kept} == ledger.submitted
    assert {job.status for job in kept} == {JobStatus.COMPLETED}


async def test_a_stack_on_one_machine_takes_a_database_and_a_storage(
    database: str, s3: S3Server, tmp_path: Path
) -> None:
    # A folder with a space in its name, as homes may have.
    data, bucket = tmp_path / "my data", s3.bucket()
    with LocalStack(data, workers=1, database=database, storage=bucket, task_timeout=50) as stack:
        async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
            job = await client.media_thumbnail.generate(PHOTOS[0], 64, 64, wait=True)
            assert await job.download(tmp_path / "thumbnail.jpg")
    assert not (data / "jobs.sqlite").exists()
    assert not list(data.glob("scratch/*/*"))
    assert open_storage(tmp_path, bucket, "test").sizes().keys() == {job.job_id}


async def same_everywhere(clients: list[ComputeClient], state: JobResponse, folder: Path) -> None:
    """Both APIs give what the job was given and what it made."""
    folder.mkdir()
    names = {"hash": [], "media_thumbnail": ["thumbnail_path"], "image_conversion": ["output_path"]}[state.task_type]
    output = state.task_output or {}
    for path in ["input/source", *(str(output[name]) for name in names)]:
        first, second = [
            (await client.download_job_file(state.job_id, path, folder / f"{number}")).read_bytes()
            for number, client in enumerate(clients)
        ]
        assert first == second
        assert first
        if state.task_type == "hash":
            assert output["sha256"] == hashlib.sha256(first).hexdigest()
