"""Makes the submit route of a plugin from the schema of its parameters.

A parameter that is added to the schema is a form field of the route, an entry of the spec, and so a
parameter of every generated client; nothing else has to be written.
"""

import contextlib
import hashlib
import inspect
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, BinaryIO, Generic, Protocol, TypeVar
from uuid import uuid4

from fastapi import APIRouter, Depends, File, Form, Header, HTTPException, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from cl_ml_tools.compute_module import Check, ComputeModule, Submit, TaskError, UnsupportedMediaTypeError
from cl_ml_tools.file_names import display_name, safe_stem, safe_suffix
from cl_ml_tools.file_storage import FileStorage, InputKeeper, InputMender, SavedFile
from cl_ml_tools.form_fields import refuse_others
from cl_ml_tools.job_queue import IdempotencyConflictError, JobQueue, OutcomeUnknownError
from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.labels import SubmittedLabels, read_labels
from cl_ml_tools.schemas import (
    SERVER_FIELDS,
    BaseJobParams,
    ErrorResponse,
    Job,
    JobCreatedResponse,
    JSONObject,
    Priority,
)

P = TypeVar("P", bound=BaseJobParams)
CurrentUser = Callable[..., object]

PIECE = 1 << 20

log = logging.getLogger(__name__)

NOT_TAKEN: dict[int | str, dict[str, object]] = {
    415: {"model": ErrorResponse, "description": "The task does not accept this type of file"}
}

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="A unique key for this submit. A retry with the same key returns the job of the first one.",
    ),
]


class RouteFactory(Protocol):
    """Makes the routes of a task: `SubmitRoute.router`, or what the entry point of a plugin names."""

    def __call__(
        self, repository: JobRepository, file_storage: FileStorage, get_current_user: CurrentUser
    ) -> APIRouter: ...


class SubmitRoute(Generic[P]):
    """`POST /jobs/<task_type>`: one file, the parameters of the schema, a priority.

    The event loop of the API reads the body; what touches the file, the storage or the database runs in a thread, of
    several submits at once. A submit that fails on its way leaves neither a job nor files. One that comes again with
    the same `Idempotency-Key` gets the job of the first time. How large files may be, the server's settings say.

    Args:
        task_type: the name of the task on the wire.
        params, output: the models of the parameters and of the output.
        summary, file, check: as of `Submit`.
        output_name: names the file that the task is to write, from the stem of the upload and the parameters.

    Answers with 200 and the job; 400 for an empty file, 413 for one that is too large, 415 and 422 for what `check` and
    the schema refuse, 429 where the user has too many jobs, 503 where the task cannot run, 507 where the disk is full.
    """

    def __init__(
        self,
        task_type: str,
        params: type[P],
        output: type[BaseModel],
        *,
        summary: str,
        file: str,
        output_name: Callable[[str, P], str | None] | None = None,
        check: Check | None = None,
    ) -> None:
        self.task_type = task_type
        self.params = params
        self.output = output
        self.summary = summary
        self.file = file
        self.output_name = output_name
        self.check = check
        self.fields = {name: field for name, field in params.model_fields.items() if name not in SERVER_FIELDS}

    @classmethod
    def of(cls: "type[SubmitRoute[P]]", module: ComputeModule[P], submit: Submit) -> "SubmitRoute[P]":
        """The route of a task.

        Raises:
            ValueError: the task does not say what it gives.
        """
        output = module.get_output_schema()
        if output is None:
            raise ValueError(f"{module.task_type} has no output_schema")
        return cls(
            module.task_type,
            module.get_schema(),
            output,
            summary=submit.summary,
            file=submit.file,
            check=submit.check,
            output_name=module.output_name,
        )

    def router(self, repository: JobRepository, file_storage: FileStorage, get_current_user: CurrentUser) -> APIRouter:
        """The route, bound to where its jobs and files go."""
        router = APIRouter()
        router.add_api_route(
            f"/jobs/{self.task_type}",
            Submission(self, repository, file_storage, get_current_user),
            methods=["POST"],
            name=f"create_{self.task_type}_job",
            operation_id=f"create_{self.task_type}_job",
            summary=self.summary,
            description=inspect.getdoc(self.params) or self.summary,
            tags=["jobs"],
            response_model=JobCreatedResponse,
            responses={
                400: {"model": ErrorResponse, "description": "The file is empty"},
                413: {"model": ErrorResponse, "description": "The upload is larger than the limit for this user"},
                **({} if self.check is None else NOT_TAKEN),
                422: {
                    "model": ErrorResponse,
                    "description": "A parameter is missing, out of range or too long, the file is damaged or has too "
                    "many pixels, or the key came with another job",
                },
                429: {"model": ErrorResponse, "description": "This user has too many unfinished jobs"},
                503: {"model": ErrorResponse, "description": "The task needs a library or a model that is missing"},
                507: {"model": ErrorResponse, "description": "The server's disk is full"},
            },
            # All but a large file is kept in memory: by default, up to two gigabytes for one request.
            form_limits={"max_files": 1, "max_fields": 100, "max_part_size": 64 << 10},
            openapi_extra={
                "x-task-type": self.task_type,
                "x-task-output": {"$ref": f"#/components/schemas/{self.output.__name__}"},
            },
        )
        return router

    def signature(self, get_current_user: CurrentUser, *, keeps_keys: bool) -> inspect.Signature:
        """The signature from which FastAPI reads the form; clients see in the spec whether keys are kept."""
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [inspect.Parameter("file", keyword, annotation=Annotated[UploadFile, File(description=self.file)])]
        for name, field in self.fields.items():
            annotation = Annotated[field.annotation, *field.metadata, Form(description=field.description)]
            default = inspect.Parameter.empty if field.is_required() else field.get_default(call_default_factory=True)
            parameters.append(inspect.Parameter(name, keyword, annotation=annotation, default=default))
        parameters.append(inspect.Parameter("priority", keyword, annotation=Annotated[Priority, Form()], default=5))
        parameters.append(inspect.Parameter("label", keyword, annotation=SubmittedLabels, default=[]))
        if keeps_keys:
            parameters.append(inspect.Parameter("idempotency_key", keyword, annotation=IdempotencyKey, default=None))
        parameters.append(inspect.Parameter("user", keyword, default=Depends(get_current_user)))
        parameters.append(inspect.Parameter("request", keyword, annotation=Request))
        return inspect.Signature(parameters)


