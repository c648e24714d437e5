"""The connections of a client, which several clients may share."""

from __future__ import annotations

from cl_client.config.defaults import ConnectionLimits
from cl_client.http.library import httpx, named
from cl_client.http.options import HttpOptions, context_of, trust_of
from cl_client.http.proxies import EnvironmentTransport, trusted_certificates


def connections_to(
    url: httpx.URL, limits: ConnectionLimits, ca_file: str | None, options: HttpOptions, library: str
) -> EnvironmentTransport:
    """Connections of our own, as the environment and the options want them.

    Args:
        url: where most requests go; the others are as of `Sender`.
    """
    known = named(library)
    trust = trust_of(options, ca_file)
    # What was named is read now: where it cannot be, that is an error of whoever makes the client.
    context = None if trust is None or trust is True else context_of(trust)
    return EnvironmentTransport(
        url,
        httpx.Limits(
            max_connections=limits.connections,
            max_keepalive_connections=limits.idle,
            keepalive_expiry=limits.idle_seconds,
        ),
        lambda: context or trusted_certificates(url, known),
        known,
    )
