"""Folders that an API left behind which was killed: of jobs that were not written down yet, or are deleted already."""

import fcntl
import logging
import threading
from pathlib import Path
from typing import IO

from cl_server.files.protocol import JobStorage
from cl_server.queue.repository import SqlJobRepository

log = logging.getLogger(__name__)


def sweep(data: Path, repository: SqlJobRepository, storage: JobStorage) -> IO[str]:
    """Remove them from a data folder, before this API takes its first job.

    Not while another API serves the same data folder, where a folder without a job is one that is being uploaded.
    That is what the lock is for that this returns: it is to be held for as long as this API serves.
    """
    lock = (data / "api.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log.info("another API serves %s: its folders are left alone", data)
    else:
        _remove(repository, storage)
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def sweep_shared(repository: SqlJobRepository, storage: JobStorage) -> None:
    """Remove them from a storage of many hosts, in the background: to list it may take minutes."""
    threading.Thread(target=_try_to_remove, args=(repository, storage), name="leftovers", daemon=True).start()


def _try_to_remove(repository: SqlJobRepository, storage: JobStorage) -> None:
    try:
        _remove(repository, storage)
    except Exception:
        log.warning("what is left over in the file storage stays until an API starts again", exc_info=True)


def _remove(repository: SqlJobRepository, storage: JobStorage) -> None:
    for job_id in storage.abandoned(repository):
        log.info("job %s was never taken, or is deleted: its files go", job_id)
        storage.cleanup_job(job_id)
