"""The files of a job, copied from one storage to another and checked on the way."""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from cl_server.files.protocol import FileEntry, JobStorage


class DamagedFileError(Exception):
    """A file isn't what its checksum says; one line."""


def copy(source: JobStorage, target: JobStorage, job_id: str, token: int, entries: list[FileEntry]) -> int:
    """Copy the files in `entries` from `source` to a job in `target`. Returns their size in bytes.

    Files that `target` already has stay, and incomplete ones are replaced. `token` is that of the last
    claim of the job.

    Raises:
        DamagedFileError: the bytes of a file aren't those of its SHA-256, or `target` has other files of this job.
        FileNotFoundError: a file no longer exists.
    """
    if _has(target, job_id, entries):
        return 0
    target.create_job_directory(job_id)
    # Outputs first, because an attempt in S3 starts with a download of the inputs.
    outputs = [entry for entry in entries if entry.path.startswith("output/")]
    if outputs:
        workspace = target.begin_attempt(job_id, max(token, 1))
        try:
            for entry in outputs:
                path = workspace.outputs / PurePosixPath(entry.path).relative_to("output")
                path.parent.mkdir(parents=True, exist_ok=True)
                digest = hashlib.sha256()
                with path.open("xb") as file:
                    for piece in _pieces(source, job_id, entry):
                        digest.update(piece)
                        file.write(piece)
                _check(job_id, entry, digest.hexdigest())
            workspace.hand_in()
            workspace.publish()
        finally:
            workspace.close()
    for entry in entries:
        if entry.path.startswith("input/"):
            with tempfile.TemporaryFile() as whole:
                for piece in _pieces(source, job_id, entry):
                    whole.write(piece)
                whole.seek(0)
                saved = target.keep_input(job_id, PurePosixPath(entry.path).name, cast("BinaryIO", whole))
            _check(job_id, entry, saved.get("hash", ""))
    return sum(entry.size for entry in entries)


def _has(target: JobStorage, job_id: str, entries: list[FileEntry]) -> bool:
    """Whether a stopped restore has already copied them. Incomplete copies are removed."""
    there = {entry.path: entry.sha256 for entry in target.list_files(job_id)}
    wanted = {entry.path: entry.sha256 for entry in entries}
    if there == wanted:
        return bool(there)
    if not there.keys() <= wanted.keys():
        raise DamagedFileError(f"job {job_id} has other files in {target.place}: restore into an empty storage")
    target.cleanup_job(job_id)
    return False


def _pieces(source: JobStorage, job_id: str, entry: FileEntry) -> Iterator[bytes]:
    file = source.find(job_id, entry.path)
    if file is None:
        raise FileNotFoundError(f"{entry.path} of job {job_id} is gone")
    return source.read(file)


def _check(job_id: str, entry: FileEntry, digest: str) -> None:
    if digest != entry.sha256:
        raise DamagedFileError(f"{entry.path} of job {job_id} is damaged: its SHA-256 isn't the one that was stored")
