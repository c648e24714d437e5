"""Publishes the ends of quick jobs again, for clients that started to listen after the job had ended.

Other clients of this family submit a job, request it by its id, and then listen to its events. Our client listens
before it submits.
"""

import logging
import threading
import time
from collections.abc import Callable

from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.schemas import Job

# Seconds from the request to the reminder: the time to start listening.
DELAY = 0.5
# Milliseconds after the request. The client listens by then.
LISTENING = 200
# Milliseconds. A client that requests an older job didn't just submit it. Clocks must not differ by more.
YOUNG = 5_000
# The maximum number of remembered requests. A flood of them doesn't come from clients that submit.
MOST = 1_000

log = logging.getLogger(__name__)


class Reminders:
    """Remembers requested jobs, in a thread that starts with the first request.

    Args:
        repository: The jobs.
        publish: Publishes the state of a job.
    """

    def __init__(self, repository: JobRepository, publish: Callable[[Job], object]) -> None:
        self._repository = repository
        self._publish = publish
        self._asked: dict[str, tuple[float, int]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def asked(self, job: Job) -> None:
        """A client requested a job by its id, and may listen to it from now on."""
        now = int(time.time() * 1000)
        if job.created_at < now - YOUNG:
            return
        with self._changed:
            if job.job_id in self._asked or len(self._asked) >= MOST:
                return
            self._asked[job.job_id] = (time.monotonic() + DELAY, now)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="reminders", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asked)
                job_id, (due, asked) = next(iter(self._asked.items()))
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                self._remind(job_id, asked)
            except Exception:
                # Such as an outage of the database. The client can request the job again.
                log.exception("could not publish the end of job %s again", job_id)
            with self._changed:
                del self._asked[job_id]

    def _remind(self, job_id: str, asked: int) -> None:
        job = self._repository.get_job(job_id)
        if job is not None and job.completed_at is not None and job.completed_at <= asked + LISTENING:
            self._publish(job)
