"""Keeps web pages out: on the loopback interface, a server of guests is for the programs of this machine.

A browser lets any page send a form to 127.0.0.1, but says from where it comes (`Origin`, Fetch Standard §3.2). A page
whose own name was made to lead to 127.0.0.1 (DNS rebinding) is at its origin with us, but asks for that name (`Host`).
"""

import ipaddress
from typing import cast
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from cl_server import errors


class WebPagesMiddleware:
    """Refuses what was sent to a name that is not of the loopback interface, or from a page that is not ours."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app if scope["type"] != "http" else (_refusal(scope) or self.app)
        await app(scope, receive, send)


def _refusal(scope: Scope) -> ASGIApp | None:
    headers = cast("list[tuple[bytes, bytes]]", scope["headers"])
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    if len(hosts) != 1 or not is_loopback(hosts[0]):
        said = "this server answers to localhost and 127.0.0.1 alone; another name leads to it, but is not its own"
        return errors.answer(Request(scope), 421, said)
    if any(origin.lower() != f"http://{hosts[0]}".lower() for origin in origins):
        return errors.answer(Request(scope), 403, "web pages of other sites may not use this server")
    return None


def is_loopback(host: str) -> bool:
    """Whether a `Host` (RFC 9110 §7.2), with or without a port, is a name of the loopback interface (RFC 6761 §6.3)."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
        return name == "localhost" or name.endswith(".localhost") or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
