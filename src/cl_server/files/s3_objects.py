"""The objects of jobs in a bucket: what storage and workspaces are made of."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

import obstore
from obstore.store import ObjectStore

from cl_ml_tools.media.media_type import media_type_of
from cl_server.files.protocol import PIECE
from cl_server.files.s3_bucket import SMALL, told
from cl_server.files.s3_manifest import Manifest, Record, job_folder

if TYPE_CHECKING:
    from obstore import ObjectMeta

# Bytes for each request. Such a request ends soon, so a slow reader keeps none open.
RANGE = 8 << 20
# Parts of an upload that are on their way together, of 5 MiB each.
PARTS = 4


class S3Objects:
    """`store` is the bucket at our prefix, and `slow` the same with a longer time limit for large objects."""

    def __init__(self, store: ObjectStore, slow: ObjectStore | None = None) -> None:
        self.store = store
        self.slow = slow or store

    def manifest(self, job_id: str, part: str) -> Manifest:
        """The manifest `input` or `output` of a job. Empty if it doesn't exist."""
        try:
            with told():
                content = obstore.get(self.store, f"{job_folder(job_id)}/{part}.json").bytes()
        except FileNotFoundError:
            return Manifest()
        return Manifest.model_validate_json(bytes(content))

    def write_manifest(self, job_id: str, part: str, manifest: Manifest) -> None:
        """Make this the `input` or the `output` of a job, in one step."""
        with told():
            content = manifest.model_dump_json().encode()
            obstore.put(self.store, f"{job_folder(job_id)}/{part}.json", content, use_multipart=False)

    def put(self, job_id: str, key: str, file: BinaryIO) -> Record:
        """Upload a file as an object of a job."""
        content = hashlib.sha256()
        file.seek(0)
        head = file.read(4096)
        file.seek(0)
        while piece := file.read(PIECE):
            content.update(piece)
        size = file.tell()
        file.seek(0)
        with told():
            store = self.store if size <= SMALL else self.slow
            obstore.put(store, f"{job_folder(job_id)}/{key}", file, max_concurrency=PARTS)
        return Record(key=key, size=size, sha256=content.hexdigest(), media_type=media_type_of(head))

    def pieces(self, key: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of an object, range by range."""
        while start < stop:
            end = min(start + RANGE, stop)
            with told():
                store = self.store if end - start <= SMALL else self.slow
                piece = bytes(obstore.get_range(store, key, start=start, end=end))
            yield piece
            start = end

    def remove_attempt(self, job_id: str, token: int) -> None:
        """Remove the uploaded files of an attempt."""
        self.remove(f"{job_folder(job_id)}/attempts/{token}")

    def objects(self, prefix: str) -> Iterator[tuple[str, int, datetime]]:
        """Job, bytes and time of every object below a prefix."""
        for found in self.listed(prefix):
            yield found["path"].split("/")[1], found["size"], found["last_modified"]

    def remove(self, prefix: str) -> bool:
        """Remove all objects below a prefix. Returns `False` if there were none."""
        keys = [found["path"] for found in self.listed(prefix)]
        with told():
            if keys:
                obstore.delete(self.store, keys)
        return bool(keys)

    def listed(self, prefix: str) -> "Iterator[ObjectMeta]":
        """Every object below a prefix."""
        with told():
            # Its other answer is a type of pyarrow's, which is not there.
            listed = obstore.list(self.store, prefix, chunk_size=1000)  # pyright: ignore[reportUnknownMemberType]
            for chunk in listed:
                yield from chunk
