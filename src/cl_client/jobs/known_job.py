"""The known state of a job, without requests."""

from __future__ import annotations

import base64
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from cl_client.errors import ComputeClientError, JobCancelledError, JobFailedError, ResponseError
from cl_client.files.job_path import path_in_job
from cl_client.model import JobState
from cl_client.server import status
from cl_client.wire.types import JSONObject, JSONValue

if TYPE_CHECKING:
    from PIL import Image

Output = TypeVar("Output")


class KnownJob(Generic[Output]):
    """A job in its latest known state."""

    def __init__(
        self,
        job_id: str,
        task_type: str,
        state: JobState | None,
        status_word: str,
        decode: Callable[[Mapping[str, JSONValue]], Output],
        artifact: str | None,
    ) -> None:
        self._job_id = job_id
        self._task_type = task_type
        self._status_word = status_word
        self._state = state
        self._decode = decode
        self._artifact = artifact
        self._seen: weakref.ref[Image.Image] | None = None

    def __repr__(self) -> str:
        return f"<Job {self.job_id} {self.task_type} {self.status} {self.progress} %>"

    def _repr_html_(self) -> str:
        """For notebooks: a table with the known state, and the picture that `image` returned while it is in use."""
        from cl_client.jobs.content import table

        known = self.state or JobState(job_id=self.job_id, status=self.status, task_type=self.task_type)
        picture = self._repr_png_()
        shown = "" if picture is None else f'<img src="data:image/png;base64,{base64.b64encode(picture).decode()}">'
        return table(known) + shown

    def _repr_png_(self) -> bytes | None:
        """For notebooks: the picture that `image` returned, at most 512 pixels on each side, or `None`."""
        from cl_client.jobs.content import preview

        image = None if self._seen is None else self._seen()
        return None if image is None else preview(image)

    @property
    def job_id(self) -> str:
        """The id, an opaque string."""
        return self._job_id

    @property
    def task_type(self) -> str:
        """The kind of the job, such as `image_conversion`."""
        return self._task_type

    @property
    def state(self) -> JobState | None:
        """The latest known state. `None` before the first response with it."""
        return self._state

    @property
    def status(self) -> str:
        """`queued`, `processing`, `completed`, `failed` or `cancelled`. A newer server can have other values."""
        return self.state.status if self.state is not None else self._status_word

    def done(self) -> bool:
        """Whether the job has ended: completed, failed or cancelled. It reads the known state, and sends no request."""
        return status.is_terminal(self.status)

    @property
    def progress(self) -> int:
        """0 to 100, in per cent."""
        return self.state.progress if self.state is not None else 0

    @property
    def params(self) -> JSONObject:
        """The parameters of the job, with the defaults of the server."""
        return self.state.params if self.state is not None else {}

    @property
    def task_output(self) -> JSONObject | None:
        """The output as JSON. `output` is the typed form."""
        return self.state.task_output if self.state is not None else None

    @property
    def error_message(self) -> str | None:
        """The reason of a failure."""
        return self.state.error_message if self.state is not None else None

    @property
    def priority(self) -> int | None:
        """0 (lowest) to 10 (highest)."""
        return self.state.priority if self.state is not None else None

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels that the job got when it was submitted. Empty before the first response with them."""
        return self.state.labels if self.state is not None else {}

    @property
    def created_at(self) -> int | None:
        """UTC milliseconds."""
        return self.state.created_at if self.state is not None else None

    @property
    def updated_at(self) -> int | None:
        """UTC milliseconds."""
        return self.state.updated_at if self.state is not None else None

    @property
    def started_at(self) -> int | None:
        """UTC milliseconds, `None` while it is queued."""
        return self.state.started_at if self.state is not None else None

    @property
    def completed_at(self) -> int | None:
        """UTC milliseconds, `None` until it has ended."""
        return self.state.completed_at if self.state is not None else None

    @property
    def output(self) -> Output:
        """The typed output.

        Raises:
            JobFailedError: the job failed or was cancelled.
            ComputeClientError: the job has not ended, as far as is known.
            ResponseError: the output is not what the spec promises.
        """
        state = self._completed()
        try:
            return self._decode(state.task_output or {})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ResponseError(
                f"the output of job {self.job_id} is not what the spec of {self.task_type} promises: {error!r}",
                job_id=self.job_id,
                hint="regenerate the client from this server, or read job.task_output",
            ) from error

    @property
    def artifact(self) -> str | None:
        """The path of the job's main file, relative to the job; `None` where the output is all there is, or the server
        does not say where it is (`makes_file` tells these apart).

        Servers of this family say it in their parameters (`output_path`) where the output does not, and of kinds too
        of which the spec tells no file.

        Raises: as `output`.
        """
        state = self._completed()
        if self._artifact is None:
            return _made(state)
        if "/" in self._artifact:
            return self._artifact
        _, is_param, name = self._artifact.rpartition("params.")
        output = state.task_output or {}
        path = state.params.get(name) if is_param else output.get(name) or state.params.get("output_path")
        return path_in_job(path, self.job_id) if isinstance(path, str) and path else None

    @property
    def makes_file(self) -> bool:
        """Whether jobs of this kind make a main file."""
        return self._artifact is not None

    def _completed(self) -> JobState:
        state = self.state
        if state is None or not status.is_terminal(state.status):
            raise ComputeClientError(f"job {self.job_id} is {self.status}: wait for it first", job_id=self.job_id)
        if state.status != status.COMPLETED:
            raise (JobCancelledError if state.status == status.CANCELLED else JobFailedError)(state)
        return state


def _made(state: JobState) -> str | None:
    """The file of a job of which nothing says where its file is: in `output/` by its parameters, or the only one that
    the output names by its place on the server, with the id of the job in it."""
    path = state.params.get("output_path")
    if isinstance(path, str) and (inside := path_in_job(path, state.job_id)).startswith("output/"):
        return inside
    named = [each for each in (state.task_output or {}).values() if isinstance(each, str) and each.startswith("/")]
    made = {inside for each in named if (inside := path_in_job(each, state.job_id)).startswith("output/")}
    return made.pop() if len(made) == 1 else None
