"""Takes jobs from a repository and runs the plugins on them."""

import errno
import logging
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from cl_ml_tools.compute_module import (
    BlockingModule,
    ComputeModule,
    ProgressCallback,
    TaskFailed,
    TaskResult,
    TransientError,
)
from cl_ml_tools.discovery import AnyModule, discover_tasks
from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.schemas import BaseJobParams, Job, JobStatus

# A disk that is full or stumbles, and what there may be more of in a moment: memory, files, processes.
PASSING = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE),
        *(errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.EBUSY),
    }
)

log = logging.getLogger(__name__)


class Worker:
    """Runs one job at a time. `modules` are the installed plugins unless given."""

    def __init__(self, repository: JobRepository, modules: Mapping[str, AnyModule] | None = None) -> None:
        self.repository = repository
        self.modules: dict[str, AnyModule] = dict(discover_tasks() if modules is None else modules)

    def get_supported_task_types(self) -> list[str]:
        """The task types that this worker can run, sorted."""
        return sorted(self.modules)

    def setup(self) -> None:
        """Warm every plugin; one that cannot be warmed is left out, so that it is not advertised."""
        for task_type, module in list(self.modules.items()):
            lack = module.missing()
            if lack is not None:
                log.warning("plugin %s is left out: %s", task_type, lack)
                del self.modules[task_type]
                continue
            try:
                module.setup()
            except Exception:
                log.exception("plugin %s cannot be set up and is left out", task_type)
                del self.modules[task_type]

    async def run_once(self, task_types: Sequence[str] | None = None) -> bool:
        """Run the next job, if there is one, to its end; `False` when there was none."""
        wanted = self.get_supported_task_types() if task_types is None else [t for t in task_types if t in self.modules]
        job = self.repository.fetch_next_job(wanted)
        if job is None:
            return False
        await self.run(job)
        return True

    async def run(self, job: Job) -> None:
        """Run a job that was claimed, and write down how it ended."""
        result = await self.attempt(job, self._progress(job))
        if result["status"] == "ok":
            kept = self.repository.update_job(
                job.job_id, status=JobStatus.COMPLETED, progress=100, task_output=result["task_output"]
            )
        else:
            kept = self.repository.update_job(job.job_id, status=JobStatus.FAILED, error_message=result["error"])
        if not kept:
            # A task whose files are removed under it fails, and that is nobody's fault.
            log.info("job %s was deleted or taken back while it ran; its result is dropped", job.job_id)

    async def attempt(self, job: Job, progress: ProgressCallback) -> TaskResult:
        """Run the plugin of a job; whatever it raises is told as a failure."""
        try:
            return await self.modules[job.task_type].run(job, progress)
        except Exception as error:
            log.warning("job %s failed", job.job_id, exc_info=error)
            return explain(job.task_type, error)

    def blocking(self, task_type: str) -> "BlockingModule[BaseJobParams] | None":
        """The plugin of a task, where its jobs can be run in any thread (`run_here`)."""
        module = self.modules.get(task_type)
        # A plugin that brings its own way to run has reasons to.
        ways = ((BlockingModule, "execute"), (ComputeModule, "run"))
        if not isinstance(module, BlockingModule) or any(
            cast("object", getattr(type(module), name)) is not cast("object", getattr(its, name)) for its, name in ways
        ):
            return None
        return module

    def _progress(self, job: Job) -> ProgressCallback:
        last = 0

        def report(percent: int) -> None:
            nonlocal last
            if last < percent < 100:
                last = percent
                try:
                    self.repository.update_job(job.job_id, progress=percent)
                except Exception:
                    # That the progress cannot be told right now (a locked database) is no reason to give the work up.
                    log.warning("job %s: its progress can't be reported", job.job_id, exc_info=True)

        return report


def explain(task_type: str, error: Exception) -> TaskFailed:
    """What the user is told about an error that a plugin did not expect: one line, and no path of the server."""
    if is_out_of_memory(error):
        said = f"{task_type}: the file needs more memory than a job may have on this server"
        return {"status": "error", "error": said, "transient": not _is_bounded()}
    match error:
        case ValidationError():
            issue = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in issue["loc"])
            said = f"{task_type}: {where}: {issue['msg']}"
        case OSError(strerror=str(reason)):
            # The reason alone: the message of an OSError names the file.
            said = f"{task_type} failed: {reason}"
        case _:
            said = f"{task_type} failed on the server ({type(error).__name__}); see the log of the worker"
    return {"status": "error", "error": said, "transient": is_transient(error)}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was not enough memory, in the words of whichever library."""
    match error:
        case MemoryError() | OSError(errno=errno.ENOMEM):
            return True
        case _:
            return any(word in str(error) for word in ("Insufficient memory", "bad_alloc", "Failed to allocate"))


def _is_bounded() -> bool:
    """Whether the system gives this process so much and no more: then another attempt gets no further."""
    return resource.getrlimit(resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY


def is_transient(error: Exception) -> bool:
    """Whether an error is the machine's, for now, and not the input's."""
    match error:
        case TransientError() | ConnectionError() | TimeoutError() | MemoryError():
            return True
        case FileNotFoundError(filename=str(name)) if Path(name).exists():
            # It was away for a moment, with the folder that it is in.
            return True
        case OSError(errno=int(number)):
            return number in PASSING
        case _:
            return False
