"""Addresses, ports, topics and times: the only place that writes them down, or reads them from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Final, cast
from urllib.parse import unquote, urlsplit

from attrs import asdict, evolve, field, fields_dict, frozen

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
    # A session asks the auth server while somebody waits for something else.
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

    WORKER_WAIT_TIMEOUT: ClassVar[float] = 30.0
    WORKER_CAPABILITY_CHECK_INTERVAL: ClassVar[float] = 1.0
    # A worker that does not say again that it is there, so long after a broker is back, is not.
    WORKER_SILENCE: ClassVar[float] = 5.0

    @classmethod
    def get_plugin_endpoint(cls, task_type: str) -> str:
        """The path that takes jobs of a task type.

        Raises:
            InvalidParameterError: the name cannot be a task type (it is also a `ValueError`).
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", task_type):
            raise InvalidParameterError(f"{task_type!r} is not a task type: letters, digits, '_' and '-' only")
        return f"/jobs/{task_type}"


@frozen(kw_only=True)
class Timeouts:
    """Seconds for the steps of one request; each is more than 0.

    Attributes:
        connect: until the connection stands, TLS included.
        read: of silence, before and between the bytes of an answer.
        write: in which nothing of a body goes out.
        pool: until a connection is free; as long as it takes when not given, for the requests ahead are bounded.
    """

    connect: float = ComputeClientConfig.DEFAULT_TIMEOUT
    read: float = ComputeClientConfig.DEFAULT_TIMEOUT
    write: float = ComputeClientConfig.DEFAULT_TIMEOUT
    pool: float | None = None

    @classmethod
    def of(cls, seconds: float) -> Timeouts:
        """The same for each step."""
        return cls(connect=seconds, read=seconds, write=seconds)

    def __attrs_post_init__(self) -> None:
        if not all(each is None or each > 0 for each in (self.connect, self.read, self.write, self.pool)):
            raise InvalidParameterError("timeout has to be more than 0 seconds")


@frozen(kw_only=True)
class ConnectionLimits:
    """How many connections to the server a client has.

    Attributes:
        connections: at once; requests beyond them wait their turn.
        idle: kept open for the next request.
        idle_seconds: for how long.
    """

    connections: int = 100
    idle: int = 20
    idle_seconds: float = 5.0

    def __attrs_post_init__(self) -> None:
        if self.connections < 1:
            raise InvalidParameterError("connections has to be at least 1")


