"""Where the server of a generated client is: what the caller, the environment and the spec say of it."""

from __future__ import annotations

from attrs import evolve

from cl_client.config.servers import ServerConfig
from cl_client.config.settings import Told, told_by_all, told_by_environment


def server_at(
    base_url: str | None, server_config: ServerConfig | None, *, address: str, base_path: str
) -> ServerConfig:
    """The address of the server of a generated client.

    Args:
        base_url: The argument of the caller. It takes precedence.
        server_config: The argument of the caller. It replaces the environment.
        address: The address in the document, which is the default.
        base_path: The base path in the document, for addresses without a path.

    Raises:
        InvalidParameterError: The address is invalid.
    """
    told = told_by_environment() if server_config is None else server_config.told
    if base_url is None and "compute_url" not in told:
        base_url = address
    argument = {"compute_url": Told(base_url, "argument")} if base_url else {}
    return _below(ServerConfig.of(told_by_all(told, argument)), base_path)


def _below(config: ServerConfig, path: str) -> ServerConfig:
    address = config.compute_url.rstrip("/")
    has_path = "/" in address.partition("//")[2].rpartition("@")[2]
    return config if has_path or not path else evolve(config, compute_url=f"{address}{path}")
