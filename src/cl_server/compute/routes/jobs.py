"""`/jobs/{id}`: look at a job, delete it."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from cl_ml_tools.file_storage import FileStorage
from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.schemas import ErrorResponse, Job
from cl_server.http import bearer
from cl_server.http.access import REFUSALS, User, job_user
from cl_server.queue.removal import remove
from cl_server.schemas import JobResponse

CurrentUser = Annotated[User, Depends(job_user)]

OURS = "cl-client/"
"""The prefix of the `User-Agent` of our client, which listens before it submits."""


def create_router(
    repository: JobRepository, storage: FileStorage, on_asked: Callable[[Job], None] | None = None
) -> APIRouter:
    """The routes of one job. `on_asked` is called for jobs that other kinds of clients request."""
    router = APIRouter(
        tags=["jobs"],
        dependencies=[Depends(bearer.scheme)],
        responses={**REFUSALS, 404: {"model": ErrorResponse, "description": "There is no such job"}},
    )

    @router.get("/jobs/{job_id}", operation_id="get_job", summary="Get a job")
    def get_job(job_id: str, user: CurrentUser, request: Request) -> JobResponse:
        job = job_of(repository, job_id, user)
        if on_asked is not None and not request.headers.get("user-agent", "").startswith(OURS):
            on_asked(job)
        return JobResponse.of(job)

    @router.delete("/jobs/{job_id}", operation_id="delete_job", summary="Delete a job and its files", status_code=204)
    def delete_job(job_id: str, user: CurrentUser) -> Response:
        job_of(repository, job_id, user)
        if not remove(repository, storage, job_id):
            raise no_such_job(job_id)
        return Response(status_code=204)

    # FastAPI holds them; the names are for the reader.
    del get_job, delete_job
    return router


def job_of(repository: JobRepository, job_id: str, user: User) -> Job:
    """The job, if it belongs to the user. Raises 404 otherwise, even if another user has a job with this id."""
    job = repository.get_job(job_id)
    if job is None or not user.may_see(job):
        raise no_such_job(job_id)
    return job


def no_such_job(job_id: str) -> HTTPException:
    """The 404 of a job."""
    return HTTPException(404, f"there is no job {job_id[:80]}")
