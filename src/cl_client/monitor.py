"""Jobs and workers, followed without submitting anything."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self, Unpack

from cl_client.client import ComputeClient
from cl_client.config.servers import ServerConfig
from cl_client.http.auth import AuthProvider
from cl_client.http.options import HttpOptions
from cl_client.model import WorkerState
from cl_client.watching.watch import JobCallback
from cl_client.watching.workers import WorkerCallback


class MQTTJobMonitor:
    """Tells of jobs and of workers, for one event loop. Clients of the same broker share its connection.

    The broker tells first; what it does not tell, or not in full, the compute server is asked for, so that an end is
    heard once whatever the broker does.

    Use it as an async context manager, or `await monitor.close()` at the end.

    Args:
        broker: host of the broker; `MQTT_BROKER_HOST` or `localhost` when not given.
        port: `MQTT_BROKER_PORT` or 1883 when not given.
        auth_provider: signs the questions to the compute server; nobody when not given.
        server_config: addresses in one object; the arguments above go before it.
        http: how the questions go out; see `HttpOptions`.

    Raises:
        InvalidParameterError: an address that cannot be one.
    """

    def __init__(
        self,
        broker: str | None = None,
        port: int | None = None,
        *,
        auth_provider: AuthProvider | None = None,
        server_config: ServerConfig | None = None,
        **http: Unpack[HttpOptions],
    ) -> None:
        self._client = ComputeClient(
            mqtt_broker=broker, mqtt_port=port, auth_provider=auth_provider, server_config=server_config, **http
        )

    def subscribe_job_updates(
        self,
        job_id: str,
        on_progress: JobCallback | None = None,
        on_complete: JobCallback | None = None,
    ) -> str:
        """Listen to a job; as `ComputeClient.subscribe_job_updates`."""
        return self._client.subscribe_job_updates(job_id, on_progress, on_complete)

    def unsubscribe(self, subscription_id: str) -> None:
        """Stop listening to a job or to the workers; an id that is not known (any more) is ignored."""
        self._client.unsubscribe(subscription_id)
        self._client.workers.unsubscribe(subscription_id)

    def get_worker_capabilities(self) -> Mapping[str, WorkerState]:
        """The workers that are there, by their id, as far as the broker has told. Begins to listen, if need be."""
        self._client.workers.start()
        return self._client.workers.known

    def subscribe_worker_updates(self, callback: WorkerCallback) -> str:
        """Have it called with the id of each worker that is there, comes, changes or goes, and what it can do.

        Args:
            callback: sync or async; `None` in place of what it can do means that the worker is gone.

        Returns:
            An id for `unsubscribe`.
        """
        return self._client.workers.subscribe(callback)

    async def wait_for_capability(self, task_type: str, timeout: float | None = None) -> bool:
        """Wait until a worker for this task type is there.

        Args:
            task_type: such as `clip_embedding`.
            timeout: seconds; 30 when not given.

        Returns:
            True.

        Raises:
            WorkerUnavailableError: there is none in time.
        """
        return await self._client.workers.wait_for(task_type, timeout)

    async def close(self) -> None:
        """Stop listening. Jobs go on."""
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
