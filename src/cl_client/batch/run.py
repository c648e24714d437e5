"""Process many files at the same time. A file that fails doesn't stop the others.

With a journal, a run continues an interrupted one: see `Batch`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import inspect
import json
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar, cast, runtime_checkable

from attrs import frozen

from cl_client.batch.journal import Entry, Journal
from cl_client.batch.lanes import Lanes
from cl_client.config.seconds import seconds
from cl_client.errors import (
    ComputeClientError,
    InputFileError,
    InputNotFoundError,
    InvalidParameterError,
    JobFailedError,
    JobNotFoundError,
    JournalError,
)
from cl_client.http.file_source import is_url, name_of
from cl_client.http.upload import FileInput
from cl_client.jobs.handle import Job
from cl_client.loops.parallel import in_parallel
from cl_client.model import JobState
from cl_client.watching.watch import JobCallback
from cl_client.wire.types import JSONObject, Unset

Source = TypeVar("Source", bound=FileInput | None)
Output = TypeVar("Output")

Method = Callable[..., Awaitable[Job[Output]]]
"""A method of a plugin, such as `client.hash.compute`; arguments may be bound to it (`functools.partial`)."""

Finish = Callable[[Source, Job[Output]], Awaitable[None]]
"""The follow-up of a completed job, such as the download of its files."""

_NOT_OF_THE_ITEM: Final = frozenset({"priority", "labels", "on_progress", "on_complete", "on_upload"})
"""Parameters that don't affect the result of a job."""

_MOMENT: Final = 2.0
"""Seconds that a run which was left gets to end."""

_HELD: Final[dict[tuple[int, Path], asyncio.Event]] = {}
"""When each open journal is let go of, by event loop and path."""

_OF_THE_WAIT: Final = frozenset({"wait", "timeout", "cancel_with_wait"})


@frozen
class Outcome(Generic[Source, Output]):
    """The outcome for one file: a completed `job`, or an `error`.

    Attributes:
        source: The file.
        job: The completed job.
        error: The reason why there is no job. A `JobFailedError` has the failed job.
        resumed: Whether an earlier run with the same journal processed the file.
    """

    source: Source
    job: Job[Output] | None
    error: ComputeClientError | None
    resumed: bool = False

    @property
    def output(self) -> Output:
        """The typed output.

        Raises:
            ComputeClientError: The `error`, if the file failed.
        """
        if self.job is None:
            raise self.error or ComputeClientError("there is no job")
        return self.job.output

    def to_dict(self) -> JSONObject:
        """Convert to plain values: `source`, `job_id`, `task_type`, `status`, `output`, `error` and `resumed`.

        To make a table of a batch: `pandas.json_normalize([outcome.to_dict() async for outcome in client.map(...)])`.
        """
        state = self.job.state if self.job is not None else None
        if isinstance(self.error, JobFailedError):
            state = self.error.job
        return {
            "source": None if self.source is None else name_of(self.source),
            "job_id": state.job_id if state is not None else self.error and self.error.job_id,
            "task_type": state and state.task_type,
            "status": state.status if state is not None else "failed",
            "output": state and state.task_output,
            "error": self.error and self.error.message,
            "resumed": self.resumed,
        }


