"""`/jobs/{id}`: look at a job, delete it."""

from fastapi import APIRouter, HTTPException, Response

from cl_ml_tools.file_storage import FileStorage
from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.schemas import ErrorResponse
from cl_server.schemas import JobResponse


def create_router(repository: JobRepository, storage: FileStorage) -> APIRouter:
    """The routes of one job."""
    router = APIRouter(tags=["jobs"], responses={404: {"model": ErrorResponse, "description": "There is no such job"}})

    @router.get("/jobs/{job_id}", operation_id="get_job", summary="Look at a job")
    def get_job(job_id: str) -> JobResponse:
        job = repository.get_job(job_id)
        if job is None:
            raise no_such_job(job_id)
        return JobResponse.of(job)

    @router.delete("/jobs/{job_id}", operation_id="delete_job", summary="Delete a job and its files", status_code=204)
    def delete_job(job_id: str) -> Response:
        if not repository.delete_job(job_id):
            raise no_such_job(job_id)
        storage.cleanup_job(job_id)
        return Response(status_code=204)

    # FastAPI holds them; the names are for the reader.
    del get_job, delete_job
    return router


def no_such_job(job_id: str) -> HTTPException:
    """The 404 of a job."""
    return HTTPException(404, f"there is no job {job_id[:80]}")
