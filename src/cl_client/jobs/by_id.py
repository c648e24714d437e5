"""Requests about one job, by its id."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import BinaryIO, overload

from cl_client.config.seconds import seconds
from cl_client.errors import UnsupportedError
from cl_client.files.download import DownloadCallback
from cl_client.files.local_names import local_names, place_in
from cl_client.files.open_file import Writable, into_file, into_memory
from cl_client.files.playlist import is_playlist, named_in
from cl_client.http import telemetry
from cl_client.loops.parallel import in_parallel
from cl_client.model import JobFile, JobLog, JobState, LogLine
from cl_client.server.port import JobServer
from cl_client.watching.job_reader import JobReader
from cl_client.watching.watcher import Watcher


class JobsById:
    """Operations on jobs by their id. The basis of `Job` and `Jobs`."""

    def __init__(self, server: JobServer, watcher: Watcher, reader: JobReader) -> None:
        self.job_server: JobServer = server
        self.watcher: Watcher = watcher
        self._reader = reader

    async def fetch(self, job_id: str) -> JobState:
        """Get the state of a job from the server.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
        """
        return await self._reader.one(job_id)

    async def cancel(self, job_id: str) -> JobState:
        """Cancel a job. A queued job stops immediately, a running one a moment later. Its watches get `cancelled`.

        Returns:
            The current state. A running job isn't `cancelled` yet.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
            ConflictError: The job has already completed or failed.
            UnsupportedError: The server can't cancel jobs.
        """
        state = await self.job_server.cancel(job_id)
        self.watcher.deliver(state)
        return state

    async def files(self, job_id: str) -> Sequence[JobFile]:
        """List the files of a job: the uploaded ones and the results.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
            UnsupportedError: The server can't list files.
        """
        return await self.job_server.files(job_id)

    async def log(self, job_id: str, *, offset: int = 0) -> JobLog:
        """Get the log of a job: the lines that workers wrote about it, such as warnings and the reason of a failure.

        Args:
            job_id: The job.
            offset: Get only lines with a larger `number` than this. Default: all that the server has.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
            UnsupportedError: The server has no logs of jobs.
        """
        return await self.job_server.log(job_id, offset)

    async def follow_log(self, job_id: str, *, offset: int = 0, interval: float = 1.0) -> AsyncGenerator[LogLine]:
        """Iterate over the lines in the log of a job, until the job ends.

        Args:
            job_id: The job.
            offset: Get only lines with a larger `number` than this. Default: all that the server has.
            interval: Seconds between two requests for new lines.

        Raises:
            InvalidParameterError: The interval isn't a positive number.
            JobNotFoundError: The job doesn't exist, or isn't yours.
            UnsupportedError: The server has no logs of jobs.
        """
        pause = seconds("interval", interval) or 0.0
        while True:
            found = await self.log(job_id, offset=offset)
            for line in found.lines:
                offset = max(offset, line.number)
                yield line
            if found.ended:
                return
            await asyncio.sleep(pause)

    async def delete(self, job_id: str) -> None:
        """Delete a job and its files.

        Raises:
            JobNotFoundError: The job doesn't exist, or isn't yours.
            UnsupportedError: The server can't delete jobs.
        """
        await self.job_server.delete(job_id)

    @overload
    async def download(
        self,
        job_id: str,
        file_path: str,
        dest: str | os.PathLike[str],
        *,
        on_progress: DownloadCallback | None = None,
    ) -> Path: ...

    @overload
    async def download(
        self, job_id: str, file_path: str, dest: Writable, *, on_progress: DownloadCallback | None = None
    ) -> int: ...

    @overload
    async def download(
        self,
        job_id: str,
        file_path: str,
        dest: str | os.PathLike[str] | Writable,
        *,
        on_progress: DownloadCallback | None = None,
    ) -> Path | int: ...

    async def download(
        self,
        job_id: str,
        file_path: str,
        dest: str | os.PathLike[str] | Writable,
        *,
        on_progress: DownloadCallback | None = None,
    ) -> Path | int:
        """Download a file of a job, as `Job.download`."""
        if isinstance(dest, (str, os.PathLike)):
            return await self._download(job_id, file_path, dest, on_progress)
        return await into_file(partial(self._fetch, job_id, file_path, on_progress), dest)

    async def read(self, job_id: str, file_path: str, *, on_progress: DownloadCallback | None = None) -> bytes:
        """Read a file of a job into memory, as `Job.read`."""
        return await into_memory(partial(self._fetch, job_id, file_path, on_progress))

    async def download_files(
        self,
        job_id: str,
        folder: str | os.PathLike[str],
        *,
        concurrency: int = 4,
        on_progress: DownloadCallback | None = None,
        main: str | None = None,
    ) -> Sequence[Path]:
        """Download all result files of a job, as `Job.download_all`.

        Args:
            main: what there is on a server that lists no files: this one, and those that it names as a playlist.
        """
        try:
            made = [file for file in await self.files(job_id) if not file.path.startswith("input/")]
        except UnsupportedError:
            if main is None:
                raise
            made = [JobFile(path=path) for path in await self._named_by(job_id, main)]
        names = local_names(file.path for file in made)
        places = [place_in(Path(folder), names[file.path]) for file in made]
        written = dict.fromkeys(names, 0)
        total = sum(file.size for file in made) or None

        def fetch(file: JobFile, place: Path) -> Coroutine[object, object, Path]:
            def tell(so_far: int, _: int | None) -> None:
                written[file.path] = so_far
                if on_progress is not None:
                    on_progress(sum(written.values()), total)

            return self._download(job_id, file.path, place, tell, sha256=file.sha256 or None)

        works = [partial(fetch, file, place) for file, place in zip(made, places, strict=True)]
        return [place async for place in in_parallel(works, concurrency, ordered=True)]

    async def _named_by(self, job_id: str, path: str) -> Sequence[str]:
        """The path of a file, and of those that it needs if it is a playlist."""
        found = {path: None}
        for each in (looked_at := [path]):
            if is_playlist(each):
                new = [one for one in named_in(each, await self.read(job_id, each)) if one not in found]
                found |= dict.fromkeys(new)
                looked_at += new
        return [*found]

    async def _download(
        self,
        job_id: str,
        file_path: str,
        dest: str | os.PathLike[str],
        on_progress: DownloadCallback | None,
        sha256: str | None = None,
    ) -> Path:
        with _downloading(job_id, file_path):
            return await self.job_server.download(job_id, file_path, dest, sha256=sha256, on_progress=on_progress)

    async def _fetch(self, job_id: str, file_path: str, on_progress: DownloadCallback | None, file: BinaryIO) -> None:
        with _downloading(job_id, file_path):
            await self.job_server.fetch(job_id, file_path, file, on_progress=on_progress)


def _downloading(job_id: str, file_path: str) -> AbstractContextManager[telemetry.Attributes]:
    return telemetry.span("cl_client.download", {telemetry.JOB_ID: job_id, "cl_client.file": file_path})
