"""Which files a job has in a bucket, and where: one small object for its inputs, and one for its outputs."""

from pydantic import BaseModel

from cl_server.files.protocol import checked


class Record(BaseModel):
    """A file in a manifest. `key` is where it is, below the job; `size` in bytes."""

    key: str
    size: int
    sha256: str
    media_type: str


class Manifest(BaseModel):
    """The inputs or the outputs of a job, by their paths relative to it."""

    files: dict[str, Record] = {}


def job_folder(job_id: str) -> str:
    """The prefix of the keys of a job."""
    return f"jobs/{checked(job_id)}"
