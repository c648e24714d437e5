"""The heartbeat, the outbox and the bell of PostgreSQL, each with a queue of its own."""

import threading
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy.exc import OperationalError

from cl_ml_tools.job_queue import LEASE, Beat, Claim, Event
from cl_ml_tools.memory_repository import MemoryJobRepository
from cl_ml_tools.schemas import Job, JobStatus
from cl_server.messaging.events import STALE, Relay
from cl_server.workers.heartbeat import Heart


class Clock:
    """Milliseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


class Ends:
    """What the heart says."""

    def __init__(self) -> None:
        self.beats: list[Beat] = []
        self.heard = threading.Event()

    def __call__(self, claim: Claim, beat: Beat) -> None:
        self.beats.append(beat)
        self.heard.set()


class Counted(MemoryJobRepository):
    """Says when it was asked for a heartbeat."""

    beaten = threading.Event()

    def beats(self, claims: Sequence[Claim], lease: int | None = LEASE) -> list[Beat]:
        beats = super().beats(claims, lease)
        self.beaten.set()
        return beats


def claimed(queue: MemoryJobRepository) -> Claim:
    queue.add_job(Job(job_id="one", task_type="hash"))
    claim = queue.claim("w0", ["hash"])
    assert claim is not None
    return claim


class Silent(MemoryJobRepository):
    """A database that does not answer, and says when it was asked twice."""

    asked = 0
    twice = threading.Event()

    def beats(self, claims: Sequence[Claim], lease: int | None = LEASE) -> list[Beat]:
        self.asked += 1
        if self.asked == 2:
            self.twice.set()
        raise OperationalError("UPDATE", None, Exception("no answer within 4.0 seconds\nand more"))


def test_a_heartbeat_that_does_not_get_through_is_one_line_and_the_next_is_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = Silent()
    heart = Heart(queue, Ends(), beat=0.01)
    heart.hold(claimed(queue))
    heart.start()
    assert queue.twice.wait(30)
    heart.stop()
    said = caplog.records[0]
    assert said.getMessage() == "the heartbeat of job one failed: no answer within 4.0 seconds"
    assert said.exc_info is None


def test_a_claim_is_kept_alive_while_the_loop_does_nothing() -> None:
    clock, ends = Clock(), Ends()
    queue = Counted(clock=clock)
    claim = claimed(queue)
    heart = Heart(queue, ends, beat=0.01)
    heart.start()
    heart.hold(claim)
    for _ in range(3):
        clock.now += LEASE - 1_000
        queue.beaten.clear()
        assert queue.beaten.wait(30)
    assert queue.expire() == []
    heart.stop()
    assert ends.beats == []


def test_a_ring_tells_of_a_cancelled_job_at_once() -> None:
    ends = Ends()
    queue = MemoryJobRepository()
    claim = claimed(queue)
    heart = Heart(queue, ends, beat=600)
    heart.start()
    heart.look()
    heart.hold(claim)
    queue.cancel("one")
    heart.look()
    assert ends.heard.wait(30)
    assert heart.is_over(claim)
    heart.stop()
    assert ends.beats == [Beat.CANCEL]


def test_a_heartbeat_that_fails_is_tried_again() -> None:
    class Stumbling(MemoryJobRepository):
        failures = 2

        def beats(self, claims: Sequence[Claim], lease: int | None = LEASE) -> list[Beat]:
            if self.failures:
                self.failures -= 1
                raise OSError("the disk is full")
            return [Beat.LOST]

    ends = Ends()
    queue = Stumbling()
    heart = Heart(queue, ends, beat=0.01)
    heart.hold(claimed(queue))
    heart.start()
    assert ends.heard.wait(30)
    heart.stop()
    assert ends.beats == [Beat.LOST]


class Told:
    """A broker: whether it is there, what it heard, and whether it says so."""

    def __init__(self) -> None:
        self.heard = True
        self.said: list[str] = []
        self.answer: bool | None = True

    def publish(self, job: Job) -> Callable[[], bool | None]:
        self.said.append(job.status.value)
        return lambda: self.answer


def test_what_the_broker_has_is_taken_out_of_the_outbox() -> None:
    broker, clock = Told(), Clock()
    relay = Relay(broker)  # pyright: ignore[reportArgumentType]
    queue = MemoryJobRepository(on_event=relay, clock=clock)
    relay.follow(queue)
    queue.complete(claimed(queue), {})
    relay.stop()
    assert broker.said == ["queued", "processing", "completed"]
    clock.now += STALE
    assert queue.take_untold(STALE) == []


def test_what_the_broker_never_got_is_told_later() -> None:
    broker, clock = Told(), Clock()
    broker.answer = None
    relay = Relay(broker)  # pyright: ignore[reportArgumentType]
    queue = MemoryJobRepository(on_event=relay, clock=clock)
    relay.follow(queue)
    queue.add_job(Job(job_id="one", task_type="hash"))
    relay.stop()
    clock.now += STALE
    broker.heard = False
    relay.take_over(queue)
    assert broker.said == ["queued"]
    broker.heard, broker.answer = True, True
    relay.take_over(queue)
    assert broker.said == ["queued", "queued"]
    relay.stop()
    clock.now += STALE
    assert queue.take_untold(STALE) == []


def test_jobs_of_dead_workers_are_found_by_whoever_keeps_the_outbox() -> None:
    clock = Clock()
    queue = MemoryJobRepository(clock=clock)
    claimed(queue)
    clock.now += LEASE + 1
    Relay(Told()).take_over(queue)  # pyright: ignore[reportArgumentType]
    job = queue.get_job("one")
    assert job is not None
    assert job.status is JobStatus.QUEUED


def test_what_happened_in_one_moment_stays_in_the_outbox_until_the_broker_has_all_of_it() -> None:
    broker, settled = Told(), list[int]()
    answers: list[bool | None] = [True, False]
    broker.publish = lambda job: lambda: answers[int(job.job_id)]  # pyright: ignore[reportAttributeAccessIssue]
    relay, queue = Relay(broker), MemoryJobRepository()  # pyright: ignore[reportArgumentType]
    queue.settle = settled.extend
    # The newer one is told first.
    relay.moment([Event(Job(job_id=name, task_type="hash"), 7) for name in ("1", "0")])
    relay._settle(queue)
    assert settled == []
    answers[1] = True
    relay._settle(queue)
    assert settled == [7]


def test_an_event_without_a_place_is_told_once() -> None:
    broker = Told()
    relay = Relay(broker)  # pyright: ignore[reportArgumentType]
    relay(Event(Job(job_id="one", task_type="hash")))
    relay.stop()
    assert broker.said == ["queued"]
