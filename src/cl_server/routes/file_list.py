"""`GET /jobs/{id}/files`: which files a job has."""

import hashlib
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Depends

from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.picture import media_type
from cl_ml_tools.schemas import ErrorResponse
from cl_server import bearer
from cl_server.access import REFUSALS
from cl_server.routes.files import entity_tag
from cl_server.routes.jobs import CurrentUser, job_of
from cl_server.schemas import JobFile, JobFilesResponse
from cl_server.storage import LocalFileStorage


def create_router(repository: JobRepository, storage: LocalFileStorage) -> APIRouter:
    """The list of files."""
    router = APIRouter(
        tags=["jobs"],
        dependencies=[Depends(bearer.scheme)],
        responses={**REFUSALS, 404: {"model": ErrorResponse, "description": "There is no such job"}},
    )

    @router.get("/jobs/{job_id}/files", operation_id="list_job_files", summary="List the files of a job")
    def list_job_files(job_id: str, user: CurrentUser) -> JobFilesResponse:
        job_of(repository, job_id, user)
        found: list[JobFile] = []
        for path in storage.files(job_id):
            try:
                size, tag = path.stat().st_size, entity_tag(path.stat())
                sha256, kind = digest(path, tag)
            except FileNotFoundError:
                # Deleted, or replaced by another attempt, while we looked.
                continue
            name = storage.relative(job_id, path)
            found.append(JobFile(path=name, size=size, sha256=sha256, media_type=kind))
        return JobFilesResponse(files=found)

    del list_job_files
    return router


@lru_cache(maxsize=4096)
def digest(path: Path, tag: str) -> tuple[str, str]:
    """SHA-256 and media type; `tag` stands for the content, so that nothing is read twice."""
    del tag
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), media_type(path)
