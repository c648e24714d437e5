"""What a batch has done, on disk, so that a run after a crash does the rest.

One JSON object a line, appended and flushed to the disk (fsync) before the next step: what a crash can tear is the last
line, which is dropped. One process at a time holds it.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, cast
from uuid import uuid4

from attrs import frozen

from cl_client.errors import JournalError
from cl_client.files import file_lock
from cl_client.model import JobState
from cl_client.wire.types import JSONObject

VERSION: Final = 1
_HEAD: Final = b'{"journal": "cl-client"'

_RESULT: Final = "result"
# With the fields that every line has: an older version takes it for an item of no file.
_RESULTS: Final = {"item": "", "status": _RESULT, "job": ""}

Status = Literal["submitted", "completed", "failed"]


@frozen
class Entry:
    """The last word about an item.

    Attributes:
        status: `submitted`, and not known to have ended; `completed`; `failed`, or gone from the server.
        job_id: the job.
        attempt: how many jobs of the item failed before.
        start, size: where its line is.
    """

    status: Status
    job_id: str
    attempt: int
    start: int
    size: int


class Journal:
    """An open journal, locked for other processes until it is closed.

    Args:
        path: The path of the file. It is created with its folder if necessary, and readable only for its owner.

    Raises:
        JournalError: Another process uses it, it isn't a journal, or it can't be read or written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self.results: dict[str, tuple[int, int]] = {}
        """The files that were written for the batch and for those before it: size and time of change (ns) by name."""
        self._end = 0
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._error(error.strerror or str(error)) from error
        try:
            self._hold()
            self.batch: str = self._read()
        except BaseException:
            os.close(self._file)
            raise

    def find(self, item: str) -> Entry | None:
        """The last word about an item."""
        return self._entries.get(item)

    def state(self, entry: Entry) -> JobState:
        """How the job of a `completed` entry ended."""
        line = cast("JSONObject", json.loads(os.pread(self._file, entry.size, entry.start)))
        return JobState.from_dict(cast("JSONObject", line["state"]))

    def key(self, item: str, *circumstances: object) -> str:
        """The idempotency key for the next submit of an item: the same until that one has failed."""
        entry = self.find(item)
        parts = [self.batch, item, entry.attempt if entry is not None else 0, *map(str, circumstances)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def submitted(self, item: str, job_id: str, file: str) -> None:
        """The server has a job for the item."""
        self._note(item, "submitted", job_id, {"file": file})

    def completed(self, item: str, state: JobState) -> None:
        """All that there is to do for the item is done."""
        self._note(item, "completed", state.job_id, {"state": state.to_dict()})

    def failed(self, item: str, job_id: str, reason: str) -> None:
        """The job of the item failed, or was deleted. The next run submits another."""
        self._note(item, "failed", job_id, {"reason": reason})

    def result(self, name: str, size: int, changed: int) -> None:
        """A file is about to be written for the batch.

        Args:
            name: relative to the folder of the journal.
            size: in bytes.
            changed: nanoseconds since the epoch.
        """
        with self._lock:
            self.results[name] = (size, changed)
            # No need to wait for the disk: a file whose line is lost isn't replaced, which is reported.
            self._end += self._write(_RESULTS | {"files": {name: [size, changed]}}, safely=False)

    def clear(self) -> None:
        """Start a new batch. Earlier entries are forgotten, except the written files."""
        self._entries.clear()
        self._end = 0
        self.batch = self._begin()
        if self.results:
            self._end += self._write(_RESULTS | {"files": self.results})

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hold(self) -> None:
        if not file_lock.take(self._file):
            raise self._error("another process is at it")

    def _read(self) -> str:
        """Read the journal. Returns the name of the batch."""
        with open(self._file, "rb", closefd=False) as file:
            head = file.readline()
            if not head.endswith(b"\n"):
                if not _HEAD.startswith(head[: len(_HEAD)]):
                    raise self._error("it is a file of another kind")
                return self._begin()
            batch = self._batch_of(head)
            self._end = len(head)
            for number, line in enumerate(file, 2):
                if not line.endswith(b"\n"):
                    break
                self._take(line, number)
        os.ftruncate(self._file, self._end)
        return batch

    def _begin(self) -> str:
        batch = uuid4().hex
        os.ftruncate(self._file, 0)
        self._end = self._write({"journal": "cl-client", "version": VERSION, "batch": batch})
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return batch

    def _batch_of(self, head: bytes) -> str:
        try:
            line = cast("JSONObject", json.loads(head))
            version, batch = line["version"], line["batch"]
        except (ValueError, KeyError, TypeError):
            raise self._error("it is a file of another kind") from None
        if version != VERSION or not isinstance(batch, str):
            raise self._error(f"it was written by another version of cl-client ({version})")
        return batch

    def _take(self, line: bytes, number: int) -> None:
        try:
            record = cast("dict[str, str]", json.loads(line))
            if record["status"] == _RESULT:
                files = cast("dict[str, dict[str, list[int]]]", record)["files"]
                self.results |= {name: (size, changed) for name, (size, changed) in files.items()}
                self._end += len(line)
                return
            self._enter(record["item"], cast("Status", record["status"]), record["job"], len(line))
            self._end += len(line)
        except (ValueError, KeyError, TypeError) as error:
            raise self._error(f"line {number} cannot be read ({error})") from error

    def _note(self, item: str, status: Status, job_id: str, more: Mapping[str, object]) -> None:
        with self._lock:
            size = self._write({"item": item, "status": status, "job": job_id, **more})
            self._enter(item, status, job_id, size)
            self._end += size

    def _enter(self, item: str, status: Status, job_id: str, size: int) -> None:
        """Apply the line that starts at the end."""
        before = self._entries.get(item)
        attempt = (before.attempt if before is not None else 0) + (status == "failed")
        self._entries[item] = Entry(status, job_id, attempt, self._end, size)

    def _write(self, record: Mapping[str, object], *, safely: bool = True) -> int:
        """Append a whole line or nothing. Returns its size."""
        line = json.dumps(record).encode() + b"\n"
        try:
            written = os.pwrite(self._file, line, self._end)
            if written != len(line):
                raise OSError("the disk is full")
            if safely:
                os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise self._error(error.strerror or str(error)) from error
        return len(line)

    def _error(self, reason: str) -> JournalError:
        return JournalError(f"cannot use {self.path} as the journal of a batch: {reason}", hint="give another file")
