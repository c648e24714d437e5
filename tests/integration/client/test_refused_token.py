"""A token that a server no longer believes: changed once where it can be, and told where not."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from attrs import evolve

from cl_client import (
    AuthenticationError,
    ComputeClient,
    InputFileError,
    JWTAuthProvider,
    ServerConfig,
    SessionManager,
    UserCreateRequest,
    UserUpdateRequest,
)
from cl_client.accounts.session_store import SessionStore
from cl_client.accounts.token import Token
from cl_client.http.upload import Upload
from tests.accounts import ADMIN, JOBS, Accounts
from tests.faults.proxy import fault_proxy
from tests.faults.scripted import answer, scripted_server
from tests.integration.client.sessions import LIFE, NEWER, Clock, believing, kept


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
            # Too large to go together.
            large = b"x" * 300_000
            await asyncio.gather(*(client.hash.compute(large) for _ in range(20)))
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
        with pytest.raises(
            AuthenticationError, match="the session of alice has ended: the token cannot be read"
        ) as over:
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
        with pytest.raises(AuthenticationError, match=r"the session of erin has ended: .*log in again"):
            await client.get_capabilities()
        await session.login("erin", "erin's new one")
        assert await client.get_capabilities()
        await admin.auth.delete_user(admin.get_token(), erin.id)


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
