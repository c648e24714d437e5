"""The compute server as a FastAPI application."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from cl_ml_tools.job_queue import JobQueue
from cl_ml_tools.master import create_master_router
from cl_server import errors, spec
from cl_server.body_limit import BodyLimitMiddleware
from cl_server.capabilities import Capabilities
from cl_server.request_id import RequestIdMiddleware
from cl_server.routes import control, file_list, files, job_list, jobs, server
from cl_server.settings import GIB
from cl_server.storage import LocalFileStorage
from cl_server.web_pages import WebPagesMiddleware

TITLE = "Compute"


def guest() -> None:
    """Everybody is a guest: there is no authentication yet."""


def create_app(
    repository: JobQueue,
    storage: LocalFileStorage,
    capabilities: Capabilities,
    *,
    max_upload: int = 2 * GIB,
    on_shutdown: Callable[[], None] | None = None,
) -> FastAPI:
    """The application. `max_upload` is the size of a whole request body, in bytes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        del app
        yield
        if on_shutdown is not None:
            on_shutdown()

    app = FastAPI(
        title=TITLE,
        version=version("cl-client"),
        description="Runs media and machine-learning tasks on files.",
        lifespan=lifespan,
        # What has a default may be absent in an answer too: see `JobResponse`.
        separate_input_output_schemas=False,
    )
    errors.install(app)
    # Outermost is what is added last.
    app.add_middleware(BodyLimitMiddleware, limit=max_upload)
    app.add_middleware(WebPagesMiddleware)
    app.add_middleware(RequestIdMiddleware)
    app.include_router(server.create_router(capabilities))
    app.include_router(create_master_router(repository, storage, guest))
    app.include_router(job_list.create_router(repository))
    app.include_router(jobs.create_router(repository, storage))
    app.include_router(control.create_router(repository, storage))
    app.include_router(file_list.create_router(repository, storage))
    app.include_router(files.create_router(repository, storage))
    spec.install(app)
    return app
