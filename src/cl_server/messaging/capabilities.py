"""Which workers are up, as they say on MQTT themselves."""

import threading

from pydantic import ValidationError

from cl_server.messaging.mqtt import Connection
from cl_server.messaging.topics import WORKERS
from cl_server.schemas import WorkerCapabilitiesResponse, WorkerCapability


class Capabilities:
    """The last announcement of each worker."""

    def __init__(self) -> None:
        self._workers: dict[str, WorkerCapability] = {}
        self._lock = threading.Lock()

    def listen(self, connection: Connection) -> None:
        """Follow the retained messages of the workers."""
        connection.subscribe(WORKERS.filter, self.heard, on_connect=self.forget)

    def forget(self) -> None:
        """Forget all workers: a restarted broker has lost their announcements, and they send them again."""
        with self._lock:
            self._workers.clear()

    def heard(self, topic: str, payload: bytes) -> None:
        """Take in one message; an empty one is the last will of a worker."""
        # amqtt can deliver retained messages of other topics to a new subscriber.
        if (worker_id := WORKERS.value_in(topic)) is None:
            return
        try:
            worker = WorkerCapability.model_validate_json(payload) if payload else None
        except ValidationError:
            return
        with self._lock:
            if worker is None:
                self._workers.pop(worker_id, None)
            else:
                self._workers[worker_id] = worker

    def workers(self) -> list[WorkerCapability]:
        """The workers that are up."""
        with self._lock:
            return list(self._workers.values())

    def summary(self) -> WorkerCapabilitiesResponse:
        """Idle workers by task type."""
        workers = self.workers()
        idle: dict[str, int] = {}
        for worker in workers:
            for task_type in worker.capabilities:
                idle[task_type] = idle.get(task_type, 0) + worker.idle_count
        return WorkerCapabilitiesResponse(num_workers=len(workers), capabilities=dict(sorted(idle.items())))
