"""Sessions: a token that is refreshed in time, once, and never at the cost of the work."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
from attrs import evolve

from cl_client import (
    AuthenticationError,
    ClientClosedError,
    ComputeClient,
    InputFileError,
    InvalidParameterError,
    JWTAuthProvider,
    ServerConfig,
    ServerUnreachableError,
    SessionManager,
    UserCreateRequest,
    UserUpdateRequest,
)
from cl_client.config import Credentials
from cl_client.session_store import Session, SessionStore
from cl_client.token import Token
from cl_client.upload import Upload
from tests.accounts import ADMIN, JOBS, USER, Accounts
from tests.faults.proxy import fault_proxy
from tests.faults.scripted import answer, scripted_server
from tests.integration.auth.running import AuthServer

LIFE = 1800
TAKEN = answer(200, b'{"job_id": "a", "status": "queued", "task_type": "hash"}')
NEWER = answer(200, b'{"access_token": "newer", "expires_in": 1800}')


class Clock:
    """The time of day, which the test moves."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def config(accounts: Accounts) -> ServerConfig:
    stack = accounts.stack
    return ServerConfig(
        auth_url=accounts.auth_url,
        compute_url=stack.compute_url,
        mqtt_host=stack.mqtt_host,
        mqtt_port=stack.mqtt_port,
    )


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "sessions")


@pytest.fixture
async def session(
    accounts: Accounts, config: ServerConfig, clock: Clock, store: SessionStore
) -> AsyncGenerator[SessionManager]:
    """The user's session, with a clock that the test moves."""
    async with SessionManager(config, store=store, clock=clock) as session:
        await session.login(USER, accounts.passwords[USER])
        yield session


def asked(session: SessionManager) -> list[str]:
    """What the auth server is asked from now on."""
    paths: list[str] = []

    async def note(request: object) -> None:
        paths.append(str(getattr(request, "url", "")).rpartition("/")[2])

    session.auth.api.get_async_httpx_client().event_hooks["request"].append(note)
    return paths


def believing(*tokens: str, then: bytes = TAKEN) -> Callable[[str], bytes]:
    """A server that answers 401 to whoever has none of these tokens."""

    def check(head: str) -> bytes:
        return then if any(f"Bearer {token}\r\n" in head for token in tokens) else answer(401, b'{"detail": "too old"}')

    return check


def kept(store: SessionStore, config: ServerConfig, token: Token) -> None:
    """Have been logged in as `alice` by an earlier process."""
    store.save(Session(auth_url=config.auth_url, username="alice", token=token, logged_in_at=token.received_at))


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
            with pytest.raises(AuthenticationError, match="nobody is logged in"):
                await ask()
        with pytest.raises(AuthenticationError, match="nobody is logged in"):
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


@pytest.mark.parametrize("form", ["path", "bytes", "file"])
async def test_what_was_refused_with_401_is_sent_once_more_with_a_newer_token(
    config: ServerConfig, store: SessionStore, tmp_path: Path, form: str
):
    (tmp_path / "words.txt").write_bytes(b"words" * 1000)
    content = {"path": tmp_path / "words.txt", "bytes": b"words" * 1000, "file": (tmp_path / "words.txt").open("rb")}
    async with scripted_server(NEWER) as auth, scripted_server(believing("newer")) as compute:
        config = evolve(config, auth_url=auth.url, compute_url=compute.url)
        kept(store, config, Token("older", time.time(), LIFE))
        async with SessionManager(config, store=store) as session:
            job = await session.create_compute_client().hash.compute(content[form])
            assert job.job_id == "a"
            assert len(compute.requests) == 2
            assert len(auth.requests) == 1
    content["file"].close()  # type: ignore[union-attr]


async def test_requests_that_are_refused_together_refresh_once(config: ServerConfig, store: SessionStore):
    async with scripted_server(NEWER) as auth, scripted_server(believing("newer")) as compute:
        config = evolve(config, auth_url=auth.url, compute_url=compute.url)
        kept(store, config, Token("older", time.time(), LIFE))
        async with SessionManager(config, store=store) as session:
            client = session.create_compute_client()
            await asyncio.gather(*(client.hash.compute(b"x") for _ in range(20)))
            assert len(auth.requests) == 1
            assert len(compute.requests) == 40


async def test_a_stream_that_is_gone_is_refused_by_name_and_not_sent_as_nothing(
    config: ServerConfig, store: SessionStore
):
    async def once() -> AsyncGenerator[bytes]:
        yield b"words"

    async with scripted_server(NEWER) as auth, scripted_server(believing("newer")) as compute:
        config = evolve(config, auth_url=auth.url, compute_url=compute.url)
        kept(store, config, Token("older", time.time(), LIFE))
        async with SessionManager(config, store=store) as session:
            client = session.create_compute_client()
            with pytest.raises(InputFileError, match=r"words\.txt was sent already"):
                await client.hash.compute(Upload(once(), file_name="words.txt", size=5))
    async with scripted_server(NEWER) as auth, scripted_server(believing("newer")) as compute:
        config = evolve(config, auth_url=auth.url, compute_url=compute.url)
        kept(store, config, Token("older", time.time(), LIFE))
        async with SessionManager(config, store=store) as session:
            http = session.create_compute_client().api.get_async_httpx_client()
            with pytest.raises(InputFileError, match="cannot be sent a second time"):
                await http.post("/jobs/hash", content=once(), headers={"Content-Length": "5"})


