"""Files that belong to no job: of an upload whose API was killed, or of a job that is deleted already.

What a database does not know is not always left over: the database may be new, or the wrong one. So storage and
database know each other by an id. Only the database that alone has used a storage sweeps it, and never most of it.
"""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol

from cl_ml_tools.schemas import Job
from cl_server import file_lock
from cl_server.files.protocol import JobStorage, Known, StorageUnavailableError

log = logging.getLogger(__name__)


class Owner(Known, Protocol):
    """The part of a repository that says which database it is."""

    def database_id(self) -> str:
        """The name that the database gave itself when it was made."""
        ...


def sweep(data: Path, repository: Owner, storage: JobStorage) -> IO[str]:
    """Remove them from a data folder, before this API takes its first job.

    Not while another API serves the same data folder, where a folder without a job can be an upload. Therefore, this
    returns a lock, which the API has to keep for as long as it serves.
    """
    lock = (data / "api.lock").open("w")
    if file_lock.take(lock):
        try:
            storage.check()
            _remove(repository, storage)
        except (StorageUnavailableError, FileNotFoundError) as error:
            log.warning("leftovers in the file storage remain until an API starts again: %s", error)
    else:
        log.info("another API serves %s: its folders are left alone", data)
    file_lock.share(lock)
    return lock


def sweep_shared(repository: Owner, storage: JobStorage) -> None:
    """Remove them from a storage of many hosts, in the background: to list it may take minutes."""
    threading.Thread(target=_try_to_remove, args=(repository, storage), name="orphaned files", daemon=True).start()


def clear_attempts(storage: JobStorage, lost: Sequence[Job]) -> None:
    """Remove files of dead workers for jobs that ended with them. For other jobs, the next attempt does that."""
    for job in lost:
        if job.status.terminal:
            try:
                storage.clear_attempts(job.job_id)
            except OSError as error:
                log.warning(
                    "job %s: the leftovers of its last attempt remain until the job is deleted: %s", job.job_id, error
                )


def _try_to_remove(repository: Owner, storage: JobStorage) -> None:
    try:
        _remove(repository, storage)
    except Exception:
        log.warning("leftovers in the file storage remain until an API starts again", exc_info=True)


def _remove(repository: Owner, storage: JobStorage) -> None:
    if back := storage.bring_back(repository):
        log.warning("%d jobs have their files again, which were set aside", back)
    if not is_alone(repository, storage):
        return
    found = storage.abandoned(repository)
    if 2 * len(found.jobs) > found.total:
        _keep(storage, sorted(found.jobs), found.total)
        return
    for job_id in found.jobs:
        log.info("job %s was never taken, or is deleted: its files go", job_id)
        storage.cleanup_job(job_id)


def _keep(storage: JobStorage, jobs: list[str], total: int) -> None:
    """Most of the files would be deleted, so there must be another problem."""
    said = "the database knows %d of the %d jobs that have files"
    if (place := storage.set_aside(jobs)) is None:
        log.warning(f"{said}: no file is removed; is this the right database?", total - len(jobs), total)
        return
    log.warning(
        f"{said}: the others are moved to %s, and come back at a start with the database that knows them; delete them "
        "there if they are not needed",
        total - len(jobs),
        total,
        place,
    )


def is_alone(repository: Owner, storage: JobStorage) -> bool:
    """Whether no other database has used this storage; from now on, this one has."""
    own = repository.database_id()
    databases = storage.databases()
    if own not in databases:
        storage.add_database(own)
    if strangers := databases - {own}:
        log.warning(
            "the files in %s are those of another database too (%s), so none that this one does not know is removed: "
            "use another storage for each database, or delete the name of the one that no longer exists in %s",
            storage.place,
            ", ".join(sorted(strangers)),
            storage.databases_place,
        )
    return not strangers
