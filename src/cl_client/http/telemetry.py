"""The telemetry of the client: a log line for each request, and spans and metrics where OpenTelemetry is in use.

It is in use when the program has imported it, as each program does that sets it up (`opentelemetry-instrument` too).
Other programs don't pay for it: it is never imported from here first, and there is no switch. Names follow its semantic
conventions for HTTP; what is about jobs begins with `cl_client.`.

Tokens, passwords and parameters are in none of these.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
import time
from collections.abc import Awaitable, Generator, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from cl_client.errors import ComputeClientError, ResponseError
from cl_client.version import __version__

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram

    from cl_client.http.library import httpx
    from cl_client.model import JobState

logger = logging.getLogger("cl_client.http")

Attributes: TypeAlias = "dict[str, str | int]"

JOB_ID: Final = "cl_client.job.id"
TASK_TYPE: Final = "cl_client.task_type"
OUTCOME: Final = "cl_client.job.outcome"


@contextlib.contextmanager
def span(
    name: str, attributes: Mapping[str, str | int], *, of_request: httpx.Request | None = None
) -> Generator[Attributes]:
    """A span around a block.

    Args:
        name: of the span.
        attributes: what is known before.
        of_request: makes it a span of a client, and has the server hear of it (W3C Trace Context).

    Yields:
        Where the block says what it learns; it is read at the end.
    """
    learned: Attributes = {}
    if "opentelemetry.trace" not in sys.modules:
        yield learned
        return
    from opentelemetry import propagate, trace

    kind = trace.SpanKind.INTERNAL if of_request is None else trace.SpanKind.CLIENT
    tracer = trace.get_tracer("cl_client", __version__)
    with tracer.start_as_current_span(name, kind=kind, attributes=attributes) as current:
        if of_request is not None:
            propagate.inject(of_request.headers)
        try:
            yield learned
        finally:
            current.set_attributes(learned)


async def observed(request: httpx.Request, answer: Awaitable[httpx.Response]) -> httpx.Response:
    """Tell of one try of a request: until its headers are there where the body is streamed, else until all of it is."""
    if "opentelemetry.trace" not in sys.modules and not logger.isEnabledFor(logging.DEBUG):
        return await answer
    method, path, began = request.method, request.url.raw_path.decode().partition("?")[0], time.perf_counter()
    known = {
        "http.request.method": method,
        "url.path": path,
        "server.address": request.url.host,
        "server.port": request.url.port or (443 if request.url.scheme == "https" else 80),
    }
    end = "cancelled"
    try:
        with span(method, known, of_request=request) as learned:
            try:
                response = await answer
            except ComputeClientError as error:
                end = learned["error.type"] = type(error).__name__
                if isinstance(error, ResponseError) and error.status is not None:
                    learned["http.response.status_code"] = error.status
                    end = str(error.status)
                raise
            learned["http.response.status_code"] = response.status_code
            end = str(response.status_code)
            return response
    finally:
        milliseconds = (time.perf_counter() - began) * 1000
        logger.debug(
            "%s %s: %s in %.0f ms (request %s)", method, path, end, milliseconds, request.headers["X-Request-ID"]
        )


def job_ended(job: JobState) -> None:
    """Count a job that came to its end while it was followed, and how long it took by the server's clock."""
    if "opentelemetry.metrics" not in sys.modules:
        return
    jobs, seconds = _instruments()
    about = {TASK_TYPE: job.task_type, OUTCOME: job.status}
    jobs.add(1, about)
    ended = job.completed_at or job.updated_at
    if job.created_at is not None and ended is not None:
        seconds.record(max(0, ended - job.created_at) / 1000, about)


@functools.cache
def _instruments() -> tuple[Counter, Histogram]:
    from opentelemetry import metrics

    meter = metrics.get_meter("cl_client", __version__)
    return (
        meter.create_counter("cl_client.jobs", "{job}", "Jobs that ended while this client followed them"),
        meter.create_histogram("cl_client.job.duration", "s", "From the submit to the end, by the server's clock"),
    )