# An upload that could not be kept.
NOT_SAVED: SavedFile = {"filename": "", "path": "", "size": 0}


@dataclass(frozen=True, slots=True)
class Sent(Generic[P]):
    """What somebody sent, and the id that the job gets."""

    job_id: str
    file: UploadFile
    params: P
    priority: int
    owner: str | None
    key: str | None
    labels: dict[str, str]

    @property
    def name(self) -> str:
        """What the user calls the file."""
        return display_name(self.file.filename)

    @property
    def kept_as(self) -> str:
        """What it is called in the folder of its job."""
        return f"source{safe_suffix(self.file.filename)}"


class Submission(Generic[P]):
    """The endpoint. A callable with a signature of its own, for that is what FastAPI reads."""

    def __init__(
        self, route: SubmitRoute[P], repository: JobRepository, storage: FileStorage, get_current_user: CurrentUser
    ) -> None:
        self.__signature__ = route.signature(get_current_user, keeps_keys=isinstance(repository, JobQueue))
        self.route = route
        self._repository = repository
        self._storage = storage

    async def __call__(
        self,
        request: Request,
        file: UploadFile,
        priority: int,
        user: object,
        label: list[str],
        idempotency_key: str | None = None,
        **fields: object,
    ) -> JobCreatedResponse:
        await refuse_others(request, {"file", "priority", *self.route.fields})
        refuse_empty(file)
        labels = read_labels(label)
        sent = Sent(uuid4().hex, file, self.checked(fields), priority, user_id(user), idempotency_key, labels)
        if isinstance(self._storage, InputKeeper):
            job = await run_in_threadpool(self._take, sent, self._storage)
        else:
            job = await self._take_step_by_step(sent)
        return JobCreatedResponse(job_id=job.job_id, status=job.status, task_type=job.task_type)

    def _take(self, sent: Sent[P], storage: InputKeeper) -> Job:
        # All in one thread, which knows whether the job is queued, whatever becomes of the request meanwhile.
        try:
            self.begin(sent)
            return self._queue(sent, storage.keep_input(sent.job_id, sent.kept_as, sent.file.file))
        except OutcomeUnknownError:
            # The job may be there, and then it needs its files. If it is not, they are swept later.
            raise
        except OSError as error:
            return self.before_trouble(sent, error)
        except BaseException:
            self._storage.cleanup_job(sent.job_id)
            raise

    async def _take_step_by_step(self, sent: Sent[P]) -> Job:
        """The same with a storage that only knows how to save on the event loop."""
        try:
            await run_in_threadpool(self.begin, sent)
            saved = await self._storage.save_input_file(sent.job_id, sent.kept_as, sent.file)
            return await run_in_threadpool(self._queue, sent, saved)
        except OutcomeUnknownError:
            raise
        except OSError as error:
            return await run_in_threadpool(self.before_trouble, sent, error)
        except BaseException:
            await run_in_threadpool(self._storage.cleanup_job, sent.job_id)
            raise

    def begin(self, sent: Sent[P]) -> None:
        """Look at the file, and make the place of its job."""
        if self.route.check is not None:
            _look(self.route.check, sent.file.file, sent.name)
        self._storage.create_job_directory(sent.job_id)

    def _queue(self, sent: Sent[P], saved: SavedFile) -> Job:
        """Queue a job, unless it was queued before, under the same key: then that one."""
        if sent.key is None or not isinstance(self._repository, JobQueue):
            job = self.job(sent, saved)
            self._repository.add_job(job, created_by=sent.owner, priority=sent.priority)
            return job
        job, fingerprint = self.named(sent, saved)
        try:
            queued = self._repository.submit(
                job, created_by=sent.owner, priority=sent.priority, key=sent.key, fingerprint=fingerprint
            )
        except IdempotencyConflictError as error:
            raise HTTPException(422, str(error)) from error
        self.keep_one(sent, queued)
        return queued

    def keep_one(self, sent: Sent[P], queued: Job) -> None:
        """Where a job was queued before, remove the files that came again, of which it may need one."""
        if queued.job_id == sent.job_id:
            return
        if isinstance(self._storage, InputMender) and self._storage.mend_inputs(queued.job_id, sent.job_id):
            log.warning("job %s had lost its file: the one that came again takes its place", queued.job_id)
        self._storage.cleanup_job(sent.job_id)

    def before_trouble(self, sent: Sent[P], error: OSError) -> Job:
        """The job that came before with the same key, where this one cannot be kept: a full disk, a storage that is
        away. Whoever heard of the trouble instead would send it again as another one. Raises `error` otherwise.
        """
        with contextlib.suppress(OSError):
            self._storage.cleanup_job(sent.job_id)
        if sent.key is None or not isinstance(self._repository, JobQueue):
            raise error
        fingerprint = _fingerprint(self.job(sent, NOT_SAVED), _sha256(sent.file.file))
        try:
            found = self._repository.submitted(sent.key, created_by=sent.owner, fingerprint=fingerprint)
        except IdempotencyConflictError:
            raise error from None
        if found is None:
            raise error
        return found

    def named(self, sent: Sent[P], saved: SavedFile) -> tuple[Job, str]:
        """The job of what was sent, and kept, and its fingerprint."""
        job = self.job(sent, saved)
        return job, _fingerprint(job, saved.get("hash") or _sha256(sent.file.file))

    def job(self, sent: Sent[P], saved: SavedFile) -> Job:
        """The job of what was sent, and kept."""
        params = sent.params
        params.input_paths = [saved["path"]]
        params.input_names = [sent.name]
        name = None if self.route.output_name is None else self.route.output_name(safe_stem(sent.file.filename), params)
        if name is not None:
            params.output_paths = [str(self._storage.get_output_path(sent.job_id) / name)]
        content: JSONObject = params.model_dump(mode="json")
        return Job(
            job_id=sent.job_id,
            task_type=self.route.task_type,
            params=content,
            priority=sent.priority,
            size=saved["size"],
            labels=sent.labels,
        )

    def checked(self, fields: Mapping[str, object]) -> P:
        """The parameters of a job. Raises `RequestValidationError`."""
        try:
            return self.route.params.model_validate(fields)
        except ValidationError as error:
            raise RequestValidationError(body_issues(error)) from error


