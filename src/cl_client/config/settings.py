"""What can be set outside of a program, and where each value comes from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from attrs import frozen

from cl_client.config.defaults import ComputeClientConfig
from cl_client.errors import InvalidParameterError


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
    behind, as curl does (CVE-2018-1000007); port and TLS stay, so that nothing becomes less safe than configured.
    """
    told: dict[str, Told] = {}
    for source in sources:
        before, now = told.get("mqtt_host"), source.get("mqtt_host")
        if before is not None and now is not None and str(before.value).lower() != str(now.value).lower():
            for name in ("mqtt_username", "mqtt_password", "mqtt_jwt"):
                told.pop(name, None)
        told |= source
    return told


def told_by_environment(
    environment: Mapping[str, str] | None = None, services: Iterable[Setting] = ()
) -> dict[str, Told]:
    """What the environment says, by field.

    Args:
        environment: that of the process, when not given.
        services: the settings of a program that has several servers.

    Raises:
        InvalidParameterError: one of the variables cannot be read.
    """
    env = os.environ if environment is None else environment
    told: dict[str, Told] = {}
    for setting in (*SETTINGS, *services):
        if variable := next((name for name in setting.variables if env.get(name)), None):
            told[setting.field] = Told(setting.read(env[variable]), f"environment {variable}")
    if url := env.get("MQTT_URL"):
        told |= broker_of(url, "environment MQTT_URL")
    return told


def service_settings(program: str, services: Iterable[str]) -> tuple[Setting, ...]:
    """The addresses of the servers of a program that has several, which are settings too.

    Args:
        program: its name, which the variables begin with: `FAMILY_STORE_URL`.
        services: their names.
    """
    prefix = program.upper().replace("-", "_")
    keys = [f"{name}_url" for name in services]
    usual = {setting.key: setting.variables for setting in SETTINGS}
    return tuple(Setting(key, key, (f"{prefix}_{key.upper()}", *usual.get(key, ()))) for key in keys)


def broker_of(url: str, source: str) -> dict[str, Told]:
    """What a URL says of the broker, by field.

    Raises:
        InvalidParameterError: it is none.
    """
    name = source.rpartition(" ")[2]
    parts = urlsplit(url)
    # The URL can contain a password, so the message doesn't contain it.
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise InvalidParameterError(f"{name} is not a broker: write mqtt://host:port or mqtts://host:port")
    try:
        port = parts.port
    except ValueError:
        # What urllib says holds what stands there, which may be a part of a password.
        raise InvalidParameterError(
            f"{name}: its port is no number from 0 to 65535 (a / or # in a password is written %2F or %23)"
        ) from None
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
    Setting("ca_file", "ca_file", ("COMPUTE_CA_FILE",)),
    Setting("mqtt_broker", "mqtt_host", ("MQTT_BROKER_HOST", "MQTT_BROKER")),
    Setting("mqtt_port", "mqtt_port", ("MQTT_BROKER_PORT", "MQTT_PORT"), _port),
    Setting("mqtt_tls", "mqtt_tls", (), _switch),
    Setting("mqtt_ca_file", "mqtt_ca_file", ("MQTT_CA_FILE",)),
    Setting("mqtt_cert_file", "mqtt_cert_file", ("MQTT_CERT_FILE",)),
    Setting("mqtt_key_file", "mqtt_key_file", ("MQTT_KEY_FILE",)),
    Setting("mqtt_username", "mqtt_username", ()),
    Setting("mqtt_jwt", "mqtt_jwt", ("MQTT_JWT",), _switch),
    Setting("mqtt_events", "mqtt_events", ("MQTT_EVENTS",)),
    Setting("client_id", "client_id", ("CL_CLIENT_ID",)),
    Setting("username", "username", ("CL_USERNAME",)),
)
"""All of them: neither a password nor a token is one."""
