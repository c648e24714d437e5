"""What one user may have, on both databases, whoever asks at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from cl_ml_tools.schemas import Job
from cl_server.files.local import LocalFileStorage, open_storage
from cl_server.queue.quota import Quota, QuotaExceededError, TooManyBytesError, TooManyJobsError
from cl_server.queue.repository import SqlJobRepository
from tests.s3 import S3Server


def add(queue: SqlJobRepository, owner: str | None = "7", size: int = 0, key: str | None = None) -> str:
    return queue.submit(Job(job_id=uuid4().hex, task_type="hash", size=size), created_by=owner, key=key).job_id


def limited(database: Engine, most_bytes: int = 0, most_jobs: int = 0) -> SqlJobRepository:
    return SqlJobRepository(database, quota=Quota(database, most_bytes, most_jobs))


def together(queue: SqlJobRepository, many: int, owner: str | None, size: int = 0) -> list[str]:
    """The jobs that were taken of many that came at once."""

    def one(_: int) -> str | None:
        try:
            return add(queue, owner, size)
        except QuotaExceededError:
            return None

    with ThreadPoolExecutor(16) as pool:
        return [job_id for job_id in pool.map(one, range(many)) if job_id is not None]


@pytest.mark.parametrize("owner", ["7", None])
def test_of_many_jobs_at_once_no_more_are_taken_than_one_may_have(database: Engine, owner: str | None) -> None:
    queue = limited(database, most_jobs=10)
    taken = together(queue, 40, owner)
    assert len(taken) == 10
    queue.cancel(taken[0])
    assert len(together(queue, 5, owner)) == 1
    # Others have a quota of their own.
    assert len(together(queue, 3, "8")) == 3


def test_of_many_files_at_once_no_more_are_kept_than_one_may_have(database: Engine) -> None:
    queue = limited(database, most_bytes=1000)
    assert len(together(queue, 30, "7", 300)) == 3
    add(queue, "7", 100)
    with pytest.raises(TooManyBytesError, match=r"^you have 1000 of 1000 bytes in files, and this needs 1 more: "):
        add(queue, "7", 1)
    add(queue, "8", 1000)


def test_what_attempts_have_written_counts_before_more_is_uploaded(database: Engine, tmp_path: Path) -> None:
    storage = LocalFileStorage(tmp_path)
    quota = Quota(database, most_bytes=1000, sizes=storage)
    queue = SqlJobRepository(database, quota=quota)
    job_id = add(queue, size=300)
    storage.create_job_directory(job_id)
    claim = queue.claim("w0", ["hash"])
    assert claim is not None
    workspace = storage.begin_attempt(job_id, claim.token)
    quota.look("7", 700)
    (workspace.outputs / "film").write_bytes(b"x" * 600)
    with pytest.raises(TooManyBytesError, match=r"^you have 900 of 1000 bytes in files, and this needs 101 more: "):
        quota.look("7", 101)
    quota.look("8", 1000)
    # Its worker dies: what it left counts until it goes.
    queue.release("w0")
    with pytest.raises(TooManyBytesError):
        quota.look("7", 101)
    claim = queue.claim("w1", ["hash"])
    assert claim is not None
    storage.begin_attempt(job_id, claim.token)
    quota.look("7", 700)


def test_what_a_job_made_counts_and_what_is_deleted_does_not(database: Engine) -> None:
    queue = limited(database, most_bytes=1000)
    job_id = add(queue, size=600)
    claim = queue.claim("w0", ["hash"])
    assert claim is not None
    assert queue.complete(claim, None, size=400)
    with pytest.raises(TooManyBytesError):
        add(queue, size=1)
    assert queue.delete_job(job_id)
    add(queue, size=1000)


def test_a_job_that_is_asked_for_again_is_no_second_one(database: Engine) -> None:
    queue = limited(database, most_jobs=1)
    job_id = add(queue, key="k")
    assert add(queue, key="k") == job_id
    with pytest.raises(TooManyJobsError, match=r"^you have 1 unfinished jobs, which is the limit: "):
        add(queue, key="other")


def test_nothing_is_kept_of_a_job_that_is_refused(database: Engine) -> None:
    queue = limited(database, most_jobs=1)
    add(queue, None)
    with pytest.raises(TooManyJobsError, match=r"^all guests together have 1 unfinished jobs"):
        add(queue, None)
    assert len(queue.job_ids()) == 1
    assert len(queue.take_untold(-1)) == 1


async def test_what_dead_workers_left_in_a_bucket_counts_for_whoever_sends_a_key_too(
    database: Engine, s3: S3Server, tmp_path: Path
) -> None:
    storage = open_storage(tmp_path, s3.bucket(), "here")
    queue = SqlJobRepository(database, quota=Quota(database, most_bytes=1000, sizes=storage))
    job_id = add(queue, size=300)
    claim = queue.claim("w0", ["hash"])
    assert claim is not None
    workspace = storage.begin_attempt(job_id, claim.token)
    (workspace.outputs / "film").write_bytes(b"x" * 600)
    workspace.hand_in()
    queue.release("w0")
    with pytest.raises(TooManyBytesError, match=r"^you have 900 of 1000 bytes in files, and this needs 101 more: "):
        add(queue, size=101, key="k")
    claim = queue.claim("w1", ["hash"])
    assert claim is not None
    workspace = storage.begin_attempt(job_id, claim.token)
    (workspace.outputs / "film").write_bytes(b"x" * 400)
    workspace.hand_in()
    workspace.publish()
    assert queue.complete(claim, None, size=400)
    workspace.close()
    add(queue, size=300, key="k")
