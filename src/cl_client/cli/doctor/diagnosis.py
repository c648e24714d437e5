"""What the answers of a checkup mean, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from attrs import frozen

from cl_client.config.addresses import without_secrets
from cl_client.errors import CertificateError, ComputeClientError
from cl_client.version import __version__
from cl_extras.install import upgrade_command
from cl_plugins.contract import CONTRACT

if TYPE_CHECKING:
    from cl_client.cli.doctor.checkup import Checkup, ServerAnswer

CLOCK_DIFFERENCE: Final = 5.0
"""Seconds by which clocks may differ."""
DAYS_LEFT: Final = 14
"""A certificate that ends sooner is worth a word."""

_AWAY: Final = "`cl-client config show` says where the address comes from; `cl-client server up` starts a server here"


@frozen
class Finding:
    """One line of the doctor.

    Attributes:
        check: what was looked at.
        state: how it is; only what failed keeps jobs from being done.
        message: what was found.
        hint: what to do next, where something is to be done.
    """

    check: str
    state: Literal["ok", "warning", "failed"]
    message: str
    hint: str | None = None


def diagnose(checkup: Checkup) -> Iterator[Finding]:
    """All findings, from the nearest part to the farthest."""
    config = checkup.config
    # A guest on a server that takes guests needs no auth server.
    is_guest = checkup.user is None and _takes_guests(checkup.compute)
    yield from _proxy(checkup)
    yield from _server("compute", without_secrets(config.compute_url), checkup.compute)
    yield from _server("auth", without_secrets(config.auth_url), checkup.auth, needed=not is_guest)
    yield _broker(checkup)
    yield _user(checkup)
    yield _workers(checkup)


def _proxy(checkup: Checkup) -> Iterator[Finding]:
    """Only where the environment names one."""
    if isinstance(checkup.proxy, str):
        said = f"the compute server is reached through {without_secrets(checkup.proxy)}"
        yield Finding("proxy", "ok", said, "NO_PROXY names servers that are reached directly")
    elif checkup.proxy is not None:
        yield Finding("proxy", "warning", str(checkup.proxy), "correct or unset it, or name the server in NO_PROXY")


def _server(
    name: Literal["compute", "auth"], url: str, answer: ServerAnswer | ComputeClientError, *, needed: bool = True
) -> Iterator[Finding]:
    if isinstance(answer, ComputeClientError):
        if needed:
            knows_more = isinstance(answer, CertificateError) or 300 <= (answer.status or 0) < 400
            yield Finding(name, "failed", answer.message, (knows_more and answer.hint) or _AWAY)
        else:
            yield Finding(name, "warning", answer.message, "only accounts need it: `cl-client server up --auth`")
        return
    service = answer.says.get("service")
    other = "auth" if name == "compute" else "compute"
    if service == other:
        wrong = f"{url} is the {other} server"
        yield Finding(name, "failed", wrong, f"give it its own address: cl-client config set {name}_url URL")
        return
    yield Finding(name, "ok", f"{url} answers in {answer.seconds * 1e3:.0f} ms")
    yield _version(name, answer)
    yield _clock(name, answer)
    yield _tls(name, url, answer)


def _version(name: str, answer: ServerAnswer) -> Finding:
    check, theirs = f"{name} version", str(answer.says.get("version", ""))
    ours, found = _release(__version__), _release(theirs)
    if ours is None or found is None:
        return Finding(check, "warning", f"unknown, the client is {__version__}", "is it one of ours?")
    said = f"server {theirs}, client {__version__}"
    if found == ours:
        return Finding(check, "ok", said)
    if found > ours:
        return Finding(check, "warning", f"{said}: the server is newer", upgrade_command())
    return Finding(check, "warning", f"{said}: the server is older", "upgrade the server, or install its version here")


def _release(version: str) -> tuple[int, ...] | None:
    """What has to be the same for a server to be understood (https://semver.org §4, §8)."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None:
        return None
    major, minor = int(numbers[1]), int(numbers[2])
    return (major,) if major else (major, minor)


def _clock(name: str, answer: ServerAnswer) -> Finding:
    check, ahead = f"{name} clock", answer.clock_ahead
    if ahead is None:
        return Finding(check, "warning", "the server does not say its time", "a proxy may have removed the header Date")
    if abs(ahead) <= CLOCK_DIFFERENCE:
        return Finding(check, "ok", "as ours")
    way = "ahead of" if ahead > 0 else "behind"
    return Finding(check, "warning", f"{abs(ahead):.0f} s {way} ours", "set the clock that is wrong (NTP)")


def _tls(name: str, url: str, answer: ServerAnswer) -> Finding:
    check, encryption = f"{name} TLS", answer.encryption
    if encryption is None:
        return _unencrypted(check, urlsplit(url).hostname or "", "https://")
    if encryption.days_left is not None and encryption.days_left < DAYS_LEFT:
        left = f"{encryption.protocol}, the certificate ends in {max(0.0, encryption.days_left):.0f} days"
        return Finding(check, "warning", left, "ask the server's operator to renew it")
    return Finding(check, "ok", f"{encryption.protocol}, the certificate is trusted")


def _unencrypted(check: str, host: str, scheme: str) -> Finding:
    if host in ("localhost", "::1") or host.startswith("127."):
        return Finding(check, "ok", "none, and none is needed on this machine")
    return Finding(
        check,
        "warning",
        "none: others on the network can read passwords and tokens",
        f"use {scheme} where the server can",
    )


def _broker(checkup: Checkup) -> Finding:
    config = checkup.config
    where = f"{'mqtts' if config.mqtt_tls else 'mqtt'}://{config.mqtt_host}:{config.mqtt_port}"
    if checkup.broker is not None:
        return Finding(
            "broker",
            "warning",
            checkup.broker.message,
            f"jobs are followed over HTTP without it; else: cl-client config set mqtt_broker HOST (now {where})",
        )
    if not config.mqtt_tls:
        plain = _unencrypted("broker", config.mqtt_host, "mqtts:// (MQTT_URL)")
        if plain.state != "ok":
            return Finding("broker", "warning", f"{where} takes our subscription, unencrypted", plain.hint)
    return Finding("broker", "ok", f"{where} takes our subscription")


def _user(checkup: Checkup) -> Finding:
    user = checkup.user
    if isinstance(user, ComputeClientError):
        return Finding("user", "failed", user.message, user.hint or "cl-client login")
    if user is None:
        if _takes_guests(checkup.compute) or isinstance(checkup.compute, ComputeClientError):
            return Finding("user", "ok", "a guest")
        return Finding("user", "failed", "a guest, and the server refuses guests", "cl-client login")
    rights = "admin" if user.is_admin else ", ".join(user.permissions) or "no permissions"
    said = f"{user.username} ({rights})"
    if user.is_admin or not set(CONTRACT.permissions).isdisjoint(user.permissions):
        return Finding("user", "ok", said)
    return Finding("user", "failed", f"{said} may not have jobs done", f"ask an admin for {CONTRACT.permissions[0]}")


def _workers(checkup: Checkup) -> Finding:
    workers = checkup.workers
    if isinstance(workers, ComputeClientError):
        return Finding("workers", "failed", f"unknown: {workers.message}", "fix the problem above")
    if not workers.num_workers:
        return Finding(
            "workers", "failed", "there is none: jobs would wait", "start one: docs/scale.md, or `cl-client server up`"
        )
    kinds = ", ".join(sorted(workers.capabilities))
    return Finding("workers", "ok", f"{workers.num_workers} for {kinds}")


def _takes_guests(compute: ServerAnswer | ComputeClientError) -> bool:
    return not isinstance(compute, ComputeClientError) and compute.says.get("auth_required") is not True
