"""The folder of all files is away for a while, as a disk that is unplugged: nothing begins in its place, or is lost."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from cl_ml_tools.compute_module import ProgressCallback, TaskResult
from cl_ml_tools.schemas import Job, JobStatus
from cl_ml_tools.worker import Worker, explain, is_transient
from cl_server.compute.app import create_app
from cl_server.files.local import LocalFileStorage
from cl_server.files.protocol import StorageUnavailableError
from cl_server.messaging.capabilities import Capabilities
from cl_server.queue.guest_mode import GuestMode
from cl_server.queue.job_transaction import PATIENCE
from cl_server.queue.orphaned_files import sweep
from cl_server.queue.repository import SqlJobRepository
from cl_server.workers.attempt import Attempt
from cl_server.workers.heartbeat import Heart
from tests.conformance.bench import claimed

NOBODYS = "the server's file storage does not answer; try again"


class Server:
    """The application, on a folder that goes and comes."""

    def __init__(self, folder: Path, engine: Engine, patience: float = PATIENCE) -> None:
        self.queue = SqlJobRepository(engine, patience=patience)
        self.storage = LocalFileStorage(folder)
        self.elsewhere = folder / "elsewhere"
        app = create_app(self.queue, self.storage, Capabilities(), GuestMode(folder / "guest-mode"))
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")

    async def submit(self) -> httpx.Response:
        return await self.http.post("/jobs/hash", files={"file": ("a.txt", b"words")})

    def unplug(self) -> None:
        self.storage.root.rename(self.elsewhere)

    def plug_in(self) -> None:
        # Onto a folder that has something in it, this fails.
        self.elsewhere.rename(self.storage.root)


@pytest.fixture
def server(tmp_path: Path, engine: Engine) -> Server:
    return Server(tmp_path, engine)


@pytest.mark.parametrize(
    "ask",
    [
        lambda http, job_id: http.post("/jobs/hash", files={"file": ("a.txt", b"words")}),
        lambda http, job_id: http.get(f"/jobs/{job_id}/files"),
        lambda http, job_id: http.get(f"/jobs/{job_id}/files/input/source.txt"),
        lambda http, job_id: http.post(f"/jobs/{job_id}/retry"),
    ],
    ids=["submit", "list", "download", "retry"],
)
async def test_what_needs_it_is_told_to_come_again(
    server: Server, ask: Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]
) -> None:
    job_id = (await server.submit()).json()["job_id"]
    server.queue.fail(claimed(server.queue), "no")
    server.unplug()
    answer = await ask(server.http, job_id)
    assert (answer.status_code, answer.json()["detail"]) == (503, NOBODYS)
    assert not server.storage.root.exists()
    server.plug_in()
    assert (await ask(server.http, job_id)).status_code == 200


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda http, job_id: http.post("/jobs/hash", files={"file": ("a.txt", b"words")}), 503),
        (lambda http, job_id: http.get(f"/jobs/{job_id}/files/input/source.txt"), 200),
        (lambda http, job_id: http.post(f"/jobs/{job_id}/retry"), 200),
    ],
    ids=["submit", "download", "retry"],
)
async def test_what_comes_back_in_the_very_moment_was_away_all_the_same(
    server: Server,
    ask: Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = (await server.submit()).json()["job_id"]
    server.queue.fail(claimed(server.queue), "no")
    server.unplug()
    missing = Path.mkdir if status == 503 else Path.exists

    def and_is_back(path: Path, *arguments: object, **named: object) -> object:
        try:
            return missing(path, *arguments, **named)
        finally:
            if server.elsewhere.is_dir():
                server.plug_in()

    monkeypatch.setattr(Path, missing.__name__, and_is_back)
    assert (await ask(server.http, job_id)).status_code == status


async def test_a_process_that_starts_meanwhile_begins_no_other_storage(server: Server, tmp_path: Path) -> None:
    # As an API does when it starts for the first time.
    sweep(tmp_path, server.queue, server.storage).close()
    taken = await server.submit()
    server.unplug()
    again = LocalFileStorage(tmp_path)
    with sweep(tmp_path, server.queue, again), pytest.raises(StorageUnavailableError, match="make an empty one"):
        again.check()
    assert not server.storage.root.exists()
    assert (await server.submit()).status_code == 503
    server.plug_in()
    assert (await server.submit()).status_code == 200
    assert again.find(taken.json()["job_id"], "input/source.txt") is not None


async def test_a_job_that_is_deleted_meanwhile_is_deleted(server: Server) -> None:
    job_id = (await server.submit()).json()["job_id"]
    server.unplug()
    assert (await server.http.delete(f"/jobs/{job_id}")).status_code == 204
    assert (await server.http.get(f"/jobs/{job_id}")).status_code == 404
    assert not server.storage.root.exists()


async def test_outputs_that_cannot_be_put_in_place_are_not_told_to_be_there(server: Server) -> None:
    await server.submit()
    claim = claimed(server.queue)
    workspace = server.storage.begin_attempt(claim.job.job_id, claim.token)
    (workspace.outputs / "result").write_bytes(b"words")
    workspace.hand_in()
    server.unplug()
    with pytest.raises(StorageUnavailableError):
        server.queue.complete(claim, {}, workspace.publish)
    server.plug_in()
    assert server.queue.complete(claim, {}, workspace.publish)
    assert server.storage.find(claim.job.job_id, "output/result") is not None


class Unplugs(Worker):
    """A worker whose task finds no file, for the folder is away."""

    def __init__(self, server: Server) -> None:
        super().__init__(server.queue, {})
        self.server = server

    async def attempt(self, job: Job, progress: ProgressCallback) -> TaskResult:
        self.server.unplug()
        return explain("hash", FileNotFoundError(2, "No such file or directory", "source"))


async def test_a_task_that_finds_no_file_while_it_is_away_is_nobodys_attempt(server: Server) -> None:
    await server.submit()
    for _ in range(5):
        claim = claimed(server.queue)
        assert claim.attempt == 1
        attempt = Attempt(claim, server.queue, server.storage, Heart(server.queue, lambda claim, beat: None))
        attempt.end(await attempt.run(Unplugs(server)))
        assert attempt.storage_away
        server.plug_in()
    job = server.queue.get_job(claim.job.job_id)
    assert job is not None
    assert job.status is JobStatus.QUEUED


def test_a_file_that_was_away_for_a_moment_is_looked_for_again(tmp_path: Path) -> None:
    file = tmp_path / "source"
    error = FileNotFoundError(2, "No such file or directory", str(file))
    assert not is_transient(error)
    file.touch()
    assert is_transient(error)


async def test_a_commit_that_the_disk_had_no_room_for_is_no_riddle(tmp_path: Path, engine: Engine) -> None:
    """SQLite says itself that it has not kept it: nobody has to find out, and nothing of it stays."""
    # Who tried to find out would do so for an hour.
    server = Server(tmp_path, engine, patience=3600)

    def no_room(connection: Connection) -> None:
        database = connection.connection.dbapi_connection
        assert database is not None
        database.rollback()
        said = sqlite3.OperationalError("database or disk is full")
        said.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise OperationalError("COMMIT", None, said) from said

    server.queue.next_due([])
    event.listen(engine, "commit", no_room)
    answer = await server.submit()
    event.remove(engine, "commit", no_room)
    assert answer.status_code == 507
    assert list(server.storage.root.iterdir()) == []
    assert (await server.submit()).status_code == 200
