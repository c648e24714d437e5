"""The clean-up that an admin starts. It runs in the background, in pieces, and reports its progress."""

import logging
import threading
from collections.abc import Callable

from cl_server.clock import DAY_MS, PlausibleClock
from cl_server.queue.removal import Archive, Sizes, remove_finished
from cl_server.schemas import CleanupResult

# Seconds in which a small one ends, so that its response can contain the result.
SOON = 1.0

log = logging.getLogger(__name__)


class CleanUp:
    """Removes old jobs in a thread. Only one runs at a time, and further requests join it.

    If the process ends meanwhile, the rest stays until the next request.
    """

    def __init__(self, archive: Archive, storage: Sizes, clock: Callable[[], int] | None = None) -> None:
        self._archive = archive
        self._storage = storage
        self._clock = clock or PlausibleClock()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._before = 0
        self._progress = CleanupResult()
        self._error: Exception | None = None

    def begin(self, days: float) -> CleanupResult:
        """Remove jobs that ended more than this number of days ago. Returns at the end, or after `SOON` seconds.

        Raises errors that happen within that time.
        """
        with self._lock:
            self._before = max(self._before if self._progress.running else 0, int(self._clock() - days * DAY_MS))
            if not self._progress.running:
                self._progress = CleanupResult(running=True)
                self._error = None
                self._done.clear()
                self._thread = threading.Thread(target=self._run, name="clean-up", daemon=True)
                self._thread.start()
        if self._done.wait(SOON) and self._error is not None:
            raise self._error
        return self.progress()

    def progress(self) -> CleanupResult:
        """How far it is; or, when none is under way, how far the last one came."""
        with self._lock:
            return self._progress.model_copy()

    def stop(self) -> None:
        """End it after the piece that it is at."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self) -> None:
        done = CleanupResult()
        try:
            while (before := self._next(done)) is not None:
                earlier = done
                for part in remove_finished(self._archive, self._storage, before, self._stop.is_set):
                    done = CleanupResult(
                        deleted_count=earlier.deleted_count + part.deleted_count,
                        freed_space=earlier.freed_space + part.freed_space,
                        remaining=part.remaining,
                    )
                    self._tell(done)
        except Exception as error:
            log.warning("a clean-up ended before its time, with %d jobs to go", self._progress.remaining, exc_info=True)
            self._error = error
            with self._lock:
                self._progress.running = False
        self._done.set()

    def _next(self, done: CleanupResult) -> int | None:
        """The time before which to remove. `None` ends the run, if there was no further request."""
        with self._lock:
            before, self._before = self._before, 0
            if before and not self._stop.is_set():
                return before
            self._progress = done
            return None

    def _tell(self, done: CleanupResult) -> None:
        with self._lock:
            self._progress = done.model_copy(update={"running": True})
