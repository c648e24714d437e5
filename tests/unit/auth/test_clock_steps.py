"""A clock that is put back or forward by an hour logs nobody out, on whichever host it is."""

import time
from pathlib import Path

import pytest

from cl_server.auth.issuer import Issuer
from cl_server.auth.keys import KeyRing
from cl_server.auth.users import User
from cl_server.clock import TwoClocks
from cl_server.http.tokens import Claims, TokenError, Verifier
from cl_server.settings import Audience

HOUR = 3600
LIFETIME = 1800
USER = User(7, "ada", "", is_admin=False, is_active=True, permissions=(), session=0, created_at=0)
STEPS = pytest.mark.parametrize("step", [HOUR, -HOUR, 24 * HOUR, -24 * HOUR])


class Host:
    """A machine whose clock on the wall can be put; `passed` is how long all of them have been there."""

    passed = 0.0

    def __init__(self) -> None:
        self.wrong = 0.0
        self.clock = TwoClocks(lambda: time.time() + self.passed + self.wrong, lambda: time.monotonic() + self.passed)


class Servers:
    """An auth server and one that checks tokens, each on a host of its own."""

    def __init__(self, folder: Path) -> None:
        ring = KeyRing(folder)
        self.auth, self.compute = Host(), Host()
        self.issuer = Issuer(ring, Audience(), LIFETIME, self.auth.clock)
        self.verifier = Verifier(ring, Audience(), self.compute.clock)

    def token(self) -> str:
        return self.issuer.issue(USER).access_token

    async def verify(self, token: str) -> Claims:
        return await self.verifier.verify(token)


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    return Servers(tmp_path)


@STEPS
async def test_tokens_from_before_the_step_hold(servers: Servers, step: int) -> None:
    token = servers.token()
    servers.compute.wrong = step
    assert (await servers.verify(token)).id == 7


@STEPS
@pytest.mark.parametrize("which", ["auth", "compute", "both"])
async def test_tokens_from_after_the_step_hold(servers: Servers, step: int, which: str) -> None:
    for host in (servers.auth, servers.compute) if which == "both" else (getattr(servers, which),):
        host.wrong = step
    assert (await servers.verify(servers.token())).id == 7


@STEPS
async def test_a_server_that_starts_after_the_step_believes_tokens_of_its_machine(servers: Servers, step: int) -> None:
    servers.auth.wrong = step
    started = Host()
    started.clock = TwoClocks(lambda: time.time() + step, time.monotonic)
    servers.verifier = Verifier(servers.verifier._keys, Audience(), started.clock)
    assert (await servers.verify(servers.token())).id == 7


async def test_a_clock_that_was_wrong_and_is_put_right_disturbs_nobody(servers: Servers) -> None:
    """As at the start of a machine, before it has asked others for the time."""
    started = Host()
    started.wrong = -HOUR
    started.clock = TwoClocks(lambda: time.time() + started.wrong, time.monotonic)
    servers.verifier = Verifier(servers.verifier._keys, Audience(), started.clock)
    started.wrong = 0
    assert (await servers.verify(servers.token())).id == 7


@pytest.mark.parametrize("step", [0, HOUR])
async def test_a_token_ends_all_the_same(servers: Servers, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    token = servers.token()
    servers.compute.wrong = step
    monkeypatch.setattr(Host, "passed", LIFETIME + 60.0)
    with pytest.raises(TokenError, match="has expired"):
        await servers.verify(token)


def test_clocks_that_differ_by_a_moment_are_one(servers: Servers) -> None:
    servers.auth.wrong = 1.5
    earlier, later = servers.auth.clock()
    assert earlier == later
