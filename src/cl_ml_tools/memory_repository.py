"""Jobs in the memory of one process: for tests, and for applications that need no database."""

from collections.abc import Callable, Sequence
from typing import Unpack

from cl_ml_tools import job_log
from cl_ml_tools.job_log import LogBuffer
from cl_ml_tools.job_queue import (
    DIED,
    LEASE,
    LONG_LEASE,
    MAX_ATTEMPTS,
    Beat,
    Claim,
    Done,
    Event,
    IdempotencyConflictError,
    Listener,
    Publish,
    Submittal,
    Wake,
    Wanted,
    backoff,
    ignore_event,
    ignore_wake,
    publish_nothing,
    scoped_key,
    tell,
    wake,
)
from cl_ml_tools.job_repository import JobUpdate
from cl_ml_tools.memory_archive import MemoryJobArchive
from cl_ml_tools.memory_entry import Entry
from cl_ml_tools.schemas import Job, JobStatus, JSONObject


class MemoryJobRepository(MemoryJobArchive):
    """A `JobQueue` without a database. `worker_id` is the name in which `fetch_next_job` claims."""

    def __init__(
        self,
        *,
        worker_id: str = "worker",
        on_event: Listener = ignore_event,
        on_wake: Wake = ignore_wake,
        clock: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(on_event, clock)
        self._keys: dict[str, str] = {}
        self._held: dict[str, Claim] = {}
        self._seq = 0
        self._worker_id = worker_id
        self._on_wake = on_wake

    def add_job(self, job: Job, created_by: str | None = None, priority: int | None = None) -> str:
        """Queue a new job."""
        return self.submit(job, created_by=created_by, priority=priority).job_id

    def submit(
        self,
        job: Job,
        *,
        created_by: str | None = None,
        priority: int | None = None,
        key: str | None = None,
        fingerprint: str = "",
    ) -> Job:
        """Queue a job, or find the one that came with the same key."""
        owner = created_by if created_by is not None else job.created_by
        scoped = None if key is None else scoped_key(owner, key)
        with self._lock:
            if (found := self._with_key(scoped, fingerprint)) is not None:
                return found
            if job.job_id in self._entries:
                raise ValueError(f"there is a job {job.job_id} already")
            now = self._clock()
            job.created_at = job.updated_at = now
            job.created_by = owner
            job.priority = job.priority if priority is None else priority
            self._seq += 1
            entry = Entry(self._seq, job.model_copy(deep=True), scoped, fingerprint)
            self._entries[job.job_id] = entry
            if scoped is not None:
                self._keys[scoped] = job.job_id
            self._tell(entry.job)
        wake(self._on_wake)
        return job

    def submit_many(self, submittals: Sequence[Submittal], *, created_by: str | None = None) -> list[Job | Exception]:
        """Queue many jobs."""
        answers: list[Job | Exception] = []
        with self._lock:
            for each in submittals:
                try:
                    answers.append(
                        self.submit(each.job, created_by=created_by, key=each.key, fingerprint=each.fingerprint)
                    )
                except IdempotencyConflictError as error:
                    answers.append(error)
        return answers

    def submitted(self, key: str, *, created_by: str | None = None, fingerprint: str = "") -> Job | None:
        """The job that this user sent with a key."""
        with self._lock:
            return self._with_key(scoped_key(created_by, key), fingerprint)

    def _with_key(self, scoped: str | None, fingerprint: str) -> Job | None:
        if scoped is None or scoped not in self._keys:
            return None
        entry = self._entries[self._keys[scoped]]
        if entry.fingerprint != fingerprint:
            raise IdempotencyConflictError
        return entry.job.model_copy()

    def update_job(self, job_id: str, **changes: Unpack[JobUpdate]) -> bool:
        """Change a job that `fetch_next_job` gave; progress only grows."""
        claim = self._held.get(job_id)
        status = changes.get("status")
        if claim is None:
            return False
        if status is None:
            self.heartbeat(claim, LONG_LEASE)
            return self.progress(claim, changes.get("progress", 0))
        if status is JobStatus.COMPLETED:
            done = self.complete(claim, changes.get("task_output"))
        elif status is JobStatus.FAILED:
            done = self.fail(claim, changes.get("error_message") or "it failed")
        elif status is JobStatus.CANCELLED:
            done = self.confirm_cancel(claim)
        else:
            return False
        self._held.pop(job_id, None)
        return done

    def fetch_next_job(self, task_types: Sequence[str]) -> Job | None:
        """Claim a job for a worker that knows no heartbeat."""
        claim = self.claim(self._worker_id, task_types, LONG_LEASE)
        if claim is None:
            return None
        self._held[claim.job.job_id] = claim
        return claim.job

    def delete_job(self, job_id: str) -> bool:
        """Cancel a job that is not over, and forget it."""
        with self._lock:
            entry = self._entries.pop(job_id, None)
            if entry is None:
                return False
            if entry.key is not None:
                del self._keys[entry.key]
            if not entry.job.status.terminal:
                self._change(entry, JobStatus.CANCELLED)
        wake(self._on_wake)
        return True

    def claim(self, worker_id: str, task_types: Sequence[str], lease: int = LEASE) -> Claim | None:
        """Take the next job."""
        return next(iter(self.claim_many(worker_id, Wanted(dict.fromkeys(task_types, 1)), lease)), None)

    def claim_many(self, worker_id: str, wanted: Wanted, lease: int = LEASE) -> list[Claim]:
        """Take the next job, and others like it."""
        with self._lock:
            steady = self._steady()
            waiting = [e for e in self._entries.values() if e.waits(tuple(wanted.most)) and e.run_at <= steady]
            if not waiting:
                return []
            waiting.sort(key=lambda e: (-e.job.priority, e.seq))
            first, kind = waiting[0], (waiting[0].job.task_type, waiting[0].job.priority)
            alike = [e for e in waiting if not e.attempts and (e.job.task_type, e.job.priority) == kind]
            share = wanted.share_of(first.job.task_type, len(alike))
            return [self._taken(entry, worker_id, lease) for entry in ([first] if first.attempts else alike[:share])]

    def _taken(self, entry: Entry, worker_id: str, lease: int) -> Claim:
        entry.attempts += 1
        entry.token += 1
        entry.worker_id = worker_id
        entry.lease_until = self._steady() + lease
        self._change(entry, JobStatus.PROCESSING, started_at=max(self._clock(), entry.job.updated_at))
        log = LogBuffer(first=entry.token == 1)
        log.add(job_log.INFO, job_log.started(entry.attempts), entry.job.started_at)
        return Claim(entry.job.model_copy(), worker_id, entry.attempts, entry.token, log)

    def heartbeat(self, claim: Claim, lease: int = LEASE) -> Beat:
        """Renew a claim."""
        return self.beats([claim], lease)[0]

    def look(self, claim: Claim) -> Beat:
        """What a heartbeat would say."""
        return self.beats([claim], None)[0]

    def beats(self, claims: Sequence[Claim], lease: int | None = LEASE) -> list[Beat]:
        """Renew claims, or look at them."""
        with self._lock:
            return [self._beat(claim, lease) for claim in claims]

    def _beat(self, claim: Claim, lease: int | None) -> Beat:
        entry = self._of(claim)
        if entry is None:
            return Beat.LOST
        if lease is not None:
            entry.lease_until = self._steady() + lease
        return Beat.CANCEL if entry.cancelling else Beat.KEPT

    def progress(self, claim: Claim, percent: int) -> bool:
        """Tell how far the job is."""
        with self._lock:
            entry = self._of(claim)
            if entry is None or percent <= entry.job.progress or percent > 100:
                return False
            entry.job.progress = percent
            entry.job.updated_at = max(self._clock(), entry.job.updated_at)
            tell(self._on_event, Event(entry.job.model_copy()))
            return True

    def complete(
        self, claim: Claim, task_output: JSONObject | None, publish: Publish = publish_nothing, size: int = 0
    ) -> bool:
        """End a job well."""
        with self._lock:
            entry = self._of(claim)
            if entry is None:
                return False
            publish()
            size += entry.job.size
            self._log(entry, claim.log, job_log.INFO, job_log.completed(entry.job.started_at, self._clock()))
            self._change(entry, JobStatus.COMPLETED, progress=100, task_output=task_output, size=size)
            return True

    def exchange(
        self, claim: Claim, task_output: JSONObject | None, publish: Publish, size: int, task_types: Sequence[str]
    ) -> tuple[bool, Claim | None]:
        """End a job well, and take the next."""
        with self._lock:
            done = self.complete(claim, task_output, publish, size)
            return done, self.claim(claim.worker_id, task_types)

    def exchange_many(self, worker_id: str, done: Sequence[Done], wanted: Wanted) -> tuple[list[bool], list[Claim]]:
        """End jobs well, and take the next."""
        with self._lock:
            for one in done:
                if self._of(one.claim) is not None:
                    one.publish()
            kept = [self.complete(one.claim, one.task_output, size=one.size) for one in done]
            return kept, self.claim_many(worker_id, wanted)

    def fail(self, claim: Claim, error: str, *, transient: bool = False) -> bool:
        """End a job badly, or try it again later."""
        with self._lock:
            entry = self._of(claim)
            if entry is None:
                return False
            if transient and not claim.last and not entry.cancelling:
                pause = backoff(entry.attempts)
                said = job_log.failed(claim.attempt, error, pause=pause)
                self._log(entry, claim.log, job_log.WARNING, said)
                self._requeue(entry, after=pause)
                return True
            self._log(entry, claim.log, job_log.ERROR, job_log.failed(claim.attempt, error))
            self._change(entry, JobStatus.FAILED, error_message=error)
            return True

    def give_back(self, claim: Claim) -> bool:
        """Queue a job again."""
        with self._lock:
            entry = self._of(claim)
            if entry is None:
                return False
            entry.attempts -= 1
            said = job_log.CANCELLED if entry.cancelling else job_log.given_back(claim.attempt)
            self._log(entry, claim.log, job_log.INFO, said)
            self._requeue(entry)
            return True

    def confirm_cancel(self, claim: Claim) -> bool:
        """End a job that was cancelled while it ran."""
        with self._lock:
            entry = self._of(claim)
            if entry is None:
                return False
            self._log(entry, claim.log, job_log.INFO, job_log.CANCELLED)
            self._change(entry, JobStatus.CANCELLED)
            return True

    def write_log(self, claim: Claim) -> bool:
        """Store what is in the log of a claim."""
        with self._lock:
            entry = self._of(claim)
            if entry is None:
                return False
            self._log(entry, claim.log)
            return True

    def cancel(self, job_id: str) -> Job | None:
        """Cancel a job."""
        with self._lock:
            entry = self._entries.get(job_id)
            if entry is None:
                return None
            if entry.job.status is JobStatus.QUEUED:
                self._change(entry, JobStatus.CANCELLED)
            elif entry.job.status is JobStatus.PROCESSING:
                entry.cancelling = True
            found = entry.job.model_copy()
        wake(self._on_wake)
        return found

    def release(self, *worker_ids: str) -> list[Job]:
        """Take jobs away from dead workers."""
        return self._take_away(lambda entry: entry.worker_id in worker_ids, wait=False)

    def expire(self) -> list[Job]:
        """Take jobs away from workers whose lease is over."""
        now = self._steady()
        return self._take_away(lambda entry: entry.lease_until < now, wait=True)

    def next_due(self, task_types: Sequence[str]) -> int | None:
        """In how many milliseconds the next queued job may be claimed."""
        with self._lock:
            due = [entry.run_at for entry in self._entries.values() if entry.waits(task_types)]
            return max(min(due) - self._steady(), 0) if due else None

    def delete_jobs(self, job_ids: Sequence[str]) -> list[str]:
        """Forget jobs that have ended; which of them were there."""
        with self._lock:
            found = {job_id: self._entries.get(job_id) for job_id in job_ids}
            ended = [job_id for job_id, entry in found.items() if entry is not None and entry.job.status.terminal]
            return sorted(job_id for job_id in ended if self.delete_job(job_id))

    def _of(self, claim: Claim) -> Entry | None:
        entry = self._entries.get(claim.job.job_id)
        held = entry is not None and entry.job.status is JobStatus.PROCESSING and entry.token == claim.token
        return entry if held else None

    def _take_away(self, lost: Callable[[Entry], bool], *, wait: bool) -> list[Job]:
        with self._lock:
            taken = [e for e in self._entries.values() if e.job.status is JobStatus.PROCESSING and lost(e)]
            for entry in taken:
                over = entry.cancelling or entry.attempts >= MAX_ATTEMPTS
                then = job_log.NOT_QUEUED_AGAIN if over else job_log.QUEUED_AGAIN
                self._log(entry, LogBuffer(), job_log.WARNING, job_log.died(entry.attempts, then))
                if entry.cancelling:
                    self._change(entry, JobStatus.CANCELLED)
                elif entry.attempts >= MAX_ATTEMPTS:
                    self._change(entry, JobStatus.FAILED, error_message=DIED)
                else:
                    self._requeue(entry, after=backoff(entry.attempts) if wait else 0)
            return [entry.job.model_copy() for entry in taken]

    def _log(self, entry: Entry, log: LogBuffer, level: str = "", end: str | None = None) -> None:
        if log.base is None:
            log.base = log.stored = entry.logged
        more = () if end is None else (job_log.a_line(self._clock(), level, end),)
        lines = log.pending(*more)
        if lines:
            entry.logged = lines[-1].number
            entry.log = list(job_log.newest([*entry.log, *lines]))
            log.keep(entry.logged)

    def _requeue(self, entry: Entry, after: int = 0) -> None:
        if entry.cancelling:
            self._change(entry, JobStatus.CANCELLED)
            return
        entry.worker_id = None
        entry.run_at = self._steady() + after if after else 0
        self._change(entry, JobStatus.QUEUED, progress=0, started_at=None)
        wake(self._on_wake)

    def _change(self, entry: Entry, status: JobStatus, **changes: object) -> None:
        now = max(self._clock(), entry.job.updated_at)
        ended = {"completed_at": now} if status.terminal else {}
        entry.job = entry.job.model_copy(update={"status": status, "updated_at": now, **ended, **changes})
        self._tell(entry.job)
