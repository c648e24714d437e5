"""Logging in and out: who one is then, and where that is kept."""

from pathlib import Path

import pytest

from cl_client import (
    AuthenticationError,
    ClientClosedError,
    ComputeClientError,
    InvalidParameterError,
    JWTAuthProvider,
    ServerConfig,
    SessionManager,
)
from cl_client.accounts.session_store import SessionStore
from cl_client.config import Credentials
from tests.accounts import JOBS, USER, Accounts
from tests.integration.client.sessions import LIFE, Clock


async def test_somebody_who_logs_in_does_the_main_job_and_goes_on_as_a_guest_after_the_logout(
    accounts: Accounts, config: ServerConfig, store: SessionStore
):
    async with SessionManager(config, store=store) as session:
        client = session.create_compute_client()
        assert not session.is_authenticated()
        with pytest.raises(AuthenticationError, match="takes no guests"):
            await client.hash.compute(b"x")
        assert (await session.login(USER, accounts.passwords[USER])).access_token == session.get_token()
        job = await client.hash.compute(b"x", algorithm="md5", wait=True, timeout=30)
        assert job.output.md5 is not None
        me = await session.get_current_user()
        assert me is not None
        assert (me.username, me.permissions, session.username) == (USER, [JOBS], USER)
        await session.logout()
        assert not session.is_authenticated()
        with pytest.raises(AuthenticationError) as guest:
            await client.get_job(job.job_id)
        assert "cl-client login" in (guest.value.hint or "")
    with pytest.raises(ClientClosedError):
        await client.get_job(job.job_id)
    assert store.load(config.auth_url) is None


async def test_a_guest_has_no_token_and_is_nobody(config: ServerConfig):
    async with SessionManager(config, keep=False) as session:
        assert await session.get_current_user() is None
        assert session.username is None
        for ask in (session.get_valid_token, session.refresh):
            with pytest.raises(AuthenticationError, match="no user is logged in"):
                await ask()
        with pytest.raises(AuthenticationError, match="no user is logged in"):
            session.get_token()
        with pytest.raises(InvalidParameterError, match="CL_USERNAME"):
            await session.login()
        await session.logout()


async def test_a_login_takes_name_and_password_from_the_environment(
    accounts: Accounts, config: ServerConfig, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CL_USERNAME", USER)
    monkeypatch.setenv("CL_PASSWORD", "a guess")
    async with SessionManager(config, keep=False) as session:
        with pytest.raises(AuthenticationError, match="wrong"):
            await session.login()
        assert not session.is_authenticated()
        monkeypatch.setenv("CL_PASSWORD", accounts.passwords[USER])
        await session.login()
        assert session.username == USER
    assert "guess" not in repr(Credentials.from_env({"CL_PASSWORD": "guess", "CL_TOKEN": "guess"}))
    assert Credentials.from_env({"CL_TOKEN": "abc\n"}).token == "abc"


async def test_a_session_outlives_its_process_and_ends_with_the_logout(
    session: SessionManager, config: ServerConfig, store: SessionStore
):
    async with SessionManager(config, store=store) as later:
        assert (later.get_token(), later.username) == (session.get_token(), USER)
        # A client that was closed already is closed by the session without harm.
        async with later.create_compute_client() as client:
            await client.jobs.watcher.close()
        await later.logout()
    async with SessionManager(config, store=store) as latest:
        assert not latest.is_authenticated()


async def test_a_place_that_cannot_be_written_costs_the_session_its_next_process_only(
    accounts: Accounts, config: ServerConfig, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "file").write_bytes(b"")
    async with SessionManager(config, store=SessionStore(tmp_path / "file"), clock=clock) as session:
        await session.login(USER, accounts.passwords[USER])
        assert session.kept_in is None
        assert "it ends with this process" in caplog.text
        before = session.get_token()
        clock.now += LIFE - 10
        assert await session.get_valid_token() != before
    assert before not in caplog.text


@pytest.mark.parametrize("arguments", [{}, {"token": "a", "session": "b"}, {"token": "two words"}])
def test_a_provider_has_a_token_or_a_session(arguments: dict[str, str]):
    with pytest.raises(InvalidParameterError):
        JWTAuthProvider(**arguments)  # type: ignore[arg-type]


async def test_a_session_that_cannot_be_read_is_nobodys_until_somebody_logs_in(
    accounts: Accounts, config: ServerConfig, store: SessionStore, tmp_path: Path
):
    async with SessionManager(config, store=store) as session:
        await session.login(USER, accounts.passwords[USER])
    (file,) = (tmp_path / "sessions").glob("*.json")
    file.write_text("{")
    async with SessionManager(config, store=store) as session:
        client = session.create_compute_client()
        for ask in (session.get_valid_token, session.get_current_user, session.restore, session.logout):
            with pytest.raises(ComputeClientError, match="cannot be read"):
                await ask()
        with pytest.raises(ComputeClientError, match="cannot be read"):
            await client.hash.compute(b"x")
        await session.login(USER, accounts.passwords[USER])
        assert (await client.hash.compute(b"x", algorithm="md5", wait=True)).output.md5


async def test_a_session_that_is_damaged_while_it_is_used_is_written_anew(
    accounts: Accounts, session: SessionManager, clock: Clock, tmp_path: Path
):
    (file,) = (tmp_path / "sessions").glob("*.json")
    file.write_text("{")
    clock.now += LIFE - 1
    await session.refresh()
    assert session.get_token() in file.read_text()
