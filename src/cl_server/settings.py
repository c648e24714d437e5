"""What the processes of one data folder have to know. They get it from their environment, see `Settings.from_env`."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

GIB = 1 << 30
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """`max_upload` is in bytes, `task_timeout` in seconds; without `mqtt_port` nothing is published."""

    data: Path
    mqtt_host: str = "127.0.0.1"
    mqtt_port: int | None = None
    max_upload: int = 2 * GIB
    database_url: str | None = None
    task_timeout: float = HOUR

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
        """Read `CL_DATA`, `CL_DATABASE`, `CL_TASK_TIMEOUT`, `CL_MAX_UPLOAD`, `MQTT_BROKER_HOST`, `MQTT_BROKER_PORT`."""
        port = os.environ.get("MQTT_BROKER_PORT")
        return cls(
            data=Path(os.environ.get("CL_DATA", "cl-data")).absolute(),
            mqtt_host=os.environ.get("MQTT_BROKER_HOST", "127.0.0.1"),
            mqtt_port=int(port) if port else None,
            max_upload=int(os.environ.get("CL_MAX_UPLOAD", 2 * GIB)),
            database_url=os.environ.get("CL_DATABASE") or None,
            task_timeout=float(os.environ.get("CL_TASK_TIMEOUT", HOUR)),
        )

    def environment(self) -> dict[str, str]:
        """The variables from which `from_env` makes the same settings."""
        values = {
            "CL_DATA": str(self.data),
            "MQTT_BROKER_HOST": self.mqtt_host,
            "CL_MAX_UPLOAD": str(self.max_upload),
            "CL_DATABASE": self.database_url or "",
            "CL_TASK_TIMEOUT": str(self.task_timeout),
        }
        return values if self.mqtt_port is None else {**values, "MQTT_BROKER_PORT": str(self.mqtt_port)}


def prepare(data: Path) -> None:
    """Make the data folder, for its owner alone: uploads are private."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    data.chmod(0o700)
