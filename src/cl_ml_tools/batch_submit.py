"""Many small files in one request: what they share is done once, and each is answered as its own submit would be."""

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, cast, runtime_checkable
from uuid import uuid4

from fastapi import APIRouter, Depends, FastAPI, File, Form, HTTPException, Path, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, Json, JsonValue, ValidationError, WithJsonSchema

from cl_ml_tools.discovery import AnyModule
from cl_ml_tools.file_storage import FileStorage, InputKeeper
from cl_ml_tools.form_fields import refuse, refuse_others
from cl_ml_tools.job_queue import IdempotencyConflictError, JobQueue, OutcomeUnknownError, Submittal
from cl_ml_tools.labels import MOST as MOST_LABELS
from cl_ml_tools.labels import Label, read_labels
from cl_ml_tools.schemas import BaseJobParams, ErrorResponse, Job, JobCreatedResponse, JSONObject, Priority
from cl_ml_tools.submit import CurrentUser, Sent, Submission, SubmitRoute, body_issues, refuse_empty, user_id

PATH = "/jobs/{task_type}/batch"
# How many files, and how many bytes of them: what they share is a small part of the work by then.
MOST_FILES = 64
MOST_BYTES = 4 << 20
# What a request holds besides its files, in bytes.
AROUND = 1 << 20

Need = Callable[[str], None]


@runtime_checkable
class BatchStorage(FileStorage, InputKeeper, Protocol):
    """A storage whose files a thread can keep."""


