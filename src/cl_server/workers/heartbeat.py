"""Keeps a worker's claims alive, from a thread: whatever the task does to the event loop, leases are renewed."""

import logging
import threading
from collections.abc import Callable, Sequence

from sqlalchemy.exc import OperationalError

from cl_ml_tools.job_queue import LEASE, Beat, Claim, JobQueue

# Seconds between two heartbeats; two may be lost.
BEAT = LEASE / 3000
# Seconds between two looks at a claim, however often the bell rings.
GLANCE = 0.1

log = logging.getLogger(__name__)


class Heart:
    """Renews the held claims, and reports when one has ended. `on_over` is called in the thread of the heart."""

    def __init__(self, queue: JobQueue, on_over: Callable[[Claim, Beat], None], beat: float = BEAT) -> None:
        self._queue = queue
        self._on_over = on_over
        self._beat = beat
        self._claims: Sequence[Claim] = ()
        self._over: dict[tuple[str, int], Beat] = {}
        self._rung = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> None:
        """Beat from now on."""
        self._thread.start()

    def hold(self, *claims: Claim) -> None:
        """The claims to renew from now on. They last for several beats, so the thread isn't woken for new ones."""
        self._claims = claims
        self._over = {}

    def keep(self, *claims: Claim) -> None:
        """Hold no others of those that are held."""
        self._claims = claims

    def look(self) -> None:
        """Check whether a job was cancelled."""
        if self._claims:
            self._rung.set()

    def beat_of(self, claim: Claim) -> Beat:
        """What was last heard of a claim that is held."""
        return self._over.get((claim.job.job_id, claim.token), Beat.KEPT)

    def is_over(self, claim: Claim) -> bool:
        """Whether this attempt is no longer wanted."""
        return self.beat_of(claim) is not Beat.KEPT

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
            claims = self._claims
            if not claims or self._stop.is_set():
                continue
            names = ", ".join(claim.job.job_id for claim in claims)
            try:
                # A ring is not a reason to write.
                beats = self._queue.beats(claims, None) if rung else self._queue.beats(claims)
            except OperationalError as error:
                said = str(error.orig).strip().partition("\n")[0]
                log.warning("the heartbeat of job %s failed: %s", names, said)
                continue
            except Exception:
                log.exception("the heartbeat of job %s failed", names)
                continue
            for claim, beat in zip(claims, beats, strict=True):
                if beat is not Beat.KEPT and claim in self._claims and not self.is_over(claim):
                    self._over[claim.job.job_id, claim.token] = beat
                    self._on_over(claim, beat)
