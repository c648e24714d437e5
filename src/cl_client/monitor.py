"""Follow jobs and workers without submitting anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from cl_client.client import ComputeClient
from cl_client.config.servers import ServerConfig
from cl_client.http.auth import AuthProvider
from cl_client.http.options import HttpOptions
from cl_client.loops.closing import Closing
from cl_client.model import WorkerState
from cl_client.watching.watch import JobCallback
from cl_client.watching.workers import WorkerCallback


class MQTTJobMonitor(Closing):
    """Reports jobs and workers, for one event loop. Clients of the same broker share its connection.

    It listens to the broker and, if a message is missing or incomplete, asks the compute server. So it reports the end
    of a job exactly once, even if the broker fails.

    Use it as an async context manager, or call `await monitor.close()` at the end.

    Args:
        broker: Host of the broker. Default: `MQTT_BROKER_HOST`, or `localhost`.
        port: Port of the broker. Default: `MQTT_BROKER_PORT`, or 1883.
        auth_provider: Signs the requests to the compute server. Default: a guest.
        server_config: All addresses in one object. The arguments above take precedence.
        http: Options for requests. See `HttpOptions`.

    Raises:
        InvalidParameterError: An address is invalid.
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
        """Follow a job, as `ComputeClient.subscribe_job_updates`."""
        return self._client.subscribe_job_updates(job_id, on_progress, on_complete)

    def unsubscribe(self, subscription_id: str) -> None:
        """Stop a subscription of a job or of the workers. An unknown id is ignored."""
        self._client.unsubscribe(subscription_id)
        self._client.workers.unsubscribe(subscription_id)

    def get_worker_capabilities(self) -> Mapping[str, WorkerState]:
        """Get the known workers, by id. Starts to listen to the broker, if necessary."""
        self._client.workers.start()
        return self._client.workers.known

    def subscribe_worker_updates(self, callback: WorkerCallback) -> str:
        """Follow the workers: the existing ones, and each one that comes, changes or goes.

        Args:
            callback: Called with the id and the state of a worker. The state is `None` if the worker is gone. It can be
                async.

        Returns:
            An id for `unsubscribe`.
        """
        return self._client.workers.subscribe(callback)

    async def wait_for_capability(self, task_type: str, timeout: float | None = None) -> bool:
        """Wait for a worker of this task type.

        Args:
            task_type: Task type, such as `clip_embedding`.
            timeout: Seconds to wait. Default: 30.

        Returns:
            True.

        Raises:
            WorkerUnavailableError: There is no such worker after the timeout.
        """
        return await self._client.workers.wait_for(task_type, timeout)

    async def close(self) -> None:
        """Stop listening. Jobs continue on the server."""
        await self._client.close()
