"""Tells the world how jobs fare, on MQTT."""

from uuid import uuid4

from cl_ml_tools.schemas import Job
from cl_server.mqtt import Connection
from cl_server.schemas import JobEvent
from cl_server.settings import Settings

TOPIC = "inference/events"


class Events:
    """A listener for a repository: publishes each change. Without a connection it keeps quiet."""

    def __init__(self, connection: Connection | None) -> None:
        self._connection = connection

    def __call__(self, job: Job) -> None:
        if self._connection is not None:
            self._connection.publish(TOPIC, JobEvent.about(job).model_dump_json().encode())


def connection(settings: Settings, name: str) -> Connection | None:
    """The connection of a process, not yet started; `None` where there is no broker."""
    if settings.mqtt_port is None:
        return None
    # A client id of its own for each process: amqtt does not end the older of two that share one.
    return Connection(settings.mqtt_host, settings.mqtt_port, f"cl-{name}-{uuid4().hex[:8]}")
