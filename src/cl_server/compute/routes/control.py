"""`POST /jobs/{id}/cancel` and `/retry`: stop a job, do one again."""

from uuid import uuid4

from fastapi import APIRouter, Depends, HTTPException
from pydantic import JsonValue

from cl_ml_tools.job_queue import JobQueue, OutcomeUnknownError
from cl_ml_tools.schemas import ErrorResponse, Job, JobCreatedResponse, JobStatus, JSONObject
from cl_server.compute.routes.jobs import CurrentUser, job_of, no_such_job
from cl_server.files.protocol import JobStorage
from cl_server.http import bearer
from cl_server.http.access import REFUSALS
from cl_server.schemas import JobResponse


def create_router(queue: JobQueue, storage: JobStorage) -> APIRouter:
    """The routes that do something with a job that is there."""
    router = APIRouter(
        tags=["jobs"],
        dependencies=[Depends(bearer.scheme)],
        responses={
            **REFUSALS,
            404: {"model": ErrorResponse, "description": "There is no such job"},
            409: {"model": ErrorResponse, "description": "The status of the job does not allow it"},
        },
    )

    @router.post(
        "/jobs/{job_id}/cancel",
        operation_id="cancel_job",
        summary="Cancel a job",
        description="A queued job is cancelled at once. A running job is asked to stop, and is stopped soon after.",
    )
    def cancel_job(job_id: str, user: CurrentUser) -> JobResponse:
        job_of(queue, job_id, user)
        job = queue.cancel(job_id)
        if job is None:
            raise no_such_job(job_id)
        if job.status in {JobStatus.COMPLETED, JobStatus.FAILED}:
            raise HTTPException(409, f"job {job_id} has {job.status.value} already")
        return JobResponse.of(job)

    @router.post(
        "/jobs/{job_id}/retry",
        operation_id="retry_job",
        summary="Retry a job",
        description="Creates a job with the files and parameters of a job that failed or was cancelled.",
        responses={
            413: {"model": ErrorResponse, "description": "The owner's files take more than the quota"},
            429: {"model": ErrorResponse, "description": "The owner has too many unfinished jobs"},
        },
    )
    def retry_job(job_id: str, user: CurrentUser) -> JobCreatedResponse:
        job = job_of(queue, job_id, user)
        if job.status not in {JobStatus.FAILED, JobStatus.CANCELLED}:
            raise HTTPException(409, f"job {job_id} is {job.status.value}: it neither failed nor was cancelled")
        again = uuid4().hex
        try:
            if not storage.copy_inputs(job_id, again):
                raise no_such_job(job_id)
            params = moved(job.params, job_id, again)
            size = storage.size_of(again)
            new = Job(
                job_id=again,
                task_type=job.task_type,
                params=params,
                priority=job.priority,
                size=size,
                labels=job.labels,
            )
            queue.submit(new, created_by=job.created_by)
        except OutcomeUnknownError:
            # The new job may be there, and then it needs its files.
            raise
        except BaseException:
            storage.cleanup_job(again)
            raise
        return JobCreatedResponse(job_id=again, status=new.status, task_type=new.task_type)

    def moved(params: JSONObject, old: str, new: str) -> JSONObject:
        """The parameters with the server's paths leading to another job."""
        here, there = str(storage.get_input_path(old).parent), str(storage.get_input_path(new).parent)

        def path(value: JsonValue) -> JsonValue:
            return there + value.removeprefix(here) if isinstance(value, str) and value.startswith(here) else value

        result = dict(params)
        for name in ("input_paths", "output_paths"):
            paths = params.get(name)
            if isinstance(paths, list):
                result[name] = [path(value) for value in paths]
        return result

    del cancel_job, retry_job
    return router
