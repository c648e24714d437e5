"""The retained message with the capabilities of a worker and whether it is idle. It is cleared when the worker ends."""

import asyncio
from collections.abc import Sequence

from cl_server.clock import now_ms
from cl_server.messaging.mqtt import Connection, dropped
from cl_server.messaging.topics import WORKERS
from cl_server.schemas import WorkerCapability

# Seconds. Where many jobs are small, to say after each that one is idle costs as much as a twentieth of the job.
MOMENT = 0.05


class Presence:
    """The worker's message; made before the connection starts, because a last will is part of connecting."""

    def __init__(self, connection: Connection | None, worker_id: str, capabilities: Sequence[str]) -> None:
        self._connection = connection
        self._worker_id = worker_id
        self._capabilities = list(capabilities)
        self._idle = 1
        self._told = True
        self._soon: asyncio.TimerHandle | None = None
        if connection is not None:
            connection.last_will(self._topic)
            connection.when_connected(self._tell)

    @property
    def _topic(self) -> str:
        return WORKERS.of(self._worker_id)

    def busy(self) -> None:
        """Say that no job could be taken."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        self._say(0)

    def idle(self) -> None:
        """Say that a job could be taken, when it stays so for a moment. Needs a running loop."""
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(MOMENT, self._rested)

    def _rested(self) -> None:
        self._soon = None
        self._say(1)

    def _say(self, idle: int) -> None:
        """If that is news, or if the queue had no room to say it before."""
        if idle != self._idle or not self._told:
            self._idle = idle
            self._tell()

    def leave(self) -> None:
        """Take the message back."""
        if self._connection is not None:
            self._connection.publish(self._topic, b"", retain=True)

    def _tell(self) -> None:
        if self._connection is None:
            return
        message = WorkerCapability(
            id=self._worker_id,
            worker_id=self._worker_id,
            capabilities=self._capabilities,
            idle_count=self._idle,
            timestamp=now_ms(),
        )
        info = self._connection.publish(self._topic, message.model_dump_json().encode(), retain=True)
        self._told = not dropped(info)
