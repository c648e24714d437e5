"""Addresses of servers: as they are read, and as they may be shown."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from cl_client.errors import InvalidParameterError


class Address(NamedTuple):
    """Where a server is, and who we are there.

    Attributes:
        url: without user and password.
        username, password: for basic auth; `None` where there is no user.
    """

    url: str
    username: str | None
    password: str


def read_address(text: str) -> Address:
    """The address of a server. A password may have an `@` in it, as curl has it.

    Raises:
        InvalidParameterError: it is none; the message has no password.
    """
    found = re.fullmatch(r"(?P<scheme>https?://)(?P<server>[^/?#\s]+)(?P<path>[^@]*)", text.strip(), re.IGNORECASE)
    if found is None or not found["server"].rpartition("@")[2]:
        encode = " (an @, / or # in a password is written %40, %2F or %23)" if "@" in text else ""
        raise InvalidParameterError(
            f"{without_secrets(text)!r} is not the address of a server: write http://host:port{encode}"
        )
    who, _, server = found["server"].rpartition("@")
    name, _, password = who.partition(":")
    return Address(f"{found['scheme']}{server}{found['path']}", unquote(name) if who else None, unquote(password))


def without_secrets(address: str) -> str:
    """An address without the user and the password in it, whatever characters those have.

    Both should be percent-encoded (RFC 3986 §3.2.1), and often are not: all that stands before the last `@` is taken
    for them.
    """
    scheme, slashes, rest = address.partition("//") if "//" in address else ("", "", address)
    before, at, after = rest.rpartition("@")
    return f"{scheme}{slashes}***@{after}" if at and before else address
