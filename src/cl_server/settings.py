"""What the processes of one data folder have to know. They get it from their environment, see `Settings.from_env`."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeAlias

from cl_server.broker_address import BrokerAddress
from cl_server.settings_error import SettingsError

GIB = 1 << 30
HOUR = 3600.0
# The lifetime of a token in seconds. Until it expires, other servers trust its claims.
TOKEN_LIFETIME = 1800

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Audience:
    """The issuer (`iss`) and audience (`aud`) of tokens. Tokens with other values are refused."""

    issuer: str = "cl-auth"
    audience: str = "cl-server"


@dataclass(frozen=True, slots=True)
class Operation:
    """Settings for operators. 0 means no limit.

    A user, or all guests together, can have `quota_bytes` of files and `quota_jobs` unfinished jobs. Jobs are deleted
    `retention_days` after their end. After the first SIGTERM, a server keeps answering for `drain` seconds, but isn't
    ready. `proxies` are the networks of trusted proxies, and `metrics_for` the networks that can read metrics. A worker
    that has more than `worker_memory` bytes in memory after a job is replaced. `page` is whether `/ui` is served.
    `weak_passwords` lets users have passwords that are easy to guess, for servers of tests.
    """

    quota_bytes: int = 0
    quota_jobs: int = 0
    retention_days: float = 0
    drain: float = 0
    worker_memory: int = 4 * GIB
    proxies: tuple[Network, ...] = ()
    page: bool = True
    weak_passwords: bool = False
    metrics_for: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        """Read `CL_QUOTA_BYTES`, `CL_QUOTA_JOBS`, `CL_RETENTION_DAYS`, `CL_DRAIN`, `CL_WORKER_MEMORY`,
        `CL_PROXIES`, `CL_PAGE` and `CL_WEAK_PASSWORDS` (`on` or `off`), and `CL_METRICS_FOR`.

        Raises `SettingsError`.
        """
        networks = env.get("CL_METRICS_FOR")
        return cls(
            quota_bytes=int(_amount(env, "CL_QUOTA_BYTES")),
            quota_jobs=int(_amount(env, "CL_QUOTA_JOBS")),
            retention_days=_amount(env, "CL_RETENTION_DAYS"),
            drain=_amount(env, "CL_DRAIN"),
            worker_memory=int(_amount(env, "CL_WORKER_MEMORY", 4 * GIB)),
            proxies=_networks("CL_PROXIES", proxies) if (proxies := env.get("CL_PROXIES")) else (),
            page=_switch(env, "CL_PAGE", otherwise=True),
            weak_passwords=_switch(env, "CL_WEAK_PASSWORDS", otherwise=False),
            metrics_for=_networks("CL_METRICS_FOR", networks) if networks else cls().metrics_for,
        )

    def environment(self) -> dict[str, str]:
        """The variables from which `from_env` makes the same."""
        return {
            "CL_QUOTA_BYTES": str(self.quota_bytes),
            "CL_QUOTA_JOBS": str(self.quota_jobs),
            "CL_RETENTION_DAYS": str(self.retention_days),
            "CL_DRAIN": str(self.drain),
            "CL_WORKER_MEMORY": str(self.worker_memory),
            "CL_PROXIES": ",".join(map(str, self.proxies)),
            "CL_PAGE": "on" if self.page else "off",
            "CL_WEAK_PASSWORDS": "on" if self.weak_passwords else "off",
            "CL_METRICS_FOR": ",".join(map(str, self.metrics_for)),
        }


def _switch(env: Mapping[str, str], name: str, *, otherwise: bool) -> bool:
    text = env.get(name) or ("on" if otherwise else "off")
    if text not in {"on", "off"}:
        raise SettingsError(f"{name} is on or off, not {text!r}")
    return text == "on"


def _amount(env: Mapping[str, str], name: str, otherwise: float = 0) -> float:
    said = env.get(name) or str(otherwise)
    try:
        amount = float(said)
    except ValueError:
        amount = -1.0
    # Written so that NaN is refused too.
    if not 0 <= amount < float("inf"):
        raise SettingsError(f"{name} is a number, 0 for no limit, and not {said!r}")
    return amount


def _networks(name: str, said: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(word.strip()) for word in said.split(","))
    except ValueError as error:
        raise SettingsError(f"{name} is a list of networks, with commas: {error}") from None


@dataclass(frozen=True, slots=True)
class Settings:
    """`max_upload` is in bytes, times are in seconds; without `mqtt` nothing is published.

    Without `database_url` and `storage_url`, jobs and their files are in the data folder. `names` are the host names of
    the servers, besides those of the loopback interface.

    Tokens are verified with the keys of the auth server at `auth_url`, or with the public key in the file `auth_key`.
    Without either, all users are guests. `guest_mode` applies until an admin changes it.
    """

    data: Path
    mqtt: BrokerAddress | None = None
    max_upload: int = 2 * GIB
    auth_url: str | None = None
    auth_key: Path | None = None
    guest_mode: bool = True
    audience: Audience = Audience()
    token_lifetime: int = TOKEN_LIFETIME
    # It may hold a password.
    database_url: str | None = field(default=None, repr=False)
    storage_url: str | None = None
    names: frozenset[str] = frozenset()
    task_timeout: float = HOUR
    operation: Operation = Operation()

    @property
    def auth(self) -> Path:
        """What the auth server alone may read."""
        return self.data / "auth"

    @property
    def guest_mode_file(self) -> Path:
        """Where the processes of this data folder read whether guests are let in."""
        return self.data / "guest-mode"

    @property
    def database(self) -> Path | str:
        """The address of PostgreSQL, or the SQLite file."""
        return self.database_url or self.data / "jobs.sqlite"

    @property
    def workers(self) -> Path:
        """Where workers say how to wake them."""
        return self.data / "workers"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the environment.

        `CL_DATA`, `CL_DATABASE`, `CL_STORAGE`, `CL_TASK_TIMEOUT`, `CL_MAX_UPLOAD`;
        `MQTT_URL` and `MQTT_CA_FILE`, or `MQTT_BROKER_HOST` and `MQTT_BROKER_PORT`;
        `CL_HOSTS` (names, separated by commas);
        `AUTH_URL` or `CL_AUTH_KEY` (a PEM file);
        `CL_GUEST_MODE` (`on` or `off`; by default, guests are permitted if no user can log in);
        `CL_TOKEN_ISSUER`, `CL_TOKEN_AUDIENCE`, `CL_TOKEN_LIFETIME`; and those of `Operation`.
        An empty variable counts as not set. Raises `SettingsError`.
        """
        env = {name: value for name, value in environ.items() if value}
        auth_url, auth_key = env.get("AUTH_URL"), env.get("CL_AUTH_KEY")
        guests = env.get("CL_GUEST_MODE", "off" if auth_url or auth_key else "on")
        if guests not in {"on", "off"}:
            raise SettingsError(f"CL_GUEST_MODE is on or off, not {guests!r}")
        return cls(
            data=Path(env.get("CL_DATA", "cl-data")).absolute(),
            mqtt=_broker(env),
            max_upload=_whole(env, "CL_MAX_UPLOAD", 2 * GIB),
            auth_url=auth_url,
            auth_key=Path(auth_key).absolute() if auth_key else None,
            guest_mode=guests == "on",
            audience=Audience(
                env.get("CL_TOKEN_ISSUER", Audience.issuer), env.get("CL_TOKEN_AUDIENCE", Audience.audience)
            ),
            token_lifetime=_whole(env, "CL_TOKEN_LIFETIME", TOKEN_LIFETIME),
            database_url=env.get("CL_DATABASE"),
            storage_url=env.get("CL_STORAGE"),
            names=frozenset(name.strip().lower() for name in env.get("CL_HOSTS", "").split(",") if name.strip()),
            task_timeout=_seconds(env, "CL_TASK_TIMEOUT", HOUR),
            operation=Operation.from_env(env),
        )

    def environment(self) -> dict[str, str]:
        """The variables from which `from_env` makes the same settings."""
        return {
            "CL_DATA": str(self.data),
            "MQTT_URL": "" if self.mqtt is None else self.mqtt.url,
            "MQTT_CA_FILE": "" if self.mqtt is None else str(self.mqtt.ca_file or ""),
            "MQTT_BROKER_PORT": "",
            "CL_MAX_UPLOAD": str(self.max_upload),
            "AUTH_URL": self.auth_url or "",
            "CL_AUTH_KEY": str(self.auth_key or ""),
            "CL_GUEST_MODE": "on" if self.guest_mode else "off",
            "CL_TOKEN_ISSUER": self.audience.issuer,
            "CL_TOKEN_AUDIENCE": self.audience.audience,
            "CL_TOKEN_LIFETIME": str(self.token_lifetime),
            "CL_DATABASE": self.database_url or "",
            "CL_STORAGE": self.storage_url or "",
            "CL_HOSTS": ",".join(sorted(self.names)),
            "CL_TASK_TIMEOUT": str(self.task_timeout),
            **self.operation.environment(),
        }


