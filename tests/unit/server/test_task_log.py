"""What of a worker's log gets into the log of a job."""

import logging
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from cl_ml_tools.job_queue import Claim
from cl_ml_tools.memory_repository import MemoryJobRepository
from cl_ml_tools.schemas import Job
from cl_server.workers import task_log
from cl_server.workers.task_log import TaskLog, listening


class Noting(MemoryJobRepository):
    """Says when it has stored lines."""

    def __init__(self) -> None:
        super().__init__()
        self.stored = threading.Event()

    def write_log(self, claim: Claim) -> bool:
        kept = super().write_log(claim)
        self.stored.set()
        return kept


@pytest.fixture
def queue() -> Noting:
    return Noting()


@pytest.fixture
def claim(queue: Noting) -> Claim:
    queue.add_job(Job(job_id="one", task_type="hash"))
    claim = queue.claim("w0", ["hash"])
    assert claim is not None
    return claim


@pytest.fixture
def listened(queue: Noting, monkeypatch: pytest.MonkeyPatch) -> Iterator[TaskLog]:
    monkeypatch.setattr(task_log, "DELAY", 0.0)
    heard = TaskLog(queue, [Path("/srv/my data")])
    with listening(heard):
        yield heard


def texts(queue: Noting) -> list[str]:
    return [f"{line.level}: {line.text}" for line in queue.read_log("one").lines[1:]]


def test_what_a_task_logs_is_stored_while_it_runs(queue: Noting, claim: Claim, listened: TaskLog) -> None:
    logging.getLogger("a_plugin").warning("of no job")
    listened.hold(claim)
    # From a thread that knows nothing of the job, as those of libraries.
    said = threading.Thread(target=logging.getLogger("a_plugin.model").warning, args=("the model is %s", "old"))
    said.start()
    said.join()
    assert queue.stored.wait(30)
    listened.hold(None)
    logging.getLogger("a_plugin").warning("of no job")
    assert texts(queue) == ["warning: the model is old"]


def test_the_server_s_own_lines_and_tracebacks_stay_in_its_log(queue: Noting, claim: Claim, listened: TaskLog) -> None:
    listened.hold(claim)
    for name in ("cl_server.workers.heartbeat", "sqlalchemy.pool", "cl_ml_tools.worker", "obstore"):
        logging.getLogger(name).error("with a password")
    try:
        raise ValueError("deep inside")
    except ValueError:
        logging.getLogger("cl_ml_tools.plugins.exif").exception("it can't be read")
    assert queue.write_log(claim)
    assert texts(queue) == ["error: it can't be read"]


def test_a_warning_of_a_library_is_a_line_each_time(queue: Noting, claim: Claim, listened: TaskLog) -> None:
    listened.hold(claim)
    for _ in range(2):
        warnings.warn("the tags are damaged", UserWarning, stacklevel=1)
    assert queue.write_log(claim)
    assert texts(queue) == ["warning: UserWarning: the tags are damaged"] * 2


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("can't read /srv/cl/jobs/ab12/input/source.jpg: broken", "can't read source.jpg: broken"),
        ("'/srv/my data/jobs/ab 12/x.png' is empty", "'ab 12/x.png' is empty"),
        ("see https://example.org/a/b?c=/d and 3/4 of a/b/c", "see https://example.org/a/b?c=/d and 3/4 of a/b/c"),
        ("postgresql://cl:secret@db/jobs is away", "postgresql://db/jobs is away"),
        ("Authorization: Bearer abc.def", "Authorization: [token]"),
        ("got eyJhbGciOi.eyJzdWIi.c2ln", "got [token]"),
        ("API_KEY=abcdef, password: hunter2", "API_KEY=[hidden] password: [hidden]"),
    ],
)
def test_paths_and_secrets_are_left_out(said: str, kept: str) -> None:
    assert TaskLog(Noting(), [Path("/srv/my data")]).cleaned(said) == kept
