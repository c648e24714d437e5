"""Refuses requests of web pages: on the loopback interface, only programs of this machine can use a server of guests.

A browser lets any page send a form to 127.0.0.1, but names the page (`Origin`, Fetch Standard §3.2). With DNS
rebinding, the name of a page leads to 127.0.0.1, and the origin is the same; then `Host` contains that name.
"""

import ipaddress
from collections.abc import Set
from typing import cast
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from cl_server.http import errors


class WebPagesMiddleware:
    """Refuses requests to a name that isn't of the loopback interface, and those from pages of other sites.

    `names` are the other names of this server from its settings, without a port.
    """

    def __init__(self, app: ASGIApp, names: Set[str] = frozenset()) -> None:
        self.app = app
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app if scope["type"] != "http" else (_refusal(scope, self.names) or self.app)
        await app(scope, receive, send)


def _refusal(scope: Scope, names: Set[str]) -> ASGIApp | None:
    headers = cast("list[tuple[bytes, bytes]]", scope["headers"])
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    if len(hosts) != 1 or not (is_loopback(hosts[0]) or name_of(hosts[0]) in names):
        own = " and ".join(["localhost", "127.0.0.1", *sorted(names)])
        said = f"this server answers to {own} alone; another name leads to it, but is not its own"
        return errors.answer(Request(scope), 421, said)
    # With TLS at a proxy, the scheme that arrives here has no `s`.
    schemes = ("http", "https") if names else ("http",)
    ours = {f"{scheme}://{hosts[0]}".lower() for scheme in schemes}
    if any(origin.lower() not in ours for origin in origins):
        return errors.answer(Request(scope), 403, "web pages of other sites may not use this server")
    return None


def is_loopback(host: str) -> bool:
    """Whether a `Host` (RFC 9110 §7.2), with or without a port, is a name of the loopback interface (RFC 6761 §6.3)."""
    name = name_of(host)
    try:
        return name == "localhost" or name.endswith(".localhost") or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def name_of(host: str) -> str:
    """The name in a `Host` header, without its port, in the form for comparisons. Empty if it is invalid."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""
