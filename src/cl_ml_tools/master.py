"""The submit routes of every plugin, as one router."""

import logging

from fastapi import APIRouter

from cl_ml_tools.discovery import discover_routes
from cl_ml_tools.file_storage import FileStorage
from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.submit import CurrentUser

log = logging.getLogger(__name__)


def create_master_router(
    repository: JobRepository, file_storage: FileStorage, get_current_user: CurrentUser
) -> APIRouter:
    """`POST /jobs/<task_type>` for every plugin that loads.

    `get_current_user` is a FastAPI dependency; the `id` of what it returns, if any, becomes the job's owner.
    """
    router = APIRouter()
    for name, create_router in discover_routes().items():
        try:
            router.include_router(create_router(repository, file_storage, get_current_user))
        except Exception:
            log.exception("the routes of plugin %s cannot be made and are left out", name)
    return router
