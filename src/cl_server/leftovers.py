"""Folders that an API left behind which was killed: of jobs that were not written down yet, or are deleted already."""

import fcntl
import logging
from pathlib import Path
from typing import IO

from cl_server.repository import SqlJobRepository
from cl_server.storage import LocalFileStorage

log = logging.getLogger(__name__)


def sweep(data: Path, repository: SqlJobRepository, storage: LocalFileStorage) -> IO[str]:
    """Remove them, before this API takes its first job.

    Not while another API serves the same data folder, where a folder without a job is one that is being uploaded.
    That is what the lock is for that this returns: it is to be held for as long as this API serves.
    """
    lock = (data / "api.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log.info("another API serves %s: its folders are left alone", data)
    else:
        for job_id in storage.job_ids() - repository.job_ids():
            log.info("job %s was never taken, or is deleted: its files go", job_id)
            storage.cleanup_job(job_id)
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock
