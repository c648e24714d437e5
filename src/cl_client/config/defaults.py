"""Default addresses, ports, topics and times. No other module defines them."""

from __future__ import annotations

import re
from typing import ClassVar, cast

from attrs import frozen

from cl_client.config.seconds import positive
from cl_client.errors import InvalidParameterError


class ComputeClientConfig:
    """Defaults of the client, as class attributes. Times are in seconds."""

    DEFAULT_HOST: ClassVar[str] = "localhost"
    DEFAULT_PORT: ClassVar[int] = 8002
    DEFAULT_BASE_URL: ClassVar[str] = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
    DEFAULT_AUTH_PORT: ClassVar[int] = 8000
    DEFAULT_AUTH_URL: ClassVar[str] = f"http://{DEFAULT_HOST}:{DEFAULT_AUTH_PORT}"
    DEFAULT_STORE_URL: ClassVar[str] = f"http://{DEFAULT_HOST}:8001"
    DEFAULT_TIMEOUT: ClassVar[float] = 30.0
    # A session requests tokens while the user waits for something else.
    SESSION_TIMEOUT: ClassVar[float] = 10.0

    MQTT_BROKER_HOST: ClassVar[str] = "localhost"
    MQTT_BROKER_PORT: ClassVar[int] = 1883
    MQTT_TLS_PORT: ClassVar[int] = 8883
    MQTT_EVENTS_TOPIC: ClassVar[str] = "inference/events"
    MQTT_CAPABILITY_TOPIC_PREFIX: ClassVar[str] = "inference/workers"
    MQTT_JOB_STATUS_TOPIC_PREFIX: ClassVar[str] = "inference/job_status"
    MQTT_KEEPALIVE: ClassVar[int] = 10

    # How a job is followed without a broker: soon at first, then ever more patiently.
    FIRST_POLL_INTERVAL: ClassVar[float] = 0.05
    DEFAULT_POLL_INTERVAL: ClassVar[float] = 1.0
    MAX_POLL_BACKOFF: ClassVar[float] = 10.0
    POLL_BACKOFF_MULTIPLIER: ClassVar[float] = 1.5
    # With a broker, a job is asked after when it has been silent for a time between these two.
    SWEEP_AFTER: ClassVar[tuple[float, float]] = (10.0, 30.0)
    # The moments at which silent jobs are asked for are this far apart, so that many share a request.
    SWEEP_STEP: ClassVar[float] = 1.0

    WORKER_WAIT_TIMEOUT: ClassVar[float] = 30.0
    WORKER_CAPABILITY_CHECK_INTERVAL: ClassVar[float] = 1.0
    # A worker that does not say again that it is there, so long after a broker is back, is not.
    WORKER_SILENCE: ClassVar[float] = 5.0

    @classmethod
    def get_plugin_endpoint(cls, task_type: str) -> str:
        """Return the path for submits of a task type.

        Raises:
            InvalidParameterError: The name can't be a task type. It is also a `ValueError`.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", task_type):
            raise InvalidParameterError(f"{task_type!r} is not a task type: letters, digits, '_' and '-' only")
        return f"/jobs/{task_type}"


@frozen(kw_only=True)
class Timeouts:
    """Timeouts in seconds for the steps of a request. Each is more than 0.

    Attributes:
        connect: Until the connection is established, including TLS.
        read: Without any byte of the response.
        write: Without sending any byte of the body.
        pool: Until a connection is free. Default: no limit.
    """

    connect: float = ComputeClientConfig.DEFAULT_TIMEOUT
    read: float = ComputeClientConfig.DEFAULT_TIMEOUT
    write: float = ComputeClientConfig.DEFAULT_TIMEOUT
    pool: float | None = None

    @classmethod
    def of(cls, seconds: float) -> Timeouts:
        """The same timeout for each step."""
        return cls(connect=seconds, read=seconds, write=seconds)

    def __attrs_post_init__(self) -> None:
        for each in (self.connect, self.read, self.write, self.pool):
            positive("timeout", each)


@frozen(kw_only=True)
class ConnectionLimits:
    """Limits for the connections of a client.

    Attributes:
        connections: Connections at the same time. Further requests wait.
        idle: Idle connections to keep open for later requests.
        idle_seconds: Seconds to keep them open.
    """

    connections: int = 100
    idle: int = 20
    idle_seconds: float = 5.0

    def __attrs_post_init__(self) -> None:
        if not isinstance(cast("object", self.connections), int) or self.connections < 1:
            raise InvalidParameterError("connections has to be at least 1")