async def test_what_is_refused_again_is_refused(config: ServerConfig, store: SessionStore):
    async with scripted_server(NEWER) as auth, scripted_server(believing("none")) as compute:
        config = evolve(config, auth_url=auth.url, compute_url=compute.url)
        kept(store, config, Token("older", time.time(), LIFE))
        async with SessionManager(config, store=store) as session:
            with pytest.raises(AuthenticationError, match="too old"):
                await session.create_compute_client().hash.compute(b"x")
            assert len(compute.requests) == 2


async def test_a_token_of_ones_own_is_sent_as_it_is_and_refused_once():
    async with scripted_server(believing("newer")) as compute:
        async with ComputeClient(compute.url, auth_provider=JWTAuthProvider("newer")) as client:
            assert (await client.hash.compute(b"x")).job_id == "a"
        async with ComputeClient(compute.url, auth_provider=JWTAuthProvider(token="older")) as client:
            with pytest.raises(AuthenticationError):
                await client.hash.compute(b"x")
        assert len(compute.requests) == 2


async def test_a_token_that_does_not_parse_is_used_until_it_is_refused(config: ServerConfig, store: SessionStore):
    kept(store, config, Token("nonsense", time.time() - 1e9, None))
    async with SessionManager(config, store=store) as session:
        assert await session.get_valid_token() == "nonsense"
        with pytest.raises(AuthenticationError, match="the session of alice is over: the token cannot be read") as over:
            await session.create_compute_client().get_job("none")
        assert "log in again" in (over.value.hint or "")


async def test_a_session_that_the_server_ended_says_to_log_in_again(
    accounts: Accounts, config: ServerConfig, clock: Clock
):
    async with SessionManager(config, keep=False) as admin, SessionManager(config, keep=False, clock=clock) as session:
        await admin.login(ADMIN, accounts.passwords[ADMIN])
        wanted = UserCreateRequest(username="erin", password="erin's password", permissions=[JOBS])
        erin = await admin.auth.create_user(admin.get_token(), wanted)
        await session.login("erin", "erin's password")
        await admin.auth.update_user(admin.get_token(), erin.id, UserUpdateRequest(password="erin's new one"))
        client = session.create_compute_client()
        assert await client.get_capabilities()
        clock.now += LIFE - 10
        with pytest.raises(AuthenticationError, match=r"the session of erin is over: .*log in again"):
            await client.get_capabilities()
        await session.login("erin", "erin's new one")
        assert await client.get_capabilities()
        await admin.auth.delete_user(admin.get_token(), erin.id)


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


async def test_a_watch_outlasts_an_auth_server_that_is_away(
    accounts: Accounts, config: ServerConfig, store: SessionStore, caplog: pytest.LogCaptureFixture
):
    """Its token is refused, nobody can change it, and then somebody can."""
    state = {
        "job_id": "a", "task_type": "hash", "status": "completed", "progress": 100, "params": {}, "priority": 5,
        "task_output": {}, "created_at": 1, "updated_at": 2,
    }  # fmt: skip
    job = answer(200, json.dumps(state).encode())
    async with scripted_server(NEWER) as auth, scripted_server(believing("newer", then=job)) as compute:
        port = int(auth.url.rpartition(":")[2])
        async with fault_proxy("127.0.0.1", port) as proxy:
            config = evolve(config, auth_url=f"http://127.0.0.1:{proxy.port}", compute_url=compute.url)
            kept(store, config, Token("older", time.time(), LIFE))
            async with SessionManager(config, store=store) as session:
                client = session.create_compute_client()
                await proxy.stop()
                ended = asyncio.Event()
                client.subscribe_job_updates("a", on_complete=lambda _: ended.set())
                while "still trying" not in caplog.text:
                    await asyncio.sleep(0.01)
                await proxy.start()
                await asyncio.wait_for(ended.wait(), 30)
                assert session.get_token() == "newer"


def test_processes_refresh_a_token_once_between_them(
    accounts: Accounts, config: ServerConfig, store: SessionStore, tmp_path: Path
):
    """All of them find a token that is at its end, and wait for each other."""
    program = """
import asyncio, sys, time
from pathlib import Path
from cl_client import ServerConfig, SessionManager
from cl_client.session_store import Session, SessionStore
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


@pytest.mark.parametrize("arguments", [{}, {"token": "a", "session": "b"}, {"token": "two words"}])
def test_a_provider_has_a_token_or_a_session(arguments: dict[str, str]):
    with pytest.raises(InvalidParameterError):
        JWTAuthProvider(**arguments)  # type: ignore[arg-type]
