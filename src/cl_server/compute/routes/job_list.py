"""`GET /jobs`: find jobs."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query

from cl_ml_tools.job_queue import JobQuery, JobQueue
from cl_ml_tools.labels import WantedLabels, read_labels
from cl_ml_tools.schemas import ErrorResponse, JobStatus
from cl_server.compute.routes.jobs import CurrentUser
from cl_server.http import bearer
from cl_server.http.access import REFUSALS
from cl_server.schemas import JobListResponse, JobResponse

# So that an answer stays small, and a question too.
MOST = 200


def create_router(queue: JobQueue) -> APIRouter:
    """The list."""
    router = APIRouter(tags=["jobs"], dependencies=[Depends(bearer.scheme)], responses={**REFUSALS})

    @router.get(
        "/jobs",
        operation_id="list_jobs",
        summary="List jobs, newest first",
        responses={422: {"model": ErrorResponse, "description": "A filter cannot be read"}},
    )
    def list_jobs(
        user: CurrentUser,
        status: Annotated[JobStatus | None, Query(description="Only jobs in this status.")] = None,
        task_type: Annotated[str | None, Query(description="Only jobs of this task.")] = None,
        label: WantedLabels = None,
        ids: Annotated[list[str] | None, Query(description="Only these jobs.", max_length=MOST)] = None,
        cursor: Annotated[str | None, Query(description="The cursor of the previous page.")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST, description="The most jobs in a page.")] = 50,
    ) -> JobListResponse:
        query = JobQuery(
            status=status,
            task_type=task_type,
            ids=ids,
            created_by=None if user.is_admin else user.id,
            of_guests=user.id is None,
            cursor=place(cursor),
            limit=limit,
            labels=read_labels(label or ()),
        )
        page = queue.list_jobs(query)
        return JobListResponse(
            jobs=[JobResponse.of(job) for job in page.jobs], cursor=None if page.cursor is None else str(page.cursor)
        )

    del list_jobs
    return router


def place(cursor: str | None) -> int | None:
    """A cursor as the repository has it."""
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise HTTPException(422, "the cursor isn't from this server")
    return int(cursor)