async def map_files(
    method: Method[Output],
    sources: Iterable[Source],
    *,
    server: str,
    is_together: bool = False,
    concurrency: int | None = None,
    ordered: bool = True,
    journal: str | os.PathLike[str] | None = None,
    finish: Finish[Source, Output] | None = None,
    **parameters: object,
) -> AsyncGenerator[Outcome[Source, Output]]:
    """Run a plugin method on each file, and yield the outcomes.

    If the caller leaves the loop early, the client cancels its own work. Accepted jobs continue on the server.

    Args:
        method: A method of a plugin, such as `client.hash.compute`.
        sources: The files. They are read as needed.
        server: The address of the server, by which a journal identifies files.
        is_together: Whether the server accepts several small files in a request.
        concurrency: Files to process at the same time, including outcomes that wait for their turn. Default: that of
            `Lanes`.
        ordered: Yield the outcomes in the order of `sources`. If false, yield them as the jobs end.
        journal: Path of a file that records what is done, as in `Batch`.
        finish: Awaited in the event loop of the client for each completed job, for up to `concurrency` files at the
            same time. If it raises a `ComputeClientError`, the file fails; any other exception ends the loop. With a
            journal, a file is done when `finish` has returned. After a crash or an error in `finish`, the next run
            calls it again for the same job.
        parameters: Parameters of the method.

    Raises:
        InvalidParameterError: `concurrency` is less than 1, or the method isn't a plugin's and there is a journal.
        JournalError: The journal can't be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        kept = None
        if journal is not None:
            kept = await stack.enter_async_context(_held(journal))
        batch = Batch(server, kept)
        lanes = Lanes(concurrency, is_together=is_together)
        works = (
            lanes.taken(source, functools.partial(batch.outcome, source, method, parameters, finish))
            for source in sources
        )
        async with contextlib.aclosing(in_parallel(works, lanes.concurrency, ordered=ordered)) as outcomes:
            async for outcome in outcomes:
                yield outcome


@contextlib.asynccontextmanager
async def _held(path: str | os.PathLike[str]) -> AsyncGenerator[Journal]:
    """A journal that is open. A loop over a run that was left with `break` ends a moment later, and until then the
    journal is that one's: it gets this moment."""
    key = (id(asyncio.get_running_loop()), await asyncio.to_thread(Path(path).resolve))
    if (before := _HELD.get(key)) is not None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(before.wait(), _MOMENT)
    journal = await asyncio.to_thread(Journal, path)
    closed = _HELD[key] = asyncio.Event()
    try:
        yield journal
    finally:
        journal.close()
        del _HELD[key]
        closed.set()


class Batch:
    """Processes files, and finds in a journal which of them are done.

    The journal identifies a file by its full path, size and modification time (or by its URL), the parameters, the
    plugin and the server. A file that is done is skipped, a running job is attached, and a failed file is tried again.
    The idempotency key of a submit comes from the journal, so a job that was submitted during a crash is found again,
    if the server stores keys.

    Args:
        server: The address of the server.
        journal: An open journal, which the caller closes.
    """

    def __init__(self, server: str, journal: Journal | None) -> None:
        self._server = server
        self._journal = journal

    async def outcome(
        self,
        source: Source,
        method: Method[Output],
        parameters: Mapping[str, object],
        finish: Finish[Source, Output] | None = None,
    ) -> Outcome[Source, Output]:
        """Do one file. What goes wrong with it is in the outcome; a journal that cannot be written is raised."""
        files = () if source is None else (source,)
        try:
            if self._journal is not None:
                return await _Journaled(self._journal, self._server, source, method, parameters, finish).outcome()
            job = await method(*files, wait=True, **parameters)
            if finish is not None:
                await finish(source, job)
        except JournalError:
            raise
        except ComputeClientError as error:
            return Outcome(source, None, error)
        return Outcome(source, job, None)


@runtime_checkable
class _Plugin(Protocol[Output]):
    """The part of a plugin client that finds jobs again."""

    task_type: str

    async def attach(self, job: str | JobState) -> Job[Output]: ...


