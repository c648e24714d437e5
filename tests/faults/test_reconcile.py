"""Asking for many jobs costs few requests, whatever the server can and however it answers."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from sqlalchemy import delete, insert, update

from cl_client import (
    AuthenticationError,
    ComputeClient,
    ComputeClientConfig,
    JobNotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
    ServerUnreachableError,
)
from cl_client.model import JobState
from cl_client.server.http_server import MOST
from cl_client.watching.job_reader import CONCURRENT
from cl_server.embedded import LocalStack
from cl_server.queue.tables import jobs, open_database
from tests.faults.proxy import fault_proxy
from tests.faults.scripted import CLOSE, answer, scripted_server
from tests.faults.test_watching import until
from tests.integration.client.test_trouble import host_and_port
from tests.states import job

MANY = 2_000


def row(job_id: str) -> dict[str, object]:
    """A queued job of nobody, as the database keeps it."""
    numbers = {"progress": 0, "priority": 5, "attempts": 0, "created_at": 1, "updated_at": 1}
    return {"job_id": job_id, "task_type": "nothing", "status": "queued", "params": {}, **numbers}


async def test_two_thousand_watches_that_reconnect_cost_a_request_for_each_hundred(
    idle_stack: LocalStack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ComputeClientConfig, "FIRST_POLL_INTERVAL", 60.0)
    database = open_database(idle_stack.data / "jobs.sqlite")
    ids = [f"many-{n}" for n in range(MANY)]
    with database.begin() as behind_its_back:
        behind_its_back.execute(insert(jobs), [row(job_id) for job_id in ids])
    async with (
        fault_proxy(*host_and_port(idle_stack.compute_url)) as http,
        fault_proxy(idle_stack.mqtt_host, idle_stack.mqtt_port) as mqtt,
    ):
        url = f"http://127.0.0.1:{http.port}"
        async with ComputeClient(url, mqtt_broker="127.0.0.1", mqtt_port=mqtt.port) as client:
            watches = [client.jobs.watcher.watch(job_id) for job_id in ids]
            # Once when the watches begin, and at most once more when the broker stands.
            await until(lambda: all(watch.state for watch in watches) and mqtt.connections > 0)
            assert http.requests <= 2 * MANY / MOST + CONCURRENT
            mqtt.hold_answers()
            with database.begin() as behind_its_back:
                behind_its_back.execute(delete(jobs).where(jobs.c.job_id.in_(ids[:10])))
                behind_its_back.execute(update(jobs).where(jobs.c.job_id.in_(ids)).values(status="cancelled"))
            before = http.requests
            mqtt.release()
            mqtt.reset()
            ends = await asyncio.gather(*(watch.end() for watch in watches), return_exceptions=True)
            assert http.requests - before <= MANY / MOST + 10 + CONCURRENT
    database.dispose()
    gone, ended = ends[:10], [end.status for end in ends[10:] if isinstance(end, JobState)]
    assert all(isinstance(error, JobNotFoundError) for error in gone)
    assert ended == ["cancelled"] * (MANY - 10)


def page(*names: str) -> bytes:
    return answer(200, json.dumps({"jobs": [job(name).to_dict() for name in names], "cursor": None}).encode())


def one(name: str) -> bytes:
    return answer(200, json.dumps(job(name).to_dict()).encode())


async def read(names: str, *answers: bytes) -> tuple[Sequence[JobState | BaseException], list[str]]:
    """Ask for these jobs together, twice; gives the second answers, and what was requested."""
    async with scripted_server(*answers) as server, ComputeClient(server.url, timeout=30) as client:
        for _ in range(2):
            states = await asyncio.gather(*(client._reader.read(name) for name in names), return_exceptions=True)
        return states, [line.split()[1] for line in server.requests]


async def test_jobs_that_are_asked_for_together_are_one_request():
    states, requests = await read("abc", page(*"cab"))
    assert [state.job_id for state in states if isinstance(state, JobState)] == ["a", "b", "c"]
    assert len(requests) == 2
    assert all(path.startswith("/jobs?") and path.endswith("limit=3") for path in requests)


async def test_one_job_is_asked_for_as_ever():
    _, requests = await read("a", one("a"))
    assert requests == ["/jobs/a", "/jobs/a"]


async def test_who_asks_right_after_an_answer_is_answered_too():
    """In the step of the loop in which the task that asked has ended, and is not gone yet."""
    async with scripted_server(one("a")) as server, ComputeClient(server.url) as client, asyncio.timeout(30):
        for _ in range(3):
            assert (await client._reader.read("a")).job_id == "a"


@pytest.mark.parametrize("refusal", [answer(code) for code in (400, 403, 404, 405, 414, 422, 501)] + [answer(200)])
async def test_a_server_that_cannot_is_asked_for_one_at_a_time_from_then_on(refusal: bytes):
    (a, _), requests = await read("ab", refusal, one("a"))
    assert isinstance(a, JobState)
    assert sorted(requests[1:]) == ["/jobs/a", "/jobs/a", "/jobs/b", "/jobs/b"]


async def test_a_server_that_does_not_know_the_filter_is_found_out():
    (_, b), requests = await read("ab", page("a", "z"), one("b"))
    assert isinstance(b, JobState)
    assert requests[0].startswith("/jobs?")
    assert sorted(requests[1:]) == ["/jobs/a", "/jobs/b", "/jobs/b"]


async def test_what_the_answer_does_not_name_is_asked_for_alone():
    missing = answer(404, b'{"detail": "there is no job b"}')
    (a, b), requests = await read("ab", page("a"), missing, page("a"), missing)
    assert isinstance(a, JobState)
    assert isinstance(b, JobNotFoundError)
    assert [path.split("?")[0] for path in requests] == ["/jobs", "/jobs/b"] * 2


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (answer(500), ServerError),
        (answer(503, Retry_After="100"), ServerError),
        (answer(429, Retry_After="100"), RateLimitError),
        (answer(401), AuthenticationError),
        (CLOSE, ServerUnreachableError),
    ],
)
async def test_trouble_is_the_same_for_all_and_says_nothing_of_the_route(trouble: bytes, error: type[Exception]):
    states, requests = await read("ab", trouble)
    assert [type(state) for state in states] == [error, error]
    assert all(path.startswith("/jobs?") for path in requests)


async def test_a_job_that_cannot_be_read_spoils_no_other():
    broken = json.dumps({"jobs": [job("a").to_dict(), {**job("b").to_dict(), "params": 3}]}).encode()
    alone = answer(200, json.dumps({**job("b").to_dict(), "params": 3}).encode())
    (a, b), _ = await read("ab", answer(200, broken), alone, answer(200, broken), alone)
    assert isinstance(a, JobState)
    assert isinstance(b, ResponseError)


async def test_a_hundred_at_most_are_asked_for_in_one_request():
    async with scripted_server(page()) as server, ComputeClient(server.url) as client:
        asking = [asyncio.ensure_future(client._reader.read(str(n))) for n in range(MOST + 1)]
        await until(lambda: len(server.requests) >= 2)
        for question in asking:
            question.cancel()
    assert {line.split()[1].rpartition("=")[2] for line in server.requests[:2]} <= {str(MOST), "/jobs/100"}
