"""The compute server as a FastAPI application."""

from collections.abc import AsyncGenerator, Callable, Set
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry

from cl_ml_tools import batch_submit
from cl_ml_tools.batch_submit import is_batch
from cl_ml_tools.job_queue import JobQueue
from cl_ml_tools.master import create_master_router
from cl_ml_tools.schemas import Job
from cl_server import openapi
from cl_server.compute.live_jobs import LiveJobs
from cl_server.compute.overview import Overviews
from cl_server.compute.quota_middleware import QuotaMiddleware
from cl_server.compute.routes import (
    admin,
    control,
    events,
    file_list,
    files,
    health,
    job_list,
    job_log,
    jobs,
    server,
)
from cl_server.compute.routes import overview as overviews
from cl_server.files.protocol import JobStorage
from cl_server.http import bearer, docs_page, errors
from cl_server.http.access import REFUSALS, Access, AccessMiddleware, job_user
from cl_server.http.availability import AvailabilityMiddleware
from cl_server.http.body_limit import BodyLimitMiddleware
from cl_server.http.browser_guard import WebPagesMiddleware
from cl_server.http.early_answer import EarlyAnswerMiddleware
from cl_server.http.health import Health
from cl_server.http.request_id import RequestIdMiddleware
from cl_server.http.request_log import RequestLogMiddleware
from cl_server.http.request_metrics import RequestMetrics
from cl_server.http.tokens import Verifier
from cl_server.messaging.capabilities import Capabilities
from cl_server.messaging.mqtt import Connection
from cl_server.messaging.topics import TOPICS
from cl_server.page import routes as page
from cl_server.page.auth_server import AuthServer
from cl_server.page.session_cookie import SessionCookieMiddleware
from cl_server.queue.clean_up import CleanUp
from cl_server.queue.guest_mode import Switch
from cl_server.queue.overview import Overview
from cl_server.queue.quota import Quota
from cl_server.settings import GIB, Operation

TITLE = "Compute"
TAGS = {
    "admin": "Settings and storage of the server (admins only)",
    "jobs": "Jobs and their files",
    "server": "Information about the server",
}
"""What the groups of routes are for: clients call their methods and commands so."""


def create_app(
    repository: JobQueue,
    storage: JobStorage,
    capabilities: Capabilities,
    guest_mode: Switch,
    verifier: Verifier | None = None,
    *,
    max_upload: int = 2 * GIB,
    names: Set[str] = frozenset(),
    operation: Operation | None = None,
    quota: Quota | None = None,
    state: Health | None = None,
    registry: CollectorRegistry | None = None,
    on_asked: Callable[[Job], None] | None = None,
    on_shutdown: Callable[[], None] | None = None,
    overview: Overview | None = None,
    listen: Callable[[], Connection | None] = lambda: None,
    auth_server: AuthServer | None = None,
) -> FastAPI:
    """The application.

    `max_upload` is the size of a whole request body, in bytes; `names`: see `WebPagesMiddleware`; `registry` holds the
    metrics; `on_asked`: see `jobs.create_router`. With an `overview` there is the page at `/ui`, for which `listen`
    makes a connection to the broker, and whose users sign in at `auth_server`.

    Without a verifier, all users are guests, and there is no admin.
    """

    clean_up = CleanUp(repository, storage)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        del app
        yield
        clean_up.stop()
        if on_shutdown is not None:
            on_shutdown()

    operation = operation or Operation()
    registry = registry or CollectorRegistry()
    state = state or Health()
    app = FastAPI(
        title=TITLE,
        version=version("cl-client"),
        description="Runs media and machine-learning tasks on files.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # Fields with a default can be absent in responses too: see `JobResponse`.
        separate_input_output_schemas=False,
        openapi_tags=[{"name": name, "description": text} for name, text in TAGS.items()],
    )
    errors.install(app)
    # The last one added is the outermost.
    app.add_middleware(BodyLimitMiddleware, limit=lambda path: _limit(path, max_upload))
    if quota is not None:
        app.add_middleware(QuotaMiddleware, quota=quota)
    app.add_middleware(AvailabilityMiddleware, health=state)
    access = Access(verifier, guest_mode)
    app.add_middleware(AccessMiddleware, access=access)
    if overview is not None:
        app.add_middleware(SessionCookieMiddleware)
    app.add_middleware(WebPagesMiddleware, names=names)
    app.add_middleware(EarlyAnswerMiddleware)
    app.add_middleware(RequestIdMiddleware)
    app.add_middleware(RequestLogMiddleware, metrics=RequestMetrics(registry))
    app.include_router(server.create_router(capabilities, guest_mode))
    app.include_router(health.create_router(state, registry, operation.metrics_for))
    submits = create_master_router(repository, storage, job_user, offered=lambda: capabilities.summary().capabilities)
    app.include_router(submits, dependencies=[Depends(bearer.scheme)], responses={**REFUSALS})
    app.include_router(job_list.create_router(repository))
    app.include_router(jobs.create_router(repository, storage, on_asked))
    app.include_router(control.create_router(repository, storage))
    app.include_router(job_log.create_router(repository))
    app.include_router(file_list.create_router(repository, storage))
    app.include_router(files.create_router(repository, storage))
    app.include_router(admin.create_router(clean_up, storage, guest_mode))
    if overview is not None:
        app.include_router(overviews.create_router(Overviews(overview, capabilities)))
        app.include_router(events.create_router(LiveJobs(repository, listen, lambda: state.draining)))
        app.include_router(page.create_router(access, guest_mode, auth_server, operation.proxies))
    docs_page.install(app)
    openapi.install(app, openapi.messages_and_outputs, TOPICS)
    return app


def _limit(path: str, max_upload: int) -> int:
    """The bytes that a request may have: many files in one are in memory together."""
    return min(max_upload, batch_submit.MOST_BYTES + batch_submit.AROUND) if is_batch(path) else max_upload
