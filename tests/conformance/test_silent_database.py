"""A PostgreSQL that falls silent: nobody waits for it for long, and all goes on when it answers again."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import OperationalError

from cl_ml_tools.job_queue import JobQuery
from cl_server.compute.app import create_app
from cl_server.files.local import LocalFileStorage
from cl_server.http import availability
from cl_server.http.availability import Availability
from cl_server.http.health import Health
from cl_server.messaging.capabilities import Capabilities
from cl_server.messaging.postgres_bell import PostgresBell
from cl_server.queue.guest_mode import GuestMode
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import ask, open_database
from cl_server.stack.supervisor import wait_until
from tests.conformance.bench import new
from tests.conformance.postgres_proxy import PostgresProxy

# Seconds in which an error is there, on a busy machine too. The driver alone waits for as long as the silence lasts.
SOON = 60.0


@pytest.fixture
def proxy(postgres: Engine) -> Iterator[PostgresProxy]:
    with PostgresProxy(postgres.url.render_as_string(hide_password=False)) as proxy:
        yield proxy


@pytest.fixture
def engine(proxy: PostgresProxy) -> Iterator[Engine]:
    engine = open_database(proxy.url)
    yield engine
    engine.dispose()


@pytest.fixture
def others(proxy: PostgresProxy) -> Iterator[Engine]:
    """The connections of requests, beside those of what looks whether the database answers."""
    engine = open_database(proxy.url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("known", [True, False], ids=["a connection that was there", "a new connection"])
def test_who_asks_hears_soon_that_there_is_no_answer(proxy: PostgresProxy, engine: Engine, known: bool) -> None:
    queue = SqlJobRepository(engine)
    if known:
        queue.add_job(new())
    proxy.silent = True
    started = time.monotonic()
    with pytest.raises(OperationalError):
        queue.list_jobs(JobQuery())
    assert time.monotonic() - started < SOON
    proxy.silent = False
    assert wait_until(lambda: queue.add_job(new()) != "", 30)


async def test_requests_are_refused_at_once_and_the_server_says_that_it_is_not_ready(
    proxy: PostgresProxy, engine: Engine, others: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(availability, "AWAY", 0.05)
    asked: list[str] = []
    connect = others.pool.connect

    def noted() -> PoolProxiedConnection:
        asked.append("a connection")
        return connect()

    monkeypatch.setattr(others.pool, "connect", noted)
    database = Availability("database", lambda: ask(engine), period=0.05)
    state = Health(database_answers=lambda: database.answers)
    app = create_app(
        SqlJobRepository(others),
        LocalFileStorage(tmp_path),
        Capabilities(),
        GuestMode(tmp_path / "guest-mode"),
        state=state,
    )
    database.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        assert (await http.get("/readyz")).status_code == 200
        assert (await http.get("/jobs")).status_code == 200
        proxy.silent = True
        assert wait_until(lambda: not database.answers, 30)
        asked.clear()
        answers = [
            await http.get("/jobs"),
            await http.get("/jobs/one"),
            await http.post("/jobs/hash", files={"file": ("a", b"x")}),
            await http.delete("/jobs/one"),
        ]
        # At once, for nobody asks the database.
        assert asked == []
        for answer in answers:
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert answer.json()["detail"] == "the server's database does not answer; try again"
            assert answer.json()["request_id"] == answer.headers["x-request-id"]
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "the database doesn't answer, or its disk is full")
        assert (await http.get("/healthz")).status_code == 200
        proxy.silent = False
        assert wait_until(lambda: database.answers, 30)
        assert (await http.get("/jobs")).status_code == 200
        assert asked
        assert (await http.get("/readyz")).status_code == 200
    database.stop()


async def test_who_only_listens_notices_too_and_listens_again(
    proxy: PostgresProxy, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cl_server.messaging.postgres_bell.SILENCE", 0.2)
    monkeypatch.setattr("cl_server.messaging.postgres_bell.PAUSE", 0.05)
    rings: list[float] = []
    with PostgresBell(proxy.url) as bell:
        bell.attach(lambda: rings.append(time.monotonic()))
        assert await asyncio.to_thread(bell.listening.wait, 30)
        proxy.silent = True
        assert await asyncio.to_thread(wait_until, lambda: not bell.listening.is_set(), 30)
        proxy.silent = False
        assert await asyncio.to_thread(bell.listening.wait, 30)
        heard = len(rings)
        SqlJobRepository(engine).add_job(new())
        assert await asyncio.to_thread(wait_until, lambda: len(rings) > heard, 30)


@pytest.mark.parametrize("way", ["submit", "claim", "exchange", "delete"])
def test_a_connection_that_breaks_in_a_commit_changes_nothing_twice(
    proxy: PostgresProxy, engine: Engine, way: str
) -> None:
    """The commit gets through, and its answer does not: as `test_lost_commits`, on a real wire."""
    queue = SqlJobRepository(engine)
    for name in ("one", "two"):
        queue.submit(new(job_id=name), key=name, fingerprint="f")
    claim = queue.claim("w0", ["hash"]) if way == "exchange" else None
    proxy.lose = 1
    match way:
        case "submit":
            assert queue.submit(new(job_id="three"), key="three", fingerprint="f").job_id == "three"
            assert len(queue.list_jobs(JobQuery()).jobs) == 3
        case "claim":
            taken = queue.claim("w0", ["hash"])
            assert taken is not None
            assert (taken.job.job_id, taken.attempt) == ("one", 1)
            assert queue.unfinished() == {("hash", "queued"): 1, ("hash", "processing"): 1}
        case "exchange":
            assert claim is not None
            done, following = queue.exchange(claim, {}, lambda: None, 0, ["hash"])
            assert done
            assert following is not None
            assert (following.job.job_id, following.attempt) == ("two", 1)
        case _:
            assert queue.delete_job("one")
            assert queue.get_job("one") is None
    assert proxy.lost == 1
