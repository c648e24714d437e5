"""Renews the lease of a worker from a thread, even if the task blocks the event loop."""

import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import OperationalError

from cl_ml_tools.job_queue import LEASE, Beat, Claim, JobQueue

# Seconds between two heartbeats; two may be lost.
BEAT = LEASE / 3000
# Seconds between two looks at a claim, however often the bell rings.
GLANCE = 0.1

log = logging.getLogger(__name__)


class Heart:
    """Renews the current claim, and reports its end. `on_over` is called in the thread of the heart."""

    def __init__(self, queue: JobQueue, on_over: Callable[[Claim, Beat], None], beat: float = BEAT) -> None:
        self._queue = queue
        self._on_over = on_over
        self._beat = beat
        self._claim: Claim | None = None
        self._over: Claim | None = None
        self._rung = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> None:
        """Beat from now on."""
        self._thread.start()

    def hold(self, claim: Claim | None) -> None:
        """Set the claim to renew. A claim lasts for several beats, so a new one doesn't need to wake the thread."""
        self._claim = claim

    def look(self) -> None:
        """The job may have been cancelled."""
        if self._claim is not None:
            self._rung.set()

    def is_over(self, claim: Claim) -> bool:
        """Whether this attempt was cancelled or lost its claim."""
        return self._over is claim

    def stop(self) -> None:
        """Beat no more."""
        self._stop.set()
        self._rung.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.is_set():
            rung = self._rung.wait(self._beat)
            if rung:
                self._stop.wait(GLANCE)
                self._rung.clear()
            claim = self._claim
            if claim is None or self._stop.is_set():
                continue
            try:
                # A ring is not a reason to write.
                beat = self._queue.look(claim) if rung else self._queue.heartbeat(claim)
            except OperationalError as error:
                said = str(error.orig).strip().partition("\n")[0]
                log.warning("the heartbeat of job %s failed: %s", claim.job.job_id, said)
                continue
            except Exception:
                log.exception("the heartbeat of job %s failed", claim.job.job_id)
                continue
            if beat is not Beat.KEPT and self._claim is claim and self._over is not claim:
                self._over = claim
                self._on_over(claim, beat)
