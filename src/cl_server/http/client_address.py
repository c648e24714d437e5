"""The address of the client of a request: that of the peer, or the one that a trusted proxy names.

Anyone can send these headers, so only entries of trusted proxies are read: from the right, up to the first address that
isn't a trusted proxy (RFC 7239 §8.1; X-Forwarded-For is its predecessor).
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence

from starlette.requests import Request

from cl_server.settings import Network

# The most that is read: no chain of proxies is longer.
MOST = 20
# All addresses of one IPv6 customer: limits by single ones would be none.
CUSTOMER = 64


def client_address(request: Request, proxies: Sequence[Network]) -> str:
    """The address for limits: that of a client, or its network with IPv6."""
    peer = "" if request.client is None else request.client.host
    found = _parsed(peer)
    if found is None or not _is_of(found, proxies):
        return _counted(found) or peer
    for said in _forwarded(request):
        address = _parsed(said)
        if address is None:
            break
        found = address
        if not _is_of(found, proxies):
            break
    return _counted(found) or peer


def _forwarded(request: Request) -> Iterator[str]:
    """The addresses that proxies named, the nearest first."""
    headers = request.headers.getlist("forwarded")
    if headers:
        parts = ",".join(headers).split(",")
        found = (re.search(r"(?:^|;)\s*for=\"?([^\";]*)", part, re.IGNORECASE) for part in reversed(parts))
        addresses = ["" if match is None else match.group(1) for match in found]
    else:
        addresses = [*reversed(",".join(request.headers.getlist("x-forwarded-for")).split(","))]
    yield from addresses[:MOST]


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, with or without a port."""
    text = text.strip()
    if match := re.fullmatch(r"\[([^\]]*)\](?::\w+)?", text):
        text = match.group(1)
    elif re.fullmatch(r"[0-9.]+:\d+", text):
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _counted(address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, CUSTOMER), strict=False))
    return "" if address is None else str(address)
