"""Forgets jobs, with their files."""

from typing import Protocol

from cl_ml_tools.file_storage import FileStorage
from cl_server.files.protocol import JobStorage
from cl_server.http import errors
from cl_server.schemas import CleanupResult


class Forgets(Protocol):
    """The part of a repository that forgets."""

    def delete_job(self, job_id: str) -> bool:
        """Forget a job; `False` when there is none."""
        ...


class Archive(Forgets, Protocol):
    """The part of a repository that knows of old jobs."""

    def finished_before(self, time: int) -> list[str]:
        """The jobs that ended before a time, in UTC milliseconds."""
        ...


def remove(repository: Forgets, storage: FileStorage, job_id: str) -> bool:
    """Forget a job; `False` when there is none."""
    try:
        found = repository.delete_job(job_id)
    except Exception as error:
        if not errors.is_full(error):
            raise
        # To forget takes room too, for a moment. The files make some.
        storage.cleanup_job(job_id)
        found = repository.delete_job(job_id)
    if found:
        storage.cleanup_job(job_id)
    return found


def remove_finished(archive: Archive, storage: JobStorage, before: int) -> CleanupResult:
    """Forget the jobs that ended before a time, in UTC milliseconds."""
    deleted = freed = 0
    for job_id in archive.finished_before(before):
        size = storage.size_of(job_id)
        if remove(archive, storage, job_id):
            deleted, freed = deleted + 1, freed + size
    return CleanupResult(deleted_count=deleted, freed_space=freed)
