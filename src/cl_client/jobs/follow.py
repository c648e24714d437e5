"""What becomes of a job once it is sent: whether it is waited for, who hears of it, and the name of its submit."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from cl_client.config.seconds import seconds
from cl_client.watching.watch import JobCallback


def _timeout(value: float | None) -> float | None:
    return seconds("timeout", value)


@frozen
class Follow:
    """How a job that is submitted is followed. Made once in the method that people call, and handed on as it is.

    Attributes:
        wait: come back when the job has completed, rather than when it is queued.
        timeout: seconds that `wait` may take; no limit when not given.
        on_progress: called with every state that the job comes to, in the event loop of the client.
        on_complete: called once, with the terminal state.
        idempotency_key: a name for this submit: sent again, it gives the job of the first time. When not given, a
            fresh one, by which a request that was cut can be sent again.
        cancel_with_wait: cancel the job on the server where the wait ends before the job does.

    Raises:
        InvalidParameterError: `timeout` is no number of seconds.
    """

    wait: bool = False
    timeout: float | None = field(default=None, converter=_timeout)
    on_progress: JobCallback | None = None
    on_complete: JobCallback | None = None
    idempotency_key: str | None = None
    cancel_with_wait: bool = False

    @property
    def is_heard(self) -> bool:
        """Whether there are callbacks."""
        return self.on_progress is not None or self.on_complete is not None


NOT_FOLLOWED: Final = Follow()
