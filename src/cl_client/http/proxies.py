"""The proxies of the environment, read as curl reads them (https://curl.se/libcurl/c/CURLOPT_NOPROXY.html).

httpx reads them too, but ends with an error of its own at an entry that it cannot read, and knows no networks
(`NO_PROXY=10.0.0.0/8`). Here an entry of `NO_PROXY` that means nothing is left out, and a proxy that cannot be used is
an error only for a server that is to be reached through it.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import logging
import os
import re
import ssl
from collections.abc import Callable
from typing import ClassVar, Final
from urllib.request import getproxies

from cl_client.config.addresses import without_secrets
from cl_client.errors import InvalidParameterError
from cl_client.http.library import Library, httpx

logger = logging.getLogger(__name__)

_ADDRESS: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*|[^:]*:[^:]*:.*?)(:(?P<port>[0-9]+))?")
_SCHEMES: Final = frozenset({"http", "https", "socks5", "socks5h"})


class UnusableProxyError(ValueError):
    """A proxy that cannot be used: which setting, and why."""


def proxy_of(url: httpx.URL) -> str | None:
    """The proxy through which a server is reached, as a URL; `None` for a direct connection.

    Raises:
        UnusableProxyError: it cannot be used.
    """
    settings = getproxies()
    scheme = next((name for name in (url.scheme, "all") if settings.get(name)), None)
    if scheme is None or _is_direct(url, settings.get("no", "")):
        return None
    return _readable(f"{scheme.upper()}_PROXY", settings[scheme].strip())


def is_loopback(host: str) -> bool:
    """Whether that is this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def trusted_certificates(url: httpx.URL, library: Library) -> ssl.SSLContext:
    """What a server has to show; `SSL_CERT_FILE` and `SSL_CERT_DIR` say it, else what the library trusts: certifi for
    httpx, the system for httpx2.

    Raises:
        InvalidParameterError: they cannot be read, and the server is reached over TLS.
    """
    try:
        return library.create_ssl_context()
    except (OSError, ssl.SSLError) as error:
        told = f"SSL_CERT_FILE={os.environ.get('SSL_CERT_FILE', '')}"
        if url.scheme == "https":
            raise InvalidParameterError(
                f"{told}: the certificates there cannot be read: {error.strerror or error}",
                hint="correct or unset SSL_CERT_FILE",
            ) from None
        return library.create_ssl_context(trust_env=False)


class EnvironmentTransport(httpx.AsyncBaseTransport):
    """Sends each request through the proxy that the environment names for its server, or directly.

    Args:
        server: whom most requests go to.
        limits: of the connections.
        certificates: gives what a server has to show over TLS. It is called when one is to be reached that way: the
            public authorities take longer to read than all else that a client does at its start.
        library: whose connections they are.

    Raises:
        InvalidParameterError: its proxy cannot be used.
    """

    knows_trust: ClassVar[bool] = True
    """Whether it was made with what is to be trusted, so that options that say it go with it."""

    def __init__(
        self, server: httpx.URL, limits: httpx.Limits, certificates: Callable[[], ssl.SSLContext], library: Library
    ) -> None:
        self._certificates = certificates
        self._library = library
        self._limits = limits
        self._transports: dict[tuple[str | None, bool], httpx.AsyncBaseTransport] = {}
        self._choices: dict[tuple[str, str, int | None], httpx.AsyncBaseTransport] = {}
        self._choose(server)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx wants it."""
        return await self._choose(request.url).handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.aclose()

    def _choose(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        key = url.scheme, url.host, url.port
        if key not in self._choices:
            self._choices[key] = self._through(_usable(url), tls=url.scheme == "https")
        return self._choices[key]

    def _through(self, proxy: str | None, *, tls: bool) -> httpx.AsyncBaseTransport:
        if (proxy, tls) not in self._transports:
            # Here, because it imports httpcore, as httpx does with its first client.
            from cl_client.http.network import network_transport

            # Without TLS, there are no certificates to trust.
            certificates = self._certificates() if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._transports[proxy, tls] = network_transport(self._library, certificates, self._limits, proxy)
        return self._transports[proxy, tls]


def _usable(url: httpx.URL) -> str | None:
    try:
        return proxy_of(url)
    except UnusableProxyError as error:
        if is_loopback(url.host):
            # No proxy is needed to this machine.
            logger.warning("%s: it is left out for %s", error, url.host)
            return None
        raise InvalidParameterError(
            f"{url.host} cannot be reached through a proxy: {error}",
            hint="correct or unset it, or name the server in NO_PROXY; `cl-client doctor` shows what is used",
        ) from None


def _readable(setting: str, text: str) -> str:
    proxy = text if "://" in text else f"http://{text}"
    proxy = re.sub(r"^socks://", "socks5://", proxy)
    shown = f"{setting}={without_secrets(text)}"
    try:
        url = httpx.URL(proxy)
    except httpx.InvalidURL as error:
        raise UnusableProxyError(f"{shown} is not the address of a proxy ({error})") from None
    if url.scheme not in _SCHEMES:
        raise UnusableProxyError(f"{shown}: a proxy of this kind is not known, only http, https and socks5")
    if not url.host or not (url.port is None or 0 < url.port < 65536):
        raise UnusableProxyError(f"{shown} is not the address of a proxy")
    if url.scheme.startswith("socks5") and importlib.util.find_spec("socksio") is None:
        raise UnusableProxyError(f"{shown}: a SOCKS proxy needs a library (pip install 'httpx[socks]')")
    return proxy


def _is_direct(url: httpx.URL, no_proxy: str) -> bool:
    return any(_names(entry, url) for entry in re.split(r"[\s,]+", no_proxy) if entry)


def _names(entry: str, url: httpx.URL) -> bool:
    """Whether an entry of NO_PROXY names a server; one that cannot be read names none."""
    if entry == "*":
        return True
    scheme, found, rest = entry.rpartition("://")
    if found and scheme not in ("all", url.scheme):
        return False
    host = url.host.strip("[]").rstrip(".").lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _is_beneath(rest, host, url.port)
    plain = rest.replace("[", "").replace("]", "") if "]:" not in rest else rest
    try:
        return address in ipaddress.ip_network(plain, strict=False)
    except ValueError:
        return _is_beneath(rest, host, url.port, exactly=True)


def _is_beneath(entry: str, host: str, port: int | None, *, exactly: bool = False) -> bool:
    match = _ADDRESS.fullmatch(entry)
    if match is None or (match["port"] and int(match["port"]) != port):
        return False
    named = match["host"].strip("[]").removeprefix("*.").strip(".").lower()
    return host == named or (bool(named) and not exactly and host.endswith(f".{named}"))
