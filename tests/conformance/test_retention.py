"""Old jobs go by themselves, on both databases, and one process at a time sees to it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cl_ml_tools.schemas import Job
from cl_server.clock import DAY_MS, now_ms
from cl_server.files.local import LocalFileStorage
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.retention import Retention
from cl_server.queue.tables import open_database
from cl_server.stack.supervisor import wait_until


class Old:
    """A job that ended three days ago, one that ended two hours ago, and one that never ended."""

    def __init__(self, database: Engine, folder: Path) -> None:
        self.ago = 0.0
        self.queue = SqlJobRepository(database, clock=lambda: int(now_ms() - self.ago * DAY_MS))
        self.storage = LocalFileStorage(folder)
        self._database = database
        self._folder = folder
        for self.ago, name in ((3, "old"), (2 / 24, "new"), (0, "open")):
            (self.storage.create_job_directory(name) / "input" / "source").write_bytes(b"words")
            self.queue.add_job(Job(job_id=name, task_type="hash"))
            if name != "open":
                self.queue.cancel(name)

    def retention(self, days: float = 1, storage: LocalFileStorage | None = None) -> Retention:
        return Retention(self._database, self._folder, self.queue, storage or self.storage, days)


@pytest.fixture
def old(database: Engine, tmp_path: Path) -> Old:
    return Old(database, tmp_path)


def test_what_ended_long_ago_goes_with_its_files(old: Old) -> None:
    assert old.retention().look() == 1
    assert old.queue.job_ids() == old.storage.job_ids() == {"new", "open"}
    assert old.retention(days=1 / 24).look() == 1
    assert old.queue.job_ids() == {"open"}


def test_without_days_everything_is_kept(old: Old) -> None:
    retention = old.retention(days=0)
    retention.start()
    retention.stop()
    assert old.queue.job_ids() == {"old", "new", "open"}


class SlowStorage(LocalFileStorage):
    """A storage that takes as long to remove something as a test wants."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked, self.go_on = threading.Event(), threading.Event()

    def cleanup_job(self, job_id: str) -> bool:
        self.asked.set()
        assert self.go_on.wait(30)
        return super().cleanup_job(job_id)


def test_while_one_process_is_at_it_the_others_are_not(old: Old, tmp_path: Path) -> None:
    slow = SlowStorage(tmp_path)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(old.retention(storage=slow).look)
        assert slow.asked.wait(30)
        assert old.retention().look() is None
        slow.go_on.set()
        assert first.result(30) == 1
    assert old.retention().look() == 0


def test_it_is_one_process_for_a_database_and_not_for_a_data_folder(
    postgres: Engine, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    here = Old(postgres, tmp_path)
    slow = SlowStorage(tmp_path)
    another_host = open_database(postgres.url.render_as_string(hide_password=False))
    other = Retention(another_host, tmp_path_factory.mktemp("another_host"), here.queue, here.storage, 1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(here.retention(storage=slow).look)
        assert slow.asked.wait(30)
        assert other.look() is None
        slow.go_on.set()
        assert first.result(30) == 1
    assert other.look() == 0
    another_host.dispose()


def test_it_is_done_in_the_background_and_goes_on_after_trouble(
    old: Old, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("cl_server.queue.retention.PERIOD", 0.01)
    retention = old.retention()
    with monkeypatch.context() as patch:
        patch.setattr(SqlJobRepository, "finished_before", lambda *_: 1 // 0)
        retention.start()
        assert wait_until(lambda: "old jobs could not be removed" in caplog.text, 30)
    assert wait_until(lambda: old.queue.job_ids() == {"new", "open"}, 30)
    retention.stop()
