"""A token that is refreshed in time, once, and never at the cost of the work."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attrs import evolve

from cl_client import ClientClosedError, ServerConfig, ServerUnreachableError, SessionManager
from cl_client.accounts.session_store import SessionStore
from cl_client.accounts.token import Token
from tests.accounts import ADMIN, USER, Accounts
from tests.faults.proxy import fault_proxy
from tests.faults.scripted import scripted_server
from tests.integration.auth.running import AuthServer
from tests.integration.client.sessions import LIFE, NEWER, Clock, asked, kept


@pytest.mark.parametrize(("age", "newer"), [(LIFE - 61, False), (LIFE - 59, True), (LIFE + 1, True)])
async def test_a_token_in_its_last_minute_is_changed_before_it_is_used(
    session: SessionManager, clock: Clock, age: float, newer: bool
):
    before = session.get_token()
    clock.now += age
    assert (await session.get_valid_token() != before) == newer


async def test_a_token_past_half_of_its_life_is_changed_beside_the_work(session: SessionManager, clock: Clock):
    paths, before = asked(session), session.get_token()
    clock.now += LIFE * 0.49
    assert await session.get_valid_token() == before
    assert paths == []
    clock.now += LIFE * 0.12
    assert await session.get_valid_token() == before
    await session.refresh()
    assert paths == ["refresh"]
    assert await session.get_valid_token() == session.get_token() != before
    assert paths == ["refresh"]


async def test_requests_at_once_refresh_once_and_one_that_is_cancelled_stops_none(
    session: SessionManager, clock: Clock
):
    paths = asked(session)
    clock.now += LIFE - 10
    client = session.create_compute_client()
    requests = [asyncio.create_task(client.get_job("none")) for _ in range(30)]
    while not paths:
        await asyncio.sleep(0)
    requests[0].cancel()
    ends = await asyncio.gather(*requests, return_exceptions=True)
    assert paths == ["refresh"]
    assert [type(end).__name__ for end in ends] == ["CancelledError", *["JobNotFoundError"] * 29]


@pytest.mark.parametrize("jump", [-86_400, 86_400])
async def test_a_clock_that_jumps_costs_one_refresh(session: SessionManager, clock: Clock, jump: float):
    paths = asked(session)
    clock.now += jump
    client = session.create_compute_client()
    for _ in range(3):
        await client.get_capabilities()
    assert paths == ["refresh"]


async def test_an_auth_server_that_is_down_stops_nobody_whose_token_is_good(
    accounts: Accounts, config: ServerConfig, clock: Clock, caplog: pytest.LogCaptureFixture
):
    host, _, port = accounts.auth_url.removeprefix("http://").partition(":")
    async with fault_proxy(host, int(port)) as proxy:
        config = evolve(config, auth_url=f"http://127.0.0.1:{proxy.port}")
        async with SessionManager(config, keep=False, clock=clock) as session:
            await session.login(USER, accounts.passwords[USER])
            await proxy.stop()
            client = session.create_compute_client()
            for age in (LIFE - 30, 100):
                clock.now += age
                for _ in range(2):
                    await client.get_capabilities()
                    with pytest.raises(ServerUnreachableError, match="cannot be refreshed: cannot reach") as away:
                        await session.refresh()
            assert "AUTH_URL" in (away.value.hint or "")
            caplog.clear()
            for _ in range(20):
                await client.get_capabilities()
            # It is left alone for a while, rather than asked for each request.
            assert caplog.text == ""


def test_processes_refresh_a_token_once_between_them(
    accounts: Accounts, config: ServerConfig, store: SessionStore, tmp_path: Path
):
    """All of them find a token that is at its end, and wait for each other."""
    program = """
import asyncio, sys, time
from pathlib import Path
from cl_client import ServerConfig, SessionManager
from cl_client.accounts.session_store import Session, SessionStore
async def main():
    config, store = ServerConfig(auth_url=sys.argv[1]), SessionStore(Path(sys.argv[2]))
    async with SessionManager(config, store=store, clock=lambda: time.time() + 1790) as session:
        print("ready", flush=True)
        sys.stdin.readline()
        print(await session.get_valid_token())
asyncio.run(main())
"""
    before = accounts.tokens[USER]
    kept(store, config, Token(before, time.time(), LIFE))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, config.auth_url, str(tmp_path / "sessions")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    tokens = {process.communicate(timeout=30)[0].strip() for process in processes}
    assert len(tokens) == 1
    assert before not in tokens
    found = store.load(config.auth_url)
    assert found is not None
    assert {found.token.text} == tokens


async def test_who_logged_out_elsewhere_is_not_kept_again(
    session: SessionManager, clock: Clock, config: ServerConfig, store: SessionStore
):
    async with SessionManager(config, store=store) as other:
        await other.logout()
    before = session.get_token()
    clock.now += LIFE - 10
    assert await session.get_valid_token() != before
    assert store.load(config.auth_url) is None


async def test_who_logs_in_or_out_during_a_refresh_is_not_undone_by_it(
    accounts: Accounts, session: SessionManager, config: ServerConfig, store: SessionStore
):
    refreshing = asyncio.create_task(session.refresh())
    await asyncio.sleep(0)
    await session.login(ADMIN, accounts.passwords[ADMIN])
    token = session.get_token()
    await refreshing
    assert (session.username, session.get_token()) == (ADMIN, token)
    refreshing = asyncio.create_task(session.refresh())
    await asyncio.sleep(0)
    await session.logout()
    await refreshing
    assert not session.is_authenticated()
    assert store.load(config.auth_url, ADMIN) is None


async def test_a_session_that_is_closed_meanwhile_ends_those_who_wait(config: ServerConfig, store: SessionStore):
    async with scripted_server(NEWER) as auth:
        async with fault_proxy("127.0.0.1", int(auth.url.rpartition(":")[2])) as proxy:
            config = evolve(config, auth_url=f"http://127.0.0.1:{proxy.port}")
            kept(store, config, Token("older", time.time(), LIFE))
            session = SessionManager(config, store=store)
            await session.restore()
            proxy.hold_answers()
            waiting = asyncio.create_task(session.refresh())
            while not auth.requests:
                await asyncio.sleep(0.01)
            await session.close()
            with pytest.raises(ClientClosedError):
                await waiting


async def test_a_client_outlives_its_first_tokens(tmp_path: Path):
    """For real: an auth server whose tokens live for two seconds."""
    server = AuthServer(tmp_path / "data", lifetime=2)
    try:
        async with SessionManager(ServerConfig(auth_url=server.url), keep=False) as session:
            await session.login("admin", server.password)
            tokens: set[str] = set()
            while len(tokens) < 3:
                tokens.add(await session.get_valid_token())
                assert await session.auth.get_current_user(session.get_token())
                await asyncio.sleep(0.05)
    finally:
        server.stop()
