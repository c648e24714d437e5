"""Tells the world how jobs fare, on MQTT."""

from uuid import uuid4

from cl_ml_tools.schemas import Job
from cl_server.guest_mode import Guests
from cl_server.mqtt import Connection
from cl_server.schemas import JobEvent
from cl_server.settings import Settings

TOPIC = "inference/events"


class Events:
    """A listener for a repository: publishes each change. Without a connection it keeps quiet.

    Everybody can listen to the broker, so parameters and outputs are told of guests' jobs only, and only while guests
    are let in.
    """

    def __init__(self, connection: Connection | None, guests: Guests) -> None:
        self._connection = connection
        self._guests = guests

    def __call__(self, job: Job) -> None:
        if self._connection is not None:
            event = JobEvent.about(job, whole=job.created_by is None and self._guests.on)
            self._connection.publish(TOPIC, event.model_dump_json(exclude_unset=True).encode())


def connection(settings: Settings, name: str) -> Connection | None:
    """The connection of a process, not yet started; `None` where there is no broker."""
    if settings.mqtt_port is None:
        return None
    # A client id of its own for each process: amqtt does not end the older of two that share one.
    return Connection(settings.mqtt_host, settings.mqtt_port, f"cl-{name}-{uuid4().hex[:8]}")
