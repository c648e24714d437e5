"""What a task plugin is."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Generic, Literal, NotRequired, TypeAlias, TypedDict, TypeVar

from pydantic import BaseModel

from cl_ml_tools.schemas import BaseJobParams, Job, JSONObject

ProgressCallback: TypeAlias = Callable[[int], None]
Check: TypeAlias = Callable[[BinaryIO, str], None]
P = TypeVar("P", bound=BaseJobParams)


class TaskDone(TypedDict):
    """A task that worked."""

    status: Literal["ok"]
    task_output: JSONObject


class TaskFailed(TypedDict):
    """A task that did not; `error` is one line that the user reads, `transient` what may go well another time."""

    status: Literal["error"]
    error: str
    transient: NotRequired[bool]


TaskResult: TypeAlias = TaskDone | TaskFailed


class TaskError(Exception):
    """The job cannot be done; the message is one line for the person who sent it."""


class UnsupportedMediaTypeError(TaskError):
    """The file is of a kind that this task does not take."""


class TransientError(TaskError):
    """The job cannot be done now, and may be another time."""


class TaskStopError(BaseException):
    """Raised out of `progress_callback` when nobody wants the job any more; not an error that a task may swallow."""


@dataclass(frozen=True, slots=True)
class Submit:
    """How the jobs of a task are sent: `POST /jobs/<task_type>` with one file.

    A task without it is a worker's alone, or has a route of its own (entry point `cl_ml_tools.routes`).

    Attributes:
        summary: what the job does, in a few words; the spec and the command line say it.
        file: what the file is, in a sentence.
        check: looks at the upload, and at the name by which the user knows it, before anything is kept, and raises
            `TaskError` (422; `UnsupportedMediaTypeError`: 415) where no job can be done on it. It runs in a thread of
            the API for every submit, so it has to be quick, and holds no whole file in memory.
    """

    summary: str
    file: str
    check: Check | None = None


class ComputeModule(ABC, Generic[P]):
    """One task type: its parameters, its output and the work itself.

    There is one instance of it in each process that knows the plugin. A worker calls `setup` once, and then `run` for
    one job after the other, in its event loop; what is kept on the instance is seen by the jobs that follow, and by no
    other process. The API asks `missing` in its event loop, and never runs a job.

    Attributes:
        task_type: the name of the task on the wire.
        schema: the model of the parameters.
        output_schema: the model of the output, for the spec; `None` where a plugin does not say.
        submit: how its jobs are sent.
    """

    task_type: str
    schema: type[P]
    output_schema: type[BaseModel] | None = None
    submit: Submit | None = None

    def get_schema(self) -> type[P]:
        """The model of the parameters."""
        return self.schema

    def get_output_schema(self) -> type[BaseModel] | None:
        """The model of the output."""
        return self.output_schema

    def output_name(self, stem: str, params: P) -> str | None:
        """What the file that the task writes is called; `None` where it writes none, or names its files itself.

        Args:
            stem: of the name of the upload, with nothing in it that a file name may not have.
            params: of the job.
        """
        del stem, params
        return None

    def missing(self) -> str | None:
        """Why the task cannot run here: a library or a file that is not there, in one line.

        A worker does not offer such a task, and a submit for it is refused (503) with this line. It is asked for each
        submit, and the API waits for it: it looks whether something is there, and imports nothing heavy.
        """
        return None

    def setup(self) -> None:
        """Load what is slow to load. Called once in each worker, before its first job.

        Raises:
            Exception: of any kind; the worker logs it, and does not offer the task.
        """

    @abstractmethod
    async def execute(self, job: Job, params: P, progress_callback: ProgressCallback | None = None) -> TaskResult:
        """Do the work, in the worker's event loop: code that computes belongs into a thread (`BlockingModule`).

        The files are at `params.input_paths`, and are this attempt's own; what it makes goes to `params.output_paths`,
        or beside it. Nothing of it is seen before the job has completed, and nothing at all where another worker has
        taken the job meanwhile.

        Args:
            job: as it is queued.
            params: checked against the schema.
            progress_callback: takes percent, 0 to 100, from any thread, as often as one likes. It raises
                `TaskStopError` where nobody wants the job any more: let it through.

        Returns:
            The output, as JSON; or one line about what went wrong, which the user reads.

        Raises:
            Exception: of any kind; it fails the job with a line that names its class, and its traceback is in the
                worker's log alone. An error of the machine (no memory, no connection) is tried again.
        """

    async def run(self, job: Job, progress_callback: ProgressCallback | None = None) -> TaskResult:
        """`execute` with the job's own parameters, checked against the schema."""
        return await self.execute(job, self.get_schema().model_validate(job.params), progress_callback)


class BlockingModule(ComputeModule[P]):
    """A task that computes: `process` runs in a thread, so that the worker's loop stays free for signals.

    It is one thread at a time, not always the same one.
    """

    @abstractmethod
    def process(self, params: P, progress: ProgressCallback) -> BaseModel:
        """Do the work and return the output; raises `TaskError` for what the user has to know."""

    async def execute(self, job: Job, params: P, progress_callback: ProgressCallback | None = None) -> TaskResult:
        return await asyncio.to_thread(self.compute, params, progress_callback)

    def compute(self, params: P, progress_callback: ProgressCallback | None = None) -> TaskResult:
        """What `execute` does, in the thread that it is called in."""
        try:
            output = self.process(params, progress_callback or _ignore)
        except TaskError as error:
            return {"status": "error", "error": str(error), "transient": isinstance(error, TransientError)}
        return {"status": "ok", "task_output": output.model_dump(mode="json")}

    def run_here(self, job: Job, progress_callback: ProgressCallback | None = None) -> TaskResult:
        """As `run`, in the thread that it is called in."""
        return self.compute(self.get_schema().model_validate(job.params), progress_callback)


def _ignore(percent: int) -> None:
    del percent
