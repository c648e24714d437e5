"""What the processes of one data folder have to know. They get it from their environment, see `Settings.from_env`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cl_server.broker_address import BrokerAddress

GIB = 1 << 30
HOUR = 3600.0
# A token lives this long, in seconds: until then, other servers believe what was true when it was made.
TOKEN_LIFETIME = 1800


@dataclass(frozen=True)
class Audience:
    """Who signs tokens (`iss`) and for whom (`aud`): a token for something else is not for us."""

    issuer: str = "cl-auth"
    audience: str = "cl-server"


@dataclass(frozen=True, slots=True)
class Settings:
    """`max_upload` is in bytes, times are in seconds; without `mqtt` nothing is published.

    Without `database_url` and `storage_url`, jobs and their files are in the data folder. `names` are those under
    which others may reach the servers, beside the loopback interface's own.

    Tokens are checked with the keys of the auth server at `auth_url`, or with the public key in the file
    `auth_key`; without either nobody but guests can come. `guest_mode` is what holds until an admin changes it.
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

    @property
    def auth(self) -> Path:
        """What the auth server alone may read."""
        return self.data / "auth"

    @property
    def guest_mode_file(self) -> Path | None:
        """Where the processes of this data folder read whether guests are let in; not where there are more hosts."""
        return self.data / "guest-mode" if self.database_url is None else None

    @property
    def database(self) -> Path | str:
        """The address of PostgreSQL, or the SQLite file."""
        return self.database_url or self.data / "jobs.sqlite"

    @property
    def workers(self) -> Path:
        """Where workers say how to wake them."""
        return self.data / "workers"

    @classmethod
    def from_env(cls) -> Self:
        """Read the environment.

        `CL_DATA`, `CL_DATABASE`, `CL_STORAGE`, `CL_TASK_TIMEOUT`, `CL_MAX_UPLOAD`;
        `MQTT_URL` and `MQTT_CA_FILE`, or `MQTT_BROKER_HOST` and `MQTT_BROKER_PORT`;
        `CL_HOSTS` (names with commas between them);
        `AUTH_URL` or `CL_AUTH_KEY` (a PEM file);
        `CL_GUEST_MODE` (`on` or `off`; without it, guests are let in where nobody could log in);
        `CL_TOKEN_ISSUER`, `CL_TOKEN_AUDIENCE`, `CL_TOKEN_LIFETIME`. An empty variable is one that is not set.
        """
        env = {name: value for name, value in os.environ.items() if value}
        auth_url, auth_key = env.get("AUTH_URL"), env.get("CL_AUTH_KEY")
        guests = env.get("CL_GUEST_MODE", "off" if auth_url or auth_key else "on")
        if guests not in {"on", "off"}:
            raise ValueError(f"CL_GUEST_MODE is on or off, not {guests!r}")
        return cls(
            data=Path(env.get("CL_DATA", "cl-data")).absolute(),
            mqtt=_broker(env),
            max_upload=int(env.get("CL_MAX_UPLOAD", 2 * GIB)),
            auth_url=auth_url,
            auth_key=Path(auth_key).absolute() if auth_key else None,
            guest_mode=guests == "on",
            audience=Audience(
                env.get("CL_TOKEN_ISSUER", Audience.issuer), env.get("CL_TOKEN_AUDIENCE", Audience.audience)
            ),
            token_lifetime=int(env.get("CL_TOKEN_LIFETIME", TOKEN_LIFETIME)),
            database_url=env.get("CL_DATABASE"),
            storage_url=env.get("CL_STORAGE"),
            names=frozenset(name.strip().lower() for name in env.get("CL_HOSTS", "").split(",") if name.strip()),
            task_timeout=float(env.get("CL_TASK_TIMEOUT", HOUR)),
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
        }


def _broker(env: Mapping[str, str]) -> BrokerAddress | None:
    if url := env.get("MQTT_URL"):
        ca_file = env.get("MQTT_CA_FILE")
        return BrokerAddress.parse(url, Path(ca_file).absolute() if ca_file else None)
    port = env.get("MQTT_BROKER_PORT")
    return BrokerAddress(env.get("MQTT_BROKER_HOST", "127.0.0.1"), int(port)) if port else None


def prepare(data: Path) -> None:
    """Make the data folder, for its owner alone: uploads are private."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    data.chmod(0o700)
