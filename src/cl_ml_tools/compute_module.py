"""What a task plugin is."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Literal, NotRequired, TypeAlias, TypedDict, TypeVar

from pydantic import BaseModel

from cl_ml_tools.schemas import BaseJobParams, Job, JSONObject

ProgressCallback: TypeAlias = Callable[[int], None]
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


class ComputeModule(ABC, Generic[P]):
    """One task type: its parameters, its output and the work itself."""

    @property
    @abstractmethod
    def task_type(self) -> str:
        """The name of the task on the wire."""

    @abstractmethod
    def get_schema(self) -> type[P]:
        """The model of the parameters."""

    def get_output_schema(self) -> type[BaseModel] | None:
        """The model of the output, for the spec; `None` when a plugin does not say."""
        return None

    def missing(self) -> str | None:
        """Why the task cannot run here: a library or a file that is not there, in one line; asked often, so cheap.

        A worker does not offer such a task, and a submit for it is refused with this line.
        """
        return None

    def setup(self) -> None:
        """Load what is slow to load; called once when a worker starts."""

    @abstractmethod
    async def execute(self, job: Job, params: P, progress_callback: ProgressCallback | None = None) -> TaskResult:
        """Do the work. `progress_callback` takes percent, 0 to 100, and may be called from any thread."""

    async def run(self, job: Job, progress_callback: ProgressCallback | None = None) -> TaskResult:
        """`execute` with the job's own parameters, checked against the schema."""
        return await self.execute(job, self.get_schema().model_validate(job.params), progress_callback)


class BlockingModule(ComputeModule[P]):
    """A task that computes: `process` runs in a thread, so that the worker's loop stays free for signals."""

    @abstractmethod
    def process(self, params: P, progress: ProgressCallback) -> BaseModel:
        """Do the work and return the output; raises `TaskError` for what the user has to know."""

    async def execute(self, job: Job, params: P, progress_callback: ProgressCallback | None = None) -> TaskResult:
        try:
            output = await asyncio.to_thread(self.process, params, progress_callback or _ignore)
        except TaskError as error:
            return {"status": "error", "error": str(error), "transient": isinstance(error, TransientError)}
        return {"status": "ok", "task_output": output.model_dump(mode="json")}


def _ignore(percent: int) -> None:
    del percent
