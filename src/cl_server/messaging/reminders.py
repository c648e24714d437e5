"""The ends of quick jobs, told once more to those who began to listen when a job had ended already.

Other clients of this family submit a job, ask for it by its id, and listen to its events after that. Ours listen before
they submit.
"""

import logging
import threading
import time
from collections.abc import Callable

from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.schemas import Job

# Seconds from the question to the reminder: time to begin to listen.
DELAY = 0.5
# Milliseconds after the question: whoever asked listens by then.
LISTENING = 200
# Milliseconds: who asks for an older job did not submit it just now. Of clocks that differ by more, nobody is reminded.
YOUNG = 5_000
# Questions that are remembered at once; a flood of them is none of clients that submit.
MOST = 1_000

log = logging.getLogger(__name__)


class Reminders:
    """Remembers who asked for which job, in a thread that begins with the first question.

    Args:
        repository: has the jobs.
        publish: tells how a job stands.
    """

    def __init__(self, repository: JobRepository, publish: Callable[[Job], object]) -> None:
        self._repository = repository
        self._publish = publish
        self._asked: dict[str, tuple[float, int]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def asked(self, job: Job) -> None:
        """Somebody asked for a job by its id, and may listen to it from now on."""
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
                # A database that is away, say: whoever asked can ask again.
                log.exception("could not publish the end of job %s again", job_id)
            with self._changed:
                del self._asked[job_id]

    def _remind(self, job_id: str, asked: int) -> None:
        job = self._repository.get_job(job_id)
        if job is not None and job.completed_at is not None and job.completed_at <= asked + LISTENING:
            self._publish(job)
