"""A full disk, and a database that somebody holds: one clear answer, and nothing half-written."""

import errno
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, event

from cl_server.compute.app import create_app
from cl_server.files.local import LocalFileStorage
from cl_server.messaging.capabilities import Capabilities
from cl_server.migrations import migrate
from cl_server.queue.guest_mode import GuestMode
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import open_database

FULL = "the server's disk is full, and nothing was changed: make room in its data folder, then try again"


class Server:
    """The application on a database and a folder of its own."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.jobs = folder / "jobs"
        app = create_app(
            SqlJobRepository(engine), LocalFileStorage(folder), Capabilities(), GuestMode(folder / "guest-mode")
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")

    async def submit(self, content: bytes = b"words", key: str | None = None) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.http.post("/jobs/hash", files={"file": ("a.txt", content)}, headers=headers)

    async def is_as_before(self) -> bool:
        """Whether nothing was left, and the next job is taken."""
        assert list(self.jobs.iterdir()) == []
        return (await self.submit()).status_code == 200


@pytest.fixture
def server(tmp_path: Path, engine: Engine) -> Server:
    return Server(tmp_path, engine)


def full(*arguments: object, **named: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device", "/secret/spool")


async def test_while_an_upload_is_spooled(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tempfile.SpooledTemporaryFile, "rollover", full)
        answer = await server.submit(b"x" * (2 << 20))
    assert (answer.status_code, answer.json()["detail"]) == (507, FULL)
    assert await server.is_as_before()


async def test_while_an_upload_is_kept(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("cl_server.files.digests.note", full)
        answer = await server.submit()
    assert (answer.status_code, answer.json()["detail"]) == (507, FULL)
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert await server.is_as_before()


async def test_a_job_that_was_taken_before_is_given_all_the_same(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer was lost, and it comes again: whoever heard of the disk instead would send it as another job."""
    first = await server.submit(key="k")
    with monkeypatch.context() as patch:
        patch.setattr("cl_server.files.digests.note", full)
        again = await server.submit(key="k")
        assert (await server.submit(b"other words", key="k")).status_code == 507
        assert (await server.submit(key="another")).status_code == 507
        assert (await server.submit()).status_code == 507
    assert again.status_code == 200
    assert again.json() == first.json()
    assert [path.name for path in server.jobs.iterdir()] == [first.json()["job_id"]]


async def test_while_a_job_is_written_down(server: Server, engine: Engine) -> None:
    def no_more_pages(connection: sqlite3.Connection, *rest: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    # SQLite itself then says that the disk is full.
    event.listen(engine, "checkout", no_more_pages)
    while (answer := await server.submit()).status_code == 200:
        before = set(server.jobs.iterdir())
    event.remove(engine, "checkout", no_more_pages)
    engine.dispose()
    assert (answer.status_code, answer.json()["detail"]) == (507, FULL)
    assert set(server.jobs.iterdir()) == before
    assert (await server.submit()).status_code == 200


async def test_a_job_can_be_deleted_which_makes_the_room_that_this_needs(server: Server, engine: Engine) -> None:
    job_id = (await server.submit()).json()["job_id"]
    folder = server.jobs / job_id

    def no_more_pages_while_it_has_files(connection: sqlite3.Connection, *rest: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {1 if folder.exists() else 1 << 30}")

    event.listen(engine, "checkout", no_more_pages_while_it_has_files)
    while (answer := await server.submit()).status_code == 200:
        pass
    assert answer.status_code == 507
    assert (await server.http.delete(f"/jobs/{job_id}")).status_code == 204
    assert not folder.exists()
    assert (await server.http.get(f"/jobs/{job_id}")).status_code == 404
    assert (await server.submit()).status_code == 200


@pytest.fixture
def hurried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that does not wait long for its database."""
    monkeypatch.setattr("cl_server.queue.sqlite_write_lock.TIMEOUT", 0.05)
    engine = open_database(tmp_path / "jobs.sqlite")
    migrate(engine)
    yield Server(tmp_path, engine)
    engine.dispose()


async def test_while_somebody_holds_the_database(hurried: Server, tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    answer = await hurried.submit()
    # Who only reads waits for nobody.
    assert (await hurried.http.get("/jobs/one")).status_code == 404
    holder.execute("ROLLBACK")
    holder.close()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["detail"] == "the server's database is locked by another program; try again"
    assert await hurried.is_as_before()


async def test_other_trouble_of_the_machine_is_a_plain_500(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **named: object) -> int:
        raise OSError(errno.EIO, "Input/output error", "/secret/spool")

    with monkeypatch.context() as patch:
        patch.setattr("cl_server.files.digests.note", broken)
        answer = await server.submit()
    assert (answer.status_code, answer.json()["detail"]) == (500, "internal error")
    assert await server.is_as_before()


async def test_whoever_is_still_sending_hears_of_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is closed with unread bytes is reset, and what was answered may be lost with it."""
    sent = 0

    async def upload() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(8):
            yield bytes(1 << 20)
            sent += 1
        yield b"\r\n--edge--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    with monkeypatch.context() as patch:
        patch.setattr(tempfile.SpooledTemporaryFile, "rollover", full)
        answer = await server.http.post("/jobs/hash", content=upload(), headers=headers)
    assert (answer.status_code, answer.json()["detail"], sent) == (507, FULL, 8)
    assert await server.is_as_before()
