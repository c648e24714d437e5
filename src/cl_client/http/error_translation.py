"""What httpx and generated code raise, as our errors."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Generator
from typing import Final, cast

from cl_client.errors import (
    CertificateError,
    InputFileError,
    RequestTimeoutError,
    ResponseError,
    ServerUnreachableError,
)
from cl_client.http.library import httpx, kinds
from cl_client.wire.errors import WireError

NOT_TRUSTED: Final = (
    "if a CA of your own has signed it: COMPUTE_CA_FILE, --ca-file or `verify` names the certificate of that CA (PEM)"
)

# X509_V_ERR_… of OpenSSL: self-signed, by itself or in the chain, and an issuer that is not known.
_UNKNOWN_ISSUER: Final = frozenset({2, 18, 19, 20, 21})


@contextlib.contextmanager
def translated(request: httpx.Request, *, server: httpx.URL, when_away: str) -> Generator[None]:
    """Turn httpx's errors into ours, while a request is sent or its body is read.

    Args:
        request: what it is about.
        server: whom it goes to.
        when_away: what to do when nothing answers, for a person.
    """
    try:
        yield
    except kinds("TimeoutException") as error:
        raise RequestTimeoutError(
            f"{request.method} {request.url}: no answer in time ({type(error).__name__})",
            reason="no answer in time",
            request_id=_request_id(request.headers),
            hint="give a longer timeout, or look at the server's load",
        ) from error
    except kinds("TransportError") as error:
        if isinstance(error.__context__, kinds("InvalidURL")):
            # httpx reads where an answer sends us, followed or not.
            raise ResponseError(
                f"{request.method} {request.url}: the server redirects to an invalid address: {error.__context__}",
                request_id=_request_id(request.headers),
            ) from error
        if (refused := refused_certificate(error)) is not None:
            raise CertificateError(
                f"cannot reach {server}: its certificate is not trusted ({refused.verify_message})",
                request_id=_request_id(request.headers),
                hint=NOT_TRUSTED if refused.verify_code in _UNKNOWN_ISSUER else None,
            ) from error
        raise ServerUnreachableError(
            f"cannot reach {server}: {_reason(error)}", request_id=_request_id(request.headers), hint=when_away
        ) from error
    except kinds("DecodingError") as error:
        raise ResponseError(
            f"{request.method} {request.url}: the answer is compressed, and damaged ({error})",
            request_id=_request_id(request.headers),
        ) from error
    except kinds("StreamConsumed") as error:
        raise InputFileError(
            f"{request.method} {request.url}: the body is a stream that was sent, and cannot be sent a second time",
            hint="call again: what failed the first time is mended",
        ) from error


@contextlib.contextmanager
def promised() -> Generator[None]:
    """Turn what generated code says of an answer that does not fit the spec into our error."""
    try:
        yield
    except WireError as error:
        raise ResponseError(
            str(error),
            status=error.status_code,
            request_id=_request_id(error.headers),
            hint="the server may be newer or older than this client: compare `GET /` with `cl_client.__version__`",
        ) from error


def _request_id(headers: httpx.Headers) -> str | None:
    return cast("str | None", headers.get("X-Request-ID"))


def refused_certificate(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """What was wrong with the certificate of the server, where that is why."""
    return next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)


def _causes(error: BaseException) -> Generator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _reason(error: Exception) -> str:
    """httpx says «All connection attempts failed»; the cause behind it says why."""
    *_, cause = _causes(error)
    text = getattr(cause, "strerror", None) or str(cause) or type(error).__name__
    return str(text)
