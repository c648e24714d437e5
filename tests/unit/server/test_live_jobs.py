"""What those who watch jobs are told: in order, no more than they may see, and what they missed."""

import asyncio
import json
from collections.abc import AsyncGenerator

from cl_ml_tools.job_queue import JobQuery, JobQueue, Page
from cl_ml_tools.schemas import Job
from cl_server.compute import live_jobs
from cl_server.compute.live_jobs import LiveJobs
from cl_server.http.access import User
from cl_server.messaging.topics import EVENTS

ANN = User("1", frozenset())


class FakeQueue(JobQueue):
    """Has every job that somebody asks for; those with an `x` are another's."""

    def list_jobs(self, query: JobQuery) -> Page:
        owners = [(job_id, "2" if "x" in job_id else "1") for job_id in query.ids or ()]
        return Page([Job(job_id=job_id, task_type="hash", created_by=owner) for job_id, owner in owners], None)


def changed(live: LiveJobs, *job_ids: str) -> None:
    for job_id in job_ids:
        message = {"job_id": job_id, "task_type": "hash", "status": "queued"}
        live._heard(EVENTS.name, json.dumps(message).encode())


async def next_event(stream: AsyncGenerator[str]) -> tuple[str, str, str]:
    """The id, kind and data of the next event."""
    async for text in stream:
        fields = dict(line.split(": ", 1) for line in text.strip().splitlines() if ": " in line)
        if "event" in fields:
            return fields["id"], fields["event"], fields["data"]
    raise AssertionError


async def test_changes_of_a_moment_are_one_message_of_ones_own_jobs() -> None:
    live = LiveJobs(FakeQueue(), lambda: None, lambda: False)
    stream = live.follow(ANN, None)
    assert (await next_event(stream))[1] == "refetch"
    changed(live, "a", "x", "b", "a")
    _, kind, data = await next_event(stream)
    assert (kind, sorted(job["job_id"] for job in json.loads(data))) == ("jobs", ["a", "b"])
    changed(live, "only-x")
    changed(live, *(f"job{number}" for number in range(live_jobs.MOST + 1)))
    assert (await next_event(stream))[1] == "refetch"
    await stream.aclose()


async def test_who_lost_the_connection_gets_what_they_missed() -> None:
    live = LiveJobs(FakeQueue(), lambda: None, lambda: False)
    stays = live.follow(User("1", frozenset()), None)
    await next_event(stays)
    changed(live, "a")
    last, _, _ = await next_event(stays)
    changed(live, "b")
    await next_event(stays)
    back = live.follow(ANN, last)
    _, kind, data = await next_event(back)
    assert (kind, [job["job_id"] for job in json.loads(data)]) == ("jobs", ["b"])
    unknown = live.follow(ANN, "0-1")
    assert (await next_event(unknown))[1] == "refetch"
    for stream in (stays, back, unknown):
        await stream.aclose()


async def test_nobody_is_waited_for_at_the_end_of_the_server() -> None:
    ending = False
    live = LiveJobs(FakeQueue(), lambda: None, lambda: ending)
    stream = live.follow(ANN, None)
    await next_event(stream)
    ending = True
    async with asyncio.timeout(30):
        assert [text async for text in stream] == []
