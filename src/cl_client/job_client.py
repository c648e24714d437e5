"""A client for any job server: one object that submits, watches and downloads. Generated packages add plugins."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar, Unpack

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
from cl_client.jobs.submitter import Submitter
from cl_client.model import Capabilities, JobState
from cl_client.server.contract import Contract
from cl_client.server.http_server import HttpJobServer
from cl_client.watching.event import Event
from cl_client.watching.job_reader import JobReader
from cl_client.watching.listening import Listening
from cl_client.watching.watcher import Watcher
from cl_client.watching.workers import Workers
from cl_client.wire.client import Client

if TYPE_CHECKING:
    from cl_client.batch.run import Outcome
    from cl_client.watching.mqtt_connection import Broker, Subscription


Source = TypeVar("Source", bound=FileInput)
Output = TypeVar("Output")


class JobClient(Listening):
    """A client for one job server and one event loop, without plugins.

    Generated packages add their plugins. Their contract describes the routes and names of the server.

    Use the client as an async context manager, or call `await client.close()` at the end.
    """

    contract: ClassVar[Contract] = Contract()
    """The routes, names and features of the server."""
    when_away: ClassVar[str] = AWAY
    """A hint for users if the server doesn't answer."""
    http_library: ClassVar[str] = "httpx"
    """The library of the connections: `httpx` or `httpx2`."""

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
        """Make a client. It connects to the server when it sends its first request.

        Args:
            base_url: Address of the compute server. Default: `COMPUTE_URL`, or `http://localhost:8002`.
            timeout: Seconds for each connect, read and write of a request, or a `Timeouts` with a value for each.
                Default: 30. Waiting for jobs has its own timeouts.
            mqtt_broker: Host of the broker. Default: `MQTT_BROKER_HOST`, or `localhost`. If the broker is down, the
                client follows jobs over HTTP.
            mqtt_port: Port of the broker. Default: `MQTT_BROKER_PORT`, or 1883.
            auth_provider: Signs the requests. Default: a guest, without a token.
            server_config: All addresses in one object. The arguments above take precedence. Its user, password and
                token are sent only to its own broker, not to a `mqtt_broker` on another host.
            deadline: Seconds for a whole call, including retries, uploads and downloads, but not for waiting for jobs.
                With a deadline, the client retries until it ends; by default, it makes a few attempts.
            limits: Limits for the connections to the server.
            mqtt_url: The broker as `mqtt://host:port`, or `mqtts://user:password@host:port` with TLS. Default:
                `MQTT_URL`, if `mqtt_broker` isn't given either.
            http: Options for requests with the names of httpx: `verify`, `transport`, `http_client`, `event_hooks`. See
                `HttpOptions`.

        Raises:
            InvalidParameterError: An address or a time is invalid.
        """
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
        """The wire layer, for operations without a method: `await get_job.asyncio("…", client=client.api)`."""
        self._server = HttpJobServer(self._transport, self.contract, self.api)
        self._reader = JobReader(self._server)
        self._submitter = Submitter(self._server)
        self._jobs = Jobs(self._server, self._make_watcher(), self._reader, self.api, self._submitter)
        self._workers = Workers(self._subscribe, self.contract)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {without_secrets(self.base_url)}, MQTT {self.mqtt_broker}:{self.mqtt_port}>"

    @property
    def jobs(self) -> Jobs:
        """Access to jobs: `await client.jobs.get(job_id)`."""
        return self._jobs

    @property
    def workers(self) -> Workers:
        """The workers that announce themselves on the broker: `client.workers.subscribe(callback)`."""
        return self._workers

    def map(
        self,
        method: Callable[..., Awaitable[Job[Output]]],
        sources: Iterable[Source],
        *,
        concurrency: int | None = None,
        ordered: bool = True,
        journal: str | os.PathLike[str] | None = None,
        finish: Callable[[Source, Job[Output]], Awaitable[None]] | None = None,
        **parameters: object,
    ) -> AsyncGenerator[Outcome[Source, Output]]:
        """Run a plugin method on many files: `async for outcome in client.map(client.hash.compute, paths)`.

        A file that fails doesn't stop the others: its outcome has the `error`. If you leave the loop early, the client
        cancels its own work. Jobs that the server has accepted continue there, unless you pass `cancel_with_wait=True`.

        Args:
            method: A method of a plugin, such as `client.hash.compute`.
            sources: The files, as the method accepts them. They are read as needed.
            concurrency: Files to process at the same time, at least 1. Default: 64, of which at most 16 have more than
                64 KiB; 16 if the server doesn't take small files together.
            ordered: Yield the outcomes in the order of `sources`. If false, yield them as the jobs end.
            journal: Path of a file that records what is done. A later call with the same journal processes only the
                rest.
            finish: Awaited in the event loop of the client for each completed job, as part of the work on its file, for
                up to `concurrency` files at the same time. If it raises a `ComputeClientError`, the file fails; any
                other exception ends the loop. With a journal, a file is done when `finish` has returned. After a crash
                or an error in `finish`, the next run calls it again for the same job.
            parameters: Parameters of the method, the same for each file.

        Raises:
            InvalidParameterError: `concurrency` is less than 1, or the method isn't a plugin's and there is a journal.
            JournalError: The journal can't be used.
        """
        from cl_client.batch.run import map_files

        return map_files(
            method,
            sources,
            server=self.base_url,
            is_together=self.contract.batch is not None,
            concurrency=concurrency,
            ordered=ordered,
            journal=journal,
            finish=finish,
            **parameters,
        )

    async def get_job(self, job_id: str) -> JobState:
        """Get the state of a job. The same as `client.jobs.fetch`, which is the preferred name.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
        """
        return await self.jobs.fetch(job_id)

    async def delete_job(self, job_id: str) -> None:
        """Delete a job and its files. The same as `client.jobs.delete`, which is the preferred name.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
        """
        await self.jobs.delete(job_id)

    async def wait_for_job(
        self, job_id: str, poll_interval: float | None = None, timeout: float | None = None
    ) -> JobState:
        """Wait for a job by its id, even if another client submitted it. With a handle, use `job.wait()`.

        Args:
            job_id: Id of the job.
            poll_interval: Seconds between requests to the server. By default, the client listens to the broker.
            timeout: Seconds for the whole wait. Default: no limit.

        Raises:
            JobFailedError, WaitTimeoutError, JobNotFoundError: As `Job.wait`.
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
        """Follow a job with callbacks. With a handle, use `job.follow()` or `job.events()`. Needs a running event loop.

        Args:
            job_id: Id of the job, which may have ended already.
            on_progress: Called with every state, including the last one. States that arrive faster than it returns are
                skipped.
            on_complete: Called once, with the last state.

        Returns:
            An id for `unsubscribe`.
        """
        return self.jobs.watcher.watch(job_id, on_progress, on_complete).id

    def unsubscribe(self, subscription_id: str) -> None:
        """Stop a subscription. An unknown id is ignored."""
        self.jobs.watcher.unwatch(subscription_id)

    async def get_capabilities(self) -> Capabilities:
        """Get the number of workers, and of idle workers for each task type.

        Raises:
            UnsupportedError: The server doesn't provide this.
        """
        return await self._server.workers()

    async def wait_for_workers(
        self, required_capabilities: Sequence[str] | None = None, timeout: float | None = None
    ) -> bool:
        """Wait until there are workers for all of these task types.

        Args:
            required_capabilities: Task types. By default, any worker is enough.
            timeout: Seconds to wait. Default: 30.

        Returns:
            True.

        Raises:
            WorkerUnavailableError: Workers are missing after the timeout. The message names the task types.
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
        """Download a file of a job. With a handle, use `job.download()`. Leaves no incomplete file behind.

        Args:
            job_id: Id of the job.
            file_path: Path of the file in the job, such as `output/thumbnail.jpg`.
            dest: Path of a file, or of an existing folder.
            on_progress: Called with the bytes written and, if known, the total.

        Returns:
            The path of the downloaded file.

        Raises:
            NotFoundError: The job or the file doesn't exist.
            InvalidParameterError: `file_path` leads out of the job.
            DownloadError: The file arrived incomplete, or can't be written.
        """
        return await self.jobs.download(job_id, file_path, dest, on_progress=on_progress)

    async def close(self) -> None:
        """Close the connections. Watches end with `ClientClosedError`. Jobs continue on the server."""
        await self._submitter.close()
        await self._jobs.watcher.close()
        await self._workers.close()
        await self._reader.close()
        await self._transport.aclose()

    def _make_watcher(self) -> Watcher:
        topic = self._config.mqtt_events or self.contract.events
        if topic is None:
            return Watcher(self._reader.read, None)
        return Watcher(self._reader.read, self._subscribe, topic, partial(Event.parse, contract=self.contract))

    def _broker(self) -> Broker:
        from cl_client.watching.mqtt_connection import Broker

        return Broker.of(self._config, self._auth, self._trust)

    def _subscribe(self, who: Watcher | Workers) -> Subscription:
        # aiomqtt takes 100 ms to import: only who listens pays for it.
        from cl_client.watching import mqtt_connection

        return mqtt_connection.subscribe(
            self._broker(),
            mqtt_connection.Listener(who.receive, who.online, who.offline),
        )


class EmbeddingClient(JobClient):
    """A `JobClient` for a server that this distribution can start."""

    when_away = "is the server running? `cl-client server up` starts one; COMPUTE_URL says where it is"

    @classmethod
    @contextlib.asynccontextmanager
    async def embedded(cls, data: str | os.PathLike[str] | None = None) -> AsyncGenerator[Self]:
        """Start a server on this machine for the duration of the block, and return its client.

        Args:
            data: Folder for the database and the files. Default: a temporary folder.

        Raises:
            ComputeClientError: The extra `[server]` isn't installed, or the server doesn't start.
        """
        from cl_client.embedded import local_stack

        async with local_stack(data) as stack:
            # What this shell says of a broker is not about ours.
            client = cls(server_config=ServerConfig.from_env(stack.environment()))
            async with client:
                yield client
