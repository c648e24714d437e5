"""The job repository that shared work needs: leases, fencing tokens, retries, cancelling, idempotency, an outbox.

`JobRepository` is what a small application has to write; `JobQueue` is what ours can do besides. Every
implementation passes the same conformance suite (tests/conformance).
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, runtime_checkable

from cl_ml_tools.job_log import LogBuffer, LogPage
from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.schemas import Job, JobStatus, JSONObject

# How often a job is tried when workers die or the machine is short of something, in all.
MAX_ATTEMPTS = 3
# Milliseconds for which a claim holds without a heartbeat.
LEASE = 30_000
# A claim through `fetch_next_job`, whose holder knows no heartbeat: it holds for this long after each of its updates.
LONG_LEASE = 600_000
# Milliseconds before the second attempt; each further one waits twice as long as the one before it.
FIRST_BACKOFF = 1_000
LONGEST_BACKOFF = 60_000

log = logging.getLogger(__name__)

DIED = f"the worker died {MAX_ATTEMPTS} times while it ran this job"


class IdempotencyConflictError(Exception):
    """The key came with another job before."""

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key came with another file or other parameters; a new job needs a new key")


class OutcomeUnknownError(Exception):
    """Whether a change was kept is not known: the database took it and did not answer. It may be there, or not."""

    def __init__(self) -> None:
        super().__init__("the database did not say whether it kept this")


class Beat(Enum):
    """What a worker learns from its heartbeat."""

    KEPT = "kept"
    CANCEL = "cancel"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in the hands of one worker. `token` grows with each claim of a job: only the newest may change it.

    Lines in `log` are stored with whatever ends the claim, and by `write_log`.
    """

    job: Job
    worker_id: str
    attempt: int
    token: int
    log: LogBuffer = field(default_factory=LogBuffer, compare=False, repr=False)

    @property
    def last(self) -> bool:
        """Whether there is no attempt after this one."""
        return self.attempt >= MAX_ATTEMPTS


