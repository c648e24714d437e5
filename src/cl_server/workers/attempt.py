"""One attempt at a job: its folders, and its end."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from cl_ml_tools.compute_module import ProgressCallback, TaskResult, TaskStopError
from cl_ml_tools.job_queue import Claim, JobQueue
from cl_ml_tools.schemas import Job
from cl_ml_tools.worker import Worker
from cl_server.files.protocol import JobStorage, StorageUnavailableError, Workspace, finished
from cl_server.workers.heartbeat import Heart

log = logging.getLogger(__name__)


class Attempt:
    """One claim of a worker: its folders, its reports, and its end."""

    def __init__(self, claim: Claim, queue: JobQueue, storage: JobStorage, heart: Heart) -> None:
        self.claim = claim
        self._queue = queue
        self._storage = storage
        self._heart = heart
        self._workspace: Workspace | None = None
        # The job that was taken in the same step in which this one ended.
        self.following: Claim | None = None
        # An outage of the storage is not a fault of the job.
        self.storage_away = False

    async def run(self, worker: Worker) -> TaskResult:
        """Run the job: fetch its inputs, run its task, and upload the results."""
        job = self.claim.job
        try:
            workspace = await asyncio.to_thread(self._begin)
        except StorageUnavailableError as error:
            return await asyncio.to_thread(self._away, error)
        except OSError as error:
            return {"status": "error", "error": f"no place to work: {error.strerror or error}", "transient": True}
        result = await worker.attempt(self._placed(job, workspace), self.progress())
        if result["status"] == "error":
            # If the folder of the files is unavailable, that is the cause of the error.
            return await asyncio.to_thread(self._judged, result)
        # Many tasks write no files, and need no thread here.
        if result["status"] == "ok" and any(finished(workspace.outputs)):
            try:
                await asyncio.to_thread(workspace.hand_in)
            except StorageUnavailableError as error:
                return await asyncio.to_thread(self._away, error)
            except OSError as error:
                return _not_kept(error)
        return result

    def progress(self) -> ProgressCallback:
        """Reports the progress of the job, and ends the task from within if the job was cancelled."""
        last = 0

        def report(percent: int) -> None:
            nonlocal last
            if self._heart.is_over(self.claim):
                raise TaskStopError
            if last < percent < 100:
                last = percent
                try:
                    self._queue.progress(self.claim, percent)
                except DBAPIError as error:
                    # No reason to give the work up: the database may be back before it is done.
                    log.warning("job %s: its progress can't be reported: %s", self.claim.job.job_id, error.orig)

        return report

    def end(self, result: TaskResult, task_types: Sequence[str]) -> None:
        """Write down how it went, if it is still ours to say, and take another job of these types."""
        try:
            kept = self._end(result, task_types)
        except StorageUnavailableError as error:
            kept = self._end(self._away(error), task_types)
        except OSError as error:
            # They could not be published, and so the job did not complete.
            kept = self._end(_not_kept(error), task_types)
        if not kept:
            # A task whose files were deleted fails. That is not an error.
            log.info("job %s was deleted or taken back while it ran; its result is dropped", self.claim.job.job_id)
        self.close()

    def close(self) -> None:
        """Remove its leftovers."""
        if self._workspace is not None:
            self._workspace.close()

    def _end(self, result: TaskResult, task_types: Sequence[str]) -> bool:
        if self.storage_away:
            return self._queue.give_back(self.claim)
        if result["status"] != "ok" or self._workspace is None:
            error = result["error"] if result["status"] == "error" else "it had no place to work"
            return self._queue.fail(self.claim, error, transient=result.get("transient", False))
        size = _size(self._workspace.outputs)
        kept, self.following = self._queue.exchange(
            self.claim, result["task_output"], self._workspace.publish, size, task_types
        )
        return kept

    def _judged(self, result: TaskResult) -> TaskResult:
        """The error of a task, or that of its storage if it is unavailable now."""
        try:
            self._storage.check()
        except StorageUnavailableError as error:
            return self._away(error)
        return result

    def _away(self, error: StorageUnavailableError) -> TaskResult:
        """What becomes of it: where the storage answers by now, it is tried again, as after any trouble that passes."""
        try:
            self._storage.check()
        except StorageUnavailableError:
            self.storage_away = True
        return _not_kept(error)

    def _begin(self) -> Workspace:
        self._workspace = self._storage.begin_attempt(self.claim.job.job_id, self.claim.token)
        return self._workspace

    def _placed(self, job: Job, workspace: Workspace) -> Job:
        """The job with the paths of the workspace."""
        folders = {"input_paths": workspace.inputs, "output_paths": workspace.outputs}
        params = dict(job.params)
        for name, folder in folders.items():
            paths = params.get(name)
            if isinstance(paths, list):
                params[name] = [str(folder / Path(str(path)).name) for path in paths]
        return job.model_copy(update={"params": params})


def _not_kept(error: OSError) -> TaskResult:
    return {"status": "error", "error": f"the outputs cannot be kept: {error.strerror or error}", "transient": True}


def _size(folder: Path) -> int:
    """The bytes of what a task wrote."""
    return sum(path.stat().st_size for path in finished(folder))
