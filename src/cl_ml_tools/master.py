"""The submit routes of every plugin, as one router."""

import logging
from collections.abc import Awaitable, Callable, Container

from fastapi import APIRouter, Depends, HTTPException

from cl_ml_tools.batch_submit import BatchStorage, batch_router
from cl_ml_tools.discovery import AnyModule, discover_routes, discover_tasks
from cl_ml_tools.file_storage import FileStorage
from cl_ml_tools.job_queue import JobQueue
from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.submit import CurrentUser

log = logging.getLogger(__name__)


def nobody() -> Container[str]:
    """The tasks that workers elsewhere offer, where nobody knows of any."""
    return ()


def create_master_router(
    repository: JobRepository,
    file_storage: FileStorage,
    get_current_user: CurrentUser,
    *,
    offered: Callable[[], Container[str]] = nobody,
) -> APIRouter:
    """`POST /jobs/<task_type>` for every plugin that loads, and `POST /jobs/{task_type}/batch` for many small files,
    where jobs go into a `JobQueue` and a thread can keep their files.

    `get_current_user` is a FastAPI dependency; the `id` of what it returns, if any, becomes the job's owner.
    A submit for a task that cannot run here is refused with 503, unless it is among what `offered` gives.
    """
    router = APIRouter()
    modules = discover_tasks()
    for name, create_router in discover_routes(modules).items():
        module = modules.get(name)
        needs = [] if module is None else [Depends(_needed(module, offered))]
        try:
            router.include_router(create_router(repository, file_storage, get_current_user), dependencies=needs)
        except Exception:
            log.exception("the routes of plugin %s cannot be made and are left out", name)
    if isinstance(repository, JobQueue) and isinstance(file_storage, BatchStorage):
        router.include_router(
            batch_router(
                modules, repository, file_storage, get_current_user, lambda task: _need(modules[task], offered)
            )
        )
    return router


def _needed(module: AnyModule, offered: Callable[[], Container[str]]) -> Callable[[], Awaitable[None]]:
    async def needed() -> None:
        _need(module, offered)

    return needed


def _need(module: AnyModule, offered: Callable[[], Container[str]]) -> None:
    lack = module.missing()
    if lack is not None and module.task_type not in offered():
        # It will lack it a moment later too: to send the file again is no use.
        raise HTTPException(503, lack, {"X-Should-Retry": "false"})
