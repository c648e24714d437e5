"""The one way to any server: every request of this package, generated code included, goes through `Sender.send`.

httpx is driven here and nowhere else in the hand-written client; `error_translation` and `retry` know its errors.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final, Protocol, cast
from uuid import uuid4

from cl_client.config.addresses import read_address
from cl_client.config.defaults import ConnectionLimits, Timeouts
from cl_client.config.seconds import positive
from cl_client.errors import (
    ClientClosedError,
    InvalidParameterError,
    RequestTimeoutError,
    ResponseError,
    ServerUnreachableError,
    error_from_response,
)
from cl_client.http import idempotency, labels
from cl_client.http.auth import AuthProvider
from cl_client.http.connections import connections_to
from cl_client.http.error_translation import translated
from cl_client.http.lent import LentClient, LentTransport
from cl_client.http.library import httpx
from cl_client.http.locations import leave_location
from cl_client.http.options import HttpOptions, checked, hooks_of
from cl_client.http.retry import send_patiently
from cl_client.http.telemetry import observed
from cl_client.version import __version__

if TYPE_CHECKING:
    from httpx._client import UseClientDefault
    from httpx._types import AuthTypes

BODY: Final = "cl_client.body"
"""Where a request keeps its `StreamedBody`, which says whether it can be sent again."""

HANDLED: Final = "cl_client.handled"
"""The extension of a request with the statuses that the caller handles."""

KEYED: Final = "cl_client.keyed"
"""Where a request says that all that it asks for has keys of its own: it can be sent again."""

AWAY: Final = "is the server running? COMPUTE_URL says where it is"

_UNAUTHORIZED: Final = 401
_ONLY_READ: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LIMITS: Final = ConnectionLimits()
_NO_OPTIONS: Final = HttpOptions()


class StreamedBody(Protocol):
    """The body of a request, read while it is sent."""

    @property
    def replayable(self) -> bool: ...
    def close(self) -> None: ...


class Sender(httpx.AsyncClient):
    """An `httpx.AsyncClient` that signs and names each request, tries again, and raises our errors.

    Args:
        base_url: with `http://` or `https://`.
        timeout: seconds for each of connecting, and every single read and write, or for each of them its own; never
            switched off.
        auth: asked for headers at every request.
        when_away: what to do when nothing answers, for a person.
        deadline: seconds for a whole call: all tries, the pauses between them, and what is sent and fetched.
        limits: of the connections.
        ca_file: certificates (PEM) to trust, where the options say nothing of it.
        options: how the requests go out.
        library: `httpx` or `httpx2`, whose connections they are where the options have none.
        job_in: the job that a path is about, so that errors can name it, and whether the path is that job itself.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float | Timeouts,
        auth: AuthProvider | None = None,
        deadline: float | None = None,
        limits: ConnectionLimits = _LIMITS,
        when_away: str = AWAY,
        ca_file: str | None = None,
        options: HttpOptions = _NO_OPTIONS,
        library: str = "httpx",
        job_in: Callable[[str, str], tuple[str | None, bool]] = lambda path, query: (None, False),
    ) -> None:
        deadline = positive("deadline", deadline)
        # A name and a password in the address would be in each message and each log that names it, httpx's too.
        address = read_address(base_url)
        url = _url(address.url)
        basic = None if address.username is None else httpx.BasicAuth(address.username, address.password)
        timeouts = timeout if isinstance(timeout, Timeouts) else Timeouts.of(timeout)
        super().__init__(
            base_url=url,
            timeout=httpx.Timeout(
                connect=timeouts.connect, read=timeouts.read, write=timeouts.write, pool=timeouts.pool
            ),
            transport=self._connections(url, limits, ca_file, checked(options), library),
            event_hooks=hooks_of(options),
            headers={"User-Agent": f"cl-client/{__version__}"},
            auth=basic if auth is None else _Signature(auth),
        )
        self._when_away = when_away
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pauses = timeouts.read
        self._deadline = deadline
        self._job_in = job_in
        self._keyed: frozenset[str] | None = None
        self._labelled: frozenset[tuple[str, str]] | None = None

    def _connections(
        self, url: httpx.URL, limits: ConnectionLimits, ca_file: str | None, options: HttpOptions, library: str
    ) -> httpx.AsyncBaseTransport:
        """The transport of requests: that of the caller, or our own connections."""
        if (client := options.get("http_client")) is not None:
            return LentClient(client, self._is_ours)
        if (transport := options.get("transport")) is not None:
            return LentTransport(transport)
        return connections_to(url, limits, ca_file, options, library)

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: AuthTypes | UseClientDefault | None = httpx.USE_CLIENT_DEFAULT,
        follow_redirects: bool | UseClientDefault = httpx.USE_CLIENT_DEFAULT,
    ) -> httpx.Response:
        """Send, again where that is safe and sensible (`retry`), and give back a response with a 2xx status.

        Raises:
            ServerUnreachableError: nothing answered (`RequestTimeoutError`: not in time).
            ResponseError: any other status, as the class that `errors.BY_STATUS` names.
            ClientClosedError: the client was closed, or began in another event loop.
        """
        self._check_usable()
        request.headers.setdefault("X-Request-ID", uuid4().hex)
        async with self.in_time(request.method, request.url):
            return await send_patiently(
                lambda: observed(
                    request, self._send_once(request, stream=stream, auth=auth, follow_redirects=follow_redirects)
                ),
                request,
                safe=lambda: self._is_safe(request),
                pauses=self._pauses,
                deadline=self._deadline,
            )

    @contextlib.asynccontextmanager
    async def in_time(self, method: str, url: object) -> AsyncGenerator[None]:
        """Hold a whole call to the deadline.

        Raises:
            RequestTimeoutError: It was cancelled at the deadline.
        """
        scope = asyncio.timeout(self._deadline)
        try:
            async with scope:
                yield
        except TimeoutError:
            if not scope.expired():
                raise
            raise RequestTimeoutError(f"{method} {url}: not done within the deadline of {self._deadline:g} s") from None

    async def _is_safe(self, request: httpx.Request) -> bool:
        """Whether the server may get the request twice."""
        if request.method in _ONLY_READ:
            return True
        if KEYED in request.extensions:
            return can_be_sent_again(request)
        return idempotency.HEADER in request.headers and can_be_sent_again(request) and await self._is_keyed(request)

    async def knows_labels(self, method: str, path: str) -> bool:
        """Whether the spec that the server publishes has labels for an operation; also where it publishes none.

        Raises:
            ServerUnreachableError: it does not answer.
        """
        if self._labelled is None:
            spec = await self._published()
            if spec is None:
                return True
            self._labelled = labels.labelled_routes(spec)
        return (method, path) in self._labelled

    async def _published(self) -> object:
        """The spec that the server publishes; `None` where there is none."""
        try:
            return cast("object", (await self.get("/openapi.json")).json())
        except (ResponseError, ValueError):
            return None

    async def _is_keyed(self, request: httpx.Request) -> bool:
        """Whether the spec that the server publishes has keys for this request; asked when there is trouble, once."""
        if self._keyed is None:
            try:
                spec = await self._published()
            except ServerUnreachableError:
                return False
            self._keyed = idempotency.keyed_paths(spec)
        return request.url.path.removeprefix(self.base_url.path.rstrip("/")) in self._keyed

    async def _send_once(
        self,
        request: httpx.Request,
        *,
        stream: bool,
        auth: AuthTypes | UseClientDefault | None,
        follow_redirects: bool | UseClientDefault,
    ) -> httpx.Response:
        body = _body(request)
        try:
            with self.translated(request):
                response = await super().send(request, stream=True, auth=auth, follow_redirects=follow_redirects)
                response.stream = _SurelyClosed(cast("httpx.AsyncByteStream", response.stream))
                is_good = response.is_success or response.status_code in _handled(request)
                if not stream or not is_good:
                    try:
                        await response.aread()
                    finally:
                        await response.aclose()
                if is_good:
                    leave_location(response)
                    return response
        finally:
            # A try that breaks off leaves its body to the garbage collector; its file is closed here and now.
            if body is not None:
                body.close()
        path = request.url.path
        query = request.url.query.decode("ascii")
        job_id, is_job = self._job_in(path, query) if request.method != "POST" else (None, False)
        raise error_from_response(
            response.status_code,
            response.content,
            url=str(request.url),
            headers={"x-request-id": request.headers["X-Request-ID"], **response.headers},
            job_id=job_id,
            missing_job=is_job,
        )

    @contextlib.asynccontextmanager
    async def open(
        self, url: str | httpx.URL, headers: Mapping[str, str], handled: Collection[int]
    ) -> AsyncGenerator[httpx.Response]:
        """Get what is streamed. At another server than ours, nothing is signed: a token is for whoever gave it.

        Args:
            url: of ours, or the whole address of another server.
            headers: of the request.
            handled: statuses that are no errors, beside 2xx.

        Raises: as `send`.
        """
        auth = httpx.USE_CLIENT_DEFAULT if self._is_ours(self._merge_url(url)) else None
        async with self.stream("GET", url, headers=headers, auth=auth, extensions={HANDLED: handled}) as response:
            yield response

    def address(self, said: str) -> str | None:
        """The whole address that an answer of the server names (RFC 3986 §5); nothing where it is another server's."""
        try:
            url = self.base_url.join(said)
        except (httpx.InvalidURL, ValueError):
            return None
        return str(url) if self._is_ours(url) else None

    def below(self, address: str) -> str:
        """The path and query of an address of ours, as requests here take it: below the path of the server.

        Raises:
            ValueError: it is not below that.
        """
        path, base = httpx.URL(address).raw_path.decode("ascii"), self.base_url.raw_path.decode("ascii").rstrip("/")
        if not path.startswith(f"{base}/"):
            raise ValueError(f"{address} is not below {self.base_url}")
        return path.removeprefix(base)

    def own(self, said: str, where: httpx.URL) -> str | None:
        """The whole address of something on our server, as it is reached from here: behind a proxy a server may know
        neither its port nor that there is TLS. Nothing, where it is on another server, or no address.

        Args:
            said: by the answer from `where`, which it is relative to.
        """
        ours = self.base_url
        try:
            url = where.join(said)
        except (httpx.InvalidURL, ValueError):
            return None
        return str(url.copy_with(scheme=ours.scheme, port=ours.port)) if url.host == ours.host else None

    def _is_ours(self, url: httpx.URL) -> bool:
        """Whether that is our server, over TLS perhaps where we began without."""
        ours = self.base_url
        if url.host != ours.host:
            return False
        upgraded = (ours.scheme, ours.port, url.scheme, url.port) == ("http", None, "https", None)
        return upgraded or (url.scheme, url.port) == (ours.scheme, ours.port)

    def translated(self, request: httpx.Request) -> AbstractContextManager[None]:
        """Turn httpx's errors into ours, while a request is sent or its body is read."""
        if self._is_ours(request.url):
            return translated(request, server=self.base_url, when_away=self._when_away)
        elsewhere = request.url.copy_with(path="/", query=None, fragment=None, userinfo=b"")
        return translated(request, server=elsewhere, when_away=f"{self.base_url} sent us there")

    def _check_usable(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ClientClosedError("this client began in another event loop: make one client for each loop")
        if self.is_closed:
            raise ClientClosedError("this client is closed: make a new one")


def _url(address: str) -> httpx.URL:
    try:
        return httpx.URL(address)
    except httpx.InvalidURL as error:
        raise InvalidParameterError(f"{address!r} is not the address of a server: {error}") from None


class _Signature(httpx.Auth):
    """Signs each try with the headers of the moment, and a request that was refused once more with newer ones."""

    def __init__(self, provider: AuthProvider) -> None:
        self._provider = provider

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        headers = await self._provider.get_fresh_headers()
        request.headers.update(headers)
        response = yield request
        if response.status_code == _UNAUTHORIZED and await self._provider.renew(headers):
            request.headers.update(self._provider.get_headers())
            yield request


class _SurelyClosed(httpx.AsyncByteStream):
    """The body of a response, whose end a cancelled caller does not interrupt.

    httpcore 1.0.9 gives a connection back in several steps, and one whose last steps are cancelled is never free again.
    """

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        await asyncio.shield(asyncio.ensure_future(self._stream.aclose()))


def can_be_sent_again(request: httpx.Request) -> bool:
    """Whether the body of a request is there a second time: for retries, and for a replay with a new token."""
    body = _body(request)
    return body is None or body.replayable


def _handled(request: httpx.Request) -> Collection[int]:
    return cast("Collection[int]", request.extensions.get(HANDLED, ()))


def _body(request: httpx.Request) -> StreamedBody | None:
    return cast("StreamedBody | None", request.extensions.get(BODY))
