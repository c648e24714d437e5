"""Whatever people, workers, deaths and clocks do in whatever order, the rules of the queue hold."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import Engine

from cl_ml_tools.job_queue import LEASE, MAX_ATTEMPTS, Beat, Claim, Done, Event, JobQueue, Wanted
from cl_ml_tools.memory_repository import MemoryJobRepository
from cl_ml_tools.schemas import Job, JobStatus
from cl_server.migrations import migrate
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import open_database
from tests.conformance.bench import Clock

TYPES = ["hash", "exif"]

# What may follow what; a status that was there before is progress.
AFTER = {
    JobStatus.QUEUED: {JobStatus.PROCESSING, JobStatus.CANCELLED},
    JobStatus.PROCESSING: set(JobStatus),
    JobStatus.COMPLETED: set[JobStatus](),
    JobStatus.FAILED: set[JobStatus](),
    JobStatus.CANCELLED: set[JobStatus](),
}


class Rules(RuleBasedStateMachine):
    """The queue in memory; the database is below."""

    jobs = Bundle[str]("jobs")
    claims = Bundle[Claim]("claims")

    @initialize()
    def begin(self) -> None:
        self.clock = Clock()
        self.states: dict[str, JobStatus] = {}
        self.tokens: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.number = 0
        self.queue = self.open()

    def open(self) -> JobQueue:
        return MemoryJobRepository(on_event=self.heard, clock=self.clock)

    def heard(self, event: Event) -> None:
        job = event.job
        before = self.states.get(job.job_id)
        if before is None:
            assert job.status is JobStatus.QUEUED
        else:
            assert job.status in AFTER[before], (before, job.status)
        assert job.status is not JobStatus.QUEUED or job.job_id not in self.cancelled
        assert (job.completed_at is not None) == job.status.terminal
        self.states[job.job_id] = job.status

    @rule(target=jobs, task_type=st.sampled_from(TYPES), priority=st.integers(0, 10))
    def submit(self, task_type: str, priority: int) -> str:
        self.number += 1
        return self.queue.add_job(Job(job_id=f"j{self.number}", task_type=task_type), priority=priority)

    @rule(target=claims, worker=st.sampled_from(["w0", "w1"]))
    def claim(self, worker: str) -> object:
        claim = self.queue.claim(worker, TYPES)
        if claim is None:
            # Never nothing while there is something.
            assert JobStatus.QUEUED not in self.states.values() or (self.queue.next_due(TYPES) or 0) > 0
            return multiple()
        return self.taken(claim)

    @rule(target=claims, worker=st.sampled_from(["w0", "w1"]), most=st.integers(1, 3), workers=st.integers(1, 2))
    def claim_many(self, worker: str, most: int, workers: int) -> object:
        return multiple(
            *self.all_taken(self.queue.claim_many(worker, Wanted(dict.fromkeys(TYPES, most), workers)), most)
        )

    @rule(target=claims, one=consumes(claims), other=consumes(claims), most=st.integers(1, 3))
    def exchange_many(self, one: Claim, other: Claim, most: int) -> object:
        both = [one] if one.job.job_id == other.job.job_id else [one, other]
        holds = [self.holds(claim) for claim in both]
        wanted = Wanted(dict.fromkeys(TYPES, most))
        kept, following = self.queue.exchange_many("w0", [Done(claim, {}) for claim in both], wanted)
        assert kept == holds
        return multiple(*self.all_taken(following, most))

    def all_taken(self, claims: list[Claim], most: int) -> list[Claim]:
        assert len(claims) <= most
        assert len({(claim.job.task_type, claim.job.priority) for claim in claims}) <= 1
        assert len(claims) < 2 or all(claim.attempt == 1 for claim in claims)
        return [self.taken(claim) for claim in claims]

    def taken(self, claim: Claim) -> Claim:
        assert claim.token > self.tokens.get(claim.job.job_id, 0)
        assert claim.attempt <= MAX_ATTEMPTS
        self.tokens[claim.job.job_id] = claim.token
        return claim

    def holds(self, claim: Claim) -> bool:
        job = self.queue.get_job(claim.job.job_id)
        newest = self.tokens[claim.job.job_id] == claim.token
        return newest and job is not None and job.status is JobStatus.PROCESSING

    @rule(claim=claims)
    def beat(self, claim: Claim) -> None:
        holds = self.holds(claim)
        beat = self.queue.heartbeat(claim)
        assert (beat is not Beat.LOST) == holds
        assert beat is self.queue.look(claim)
        assert not holds or (beat is Beat.CANCEL) == (claim.job.job_id in self.cancelled)

    @rule(claim=claims, percent=st.integers(0, 100))
    def progress(self, claim: Claim, percent: int) -> None:
        holds = self.holds(claim)
        assert not self.queue.progress(claim, percent) or holds

    @rule(claim=consumes(claims))
    def complete(self, claim: Claim) -> None:
        holds, published = self.holds(claim), list[bool]()
        assert self.queue.complete(claim, {}, lambda: published.append(True)) == holds
        assert bool(published) == holds

    @rule(target=claims, claim=consumes(claims), types=st.sampled_from([TYPES, ["exif"], []]))
    def exchange(self, claim: Claim, types: list[str]) -> object:
        holds, published = self.holds(claim), list[bool]()
        kept, following = self.queue.exchange(claim, {}, lambda: published.append(True), 0, types)
        assert kept == bool(published) == holds
        if following is None:
            return multiple()
        assert following.job.task_type in types
        assert following.worker_id == claim.worker_id
        return self.taken(following)

    @rule(claim=claims, transient=st.booleans())
    def fail(self, claim: Claim, transient: bool) -> None:
        holds = self.holds(claim)
        assert self.queue.fail(claim, "no", transient=transient) == holds

    @rule(claim=claims)
    def give_back(self, claim: Claim) -> None:
        holds = self.holds(claim)
        assert self.queue.give_back(claim) == holds

    @rule(claim=claims)
    def confirm(self, claim: Claim) -> None:
        holds = self.holds(claim)
        assert self.queue.confirm_cancel(claim) == holds

    @rule(job_id=jobs)
    def cancel(self, job_id: str) -> None:
        before = self.queue.get_job(job_id)
        if before is not None and not before.status.terminal:
            self.cancelled.add(job_id)
        after = self.queue.cancel(job_id)
        assert (before is None) == (after is None)

    @rule(job_id=consumes(jobs))
    def delete(self, job_id: str) -> None:
        assert self.queue.delete_job(job_id)
        assert self.states.pop(job_id).terminal

    @rule(worker=st.sampled_from(["w0", "w1"]))
    def die(self, worker: str) -> None:
        self.queue.release(worker)

    @rule(milliseconds=st.sampled_from([1, 1_000, LEASE + 1, 60_000, -500]))
    def time_passes(self, milliseconds: int) -> None:
        self.clock.passes(milliseconds)
        self.queue.expire()

    @invariant()
    def what_was_told_is_how_it_is(self) -> None:
        for job_id, state in self.states.items():
            job = self.queue.get_job(job_id)
            assert job is not None
            assert job.status is state


class SqlRules(Rules):
    """The same on SQLite."""

    def open(self) -> JobQueue:
        self.folder = TemporaryDirectory()
        self.engine: Engine = open_database(Path(self.folder.name) / "jobs.sqlite")
        migrate(self.engine)
        return SqlJobRepository(self.engine, on_event=self.heard, clock=self.clock)

    def teardown(self) -> None:
        self.engine.dispose()
        self.folder.cleanup()


TestInMemory = Rules.TestCase
TestInMemory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestOnSqlite = SqlRules.TestCase
TestOnSqlite.settings = settings(
    max_examples=8, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
