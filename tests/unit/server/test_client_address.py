"""Whose address counts: that of the peer, unless the peer is one of our proxies."""

import ipaddress

import pytest
from starlette.requests import Request

from cl_server.http.client_address import client_address

PROXIES = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "::1/128")]


def address(peer: str, **headers: str) -> str:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return client_address(Request({"type": "http", "client": (peer, 1), "headers": sent}), PROXIES)


def test_a_stranger_is_not_believed() -> None:
    assert address("203.0.113.9", x_forwarded_for="1.1.1.1", forwarded="for=1.1.1.1") == "203.0.113.9"


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:4711", "198.51.100.7"),
        # What the client itself wrote stands to the left of what the proxy added.
        ("1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("1.1.1.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("2001:db8::17", "2001:db8::/64"),
        ("[2001:db8::17]:443", "2001:db8::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("1.1.1.1, rubbish", "10.1.2.3"),
        ("", "10.1.2.3"),
        ("," * 5000, "10.1.2.3"),
    ],
)
def test_a_proxy_of_ours_says_for_whom_it_asks(said: str, counted: str) -> None:
    assert address("10.1.2.3", x_forwarded_for=said) == counted


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ("for=198.51.100.7;proto=https", "198.51.100.7"),
        ('proto=https;For="[2001:db8::17]:4711"', "2001:db8::/64"),
        ("for=1.1.1.1, for=198.51.100.7", "198.51.100.7"),
        ("for=1.1.1.1, for=_hidden", "10.1.2.3"),
        ("by=1.1.1.1", "10.1.2.3"),
    ],
)
def test_the_header_of_the_standard_goes_first(said: str, counted: str) -> None:
    """RFC 7239 §4."""
    assert address("10.1.2.3", forwarded=said, x_forwarded_for="9.9.9.9") == counted


def test_without_a_header_it_is_the_peer() -> None:
    assert address("10.1.2.3") == "10.1.2.3"
    assert address("::1") == "::/64"
