"""Whether a request that failed is worth another try, and when.

Tried again is what cannot do anything twice: requests that only read (RFC 9110 §9.2.1), submits with a key on a server
that keeps keys, and any request whose connection was never made.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, wait_random_exponential
from tenacity.asyncio import retry_if_exception

from cl_client.errors import (
    CertificateError,
    ComputeClientError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    ServerUnreachableError,
)
from cl_client.http.library import httpx, kinds

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 4
FIRST_DELAY: Final = 0.1
LONGEST_DELAY: Final = 5.0

# 500 and 501 would only come again; the others say that this is not the moment (RFC 9110 §15.6).
_PASSING: Final = frozenset({502, 503, 504})

Answer = TypeVar("Answer")

# Full jitter: clients that failed together do not come back together.
_jitter: Final = wait_random_exponential(multiplier=FIRST_DELAY, max=LONGEST_DELAY)


async def send_patiently(
    send: Callable[[], Awaitable[Answer]],
    request: httpx.Request,
    *,
    safe: Callable[[], Awaitable[bool]],
    pauses: float,
    deadline: float | None = None,
) -> Answer:
    """Send, and send again while that is safe and sensible.

    Args:
        send: one try.
        request: that it sends, for the log.
        safe: whether the server may get the request twice.
        pauses: without a deadline, the seconds that the pauses may add up to; `ATTEMPTS` tries at most.
        deadline: with one, as many tries as begin in so many seconds. It is the caller who cuts the last one short.

    Raises:
        ComputeClientError: the last one of `send`.
    """
    began = time.monotonic()
    try:
        return await send()
    except ComputeClientError as error:
        failed = [error]

    async def again(error: BaseException) -> bool:
        if was_never_connected(error):
            return True
        # Without a deadline, a try that was silent for its whole timeout has had its time.
        return passes(error, patient=deadline is not None) and await safe()

    def given_up(state: RetryCallState) -> bool:
        if deadline is not None:
            return time.monotonic() - began + state.upcoming_sleep >= deadline
        return state.attempt_number >= ATTEMPTS or state.idle_for + state.upcoming_sleep >= pauses

    async def one() -> Answer:
        # What tenacity costs is spent on what failed only: it hears of the first try afterwards.
        if failed:
            raise failed.pop()
        return await send()

    def tell(state: RetryCallState) -> None:
        what = f"{request.method} {request.url.raw_path.decode()} (request {request.headers['X-Request-ID']})"
        logger.info("%s is tried again in %.1f s, because of: %s", what, state.upcoming_sleep, _error(state))

    retrying = AsyncRetrying(
        retry=retry_if_exception(again), wait=_pause, stop=given_up, before_sleep=tell, reraise=True
    )
    return await retrying(one)


def was_never_connected(error: BaseException) -> bool:
    """Whether the request surely never reached the server."""
    return (
        isinstance(error, ServerUnreachableError)
        and not isinstance(error, CertificateError)
        and isinstance(error.__cause__, kinds("ConnectError", "ConnectTimeout", "PoolTimeout"))
    )


def passes(error: BaseException, *, patient: bool = False) -> bool:
    """Whether the trouble may be over in a moment; a timeout only where the caller is `patient`."""
    match error:
        case CertificateError():
            return False
        case RequestTimeoutError():
            return patient
        case ServerUnreachableError() | RateLimitError():
            return True
        case ServerError():
            return error.status in _PASSING and error.should_retry is not False
        case _:
            return False


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None


def _pause(state: RetryCallState) -> float:
    error = _error(state)
    told = error.retry_after if isinstance(error, (RateLimitError, ServerError)) else None
    # Not before the server said, and not all at once then.
    return (told or 0) + _jitter(state)
