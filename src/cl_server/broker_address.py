"""Where the MQTT broker is, and who we are to it."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from cl_server.settings_error import SettingsError

PORT, TLS_PORT = 1883, 8883


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """`ca_file` contains the certificates (PEM) to trust with TLS. Default: those of the system."""

    host: str
    port: int = PORT
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    @classmethod
    def parse(cls, url: str, ca_file: Path | None = None) -> Self:
        """Read `mqtt://host:port` or `mqtts://user:password@host:port`. Raises `SettingsError`."""
        parts = urlsplit(url)
        # The URL may hold a password, so no message holds the URL.
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise SettingsError(
                "MQTT_URL isn't the address of a broker: write mqtt://host:port or mqtts://user:password@host:port"
            )
        try:
            port = parts.port
        except ValueError:
            raise SettingsError("the port in MQTT_URL is not a number from 1 to 65535") from None
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname,
            port=port or (TLS_PORT if tls else PORT),
            tls=tls,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            ca_file=ca_file,
        )

    @property
    def url(self) -> str:
        """What `parse` reads, with the password."""
        user = "" if self.username is None else quote(self.username, safe="")
        secret = "" if self.password is None else f":{quote(self.password, safe='')}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{f'{user}{secret}@' if user else ''}{host}:{self.port}"

    def trust(self) -> ssl.SSLContext | None:
        """The TLS context, if the address requires TLS. Raises `SettingsError` if the certificates can't be read."""
        if not self.tls:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # ssl.SSLError is one too
            raise SettingsError(f"MQTT_CA_FILE: cannot trust {self.ca_file}: {error.strerror or error}") from error
