"""`GET /jobs/{id}/files`: which files a job has."""

from dataclasses import asdict

from fastapi import APIRouter, Depends

from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.schemas import ErrorResponse
from cl_server.compute.routes.jobs import CurrentUser, job_of
from cl_server.files.protocol import JobStorage
from cl_server.http import bearer
from cl_server.http.access import REFUSALS
from cl_server.schemas import JobFile, JobFilesResponse


def create_router(repository: JobRepository, storage: JobStorage) -> APIRouter:
    """The list of files."""
    router = APIRouter(
        tags=["jobs"],
        dependencies=[Depends(bearer.scheme)],
        responses={**REFUSALS, 404: {"model": ErrorResponse, "description": "There is no such job"}},
    )

    @router.get("/jobs/{job_id}/files", operation_id="list_job_files", summary="List the files of a job")
    def list_job_files(job_id: str, user: CurrentUser) -> JobFilesResponse:
        job_of(repository, job_id, user)
        return JobFilesResponse(files=[JobFile.model_validate(asdict(entry)) for entry in storage.list_files(job_id)])

    del list_job_files
    return router
