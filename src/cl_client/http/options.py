"""Options for the requests of a client, with the names of httpx."""

from __future__ import annotations

import inspect
import os
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypedDict, TypeVar, cast

from cl_client.errors import InvalidParameterError
from cl_client.http.library import library_of

if TYPE_CHECKING:
    from typing import Never

    from cl_client.http.library import httpx

Trust: TypeAlias = "ssl.SSLContext | str | os.PathLike[str] | bool"
"""What to trust: a file or a folder of certificates (PEM), a context, or `False` to trust any server."""

Value = TypeVar("Value")


class AnyTransport(Protocol):
    """An `AsyncBaseTransport`, of httpx or of httpx2."""

    def handle_async_request(self, request: Never) -> Awaitable[object]: ...
    def aclose(self) -> Awaitable[None]: ...


class AnyClient(Protocol):
    """An `AsyncClient`, of httpx or of httpx2."""

    @property
    def is_closed(self) -> bool: ...
    def send(self, request: Never) -> Awaitable[object]: ...


class EventHooks(TypedDict, total=False):
    """Functions that are called for each attempt of a request, and for each response before its body is read.

    They can be async, and run in the event loop of the client. An exception ends the call unchanged.
    """

    request: Sequence[Callable[[httpx.Request], object]]
    response: Sequence[Callable[[httpx.Response], object]]


class HttpOptions(TypedDict, total=False):
    """Keyword arguments of every client for its requests.

    Attributes:
        verify: A file or a folder of certificates (PEM) to trust, or an `ssl.SSLContext`, which can also contain a
            client certificate. `False` trusts any server. Default: `COMPUTE_CA_FILE`, then `SSL_CERT_FILE` and
            `SSL_CERT_DIR`, then the public authorities. The same certificates apply to a broker with TLS, unless
            `MQTT_CA_FILE` is set; a broker is never trusted without a certificate.
        transport: Replaces the connections of the client and the proxies of the environment. The client doesn't close
            it.
        http_client: Sends the requests with its transport and hooks and, for requests to the compute server, with its
            headers, cookies and (if the client has no `auth_provider`) authentication. Address, timeouts, retries and
            deadline are those of the client. The client doesn't close it.
        event_hooks: Called for each request and each response.
    """

    verify: Trust
    transport: AnyTransport
    http_client: AnyClient
    event_hooks: EventHooks


_NAMES: Final = frozenset(HttpOptions.__annotations__)


def checked(options: HttpOptions) -> HttpOptions:
    """Options that fit together.

    Raises:
        TypeError: there is no such option.
        InvalidParameterError: one of them is not what it has to be, or two of them exclude each other.
    """
    if unknown := sorted(options.keys() - _NAMES):
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}")
    ways = [name for name in ("http_client", "transport", "verify") if cast("object", options.get(name)) is not None]
    # Connections of our own that several clients share have been made with what is to be trusted.
    is_ours = getattr(options.get("transport"), "knows_trust", False) is True
    if len(ways) > 1 and not (is_ours and "http_client" not in ways):
        raise InvalidParameterError(
            f"{ways[0]} and {ways[1]} exclude each other: connections are those of the {ways[0].replace('_', ' ')}"
        )
    for name, kind, value in (
        ("transport", "AsyncBaseTransport", options.get("transport")),
        ("http_client", "AsyncClient", options.get("http_client")),
    ):
        library = None if value is None else library_of(value)
        if value is not None and (library is None or not isinstance(value, getattr(library, kind))):
            raise InvalidParameterError(f"{name} is a {type(value).__name__}, and has to be an httpx.{kind}")
    return options


def hooks_of(options: HttpOptions) -> dict[str, list[Callable[..., Awaitable[None]]]]:
    """The event hooks as httpx takes them.

    Raises:
        InvalidParameterError: there is no such event.
    """
    said = options.get("event_hooks") or EventHooks()
    if unknown := sorted(said.keys() - {"request", "response"}):
        raise InvalidParameterError(f"there is no event {unknown[0]!r}: event_hooks has `request` and `response`")
    return {
        "request": [_async(hook) for hook in said.get("request", ())],
        "response": [_async(hook) for hook in said.get("response", ())],
    }


def _async(hook: Callable[[Value], object]) -> Callable[[Value], Awaitable[None]]:
    async def call(value: Value) -> None:
        answer = hook(value)
        if inspect.isawaitable(answer):
            await answer

    return call


def trust_of(options: HttpOptions, ca_file: str | None) -> Trust | None:
    """What was said of the certificates: by the options, else by the configuration."""
    said = options.get("verify")
    return ca_file if said is None else said


def context_of(trust: Trust | None) -> ssl.SSLContext:
    """What a server has to show, by what was said of it; the authorities of the system where nothing was.

    Raises:
        InvalidParameterError: the certificates cannot be read.
    """
    match trust:
        case None | True:
            return ssl.create_default_context()
        case ssl.SSLContext():
            return trust
        case False:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        case _:
            return _context_of_file(os.fspath(trust))


def _context_of_file(path: str) -> ssl.SSLContext:
    try:
        if os.path.isdir(path):  # noqa: PTH112 (what httpx takes as a path, too)
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one too
        raise InvalidParameterError(
            f"cannot trust {path}: {error.strerror or error}",
            hint="COMPUTE_CA_FILE, --ca-file, MQTT_CA_FILE and `verify` name files of certificates in PEM",
        ) from None
