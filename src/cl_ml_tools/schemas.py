"""What a job is, and what master and worker tell each other about it."""

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

JSONObject: TypeAlias = dict[str, JsonValue]

Priority = Annotated[int, Field(ge=0, le=10, description="0 (lowest) to 10 (highest).")]


class JobStatus(StrEnum):
    """Where a job stands. `completed`, `failed` and `cancelled` are final."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether a job in this status never changes again."""
        return self in TERMINAL


TERMINAL = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})


class Job(BaseModel):
    """One job as the repository keeps it; times are UTC milliseconds."""

    job_id: str
    task_type: str
    params: JSONObject = Field(default_factory=dict)
    status: JobStatus = JobStatus.QUEUED
    progress: int = Field(default=0, ge=0, le=100)
    task_output: JSONObject | None = None
    error_message: str | None = None
    created_by: str | None = None
    priority: int = 5
    created_at: int = 0
    updated_at: int = 0
    started_at: int | None = None
    completed_at: int | None = None
    # The bytes of its files, as far as somebody counted them.
    size: int = 0
    labels: dict[str, str] = Field(default_factory=dict)


class BaseJobParams(BaseModel):
    """Parameters of a task. The fields here are the server's own; those of a subclass are what the user sends.

    `input_names` are the names that the user gave to the inputs: for messages, never for paths.
    """

    # Infinity and NaN are numbers to Python, but there is no JSON for them.
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    input_paths: list[str] = Field(default_factory=list)
    output_paths: list[str] = Field(default_factory=list)
    input_names: list[str] = Field(default_factory=list)

    def name_of(self, index: int = 0) -> str:
        """The name that the user gave to an input."""
        return self.input_names[index] if index < len(self.input_names) else "the input"


SERVER_FIELDS = frozenset(BaseJobParams.model_fields)


class JobCreatedResponse(BaseModel):
    """A job that was accepted."""

    job_id: str
    status: JobStatus
    task_type: str


class ValidationIssue(BaseModel):
    """One parameter that was refused."""

    loc: list[str | int] = Field(description="Where: `body` or `query`, then the name of the field.")
    msg: str
    type: str


class ErrorResponse(BaseModel):
    """Why a request was refused."""

    detail: str | list[ValidationIssue]
    request_id: str | None = Field(default=None, description="The `X-Request-ID` of the request, to find it in a log.")
