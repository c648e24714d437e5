"""`GET /jobs/{id}/log`: what the workers wrote about a job."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from cl_ml_tools.job_queue import JobQueue
from cl_ml_tools.schemas import ErrorResponse
from cl_server.compute.routes.jobs import CurrentUser, job_of
from cl_server.http import bearer
from cl_server.http.access import REFUSALS
from cl_server.schemas import JobLogLine, JobLogResponse


def create_router(queue: JobQueue) -> APIRouter:
    """The log."""
    router = APIRouter(
        tags=["jobs"],
        dependencies=[Depends(bearer.scheme)],
        responses={**REFUSALS, 404: {"model": ErrorResponse, "description": "There is no such job"}},
    )

    @router.get(
        "/jobs/{job_id}/log",
        operation_id="get_job_log",
        summary="Get the log of a job",
        description="The lines that workers wrote about the job: attempts, warnings, and what the task logged. The "
        "server keeps the newest 500 lines, and at most 64 KiB.",
        responses={422: {"model": ErrorResponse, "description": "The offset isn't a line number"}},
    )
    def get_job_log(
        job_id: str,
        user: CurrentUser,
        offset: Annotated[
            int, Query(ge=0, le=1 << 53, description="Return only lines with a larger `number` than this.")
        ] = 0,
    ) -> JobLogResponse:
        # The job before its log: once it has ended, no line follows.
        job = job_of(queue, job_id, user)
        found = queue.read_log(job_id, offset)
        return JobLogResponse(
            lines=[JobLogLine.model_validate(asdict(line)) for line in found.lines],
            left_out=found.left_out,
            ended=job.status.terminal,
        )

    del get_job_log
    return router