class JobInBatch(BaseModel):
    """One of the jobs: what its own submit would send besides the file."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(
        min_length=1,
        max_length=255,
        description="As `Idempotency-Key`: a job that comes again with its key, in whatever request, is the first one.",
    )
    params: JSONObject = Field(default_factory=dict, description="The parameters of the task, by their names.")
    priority: Priority = 5
    labels: list[Label] = Field(
        default_factory=list, max_length=MOST_LABELS, description="Labels of the job, each as `name=value`."
    )


class BatchedJobResponse(BaseModel):
    """What became of one file: its job, or the error that its own submit would have been answered with."""

    status_code: int = Field(description="The status of that answer.")
    job: JobCreatedResponse | None = None
    error: ErrorResponse | None = None
    retry_after: int | None = Field(default=None, description="Seconds after which it may be sent again.")


class BatchResponse(BaseModel):
    """What became of each file, in the order in which they came."""

    jobs: list[BatchedJobResponse]


log = logging.getLogger(__name__)

# A form has only text: each job is read by itself, so that one that is wrong is refused alone.
JobsField = Annotated[
    Json[list[JsonValue]],
    WithJsonSchema(
        {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_FILES,
                "items": JobInBatch.model_json_schema(),
            },
        }
    ),
    Form(description="The jobs, as a JSON list: one for each file, in their order."),
]
Files = Annotated[list[UploadFile], File(description="The files, in the order of the jobs.", max_length=MOST_FILES)]


def is_batch(path: str) -> bool:
    """Whether a request to a path sends many jobs."""
    parts = path.split("/")
    return len(parts) == 4 and parts[1] == "jobs" and parts[3] == "batch"


def batch_router(
    modules: Mapping[str, AnyModule],
    repository: JobQueue,
    storage: BatchStorage,
    get_current_user: CurrentUser,
    need: Need,
) -> APIRouter:
    """`POST /jobs/{task_type}/batch` for the tasks that say how their jobs are sent.

    Args:
        modules, repository, storage, get_current_user: as of `create_master_router`.
        need: raises 503 for a task that cannot run.
    """
    tasks = {
        name: Submission(SubmitRoute[BaseJobParams].of(module, module.submit), repository, storage, get_current_user)
        for name, module in modules.items()
        if module.submit is not None
    }
    router = APIRouter()
    router.add_api_route(
        PATH,
        BatchSubmission(tasks, repository, storage, get_current_user, need),
        methods=["POST"],
        operation_id="submit_jobs",
        summary="Submit many small files",
        description=f"Submits up to {MOST_FILES} files with at most {MOST_BYTES >> 20} MiB in all, each as a job of "
        "its own. The answer tells for each file what its own submit would have been answered with: one that is "
        "refused doesn't stop the others.",
        tags=["jobs"],
        response_model=BatchResponse,
        response_model_exclude_none=True,
        responses={
            404: {"model": ErrorResponse, "description": "There is no such task, or its jobs are sent otherwise"},
            413: {"model": ErrorResponse, "description": "The request is too large"},
            422: {"model": ErrorResponse, "description": "It is not one file for each job, or there are too many"},
            503: {"model": ErrorResponse, "description": "The task needs a library or a model that is missing"},
            507: {"model": ErrorResponse, "description": "The server's disk is full"},
        },
        form_limits={"max_files": MOST_FILES, "max_fields": 2, "max_part_size": AROUND // 2},
        openapi_extra={"x-job-batch": {"files": MOST_FILES, "bytes": MOST_BYTES}},
    )
    return router


@dataclass(slots=True)
class _Part:
    """One file of the request, on its way to be a job."""

    submission: Submission[BaseJobParams]
    sent: Sent[BaseJobParams]
    job: Job | None = None
    fingerprint: str = ""
    # Whether there may be files of it that no job has yet.
    has_own_files: bool = False
    answer: Job | Exception | None = None


class BatchSubmission:
    """The endpoint."""

    def __init__(
        self,
        tasks: Mapping[str, Submission[BaseJobParams]],
        repository: JobQueue,
        storage: BatchStorage,
        get_current_user: CurrentUser,
        need: Need,
    ) -> None:
        keyword = inspect.Parameter.KEYWORD_ONLY
        task_type = Annotated[str, Path(description="The task of all of them.")]
        self.__signature__ = inspect.Signature(
            [
                inspect.Parameter("task_type", keyword, annotation=task_type),
                inspect.Parameter("jobs", keyword, annotation=JobsField),
                inspect.Parameter("files", keyword, annotation=Files),
                inspect.Parameter("user", keyword, default=Depends(get_current_user)),
                inspect.Parameter("request", keyword, annotation=Request),
            ]
        )
        self._tasks = tasks
        self._repository = repository
        self._storage = storage
        self._need = need

    async def __call__(
        self, request: Request, task_type: str, jobs: list[JsonValue], files: list[UploadFile], user: object
    ) -> BatchResponse:
        submission = self._tasks.get(task_type)
        if submission is None:
            raise HTTPException(404, f"there is no task {task_type[:64]!r} of which many jobs can be sent at once")
        self._need(task_type)
        await refuse_others(request, {"jobs", "files"})
        if len(jobs) != len(files):
            raise HTTPException(422, f"there are {len(jobs)} jobs and {len(files)} files: expected one file for each")
        read = [_read(submission, *pair, user_id(user)) for pair in zip(jobs, files, strict=True)]
        parts = [part for part in read if isinstance(part, _Part)]
        made = iter(await run_in_threadpool(self._take, parts, user_id(user)))
        answers = [next(made) if isinstance(each, _Part) else each for each in read]
        return BatchResponse(jobs=[await _answer(request, each) for each in answers])

    def _take(self, parts: Sequence[_Part], owner: str | None) -> list[Job | Exception]:
        # All in one thread, which knows which jobs are queued, whatever becomes of the request meanwhile.
        try:
            for part in parts:
                part.answer = self._keep(part)
            self._queue([part for part in parts if part.answer is None], owner)
        except OutcomeUnknownError:
            # They may be there, and then they need their files. If they are not, these are swept later.
            raise
        except BaseException:
            for part in parts:
                if part.has_own_files:
                    self._storage.cleanup_job(part.sent.job_id)
            raise
        return [part.answer for part in parts if part.answer is not None]

    def _keep(self, part: _Part) -> Job | Exception | None:
        """Keep a file; why it cannot be kept, or the job that came before with its key."""
        try:
            part.has_own_files = True
            part.submission.begin(part.sent)
            saved = self._storage.keep_input(part.sent.job_id, part.sent.kept_as, part.sent.file.file)
            part.job, part.fingerprint = part.submission.named(part.sent, saved)
        except HTTPException as error:
            part.has_own_files = False
            return error
        except OSError as error:
            return self._in_trouble(part, error)
        return None

    def _queue(self, parts: Sequence[_Part], owner: str | None) -> None:
        submittals = [Submittal(part.job, part.sent.key or "", part.fingerprint) for part in parts if part.job]
        answers = self._repository.submit_many(submittals, created_by=owner) if submittals else []
        for part, answer in zip(parts, answers, strict=True):
            part.answer = HTTPException(422, str(answer)) if isinstance(answer, IdempotencyConflictError) else answer
            part.has_own_files = not (isinstance(answer, Job) and answer.job_id == part.sent.job_id)
        for part in parts:
            if not part.has_own_files:
                continue
            try:
                if isinstance(part.answer, Job):
                    part.submission.keep_one(part.sent, part.answer)
                else:
                    self._storage.cleanup_job(part.sent.job_id)
                part.has_own_files = False
            except OSError as error:
                part.answer = self._in_trouble(part, error)

    @staticmethod
    def _in_trouble(part: _Part, error: OSError) -> Job | Exception:
        part.has_own_files = False
        try:
            return part.submission.before_trouble(part.sent, error)
        except OSError as trouble:
            return trouble


def _read(
    submission: Submission[BaseJobParams], said: JsonValue, file: UploadFile, owner: str | None
) -> _Part | Exception:
    """A job as its own submit would be read; the error that it would be refused with."""
    try:
        item = JobInBatch.model_validate(said)
        refuse(item.params, submission.route.fields)
        refuse_empty(file)
        # A field of a form that is empty is one that was not sent.
        params = submission.checked({name: value for name, value in item.params.items() if value != ""})
        labels = read_labels(item.labels)
    except ValidationError as error:
        return RequestValidationError(body_issues(error))
    except (HTTPException, RequestValidationError) as error:
        return error
    return _Part(submission, Sent(uuid4().hex, file, params, item.priority, owner, item.key, labels))


async def _answer(request: Request, came: Job | Exception) -> BatchedJobResponse:
    """What the submit of one job would have been answered with, by whoever answers for errors in this application."""
    if isinstance(came, Job):
        job = JobCreatedResponse(job_id=came.job_id, status=came.status, task_type=came.task_type)
        return BatchedJobResponse(status_code=200, job=job)
    application = cast("FastAPI", request.app)
    handlers = cast("Mapping[object, Callable[[Request, Exception], object]]", application.exception_handlers)
    handler = next((handlers[kind] for kind in type(came).__mro__ if kind in handlers), None)
    try:
        if handler is None:
            raise came
        answered = handler(request, came)
        response = cast("Response", await answered if inspect.isawaitable(answered) else answered)
    except Exception:
        log.exception("a job of many could not be submitted")
        return BatchedJobResponse(status_code=500, error=ErrorResponse(detail="internal error"))
    after = response.headers.get("retry-after", "")
    return BatchedJobResponse(
        status_code=response.status_code,
        error=ErrorResponse.model_validate_json(bytes(response.body)),
        retry_after=int(after) if after.isdecimal() else None,
    )