class _Journaled(Generic[Source, Output]):
    """One file of a batch with a journal."""

    def __init__(
        self,
        journal: Journal,
        server: str,
        source: Source,
        method: Method[Output],
        parameters: Mapping[str, object],
        finish: Finish[Source, Output] | None,
    ) -> None:
        self._journal = journal
        self._source = source
        self._finish = finish
        while isinstance(method, functools.partial):
            parameters, method = {**method.keywords, **parameters}, cast("Method[Output]", method.func)
        plugin: object = getattr(method, "__self__", None)
        if not isinstance(plugin, _Plugin):
            raise InvalidParameterError("a journal needs a method of a plugin, such as client.hash.compute")
        self._plugin = cast("_Plugin[Output]", plugin)
        self._method = method
        self._parameters = {name: value for name, value in parameters.items() if name not in _OF_THE_WAIT}
        self._timeout = cast("float | None", parameters.get("timeout"))
        self._cancels = bool(parameters.get("cancel_with_wait"))
        self._file = _full_path(source)
        self._item = self._item_of(server)

    async def outcome(self) -> Outcome[Source, Output]:
        """The remaining work."""
        entry = self._journal.find(self._item)
        if entry is not None and entry.status == "completed":
            state = await asyncio.to_thread(self._journal.state, entry)
            return Outcome(self._source, await self._plugin.attach(state), None, resumed=True)
        job = await self._under_way(entry) or await self._submitted()
        try:
            await job.wait(self._timeout, cancel_with_wait=self._cancels)
        except JobFailedError as error:
            await asyncio.to_thread(self._journal.failed, self._item, job.job_id, error.message)
            raise
        if self._finish is not None:
            await self._finish(self._source, job)
        if job.state is not None:
            await asyncio.to_thread(self._journal.completed, self._item, job.state)
        return Outcome(self._source, job, None)

    async def _under_way(self, entry: Entry | None) -> Job[Output] | None:
        """The job that an earlier run submitted, and did not see the end of."""
        if entry is None or entry.status != "submitted":
            return None
        try:
            job = await self._plugin.attach(entry.job_id)
        except JobNotFoundError:
            await asyncio.to_thread(self._journal.failed, self._item, entry.job_id, "it is no longer on the server")
            return None
        told = [cast("JobCallback | None", self._parameters.get(name)) for name in ("on_progress", "on_complete")]
        if any(told):
            job.follow(*told)
        return job

    async def _submitted(self) -> Job[Output]:
        files = () if self._source is None else (self._source,)
        keyed = "idempotency_key" in inspect.signature(self._method).parameters
        # What the server tells submits with the same key apart by, beside the item.
        labels = cast("Mapping[str, str] | None", self._parameters.get("labels"))
        marks = [json.dumps(dict(labels), sort_keys=True)] if labels else []
        key = self._journal.key(self._item, self._parameters.get("priority"), *marks)
        job = await self._method(*files, **self._parameters, **({"idempotency_key": key} if keyed else {}))
        await asyncio.to_thread(self._journal.submitted, self._item, job.job_id, self._file)
        return job

    def _item_of(self, server: str) -> str:
        """What the journal knows the file by."""
        shaping = {
            name: value
            for name, value in self._parameters.items()
            if name not in _NOT_OF_THE_ITEM and not isinstance(value, Unset)
        }
        found = _stat(self._file) if self._file and not is_url(self._source) else None
        seen = [found.st_size, found.st_mtime_ns] if found is not None else []
        try:
            parts = json.dumps([server, self._plugin.task_type, self._file, *seen, shaping], sort_keys=True)
        except (TypeError, ValueError) as error:
            raise InvalidParameterError(f"a parameter cannot be kept in a journal: {error}") from error
        return hashlib.sha256(parts.encode()).hexdigest()


def _full_path(source: FileInput | None) -> str:
    if source is None:
        return ""
    if isinstance(source, str) and is_url(source):
        return source
    if not isinstance(source, (str, os.PathLike)):
        raise InvalidParameterError("a journal identifies files by path or URL, and this input has neither")
    return os.path.abspath(source)  # noqa: PTH100 (a link is a separate name)


def _stat(path: str) -> os.stat_result:
    try:
        return Path(path).stat()
    except FileNotFoundError:
        raise InputNotFoundError(f"{path} does not exist") from None
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror or error}") from error


async def as_completed(jobs: Iterable[Job[Output]], *, timeout: float | None = None) -> AsyncGenerator[Job[Output]]:
    """Yield each job when it ends. A failed job isn't an error here: check its `status`.

    Args:
        jobs: Jobs that were submitted without `wait`.
        timeout: Seconds for all of them. Default: no limit.

    Raises:
        WaitTimeoutError: The timeout ended the wait for one of the jobs. All of them keep running.
        JobNotFoundError: A job was deleted.
    """
    limit = seconds("timeout", timeout)
    deadline = None if limit is None else asyncio.get_running_loop().time() + limit

    async def ended(job: Job[Output]) -> Job[Output]:
        left = None if deadline is None else max(0.0, deadline - asyncio.get_running_loop().time())
        try:
            return await job.wait(left)
        except JobFailedError:
            return job

    under_way = {asyncio.create_task(ended(job)) for job in jobs}
    try:
        while under_way:
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            # Those that ended come before the error of another.
            for task in sorted(done, key=lambda task: task.exception() is not None):
                yield task.result()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
