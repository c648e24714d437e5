"""`/admin`: what only admins do."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from cl_ml_tools.form_fields import refuse_others
from cl_ml_tools.schemas import ErrorResponse
from cl_server.files.protocol import JobStorage
from cl_server.http import bearer
from cl_server.http.access import REFUSALS, admin
from cl_server.queue.clean_up import CleanUp
from cl_server.queue.guest_mode import Switch
from cl_server.schemas import AdminConfig, CleanupResult, StorageSize


def create_router(clean_up: CleanUp, storage: JobStorage, guest_mode: Switch) -> APIRouter:
    """The routes for admins."""
    router = APIRouter(
        prefix="/admin", tags=["admin"], dependencies=[Depends(admin), Depends(bearer.scheme)], responses={**REFUSALS}
    )

    # As servers of this family have called it since February 2026.
    @router.get("/pref", include_in_schema=False)
    @router.get("/pref/guest-mode", include_in_schema=False)
    @router.get("/config", operation_id="get_admin_config", summary="Get the settings that can change at run time")
    def get_admin_config() -> AdminConfig:
        return AdminConfig(guest_mode=guest_mode.on)

    @router.put("/pref/guest-mode", include_in_schema=False)
    @router.put(
        "/config/guest-mode",
        operation_id="set_guest_mode",
        summary="Turn guest mode on or off",
        responses={
            422: {"model": ErrorResponse, "description": "`guest_mode` is neither on nor off"},
        },
    )
    async def set_guest_mode(request: Request, guest_mode_on: Annotated[bool, Form(alias="guest_mode")]) -> AdminConfig:
        await refuse_others(request, {"guest_mode"})
        await run_in_threadpool(guest_mode.set, on=guest_mode_on)
        return AdminConfig(guest_mode=guest_mode.on)

    @router.get("/jobs/storage/size", operation_id="get_storage_size", summary="Get the storage that jobs use")
    def get_storage_size() -> StorageSize:
        sizes = storage.sizes()
        return StorageSize(total_size=sum(sizes.values()), job_count=len(sizes))

    @router.delete(
        "/jobs/cleanup",
        operation_id="clean_up_jobs",
        summary="Delete jobs that ended some days ago",
        responses={
            202: {
                "model": CleanupResult,
                "description": "The clean-up is still running; `GET /admin/jobs/cleanup` reports its progress",
            },
            422: {"model": ErrorResponse, "description": "`days` is out of its range"},
        },
    )
    def clean_up_jobs(response: Response, days: Annotated[int, Query(ge=0, le=36_500)] = 7) -> CleanupResult:
        result = clean_up.begin(days)
        if result.running:
            response.status_code = 202
            response.headers["location"] = f"{router.prefix}/jobs/cleanup"
        return result

    @router.get(
        "/jobs/cleanup", operation_id="get_cleanup", summary="Get how far the last cleanup of this server has come"
    )
    def get_cleanup() -> CleanupResult:
        return clean_up.progress()

    del get_admin_config, set_guest_mode, get_storage_size, clean_up_jobs, get_cleanup
    return router
