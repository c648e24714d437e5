"""The auth server as a FastAPI application."""

from collections.abc import AsyncGenerator, Callable, Set
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from cl_server import openapi
from cl_server.auth import routes
from cl_server.auth.accounts import Accounts
from cl_server.auth.issuer import Issuer
from cl_server.auth.keys import KeyRing
from cl_server.auth.limits import LoginLimit
from cl_server.auth.passwords import Passwords
from cl_server.auth.users import UserRepository
from cl_server.compute.routes import health
from cl_server.http import docs_page, errors
from cl_server.http.body_limit import BodyLimitMiddleware
from cl_server.http.browser_guard import WebPagesMiddleware
from cl_server.http.early_answer import EarlyAnswerMiddleware
from cl_server.http.health import Health
from cl_server.http.request_id import RequestIdMiddleware
from cl_server.http.request_log import RequestLogMiddleware
from cl_server.http.request_metrics import RequestMetrics
from cl_server.http.tokens import Verifier
from cl_server.settings import TOKEN_LIFETIME, Audience, Operation

TITLE = "Auth"
LARGEST_BODY = 64 << 10


def create_app(
    users: UserRepository,
    ring: KeyRing,
    passwords: Passwords,
    *,
    audience: Audience | None = None,
    lifetime: int = TOKEN_LIFETIME,
    limit: LoginLimit | None = None,
    names: Set[str] = frozenset(),
    operation: Operation | None = None,
    state: Health | None = None,
    registry: CollectorRegistry | None = None,
    on_shutdown: Callable[[], None] | None = None,
) -> FastAPI:
    """The application. `lifetime` of a token is in seconds; `names`: see `WebPagesMiddleware`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        del app
        yield
        passwords.close()
        if on_shutdown is not None:
            on_shutdown()

    whom = audience or Audience()
    operation = operation or Operation()
    registry = registry or CollectorRegistry()
    accounts = Accounts(users, passwords, Issuer(ring, whom, lifetime), Verifier(ring, whom), limit or LoginLimit())
    app = FastAPI(
        title=TITLE,
        version=version("cl-client"),
        description="Users, and the tokens with which they sign in to other servers.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    errors.install(app)
    # The last one added is the outermost.
    app.add_middleware(BodyLimitMiddleware, limit=lambda _: LARGEST_BODY)
    app.add_middleware(WebPagesMiddleware, names=names)
    app.add_middleware(EarlyAnswerMiddleware)
    app.add_middleware(RequestIdMiddleware)
    app.add_middleware(RequestLogMiddleware, metrics=RequestMetrics(registry))
    app.include_router(routes.server_router())
    app.include_router(health.create_router(state or Health(), registry, operation.metrics_for))
    app.include_router(routes.token_router(accounts, ring, operation.proxies))
    app.include_router(routes.user_router(accounts))
    docs_page.install(app)
    openapi.install(app)
    return app
