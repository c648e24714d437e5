"""A client of any job server: one object that submits, watches and fetches. Generated packages add their plugins."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar, Unpack

from cl_client.batch.run import Outcome, map_files
from cl_client.config.addresses import without_secrets
from cl_client.config.defaults import ComputeClientConfig as Config
from cl_client.config.defaults import ConnectionLimits, Timeouts
from cl_client.config.seconds import seconds
from cl_client.config.servers import ServerConfig
from cl_client.config.settings import Told, broker_of, told_by_all, told_by_environment
from cl_client.errors import WorkerUnavailableError
from cl_client.files.download import DownloadCallback
from cl_client.http.auth import AuthProvider
from cl_client.http.options import HttpOptions, trust_of
from cl_client.http.sender import AWAY
from cl_client.http.transport import Transport
from cl_client.http.upload import FileInput
from cl_client.jobs.collection import Job, JobCallback, Jobs
from cl_client.model import Capabilities, JobState
from cl_client.server.contract import Contract
from cl_client.server.http_server import HttpJobServer
from cl_client.watching.event import Event
from cl_client.watching.job_reader import JobReader
from cl_client.watching.watcher import Watcher
from cl_client.watching.workers import Workers
from cl_client.wire.client import Client

if TYPE_CHECKING:
    from cl_client.watching.mqtt_connection import Subscription


Source = TypeVar("Source", bound=FileInput)
Output = TypeVar("Output")


class JobClient:
    """A client of one job server, for one event loop: all but the plugins.

    Generated packages mix their plugins in, and say with their contract what the server calls things.

    Use it as an async context manager, or `await client.close()` at the end.

    Args:
        base_url: of the compute server; `COMPUTE_URL` or `http://localhost:8002` when not given.
        timeout: seconds for each connect, read and write of a request, or a `Timeouts` for each of them its own; 30
            when not given. Waiting for jobs has timeouts of its own.
        mqtt_broker: host of the broker; `MQTT_BROKER_HOST` or `localhost` when not given. A broker that is down stops
            nothing: jobs are then followed over HTTP.
        mqtt_port: `MQTT_BROKER_PORT` or 1883 when not given.
        auth_provider: signs the requests; nobody when not given.
        server_config: addresses in one object; the arguments above go before it. User, password and token are for
            its own broker: `mqtt_broker` on another host is told none of them.
        deadline: seconds that a call may take in all: requests that are tried again as long as it lasts, uploads and
            downloads. When not given, a request is tried a few times. Waiting for jobs is not counted.
        limits: of the connections to the server.
        mqtt_url: the broker as `mqtt://host:port`, or `mqtts://user:password@host:port` for TLS; `MQTT_URL` when
            neither this nor `mqtt_broker` is given.
        http: how requests go out, as httpx calls it: `verify`, `transport`, `http_client`, `event_hooks`; see
            `HttpOptions`.

    Raises:
        InvalidParameterError: an address or a time that cannot be one.
    """

    contract: ClassVar[Contract] = Contract()
    """What the server calls things, and what it has."""
    when_away: ClassVar[str] = AWAY
    """What to do when nothing answers, for a person."""
    http_library: ClassVar[str] = "httpx"
    """`httpx` or `httpx2`: whose connections they are."""

    def __init__(
        self,
        base_url: str | None = None,
        timeout: float | Timeouts | None = None,
        mqtt_broker: str | None = None,
        mqtt_port: int | None = None,
        auth_provider: AuthProvider | None = None,
        server_config: ServerConfig | None = None,
        *,
        deadline: float | None = None,
        limits: ConnectionLimits | None = None,
        mqtt_url: str | None = None,
        **http: Unpack[HttpOptions],
    ) -> None:
        told = told_by_environment() if server_config is None else server_config.told
        said = {"compute_url": base_url, "mqtt_host": mqtt_broker, "mqtt_port": mqtt_port}
        broker = broker_of(mqtt_url, "argument mqtt_url") if mqtt_url else {}
        arguments = broker | {name: Told(value, "argument") for name, value in said.items() if value}
        self._config = ServerConfig.of(told_by_all(told, arguments))
        self.base_url: str = self._config.compute_url.rstrip("/")
        self.mqtt_broker: str = self._config.mqtt_host
        self.mqtt_port: int = self._config.mqtt_port
        self._auth = auth_provider
        self._trust = trust_of(http, self._config.ca_file)
        self._transport = Transport(
            self.base_url,
            timeout=Timeouts() if timeout is None else timeout,
            auth=auth_provider,
            deadline=deadline,
            limits=limits or ConnectionLimits(),
            when_away=self.when_away,
            ca_file=self._config.ca_file,
            options=http,
            library=self.http_library,
            job_in=self.contract.job_in,
        )
        self.api: Client = Client(base_url=self.base_url).set_async_httpx_client(self._transport)
        """The wire layer, for what has no method here: `await get_job.asyncio("…", client=client.api)`."""
        self._server = HttpJobServer(self._transport, self.contract, self.api)
        self._reader = JobReader(self._server)
        self._jobs = Jobs(self._server, self._make_watcher(), self._reader, self.api)
        self._workers = Workers(self._subscribe, self.contract)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {without_secrets(self.base_url)}, MQTT {self.mqtt_broker}:{self.mqtt_port}>"

    @property
    def jobs(self) -> Jobs:
        """Jobs by their id: `await client.jobs.get(job_id)`."""
        return self._jobs

    @property
    def workers(self) -> Workers:
        """The workers, as they tell of themselves on the broker: `client.workers.subscribe(callback)`."""
        return self._workers

    def map(
        self,
        method: Callable[..., Awaitable[Job[Output]]],
        sources: Iterable[Source],
        *,
        concurrency: int = 16,
        ordered: bool = True,
        journal: str | os.PathLike[str] | None = None,
        finish: Callable[[Source, Job[Output]], Awaitable[None]] | None = None,
        **parameters: object,
    ) -> AsyncGenerator[Outcome[Source, Output]]:
        """Run a plugin method on many files: `async for outcome in client.map(client.hash.compute, paths)`.

        A file that fails stops none of the others: its outcome has the `error`. Leaving the loop early cancels what is
        under way here; jobs that the server has taken run to their end there, unless `cancel_with_wait=True` is given.

        Args:
            method: of a plugin, such as `client.hash.compute`.
            sources: the files, each as the method takes it. They are read only as far as there is room.
            concurrency: files at once, 1 or more.
            ordered: give the outcomes in the order of `sources`, rather than as the jobs end.
            journal: a file that keeps what was done: a later call with the same one does only the rest.
            finish: awaited for each job that has completed, as a part of the work on its file: in the event loop of the
                client, for up to `concurrency` files at once. A `ComputeClientError` that it raises is the file's; any
                other exception ends the loop, and comes out of it. With a journal, a file is done once `finish` has
                returned: after a crash, or an error of it, the next run calls it again for the same job.
            parameters: of the method, the same for each file.

        Raises:
            InvalidParameterError: `concurrency` is less than 1, or with a journal the method is of no plugin.
            JournalError: the journal cannot be used.
        """
        return map_files(
            method,
            sources,
            server=self.base_url,
            concurrency=concurrency,
            ordered=ordered,
            journal=journal,
            finish=finish,
            **parameters,
        )

    async def get_job(self, job_id: str) -> JobState:
        """The state of a job. It is `client.jobs.fetch`, by its earlier name.

        Raises:
            JobNotFoundError: no such job, or not yours.
        """
        return await self.jobs.fetch(job_id)

    async def delete_job(self, job_id: str) -> None:
        """Remove a job and its files. It is `client.jobs.delete`, by its earlier name.

        Raises:
            JobNotFoundError: no such job, or not yours.
        """
        await self.jobs.delete(job_id)

    async def wait_for_job(
        self, job_id: str, poll_interval: float | None = None, timeout: float | None = None
    ) -> JobState:
        """Wait for a job by its id, whichever client submitted it. With a handle, `job.wait()` does the same.

        Args:
            job_id: the job.
            poll_interval: seconds between two questions to the server; when not given, the broker tells.
            timeout: seconds in all.

        Raises:
            JobFailedError, WaitTimeoutError, JobNotFoundError: as `Job.wait`.
        """
        job = await self.jobs.get(job_id)
        if poll_interval is None:
            await job.wait(timeout)
        else:
            await job.poll(poll_interval, timeout)
        return await self.jobs.fetch(job_id) if job.state is None else job.state

    def subscribe_job_updates(
        self,
        job_id: str,
        on_progress: JobCallback | None = None,
        on_complete: JobCallback | None = None,
    ) -> str:
        """Listen to a job. With a handle, `job.follow()` and `job.events()` do the same. Needs a running event loop.

        Args:
            job_id: the job; it may have ended already.
            on_progress: called with every state, the terminal one included; progress that comes faster than it
                returns is skipped.
            on_complete: called once, with the terminal state.

        Returns:
            An id for `unsubscribe`.
        """
        return self.jobs.watcher.watch(job_id, on_progress, on_complete).id

    def unsubscribe(self, subscription_id: str) -> None:
        """Stop listening; an id that is not known (any more) is ignored."""
        self.jobs.watcher.unwatch(subscription_id)

    async def get_capabilities(self) -> Capabilities:
        """How many workers there are, and for each task type how many of them are idle.

        Raises:
            UnsupportedError: the server does not tell.
        """
        return await self._server.workers()

    async def wait_for_workers(
        self, required_capabilities: Sequence[str] | None = None, timeout: float | None = None
    ) -> bool:
        """Wait until there are workers for all of these task types, or any worker at all.

        Args:
            required_capabilities: task types; one worker of any kind is enough when not given.
            timeout: seconds; 30 when not given.

        Returns:
            True.

        Raises:
            WorkerUnavailableError: there are none in time; it names the task types that are missing.
        """
        given = seconds("timeout", timeout)
        limit = Config.WORKER_WAIT_TIMEOUT if given is None else given
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit
        pause = Config.FIRST_POLL_INTERVAL
        while True:
            now = await self.get_capabilities()
            missing = [task for task in required_capabilities or () if task not in now.capabilities]
            if now.num_workers > 0 and not missing:
                return True
            left = deadline - loop.time()
            if left <= 0:
                what = f"no worker for {', '.join(missing)}" if missing else "no worker"
                raise WorkerUnavailableError(f"{what} after {limit:g} s", hint="start one: `cl-client server up`")
            # The server knows, the broker knows sooner: its news is the moment to ask, and to ask again soon.
            if await self.workers.news(min(left, pause)):
                pause = Config.FIRST_POLL_INTERVAL
            else:
                alone = not self.workers.known
                longest = Config.WORKER_CAPABILITY_CHECK_INTERVAL if alone else Config.MAX_POLL_BACKOFF
                pause = min(longest, pause * Config.POLL_BACKOFF_MULTIPLIER)

    async def download_job_file(
        self,
        job_id: str,
        file_path: str,
        dest: str | os.PathLike[str],
        *,
        on_progress: DownloadCallback | None = None,
    ) -> Path:
        """Download a file of a job, whole or not at all. With a handle, `job.download()` does the same.

        Args:
            job_id: the job.
            file_path: relative to the job, such as `output/thumbnail.jpg`.
            dest: a file name, or a folder that exists.
            on_progress: called with the bytes written, and the bytes in all where known.

        Returns:
            Where the file is.

        Raises:
            NotFoundError: no such job, or no such file in it.
            InvalidParameterError: `file_path` points outside of the job.
            DownloadError: it did not arrive whole, or cannot be written.
        """
        return await self.jobs.download(job_id, file_path, dest, on_progress=on_progress)

    async def close(self) -> None:
        """End all watches with `ClientClosedError`, leave the broker, close the connections. Jobs go on."""
        await self._jobs.watcher.close()
        await self._workers.close()
        await self._reader.close()
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _make_watcher(self) -> Watcher:
        topic = self._config.mqtt_events or self.contract.events
        if topic is None:
            return Watcher(self._reader.read, None)
        return Watcher(self._reader.read, self._subscribe, topic, partial(Event.parse, contract=self.contract))

    def _subscribe(self, who: Watcher | Workers) -> Subscription:
        # aiomqtt takes 100 ms to import: only who listens pays for it.
        from cl_client.watching import mqtt_connection

        return mqtt_connection.subscribe(
            mqtt_connection.Broker.of(self._config, self._auth, self._trust),
            mqtt_connection.Listener(who.receive, who.online, who.offline),
        )


class EmbeddingClient(JobClient):
    """A client of a server that this distribution can start itself, for one event loop. Otherwise as `JobClient`."""

    when_away = "is the server running? `cl-client server up` starts one; COMPUTE_URL says where it is"

    @classmethod
    @contextlib.asynccontextmanager
    async def embedded(cls, data: str | os.PathLike[str] | None = None) -> AsyncGenerator[Self]:
        """A client with a server of its own, on this machine, for as long as the block lasts.

        Args:
            data: folder for the database and the files; a temporary one when not given.

        Raises:
            ComputeClientError: the extra `[server]` is not installed, or the server does not start.
        """
        from cl_client.embedded import local_stack

        async with local_stack(data) as stack:
            # What this shell says of a broker is not about ours.
            client = cls(server_config=ServerConfig.from_env(stack.environment()))
            async with client:
                yield client
