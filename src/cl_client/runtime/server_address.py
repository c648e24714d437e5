"""Where the server of a generated client is: what the caller, the environment and the spec say of it."""

from __future__ import annotations

from attrs import evolve

from cl_client.config.servers import ServerConfig
from cl_client.config.settings import Told, told_by_all, told_by_environment


def server_at(
    base_url: str | None, server_config: ServerConfig | None, *, address: str, base_path: str
) -> ServerConfig:
    """Where the server of a generated client is.

    Args:
        base_url: what the caller gave; goes before everything else.
        server_config: what the caller gave; in place of the environment.
        address: of the spec, where nobody gives another.
        base_path: where the spec has its paths, below an address that says nothing of it.

    Raises:
        InvalidParameterError: an address that cannot be one.
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
