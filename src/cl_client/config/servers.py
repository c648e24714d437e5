"""Where the servers are, and who signs in there."""

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
    """Where the servers are.

    Attributes:
        auth_url: base URL of the auth server.
        compute_url: base URL of the compute server.
        store_url: base URL of the media store.
        ca_file: certificates (PEM) that the servers are trusted by over TLS, and the broker where `mqtt_ca_file` says
            nothing else; those of the public authorities when not given.
        mqtt_host: host name or address of the MQTT broker.
        mqtt_port: TCP port of the MQTT broker.
        mqtt_tls: whether to speak TLS with the broker (`mqtts://`).
        mqtt_ca_file: certificates (PEM) to trust for that; `ca_file`, else those of the system, when not given.
        mqtt_cert_file: our own certificate (PEM), for a broker that wants one.
        mqtt_key_file: its key, where that is not in the same file.
        mqtt_username: for the broker; nobody when not given.
        mqtt_password: for the broker.
        mqtt_jwt: whether the token that signs our requests is our password for the broker.
        mqtt_events: the topic that tells of jobs, where that is another one than the server's contract has; with
            `{job_id}` in it, there is one for each job, such as `inference/job_status/{job_id}`.
        client_id: of this program at servers of OAuth 2.0, which give it tokens.
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

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> ServerConfig:
        """Read `COMPUTE_URL` (or `COMPUTE_SERVER_URL`), `AUTH_URL`, `STORE_URL`; `COMPUTE_CA_FILE`; `MQTT_URL`
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
        from cl_client.config.profiles import ConfigFile

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
        return self.of(told_by_all(self.told, broker_of(url, "URL")))

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
