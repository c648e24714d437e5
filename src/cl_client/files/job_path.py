"""Where a file is in its job, whatever of its own folders a server puts before that."""

from __future__ import annotations


def path_in_job(path: str, job_id: str) -> str:
    """The path of a file relative to its job: what comes after the job's id in an absolute path of the server.

    A path that does not lead through the job stays as it is.
    """
    own = job_id.rpartition("/")[2]
    _, found, inside = path.rpartition(f"/{own}/") if path.startswith("/") else ("", "", "")
    return inside if found else path
