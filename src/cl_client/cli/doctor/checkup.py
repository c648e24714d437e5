"""What `cl-client doctor` asks: servers, broker, user and workers, side by side and each for a bounded time."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from attrs import field, frozen

from cl_client.config.addresses import read_address, without_secrets
from cl_client.errors import (
    ComputeClientError,
    InvalidParameterError,
    RequestTimeoutError,
    ResponseError,
    ServerUnreachableError,
)
from cl_client.http.auth import AuthProvider, JWTAuthProvider
from cl_client.http.library import httpx
from cl_client.http.proxies import UnusableProxyError, proxy_of
from cl_client.http.transport import Transport
from cl_client.loops.event_loop import EventLoop
from cl_client.watching.mqtt_connection import Broker, Listener, subscribe
from cl_plugins.contract import CONTRACT

if TYPE_CHECKING:
    from cl_api.auth.models import UserResponse
    from cl_client.cli.running.run import Run
    from cl_client.config.servers import ServerConfig
    from cl_client.model import Capabilities
    from cl_client.session import SessionManager

BOUND: Final = 5.0
"""Seconds that each question may take."""

Answer = TypeVar("Answer")


@frozen(kw_only=True)
class Encryption:
    """How a connection is encrypted.

    Attributes:
        protocol: such as `TLSv1.3`.
        days_left: of the server's certificate; `None` where it cannot be told.
    """

    protocol: str
    days_left: float | None


@frozen(kw_only=True)
class ServerAnswer:
    """What a server says of itself.

    Attributes:
        seconds: that the answer took.
        says: the fields of `GET /`.
        clock_ahead: seconds that its clock is ahead of ours, to the second; `None` where it does not say.
        encryption: `None` over plain HTTP.
    """

    seconds: float
    says: dict[str, object] = field(factory=dict)
    clock_ahead: float | None = None
    encryption: Encryption | None = None


@frozen(kw_only=True)
class Checkup:
    """All answers; an error where there is none.

    Attributes:
        config: where it was asked.
        compute, auth: the servers.
        broker: `None` where it takes our subscription.
        user: who is logged in; `None` for a guest.
        workers: what the compute server knows of them.
        proxy: through which the compute server is reached, or why it cannot be; `None` without one.
    """

    config: ServerConfig
    compute: ServerAnswer | ComputeClientError
    auth: ServerAnswer | ComputeClientError
    broker: ComputeClientError | None
    user: UserResponse | ComputeClientError | None
    workers: Capabilities | ComputeClientError
    proxy: str | UnusableProxyError | None = None


async def examine(run: Run) -> Checkup:
    """Ask all of them, as the user that the options name.

    Raises:
        InvalidParameterError: an address is none, or the file of profiles is not right.
    """
    config = run.server_config
    async with contextlib.AsyncExitStack() as stack:
        session = await _bounded("signing in", stack.enter_async_context(run.session()))
        compute, auth, broker, user, workers = await asyncio.gather(
            _bounded(without_secrets(config.compute_url), _ask_server(config.compute_url, config.ca_file)),
            _bounded(without_secrets(config.auth_url), _ask_server(config.auth_url, config.ca_file)),
            _bounded(f"mqtt://{config.mqtt_host}:{config.mqtt_port}", _ask_broker(config, session)),
            _bounded(without_secrets(config.auth_url), _ask_user(session)),
            _bounded(without_secrets(config.compute_url), _ask_workers(run, session)),
        )
    for answer in (session, compute, auth, broker, user, workers):
        # Only now: no question is still open.
        if isinstance(answer, InvalidParameterError):
            raise answer
    return Checkup(
        config=config,
        compute=compute,
        auth=auth,
        broker=broker,
        user=user,
        workers=workers,
        proxy=_proxy(config.compute_url),
    )


def _proxy(url: str) -> str | UnusableProxyError | None:
    try:
        return proxy_of(httpx.URL(read_address(url).url))
    except UnusableProxyError as error:
        return error


async def _bounded(what: str, question: Coroutine[object, object, Answer]) -> Answer | ComputeClientError:
    try:
        async with asyncio.timeout(BOUND):
            return await question
    except TimeoutError:
        if urlsplit(what).hostname in _names_looked_up():
            return RequestTimeoutError(f"{what}: the look-up of its name (DNS) takes longer than {BOUND:g} s")
        return RequestTimeoutError(f"{what}: no answer within {BOUND:g} s")
    except ComputeClientError as error:
        return error


def _names_looked_up() -> list[str]:
    loop = asyncio.get_running_loop()
    return loop.names if isinstance(loop, EventLoop) else []


async def _ask_server(url: str, ca_file: str | None) -> ServerAnswer:
    async with Transport(url, timeout=BOUND, ca_file=ca_file) as transport:
        begin = time.time()
        async with transport.stream("GET", "/") as response:
            end = time.time()
            encryption = _encryption(response.extensions.get("network_stream"))
            content = await response.aread()
    try:
        says = cast("object", response.json())
    except ValueError:
        says = None
    if not isinstance(says, dict):
        raise ResponseError(f"{without_secrets(url)} is a web server, but not ours: it answers {content[:40]!r}")
    ahead = None
    with contextlib.suppress(KeyError, ValueError):
        # The header is cut to whole seconds.
        ahead = parsedate_to_datetime(response.headers["date"]).timestamp() + 0.5 - (begin + end) / 2
    return ServerAnswer(
        seconds=end - begin, says=cast("dict[str, object]", says), clock_ahead=ahead, encryption=encryption
    )


class _NetworkStream(Protocol):
    """https://www.encode.io/httpcore/extensions/#network_stream"""

    def get_extra_info(self, info: str) -> object: ...


def _encryption(stream: object) -> Encryption | None:
    tls = None if stream is None else cast("_NetworkStream", stream).get_extra_info("ssl_object")
    if not isinstance(tls, ssl.SSLObject):
        return None
    ends = (tls.getpeercert() or {}).get("notAfter")
    days = None
    if isinstance(ends, str):
        left = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) - datetime.now(UTC)
        days = left.total_seconds() / 86_400
    return Encryption(protocol=tls.version() or "TLS", days_left=days)


async def _ask_broker(config: ServerConfig, session: SessionManager | ComputeClientError | None) -> None:
    """Subscribe to the events of jobs."""
    taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def down(reason: str) -> None:
        if not taken.done():
            where = f"{config.mqtt_host}:{config.mqtt_port}"
            taken.set_exception(ServerUnreachableError(f"MQTT broker {where} is not reachable ({reason})"))

    def up() -> None:
        if not taken.done():
            taken.set_result(None)

    listener = Listener(lambda topic, payload: None, lambda topics: up(), down)
    subscription = subscribe(Broker.of(config, _provider(session)), listener)
    subscription.add((config.mqtt_events or str(CONTRACT.events)).replace("{job_id}", "doctor"))
    try:
        await taken
    finally:
        await subscription.close()


async def _ask_user(session: SessionManager | ComputeClientError | None) -> UserResponse | None:
    if isinstance(session, ComputeClientError):
        raise session
    return None if session is None else await session.get_current_user()


async def _ask_workers(run: Run, session: SessionManager | ComputeClientError | None) -> Capabilities:
    from cl_client.cli.running.run import with_jobs

    async with with_jobs(run.program.client(run.server_config, _provider(session))) as client:
        return await client.get_capabilities()


def _provider(session: SessionManager | ComputeClientError | None) -> AuthProvider | None:
    return None if session is None or isinstance(session, ComputeClientError) else JWTAuthProvider(session=session)
