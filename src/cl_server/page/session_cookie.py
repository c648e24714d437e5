"""The cookie in which the page has its token: the page's scripts can't read it, and other pages can't use it.

Browsers share a cookie between all ports of a host, so its name contains the port.
"""

import re
from typing import cast

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def cookie_name(headers: Headers) -> str:
    """The name of the cookie of the server to which a request was sent."""
    port = re.search(r":(\d{1,5})$", headers.get("host", ""))
    return "cl-session" if port is None else f"cl-session-{port.group(1)}"


def is_of_our_page(headers: Headers, method: str) -> bool:
    """Whether a browser says that a page of ours sent a request.

    `WebPagesMiddleware` has refused every `Origin` that isn't ours. Where only `Sec-Fetch-Site` is there, it decides:
    pages on other ports of a host are "same-site", and get no use of the cookie even for what changes nothing.
    """
    site = headers.get("sec-fetch-site")
    if method in SAFE_METHODS:
        return site in {None, "same-origin", "none"}
    if site is not None:
        return site == "same-origin"
    return headers.get("origin", "null").lower() != "null"


def token_in_cookie(headers: Headers) -> str | None:
    """The token of the session, if there is one."""
    return cookie_parser(headers.get("cookie", "")).get(cookie_name(headers)) or None


def set_cookie(headers: Headers, token: str, seconds: int) -> str:
    """The value of `Set-Cookie` (RFC 6265 §4.1). It's for TLS alone where the page came over TLS."""
    # A token is of characters that need no quotes (RFC 7515 §2, base64url).
    parts = [f"{cookie_name(headers)}={token}", "Path=/", f"Max-Age={seconds}", "HttpOnly", "SameSite=Strict"]
    if headers.get("origin", "").lower().startswith("https://"):
        parts.append("Secure")
    return "; ".join(parts)


class SessionCookieMiddleware:
    """Turns the cookie of our page into the header that every other client sends; an own header goes first."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if "cookie" in headers and "authorization" not in headers:
                token = token_in_cookie(headers)
                if token is not None and is_of_our_page(headers, cast("str", scope["method"])):
                    raw = cast("list[tuple[bytes, bytes]]", scope["headers"])
                    signed = (b"authorization", f"Bearer {token}".encode("latin-1"))
                    scope = {**scope, "headers": [*raw, signed]}
        await self.app(scope, receive, send)
