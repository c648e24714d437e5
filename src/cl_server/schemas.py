"""What the compute server says, over HTTP and over MQTT. Every model here is a schema of the exported spec."""

from pathlib import PurePath
from typing import Literal, Self

from pydantic import BaseModel, Field, JsonValue

from cl_ml_tools.schemas import SERVER_FIELDS, Job, JobStatus

PARAMS = (
    "The parameters that the user sent, with defaults. Of a job that has completed, `output_path` is its main file,"
    " relative to the job."
)


class JobResponse(BaseModel):
    """A job. Times are UTC milliseconds."""

    # This server always says all of it. The defaults are for clients that also talk to older servers of this family,
    # which leave some of it out.
    job_id: str
    task_type: str
    status: JobStatus
    progress: int = Field(default=0, ge=0, le=100, description="Percent.")
    params: dict[str, JsonValue] = Field(default={}, description=PARAMS)
    task_output: dict[str, JsonValue] | None = Field(default=None, description="What the plugin returned, at its end.")
    error_message: str | None = Field(default=None, description="Why it failed, in one line.")
    priority: int = Field(default=5, ge=0, le=10)
    labels: dict[str, str] = Field(default={}, description="The labels that the user gave it.")
    input_names: list[str] = Field(default=[], description="The names of the files that the user sent.")
    created_at: int | None = None
    updated_at: int | None = None
    started_at: int | None = None
    completed_at: int | None = None

    @classmethod
    def of(cls, job: Job) -> Self:
        """The job as users see it, without internal fields (paths, owners)."""
        return cls.model_construct(
            job_id=job.job_id,
            task_type=job.task_type,
            status=job.status,
            progress=job.progress,
            params=_shown(job),
            task_output=job.task_output,
            error_message=job.error_message,
            priority=job.priority,
            labels=job.labels,
            input_names=input_names(job),
            created_at=job.created_at,
            updated_at=job.updated_at,
            started_at=job.started_at,
            completed_at=job.completed_at,
        )


def input_names(job: Job) -> list[str]:
    """The names of the files that the user sent."""
    names = job.params.get("input_names")
    return [str(name) for name in names] if isinstance(names, list) else []


def _shown(job: Job) -> dict[str, JsonValue]:
    """The parameters as users see them. Clients of this family look for `output_path` among them."""
    shown = {name: value for name, value in job.params.items() if name not in SERVER_FIELDS}
    paths = job.params.get("output_paths")
    if job.task_output and isinstance(paths, list) and paths:
        path = f"output/{PurePath(str(paths[0])).name}"
        if path in job.task_output.values():
            shown["output_path"] = path
    return shown


class JobListResponse(BaseModel):
    """A page of jobs, newest first."""

    jobs: list[JobResponse]
    cursor: str | None = Field(default=None, description="The cursor of the next page; `null` on the last page.")


class JobFile(BaseModel):
    """A file of a job."""

    path: str = Field(description="Relative to the job, as outputs name it and downloads take it.")
    size: int = Field(ge=0, description="Bytes.")
    sha256: str
    media_type: str = Field(description="By its first bytes.")


class JobFilesResponse(BaseModel):
    """The files of a job: inputs (`input/…`) and results (`output/…`)."""

    files: list[JobFile]


class JobLogLine(BaseModel):
    """A line in the log of a job."""

    number: int = Field(ge=1, description="The number of the line, counted from 1.")
    at: int = Field(description="UTC milliseconds.")
    level: str = Field(description="`debug`, `info`, `warning`, `error` or `critical`.")
    text: str


class JobLogResponse(BaseModel):
    """Part of the log of a job, oldest line first."""

    lines: list[JobLogLine]
    left_out: int = Field(ge=0, description="The number of older lines that the server no longer has.")
    ended: bool = Field(description="Whether the job has ended, so that no further lines follow.")


class JobEvent(JobResponse):
    """The MQTT message about a job: one for every transition and every progress."""

    event_type: JobStatus | None = Field(default=None, description="The same as `status`.")
    timestamp: int | None = Field(default=None, description="When this happened, UTC milliseconds.")

    @classmethod
    def about(cls, job: Job, *, whole: bool) -> Self:
        """The event with the current state of the job. Only a `whole` event contains parameters and outputs."""
        if not whole:
            return cls.model_construct(
                job_id=job.job_id,
                task_type=job.task_type,
                event_type=job.status,
                status=job.status,
                progress=job.progress,
                timestamp=job.updated_at,
                # The message starts with the name of the user's file. Clients request the end of a job from the server.
                error_message=None,
            )
        return cls.model_construct(
            None, **JobResponse.of(job).__dict__, event_type=job.status, timestamp=job.updated_at
        )


class WorkerCapability(BaseModel):
    """The retained MQTT message of a worker; an empty message means that the worker has ended."""

    id: str
    worker_id: str | None = Field(default=None, description="The same as `id`, for clients that read this name.")
    capabilities: list[str] = Field(description="The task types that this worker runs.")
    idle_count: int = Field(ge=0, description="How many jobs it could take at once.")
    timestamp: int = Field(description="UTC milliseconds.")


class WorkerCapabilitiesResponse(BaseModel):
    """Get the capabilities of the workers."""

    num_workers: int
    capabilities: dict[str, int] = Field(description="Idle workers for each task type.")


class AdminConfig(BaseModel):
    """Get the settings that can change at run time."""

    guest_mode: bool = Field(description="Whether requests without a token are accepted, for jobs only.")


class StorageSize(BaseModel):
    """What the files of all jobs take."""

    total_size: int = Field(description="Bytes.")
    job_count: int


class CleanupResult(BaseModel):
    """What a cleanup has removed up to now."""

    deleted_count: int = 0
    freed_space: int = Field(default=0, description="Bytes.")
    remaining: int = Field(default=0, description="How many jobs are still to go.")
    running: bool = Field(default=False, description="Whether it is under way.")


class ServerInfo(BaseModel):
    """Get the server's status and version."""

    status: str
    service: str
    version: str
    guestMode: Literal["on", "off"]  # noqa: N815 - the name on the wire
    auth_required: bool
