"""Whether a request that failed is worth another try, and when.

Tried again is what cannot do anything twice: requests that only read (RFC 9110 §9.2.1), and any request whose
connection was never made. The tries together take no longer than the timeout of one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from cl_client.errors import RateLimitError, RequestTimeoutError, ServerError, ServerUnreachableError

ATTEMPTS: Final = 4
FIRST_DELAY: Final = 0.1
LONGEST_DELAY: Final = 5.0

_ONLY_READ: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# 500 and 501 would only come again; the others say that this is not the moment (RFC 9110 §15.6).
_PASSING: Final = frozenset({502, 503, 504})

Answer = TypeVar("Answer")

# Full jitter: clients that failed together do not come back together.
_jitter: Final = wait_random_exponential(multiplier=FIRST_DELAY, max=LONGEST_DELAY)


async def send_patiently(
    request: httpx.Request, send: Callable[[], Awaitable[Answer]], *, within: float, attempts: int = ATTEMPTS
) -> Answer:
    """Send, and send again while that is safe and sensible.

    Args:
        request: decides what is safe.
        send: one try.
        within: seconds for all tries and the pauses between them. A try that is under way is not cut short.
        attempts: at most so many tries.

    Raises:
        ComputeClientError: the last one of `send`.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception(lambda error: passes(request, error)),
        wait=_pause,
        stop=stop_after_attempt(attempts) | stop_before_delay(within),
        reraise=True,
    )

    async def one() -> Answer:
        return await send()

    return await retrying(one)


def passes(request: httpx.Request, error: BaseException) -> bool:
    """Whether the trouble may be over in a moment, and trying again does nothing twice."""
    if isinstance(error, ServerUnreachableError) and isinstance(
        error.__cause__, (httpx.ConnectError, httpx.ConnectTimeout)
    ):
        return True
    if request.method not in _ONLY_READ:
        return False
    match error:
        case RequestTimeoutError():
            return False  # it has had its time
        case ServerUnreachableError() | RateLimitError():
            return True
        case ServerError():
            return error.status in _PASSING
        case _:
            return False


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    told = error.retry_after if isinstance(error, (RateLimitError, ServerError)) else None
    return told if told is not None else _jitter(state)
