"""Addresses of the servers, and credentials."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from attrs import asdict, evolve, field, fields_dict, frozen

from cl_client.config.defaults import ComputeClientConfig
from cl_client.config.settings import Told, broker_of, told_by_all, told_by_environment


@frozen(kw_only=True)
class ServerConfig:
    """Addresses of the servers.

    Attributes:
        auth_url: Base URL of the auth server.
        compute_url: Base URL of the compute server.
        store_url: Base URL of the media store.
        ca_file: File of certificates (PEM) to trust, for the servers and, without `mqtt_ca_file`, the broker. Default:
            the public authorities.
        mqtt_host: Host name or address of the MQTT broker.
        mqtt_port: TCP port of the MQTT broker.
        mqtt_tls: Whether to use TLS with the broker (`mqtts://`).
        mqtt_ca_file: File of certificates (PEM) to trust for the broker. Default: `ca_file`, or the system.
        mqtt_cert_file: Client certificate (PEM) for the broker.
        mqtt_key_file: Key of the client certificate, if it is in another file.
        mqtt_username: User for the broker. Default: none.
        mqtt_password: Password for the broker.
        mqtt_jwt: Whether the token of the requests is the password for the broker.
        mqtt_events: Topic of the job events, if it differs from the server's contract. With `{job_id}`, there is a
            topic for each job, such as `inference/job_status/{job_id}`.
        client_id: Id of this program at OAuth 2.0 servers that issue tokens to it.
        urls: Base URLs of other servers, by setting: `{"billing_url": "https://billing.example.com"}`.
    """

    auth_url: str = ComputeClientConfig.DEFAULT_AUTH_URL
    compute_url: str = ComputeClientConfig.DEFAULT_BASE_URL
    store_url: str = ComputeClientConfig.DEFAULT_STORE_URL
    ca_file: str | None = None
    mqtt_host: str = ComputeClientConfig.MQTT_BROKER_HOST
    mqtt_port: int = ComputeClientConfig.MQTT_BROKER_PORT
    mqtt_tls: bool = False
    mqtt_ca_file: str | None = None
    mqtt_cert_file: str | None = None
    mqtt_key_file: str | None = None
    mqtt_username: str | None = None
    mqtt_password: str | None = field(default=None, repr=False)
    mqtt_jwt: bool = False
    mqtt_events: str | None = None
    client_id: str | None = None
    urls: Mapping[str, str] = field(factory=dict[str, str], hash=False)

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> ServerConfig:
        """Read `COMPUTE_URL` (or `COMPUTE_SERVER_URL`), `AUTH_URL`, `STORE_URL`; `COMPUTE_CA_FILE`; `MQTT_URL`
        (`mqtts://user:password@host:port`), or `MQTT_BROKER_HOST` and `MQTT_BROKER_PORT` (or `MQTT_BROKER` and
        `MQTT_PORT`); `MQTT_CA_FILE`, `MQTT_CERT_FILE`, `MQTT_KEY_FILE`; `MQTT_JWT` (1 or 0); `MQTT_EVENTS`. A variable
        that isn't set leaves the default.

        Raises:
            InvalidParameterError: A port isn't a number from 1 to 65535, or `MQTT_URL` isn't a broker URL.
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
        """Read a profile of the user, as `cl-client` does. The environment takes precedence.

        Args:
            profile: Name of the profile. Default: `CL_PROFILE`, or `default`.
            file: TOML file with profiles. Default: `CL_CONFIG`, or `cl-client/config.toml` in `$XDG_CONFIG_HOME`.
            environment: Environment to read. Default: that of the process.

        Raises:
            InvalidParameterError: As `from_env`. Also, the file can't be read, is invalid (the message names the line),
                or has no such profile.
        """
        # Most programs don't need it.
        from cl_client.config.profiles import ConfigFile

        env = os.environ if environment is None else environment
        told = ConfigFile.chosen(file, env).told_by(profile or env.get("CL_PROFILE"))
        return cls.of(told_by_all(told, told_by_environment(env)))

    @classmethod
    def of(cls, told: Mapping[str, Told]) -> ServerConfig:
        """Make a configuration from settings. Other fields keep their defaults."""
        known = {name: said.value for name, said in told.items() if name in fields_dict(cls)}
        urls = {name: str(said.value) for name, said in told.items() if name.endswith("_url") and name not in known}
        return evolve(cls(), **known, urls=urls)

    def with_broker(self, url: str) -> ServerConfig:
        """Return a copy with another broker: `mqtt://host:port`, or `mqtts://user:password@host:port` with TLS.

        If the host differs, `mqtt_jwt` isn't copied.

        Raises:
            InvalidParameterError: The URL isn't a broker URL.
        """
        return self.of(told_by_all(self.told, broker_of(url, "URL")))

    @property
    def told(self) -> dict[str, Told]:
        """All settings, by field."""
        values = cast("dict[str, str | int | bool | None]", asdict(self))
        del values["urls"]
        return {name: Told(value, "server_config") for name, value in {**values, **self.urls}.items()}


@frozen(kw_only=True)
class Credentials:
    """Credentials for a login.

    Attributes:
        username: Name of the user.
        password: Password of the user.
        token: A token in place of both.
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
            # A value that was read from a file ends with a newline.
            token=env.get("CL_TOKEN", "").strip() or None,
        )
