"""A clean-up goes in pieces, in the background, and says how far it is."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, insert

from cl_server.compute.app import create_app
from cl_server.files.local import LocalFileStorage
from cl_server.http.access import admin
from cl_server.messaging.capabilities import Capabilities
from cl_server.queue import clean_up
from cl_server.queue.clean_up import CleanUp
from cl_server.queue.guest_mode import GuestMode
from cl_server.queue.removal import AT_ONCE
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import jobs
from cl_server.schemas import CleanupResult
from cl_server.stack.supervisor import wait_until
from tests.conformance.bench import new
from tests.conformance.test_many_jobs import finished

OLD = 3 * AT_ONCE


class SlowStorage(LocalFileStorage):
    """Removes the files of a piece when it is let."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.let = threading.Semaphore(0)
        self.broken = False

    def cleanup_job(self, job_id: str) -> bool:
        if int(job_id) % AT_ONCE == 0:
            assert self.let.acquire(timeout=60)
        return True

    def size_of(self, job_id: str) -> int:
        if self.broken:
            raise RuntimeError("no sizes")
        return 10


class Scene:
    """A server with jobs that ended long ago, and a storage that is slow."""

    def __init__(self, database: Engine, folder: Path) -> None:
        self.queue = SqlJobRepository(database)
        self.storage = SlowStorage(folder)
        with database.begin() as connection:
            connection.execute(insert(jobs), [finished(number) for number in range(OLD)])
        self.clean_up = CleanUp(self.queue, self.storage)

    def comes_to(self, removed: int) -> CleanupResult:
        assert wait_until(lambda: self.clean_up.progress().deleted_count == removed, 30)
        return self.clean_up.progress()


@pytest.fixture
def scene(database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(clean_up, "SOON", 0.05)
    scene = Scene(database, tmp_path)
    yield scene
    scene.storage.let.release(100)
    scene.clean_up.stop()


def test_who_asks_for_much_hears_how_far_it_is(scene: Scene) -> None:
    assert scene.clean_up.begin(1).running
    assert wait_until(lambda: scene.clean_up.progress() == CleanupResult(remaining=OLD, running=True), 30)
    scene.storage.let.release()
    first = scene.comes_to(AT_ONCE)
    assert (first.remaining, first.freed_space, first.running) == (OLD - AT_ONCE, 10 * AT_ONCE, True)
    # Others get their turn meanwhile.
    scene.queue.add_job(new(job_id="new"))
    assert scene.clean_up.begin(1).running
    scene.storage.let.release(2)
    assert wait_until(lambda: not scene.clean_up.progress().running, 30)
    assert scene.clean_up.progress() == CleanupResult(deleted_count=OLD, freed_space=10 * OLD)
    assert scene.queue.job_ids() == {"new"}


def test_who_asks_for_little_hears_that_it_is_done(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.storage.let.release(3)
    monkeypatch.setattr(clean_up, "SOON", 30)
    assert scene.clean_up.begin(1) == CleanupResult(deleted_count=OLD, freed_space=10 * OLD)
    assert scene.clean_up.begin(1) == CleanupResult()


def test_what_somebody_asks_for_meanwhile_is_done_too(scene: Scene) -> None:
    scene.clean_up._clock = lambda: 86_400_000 + AT_ONCE
    assert scene.clean_up.begin(1).running
    assert wait_until(lambda: scene.clean_up.progress().remaining == AT_ONCE, 30)
    scene.clean_up._clock = lambda: 86_400_000 + OLD
    scene.clean_up.begin(1)
    scene.storage.let.release(3)
    assert wait_until(lambda: not scene.clean_up.progress().running, 30)
    assert scene.clean_up.progress().deleted_count == OLD


def test_what_goes_wrong_at_once_is_told_and_the_next_one_begins_anew(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.storage.broken = True
    monkeypatch.setattr(clean_up, "SOON", 30)
    with pytest.raises(RuntimeError, match="no sizes"):
        scene.clean_up.begin(1)
    assert not scene.clean_up.progress().running
    scene.storage.broken = False
    scene.storage.let.release(3)
    assert not scene.clean_up.begin(1).running
    assert scene.queue.job_ids() == set()


def test_a_server_that_stops_ends_it_after_a_piece(scene: Scene) -> None:
    scene.clean_up.begin(1)
    scene.clean_up._stop.set()
    scene.storage.let.release(3)
    scene.clean_up.stop()
    progress = scene.clean_up.progress()
    assert (progress.running, progress.remaining) == (False, OLD - AT_ONCE)
    assert len(scene.queue.job_ids()) == OLD - AT_ONCE


async def test_an_admin_is_told_where_to_ask(scene: Scene, tmp_path: Path) -> None:
    app = create_app(scene.queue, scene.storage, Capabilities(), GuestMode(tmp_path / "guest-mode"))
    app.dependency_overrides[admin] = lambda: None
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        answer = await http.delete("/admin/jobs/cleanup")
        assert (answer.status_code, answer.headers["location"]) == (202, "/admin/jobs/cleanup")
        assert answer.json() == {"deleted_count": 0, "freed_space": 0, "remaining": OLD, "running": True}
        scene.storage.let.release(3)
        while (progress := (await http.get(answer.headers["location"])).json())["running"]:
            pass
        assert progress["deleted_count"] == OLD
