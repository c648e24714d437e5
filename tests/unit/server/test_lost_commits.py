"""A database that does not say whether it kept a job: the files stay, and the same submit finds what became of it."""

import shutil
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from cl_ml_tools.job_queue import OutcomeUnknownError
from cl_server.compute.app import create_app
from cl_server.files.local import LocalFileStorage
from cl_server.messaging.capabilities import Capabilities
from cl_server.queue.guest_mode import GuestMode
from cl_server.queue.job_transaction import PATIENCE
from cl_server.queue.repository import SqlJobRepository
from tests.conformance.bench import claimed
from tests.conformance.lost_commits import LostCommits


class Server:
    """The application on a database that loses answers."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.commits = LostCommits(engine)
        self.queue = SqlJobRepository(engine, patience=0.1)
        # The first look at the clock may write too.
        self.queue.next_due([])
        self.storage = LocalFileStorage(folder)
        self.jobs = self.storage.root
        app = create_app(self.queue, self.storage, Capabilities(), GuestMode(folder / "guest-mode"))
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")

    async def submit(self, content: bytes = b"words") -> httpx.Response:
        headers = {"Idempotency-Key": "k"}
        return await self.http.post("/jobs/hash", files={"file": ("a.txt", content)}, headers=headers)

    def content(self, job_id: str) -> bytes | None:
        file = self.storage.find(job_id, "input/source.txt")
        return None if file is None else b"".join(self.storage.read(file))


@pytest.fixture
def server(tmp_path: Path, engine: Engine) -> Server:
    return Server(tmp_path, engine)


@pytest.mark.parametrize("kept", [True, False])
async def test_a_submit_that_nobody_answered_is_sent_again_and_becomes_one_job(server: Server, kept: bool) -> None:
    server.commits.lose(10_000, kept=kept)
    answer = await server.submit()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "did not say whether it kept this" in answer.json()["detail"]
    server.commits.lose(0, kept=True)
    again = await server.submit()
    assert again.status_code == 200
    jobs = (await server.http.get("/jobs")).json()["jobs"]
    assert [job["job_id"] for job in jobs] == [again.json()["job_id"]]
    assert server.content(again.json()["job_id"]) == b"words"


async def test_a_retry_that_nobody_answered_keeps_its_files(server: Server) -> None:
    await server.submit()
    server.queue.fail(claimed(server.queue), "no")
    job_id = (await server.http.get("/jobs")).json()["jobs"][0]["job_id"]
    server.commits.lose(10_000, kept=True)
    answer = await server.http.post(f"/jobs/{job_id}/retry")
    assert answer.status_code == 503
    newest = (await server.http.get("/jobs")).json()["jobs"][0]["job_id"]
    assert newest != job_id
    assert server.content(newest) == b"words"


async def test_a_delete_that_nobody_answered_is_done(server: Server) -> None:
    job_id = (await server.submit()).json()["job_id"]
    server.commits.lose(1, kept=True)
    assert (await server.http.delete(f"/jobs/{job_id}")).status_code == 204
    assert list(server.jobs.iterdir()) == []


@pytest.mark.parametrize("left", ["nothing", "an empty folder"])
async def test_a_job_that_has_lost_its_file_gets_the_one_that_comes_again(server: Server, left: str) -> None:
    job_id = (await server.submit()).json()["job_id"]
    shutil.rmtree(server.jobs / job_id)
    if left != "nothing":
        (server.jobs / job_id / "input").mkdir(parents=True)
    assert (await server.submit()).json()["job_id"] == job_id
    assert server.content(job_id) == b"words"
    assert [path.name for path in server.jobs.iterdir()] == [job_id]


def test_the_answer_does_not_wait_for_longer_than_people_do(engine: Engine) -> None:
    commits, queue = LostCommits(engine), SqlJobRepository(engine, patience=0.1)
    queue.next_due([])
    commits.lose(1_000_000, kept=False)
    with pytest.raises(OutcomeUnknownError):
        queue.delete_job("none")
    # It has given up, and what it has by itself is no more than seconds.
    assert commits.count > 0
    assert PATIENCE < 5
