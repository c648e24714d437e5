"""The events of jobs in the memory of one process: told at once, and kept until somebody has settled them."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from cl_ml_tools.job_queue import Event, Listener, tell
from cl_ml_tools.schemas import Job, JobStatus


def now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Milliseconds that only pass."""
    return time.monotonic_ns() // 1_000_000


class MemoryOutbox:
    """The events of a `JobQueue` without a database.

    Args:
        on_event: is called with each event.
        clock: UTC milliseconds. Leases and pauses use it too; by default, they use a clock that can't be set back.
    """

    def __init__(self, on_event: Listener, clock: Callable[[], int] | None) -> None:
        self._outbox: dict[int, tuple[int, Event]] = {}
        self._transitions = Counter[tuple[str, JobStatus]]()
        self._event_seq = 0
        self._lock = threading.RLock()
        self._on_event = on_event
        self._clock = clock or now_ms
        self._steady = clock or steady_ms

    def take_untold(self, older_than: int, limit: int = 100) -> list[Event]:
        """Events that nobody has settled in time."""
        with self._lock:
            now = self._steady()
            late = [seq for seq, (told_at, _) in self._outbox.items() if told_at <= now - older_than][:limit]
            events = [self._outbox[seq][1] for seq in late]
            for seq, event in zip(late, events, strict=True):
                self._outbox[seq] = (now, event)
            return events

    def settle(self, seqs: Sequence[int]) -> None:
        """Forget events that were told, and count them."""
        with self._lock:
            told = [self._outbox.pop(seq)[1].job for seq in seqs if seq in self._outbox]
            self._transitions.update((job.task_type, job.status) for job in told)

    def transitions(self) -> dict[tuple[str, JobStatus], int]:
        """How often jobs came into a status, of what was told."""
        with self._lock:
            return dict(self._transitions)

    def _tell(self, job: Job) -> None:
        self._event_seq += 1
        event = Event(job.model_copy(), self._event_seq)
        self._outbox[self._event_seq] = (self._steady(), event)
        tell(self._on_event, event)
