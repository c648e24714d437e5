"""Forgets jobs, with their files."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from cl_ml_tools.file_storage import FileStorage
from cl_server.http import errors
from cl_server.schemas import CleanupResult

# How many jobs go in one transaction.
AT_ONCE = 100

log = logging.getLogger(__name__)


class Forgets(Protocol):
    """The part of a repository that forgets."""

    def delete_job(self, job_id: str) -> bool:
        """Delete a job. Returns `False` if it doesn't exist."""
        ...


class Archive(Forgets, Protocol):
    """The part of a repository that knows of old jobs."""

    def finished_before(self, time: int) -> list[str]:
        """The jobs that ended before a time, in UTC milliseconds."""
        ...

    def delete_jobs(self, job_ids: Sequence[str]) -> list[str]:
        """Forget jobs that have ended; which of them were there."""
        ...


class Cleans(Protocol):
    """The part of a storage that removes."""

    def cleanup_job(self, job_id: str) -> bool:
        """Remove everything of a job."""
        ...


class Sizes(Cleans, Protocol):
    """The part of a storage that is needed to make room."""

    def size_of(self, job_id: str) -> int:
        """The bytes that the files of a job take."""
        ...


def remove(repository: Forgets, storage: FileStorage, job_id: str) -> bool:
    """Delete a job. Returns `False` if it doesn't exist."""
    try:
        found = repository.delete_job(job_id)
    except Exception as error:
        if not errors.is_full(error):
            raise
        # Deleting a row needs space for a moment, which the files free.
        storage.cleanup_job(job_id)
        found = repository.delete_job(job_id)
    if found:
        _remove_files(storage, job_id)
    return found


def remove_finished(
    archive: Archive, storage: Sizes, before: int, stop: Callable[[], bool] = lambda: False
) -> Iterator[CleanupResult]:
    """Delete the jobs that ended before a time, in UTC milliseconds, in small transactions so that others can run.

    After each one, yields the total of deleted jobs.
    """
    found = archive.finished_before(before)
    deleted = freed = 0
    yield CleanupResult(remaining=len(found))
    for piece in batched(found, AT_ONCE):
        if stop():
            break
        gone = _forget(archive, storage, piece)
        for job_id in gone:
            freed += storage.size_of(job_id)
            _remove_files(storage, job_id)
        deleted += len(gone)
        found = found[len(piece) :]
        yield CleanupResult(deleted_count=deleted, freed_space=freed, remaining=len(found))


def _remove_files(storage: Cleans, job_id: str) -> None:
    """Remove the files of a job that is forgotten already: where they cannot be now, the sweep of a start does it."""
    try:
        storage.cleanup_job(job_id)
    except OSError as error:
        log.warning("job %s is deleted; its files stay until an API starts again: %s", job_id, error)


def _forget(archive: Archive, storage: Sizes, job_ids: Sequence[str]) -> list[str]:
    try:
        return archive.delete_jobs(job_ids)
    except Exception as error:
        if not errors.is_full(error):
            raise
        # Deleting a row needs space for a moment, which the files free.
        for job_id in job_ids:
            storage.cleanup_job(job_id)
        return archive.delete_jobs(job_ids)


def batched(job_ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """A list in pieces (`itertools.batched` of Python 3.12)."""
    for start in range(0, len(job_ids), size):
        yield job_ids[start : start + size]