@dataclass(frozen=True, slots=True)
class Submittal:
    """A job that comes with others; `key` and `fingerprint` are as of `JobQueue.submit`."""

    job: Job
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Event:
    """A job as it stood after a change. `seq` is its place in the outbox, which it may share with what changed in the
    same moment; progress has none, it is told once."""

    job: Job
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a worker takes next.

    Attributes:
        most: how many jobs of each task; the others it does not take.
        workers: how many workers there are: nobody takes more than their share of what waits.
    """

    most: Mapping[str, int]
    workers: int = 1

    def share_of(self, task_type: str, waiting: int) -> int:
        """How many of the jobs of a task that wait."""
        return max(min(self.most[task_type], -(-waiting // self.workers)), 1)


@dataclass(frozen=True, slots=True)
class JobQuery:
    """Which jobs to list; `None` means any. `of_guests`: only those of nobody; `cursor`: from the page before;
    `labels`: only jobs that have all of them."""

    status: JobStatus | None = None
    task_type: str | None = None
    ids: Sequence[str] | None = None
    created_by: str | None = None
    of_guests: bool = False
    cursor: int | None = None
    limit: int = 50
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Page:
    """Jobs, newest first, and the cursor of the next page, if there is one."""

    jobs: list[Job]
    cursor: int | None


Listener = Callable[[Event], None]
MomentListener = Callable[[Sequence[Event]], None]
Wake = Callable[[], None]
Publish = Callable[[], None]


def ignore_event(event: Event) -> None:
    """A listener that does not care."""
    del event


def ignore_wake() -> None:
    """A bell at which nobody waits."""


def tell(listener: Listener, event: Event) -> None:
    """What is committed has happened: a listener that fails cannot take it back, nor keep the next from hearing."""
    try:
        listener(event)
    except Exception:
        log.exception("job %s is %s, but its event can't be published", event.job.job_id, event.job.status.value)


def one_by_one(listener: Listener) -> MomentListener:
    """Has a listener hear of each change by itself."""

    def hear(events: Sequence[Event]) -> None:
        for event in events:
            tell(listener, event)

    return hear


def wake(bell: Wake) -> None:
    """Ring; a bell that is broken costs a sweep."""
    try:
        bell()
    except Exception:
        log.exception("the workers could not be woken")


def publish_nothing() -> None:
    """What a job without files has to publish."""


@dataclass(frozen=True, slots=True)
class Done:
    """A job that was done; see `JobQueue.complete`."""

    claim: Claim
    task_output: JSONObject | None
    publish: Publish = publish_nothing
    size: int = 0


@runtime_checkable
class JobQueue(JobRepository, Protocol):
    """Keeps jobs for many workers, which may be on many hosts.

    As of `JobRepository`, every method may be called from any thread and may block, and is one transaction: it has
    happened, or raises and has not. Only `OutcomeUnknownError` says neither; whoever gets it removes no files.

    A claim is exclusive until its lease is over. Leases and pauses are in milliseconds, by the steady clock of a single
    host or by the database's, and never by the caller's; the times of jobs are UTC milliseconds. A word about a job
    that runs needs a `Claim`, and is taken only with the newest `token`: a worker that was given up gets `False` or
    `Beat.LOST`, and changes nothing. States only move on, and terminal ones never change.

    What changes a job adds an event in the same transaction. Listeners hear of it after the commit, in the thread of
    whoever called; what was not told then, because that process ended, is in `take_untold`.
    """

    def submit(
        self,
        job: Job,
        *,
        created_by: str | None = None,
        priority: int | None = None,
        key: str | None = None,
        fingerprint: str = "",
    ) -> Job:
        """Queue a job; with a `key` that this user sent before, give the job of then instead.

        Args:
            job: with its parameters, whose files are there already.
            created_by: the id of the user; `None` for a guest. Keys of different users are different keys.
            priority: 0 (lowest) to 10 (highest); that of the job when not given.
            key: the name of this submit.
            fingerprint: stands for everything that makes the job.

        Raises:
            IdempotencyConflictError: the key came with another fingerprint before.
            OutcomeUnknownError: nobody knows whether it is queued: its files have to stay.
        """
        ...

    def submit_many(self, submittals: Sequence[Submittal], *, created_by: str | None = None) -> list[Job | Exception]:
        """Queue many jobs of one user in one transaction: for each, in their order, what `submit` would return, or the
        error that it would raise for this job alone.

        Raises:
            OutcomeUnknownError: nobody knows whether they are queued: their files have to stay.
        """
        ...

    def submitted(self, key: str, *, created_by: str | None = None, fingerprint: str = "") -> Job | None:
        """The job that this user sent with a key, as `submit` would find it; `None` where there is none.

        Raises `IdempotencyConflictError` as that does.
        """
        ...

    def claim(self, worker_id: str, task_types: Sequence[str], lease: int = LEASE) -> Claim | None:
        """Take the next job of these types (highest priority, then oldest); `None` when there is none.

        Args:
            worker_id: who takes it.
            task_types: what the worker can do.
            lease: milliseconds for which the claim holds without a heartbeat.
        """
        ...

    def claim_many(self, worker_id: str, wanted: Wanted, lease: int = LEASE) -> list[Claim]:
        """`claim`, and with that job others of the same task and priority that wait, in their order.

        What has an attempt behind it comes alone: a job that ends the process of its worker must not take others with
        it again and again.
        """
        ...

    def heartbeat(self, claim: Claim, lease: int = LEASE) -> Beat:
        """Renew a claim, and hear whether it still holds and whether somebody cancelled the job."""
        ...

    def look(self, claim: Claim) -> Beat:
        """What a heartbeat would say, without one."""
        ...

    def beats(self, claims: Sequence[Claim], lease: int | None = LEASE) -> list[Beat]:
        """`heartbeat` for each of these, or, without a lease, `look`, in one step."""
        ...

    def progress(self, claim: Claim, percent: int) -> bool:
        """Tell how far the job is; `False` when that is no news, or the claim is lost."""
        ...

    def complete(
        self, claim: Claim, task_output: JSONObject | None, publish: Publish = publish_nothing, size: int = 0
    ) -> bool:
        """End a job well. `publish` puts its files in place, only if the claim still holds, before anybody hears;
        `size` is what they take, in bytes."""
        ...

    def exchange(
        self, claim: Claim, task_output: JSONObject | None, publish: Publish, size: int, task_types: Sequence[str]
    ) -> tuple[bool, Claim | None]:
        """`complete` and `claim` in one step, for a worker that goes on: whether the result was taken, and the next
        job."""
        ...

    def exchange_many(self, worker_id: str, done: Sequence[Done], wanted: Wanted) -> tuple[list[bool], list[Claim]]:
        """`complete` each and `claim_many`, in one step: of which the result was taken, and what comes next.

        Where one of them cannot be published, none is complete, and nothing is taken.
        """
        ...

    def fail(self, claim: Claim, error: str, *, transient: bool = False) -> bool:
        """End a job badly; a transient error queues it again, later, unless this was the last attempt."""
        ...

    def give_back(self, claim: Claim) -> bool:
        """Queue a job again that the worker did not finish for reasons of its own; the attempt does not count."""
        ...

    def confirm_cancel(self, claim: Claim) -> bool:
        """End a job that was cancelled while it ran."""
        ...

    def write_log(self, claim: Claim) -> bool:
        """Store what is in the log of a claim; `False` when the claim is lost."""
        ...

    def read_log(self, job_id: str, offset: int = 0) -> LogPage:
        """The log of a job, after the line with this number."""
        ...

    def cancel(self, job_id: str) -> Job | None:
        """Cancel a queued job, ask the worker of a running one to stop, and leave a terminal one as it is."""
        ...

    def release(self, *worker_ids: str) -> list[Job]:
        """Take jobs away from workers that are known to be dead."""
        ...

    def expire(self) -> list[Job]:
        """Take jobs away from workers whose lease is over: queued again with a backoff, or failed."""
        ...

    def next_due(self, task_types: Sequence[str]) -> int | None:
        """In how many milliseconds a queued job of these types may be claimed; `None` when none is queued."""
        ...

    def list_jobs(self, query: JobQuery) -> Page:
        """A page of jobs, newest first."""
        ...

    def unfinished(self) -> dict[tuple[str, JobStatus], int]:
        """How many jobs are not over, by task type and status; those of which there are none are left out."""
        ...

    def finished_before(self, time: int) -> list[str]:
        """The jobs that ended before a time, in UTC milliseconds."""
        ...

    def delete_jobs(self, job_ids: Sequence[str]) -> list[str]:
        """Forget jobs that have ended, in one step; which of them were there."""
        ...

    def take_untold(self, older_than: int, limit: int = 100) -> list[Event]:
        """Events that whoever made them has not settled within `older_than` milliseconds; the caller tells them."""
        ...

    def settle(self, seqs: Sequence[int]) -> None:
        """Forget events that were told, and count them."""
        ...

    def transitions(self) -> dict[tuple[str, JobStatus], int]:
        """How often jobs came into a status since there is this queue, of what was told."""
        ...


def backoff(attempt: int) -> int:
    """Milliseconds between a failed attempt (counted from 1) and the next."""
    return min(FIRST_BACKOFF << (attempt - 1), LONGEST_BACKOFF)


def scoped_key(created_by: str | None, key: str) -> str:
    """A key as the repository keeps it: each user has their own."""
    return hashlib.sha256(json.dumps([created_by, key]).encode()).hexdigest()