def body_issues(error: ValidationError) -> list[dict[str, object]]:
    """What is wrong with parameters, as FastAPI says it of a body."""
    return [{**issue, "loc": ("body", *issue["loc"])} for issue in error.errors(include_url=False)]


def refuse_empty(file: UploadFile) -> None:
    """Raise 400 for a file without content."""
    if file.size == 0:
        raise HTTPException(400, f"{display_name(file.filename)} is empty: there is nothing to work on")


def _look(check: Check, file: BinaryIO, name: str) -> None:
    try:
        check(file, name)
    except UnsupportedMediaTypeError as error:
        # RFC 9110 §15.5.16: found "as a result of inspecting the data directly".
        raise HTTPException(415, str(error)) from error
    except TaskError as error:
        # RFC 9110 §15.5.21: of a kind that is understood, and yet no work can be done on it.
        raise HTTPException(422, str(error)) from error
    file.seek(0)


def _fingerprint(job: Job, content_hash: str) -> str:
    """What makes a submit the same as another: the task, what the user sent with it, and the file."""
    sent = {name: value for name, value in job.params.items() if name not in SERVER_FIELDS}
    parts = [job.task_type, job.priority, sent, job.params["input_names"], content_hash]
    # So that submits without labels have the fingerprints that earlier versions gave them.
    parts += [job.labels] if job.labels else []
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    content = hashlib.sha256()
    while piece := file.read(PIECE):
        content.update(piece)
    return content.hexdigest()


def user_id(user: object) -> str | None:
    """The id of whoever sent the request, as an opaque string."""
    found: object = getattr(user, "id", None)
    return None if found is None else str(found)
