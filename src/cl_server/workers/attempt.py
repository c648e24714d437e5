"""One attempt at a job: its folders, and its end."""

import asyncio
import logging
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from cl_ml_tools.compute_module import BlockingModule, ProgressCallback, TaskResult, TaskStopError
from cl_ml_tools.job_queue import Claim, Done, JobQueue
from cl_ml_tools.schemas import BaseJobParams, Job
from cl_ml_tools.worker import Worker, explain
from cl_server.files.protocol import JobStorage, StorageUnavailableError, Workspace, finished
from cl_server.workers.heartbeat import Heart

STOPPED: TaskResult = {"status": "error", "error": "it was stopped"}

log = logging.getLogger(__name__)


class Attempt:
    """One claim of a worker: its folders, its reports, and its end."""

    def __init__(self, claim: Claim, queue: JobQueue, storage: JobStorage, heart: Heart) -> None:
        self.claim = claim
        self._queue = queue
        self._storage = storage
        self._heart = heart
        self._workspace: Workspace | None = None
        # An outage of the storage is not a fault of the job.
        self.storage_away = False
        self._left = False

    async def run(self, worker: Worker) -> TaskResult:
        """Do the job: fetch what it needs, run its task, hand in what that wrote."""
        workspace = await asyncio.to_thread(self._begin)
        if isinstance(workspace, dict):
            return workspace
        result = await worker.attempt(self._placed(self.claim.job, workspace), self.progress())
        # Many tasks write nothing, and need no thread in which to do nothing.
        if result["status"] == "ok" and not any(finished(workspace.outputs)):
            return result
        return await asyncio.to_thread(self._handed_in, result, workspace)

    def run_here(self, module: BlockingModule[BaseJobParams]) -> TaskResult:
        """As `run`, in the thread that it is called in."""
        workspace = self._begin()
        if isinstance(workspace, dict):
            return workspace
        try:
            result = module.run_here(self._placed(self.claim.job, workspace), self.progress())
        except TaskStopError:
            return STOPPED
        except Exception as error:
            if self.is_over:
                # Its files are deleted, and its result isn't wanted.
                return STOPPED
            log.warning("job %s failed", self.claim.job.job_id, exc_info=error)
            result = explain(self.claim.job.task_type, error)
        return self._handed_in(result, workspace)

    @property
    def is_over(self) -> bool:
        """Whether its result is no longer wanted."""
        return self._left or self._heart.is_over(self.claim)

    def progress(self) -> ProgressCallback:
        """Reports the progress of the job, and ends the task from within if the job was cancelled."""
        last = 0

        def report(percent: int) -> None:
            nonlocal last
            if self.is_over:
                raise TaskStopError
            if last < percent < 100:
                last = percent
                try:
                    self._queue.progress(self.claim, percent)
                except DBAPIError as error:
                    # No reason to give the work up: the database may be back before it is done.
                    log.warning("job %s: its progress can't be reported: %s", self.claim.job.job_id, error.orig)

        return report

    def done(self, result: TaskResult) -> Done | None:
        """What the queue has to know of an attempt that went well; `None` of one that did not."""
        if self.storage_away or result["status"] != "ok" or self._workspace is None:
            return None
        outputs = self._workspace.outputs
        return Done(self.claim, result["task_output"], self._workspace.publish, _size(outputs))

    def end(self, result: TaskResult) -> None:
        """Write down by itself how it went, if it is still ours to say."""
        try:
            kept = self._end(result)
        except StorageUnavailableError as error:
            kept = self._end(self._away(error))
        except OSError as error:
            # They could not be published, and so the job did not complete.
            kept = self._end(_not_kept(error))
        self.close(kept=kept)

    def close(self, *, kept: bool = True) -> None:
        """Remove what is left of it."""
        self._left = True
        if not kept:
            # A task whose files were deleted fails. That is not an error.
            log.info("job %s was deleted or taken back while it ran; its result is dropped", self.claim.job.job_id)
        if self._workspace is not None:
            self._workspace.close()

    def _end(self, result: TaskResult) -> bool:
        if self.storage_away:
            return self._queue.give_back(self.claim)
        done = self.done(result)
        if done is None:
            error = result["error"] if result["status"] == "error" else "it had no place to work"
            return self._queue.fail(self.claim, error, transient=result.get("transient", False))
        return self._queue.complete(self.claim, done.task_output, done.publish, done.size)

    def _handed_in(self, result: TaskResult, workspace: Workspace) -> TaskResult:
        if result["status"] == "error":
            # If the folder of the files is unavailable, that is the cause of the error.
            return self._judged(result)
        try:
            if any(finished(workspace.outputs)):
                workspace.hand_in()
        except StorageUnavailableError as error:
            return self._away(error)
        except OSError as error:
            return _not_kept(error)
        return result

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

    def _begin(self) -> Workspace | TaskResult:
        try:
            self._workspace = self._storage.begin_attempt(self.claim.job.job_id, self.claim.token)
        except StorageUnavailableError as error:
            return self._away(error)
        except OSError as error:
            return {"status": "error", "error": f"no place to work: {error.strerror or error}", "transient": True}
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