def _broker(env: Mapping[str, str]) -> BrokerAddress | None:
    if url := env.get("MQTT_URL"):
        ca_file = env.get("MQTT_CA_FILE")
        return BrokerAddress.parse(url, Path(ca_file).absolute() if ca_file else None)
    if "MQTT_BROKER_PORT" not in env:
        return None
    port = _whole(env, "MQTT_BROKER_PORT", 0)
    if port > 65535:
        raise SettingsError("MQTT_BROKER_PORT is not a number from 1 to 65535")
    return BrokerAddress(env.get("MQTT_BROKER_HOST", "127.0.0.1"), port)


def _whole(env: Mapping[str, str], name: str, otherwise: int) -> int:
    said = env.get(name)
    if said is None:
        return otherwise
    if not re.fullmatch(r"0*[1-9][0-9]{0,17}", said, re.ASCII):
        raise SettingsError(f"{name} is a whole number of at least 1, and not {said!r}")
    return int(said)


def _seconds(env: Mapping[str, str], name: str, otherwise: float) -> float:
    seconds = _amount(env, name, otherwise)
    if not seconds:
        raise SettingsError(f"{name} is a number of seconds, more than 0")
    return seconds


def prepare(data: Path) -> None:
    """Make the data folder, for its owner alone: uploads are private. Raises `SettingsError` if that fails."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        data.chmod(0o700)
    except OSError as error:
        raise SettingsError(f"the data folder {data} cannot be used: {error.strerror}") from error