@frozen(kw_only=True)
class ServerConfig:
    """Where the servers are.

    Attributes:
        auth_url: base URL of the auth server.
        compute_url: base URL of the compute server.
        store_url: base URL of the media store.
        mqtt_host: host name or address of the MQTT broker.
        mqtt_port: TCP port of the MQTT broker.
        mqtt_tls: whether to speak TLS with the broker (`mqtts://`).
        mqtt_ca_file: certificates (PEM) to trust for that; those of the system when not given.
        mqtt_cert_file: our own certificate (PEM), for a broker that wants one.
        mqtt_key_file: its key, where that is not in the same file.
        mqtt_username: for the broker; nobody when not given.
        mqtt_password: for the broker.
        mqtt_jwt: whether the token that signs our requests is our password for the broker.
        mqtt_events: the topic that tells of jobs; with `{job_id}` in it, one for each, such as
            `inference/job_status/{job_id}`.
    """

    auth_url: str = ComputeClientConfig.DEFAULT_AUTH_URL
    compute_url: str = ComputeClientConfig.DEFAULT_BASE_URL
    store_url: str = ComputeClientConfig.DEFAULT_STORE_URL
    mqtt_host: str = ComputeClientConfig.MQTT_BROKER_HOST
    mqtt_port: int = ComputeClientConfig.MQTT_BROKER_PORT
    mqtt_tls: bool = False
    mqtt_ca_file: str | None = None
    mqtt_cert_file: str | None = None
    mqtt_key_file: str | None = None
    mqtt_username: str | None = None
    mqtt_password: str | None = field(default=None, repr=False)
    mqtt_jwt: bool = False
    mqtt_events: str = ComputeClientConfig.MQTT_EVENTS_TOPIC

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> ServerConfig:
        """Read `COMPUTE_URL` (or `COMPUTE_SERVER_URL`), `AUTH_URL`, `STORE_URL`; `MQTT_URL`
        (`mqtts://user:password@host:port`), or `MQTT_BROKER_HOST` and `MQTT_BROKER_PORT` (or `MQTT_BROKER` and
        `MQTT_PORT`); `MQTT_CA_FILE`, `MQTT_CERT_FILE`, `MQTT_KEY_FILE`; `MQTT_JWT` (1 or 0); `MQTT_EVENTS`. What is
        not set keeps its default.

        Raises:
            InvalidParameterError: a port is not a number from 1 to 65535, or `MQTT_URL` is not one.
        """
        return cls.of(told_by_environment(environment))

    @classmethod
    def load(
        cls,
        profile: str | None = None,
        *,
        file: str | Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> ServerConfig:
        """Read a profile of the user's file, as `cl-client` does; what the environment says goes before it.

        Args:
            profile: a table of the file; `CL_PROFILE`, or `default`, when not given.
            file: TOML; `CL_CONFIG`, or `cl-client/config.toml` in `$XDG_CONFIG_HOME`, when not given.
            environment: in place of that of this process.

        Raises:
            InvalidParameterError: as `from_env`; or the file cannot be read or is not right, which names the line;
                or it has no such profile.
        """
        # Most programs need none of it.
        from cl_client.config_file import ConfigFile

        env = os.environ if environment is None else environment
        told = ConfigFile.chosen(file, env).told_by(profile or env.get("CL_PROFILE"))
        return cls.of(told_by_all(told, told_by_environment(env)))

    @classmethod
    def of(cls, told: Mapping[str, Told]) -> ServerConfig:
        """What is told of its fields; all others keep their defaults."""
        return evolve(cls(), **{name: said.value for name, said in told.items() if name in fields_dict(cls)})

    def with_broker(self, url: str) -> ServerConfig:
        """The same with the broker of a URL: `mqtt://host:port`, or `mqtts://user:password@host:port` for TLS.

        Where that is on another host, `mqtt_jwt` does not go with it.

        Raises:
            InvalidParameterError: it is none.
        """
        return self.of(told_by_all(self.told, _broker(url, "URL")))

    @property
    def told(self) -> dict[str, Told]:
        """All that it says, by field."""
        values = cast("dict[str, str | int | bool | None]", asdict(self))
        return {name: Told(value, "server_config") for name, value in values.items()}


@frozen(kw_only=True)
class Credentials:
    """Who to log in as; nobody, where nothing is set.

    Attributes:
        username: a name.
        password: of that user.
        token: in place of both.
    """

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> Credentials:
        """Read `CL_USERNAME`, `CL_PASSWORD` and `CL_TOKEN`."""
        env = os.environ if environment is None else environment
        return cls(
            username=env.get("CL_USERNAME") or None,
            password=env.get("CL_PASSWORD") or None,
            # What comes from a file has a newline at its end.
            token=env.get("CL_TOKEN", "").strip() or None,
        )


@frozen
class Told:
    """A value of a setting, and where it comes from.

    Attributes:
        value: as `ServerConfig` has it.
        source: such as `environment COMPUTE_URL`.
    """

    value: str | int | bool | None
    source: str


@frozen
class Setting:
    """What can be set outside of a program.

    Attributes:
        key: in a profile.
        field: of `ServerConfig`; `username` is of `Credentials`.
        variables: of the environment; the first that is set counts.
        read: its value, from a text.
    """

    key: str
    field: str
    variables: tuple[str, ...]
    read: Callable[[str], str | int | bool] = str


def told_by_all(*sources: Mapping[str, Told]) -> dict[str, Told]:
    """What several sources say, by field: the farthest first, the nearest counts.

    User, password and token are for the broker that they were told for. A source that names another host leaves them
    behind, as curl does (CVE-2018-1000007); port and TLS stay, so that nothing is less safe than somebody had said.
    """
    told: dict[str, Told] = {}
    for source in sources:
        before, now = told.get("mqtt_host"), source.get("mqtt_host")
        if before is not None and now is not None and str(before.value).lower() != str(now.value).lower():
            for name in ("mqtt_username", "mqtt_password", "mqtt_jwt"):
                told.pop(name, None)
        told |= source
    return told


def told_by_environment(environment: Mapping[str, str] | None = None) -> dict[str, Told]:
    """What the environment says, by field.

    Raises:
        InvalidParameterError: one of the variables cannot be read.
    """
    env = os.environ if environment is None else environment
    told: dict[str, Told] = {}
    for setting in SETTINGS:
        if variable := next((name for name in setting.variables if env.get(name)), None):
            told[setting.field] = Told(setting.read(env[variable]), f"environment {variable}")
    if url := env.get("MQTT_URL"):
        told |= _broker(url, "environment MQTT_URL")
    return told


def config_folder(environment: Mapping[str, str] | None = None, program: str = "cl-client") -> Path:
    """Where a program keeps what its user has set, by the XDG Base Directory Specification."""
    env = os.environ if environment is None else environment
    return _folder(env, "XDG_CONFIG_HOME", Path(".config")) / program


def state_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where the client keeps what outlives it, by the XDG Base Directory Specification."""
    env = os.environ if environment is None else environment
    return _folder(env, "XDG_STATE_HOME", Path(".local", "state")) / "cl-client"


def _folder(env: Mapping[str, str], variable: str, usual: Path) -> Path:
    home = env.get(variable)
    # A relative path is to be ignored, says the specification.
    return Path(home) if home and Path(home).is_absolute() else Path.home() / usual


def _broker(url: str, source: str) -> dict[str, Told]:
    """What a URL says of the broker, by field.

    Raises:
        InvalidParameterError: it is none.
    """
    parts = urlsplit(url)
    # The password is nobody's business, so the message does not hold the URL.
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise InvalidParameterError("MQTT_URL is not a broker: write mqtt://host:port or mqtts://host:port")
    try:
        port = parts.port
    except ValueError as error:
        raise InvalidParameterError(f"MQTT_URL: {error}") from None
    tls = parts.scheme == "mqtts"
    usual = ComputeClientConfig.MQTT_TLS_PORT if tls else ComputeClientConfig.MQTT_BROKER_PORT
    return {
        "mqtt_host": Told(parts.hostname, source),
        "mqtt_port": Told(port or usual, source),
        "mqtt_tls": Told(tls, source),
        "mqtt_username": Told(unquote(parts.username) if parts.username else None, source),
        "mqtt_password": Told(unquote(parts.password) if parts.password else None, source),
    }


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise InvalidParameterError(f"MQTT port {text!r} is not a number from 1 to 65535")


def _switch(text: str) -> bool:
    return text.casefold() in ("1", "true", "yes", "on")


SETTINGS: Final = (
    Setting("compute_url", "compute_url", ("COMPUTE_URL", "COMPUTE_SERVER_URL")),
    Setting("auth_url", "auth_url", ("AUTH_URL",)),
    Setting("store_url", "store_url", ("STORE_URL",)),
    Setting("mqtt_broker", "mqtt_host", ("MQTT_BROKER_HOST", "MQTT_BROKER")),
    Setting("mqtt_port", "mqtt_port", ("MQTT_BROKER_PORT", "MQTT_PORT"), _port),
    Setting("mqtt_tls", "mqtt_tls", (), _switch),
    Setting("mqtt_ca_file", "mqtt_ca_file", ("MQTT_CA_FILE",)),
    Setting("mqtt_cert_file", "mqtt_cert_file", ("MQTT_CERT_FILE",)),
    Setting("mqtt_key_file", "mqtt_key_file", ("MQTT_KEY_FILE",)),
    Setting("mqtt_username", "mqtt_username", ()),
    Setting("mqtt_jwt", "mqtt_jwt", ("MQTT_JWT",), _switch),
    Setting("mqtt_events", "mqtt_events", ("MQTT_EVENTS",)),
    Setting("username", "username", ("CL_USERNAME",)),
)
"""All of them: neither a password nor a token is one."""
