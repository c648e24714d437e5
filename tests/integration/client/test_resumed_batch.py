"""A batch with a journal does each file once, however often it is begun."""

import functools
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from cl_api.compute.api.jobs import list_jobs
from cl_client import ComputeClient, DownloadError, InvalidParameterError, JobFailedError, Outcome
from cl_client.jobs.handle import Job

Outcomes = list[Outcome[Path, object]]


async def all_of(outcomes: AsyncGenerator[Outcome[Path, object]]) -> Outcomes:
    return [outcome async for outcome in outcomes]


def ids(outcomes: Outcomes) -> list[str]:
    return [outcome.job.job_id for outcome in outcomes if outcome.job is not None]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.txt" for name in "abcde"]
    for path in paths:
        path.write_text(path.name)
    return paths


async def test_the_second_run_does_what_the_first_left(
    anyones_client: ComputeClient, files: list[Path], tmp_path: Path
):
    run = functools.partial(anyones_client.map, anyones_client.hash.compute, files, journal=tmp_path / "batch.jsonl")
    outcomes = run(concurrency=1)
    first = [await anext(outcomes), await anext(outcomes)]
    await outcomes.aclose()
    made = [outcome.output for outcome in first]
    second = await all_of(run())
    assert [outcome.resumed for outcome in second] == [True, True, False, False, False]
    assert ids(second)[:2] == ids(first)
    assert [outcome.output for outcome in second[:2]] == made
    third = await all_of(run(priority=9))
    assert ids(third) == ids(second)
    assert all(outcome.resumed for outcome in third)


async def test_another_file_or_another_question_is_not_done_yet(
    local_client: ComputeClient, files: list[Path], tmp_path: Path
):
    run = functools.partial(local_client.map, journal=tmp_path / "batch.jsonl")
    before = await all_of(run(local_client.hash.compute, files[:3]))
    files[0].write_text("longer than before")
    found = files[1].stat()
    os.utime(files[1], ns=(found.st_atime_ns, found.st_mtime_ns + 1))
    again = await all_of(run(local_client.hash.compute, files[:3]))
    assert [outcome.resumed for outcome in again] == [False, False, True]
    md5 = functools.partial(local_client.hash.compute, algorithm="md5")
    assert [outcome.resumed for outcome in await all_of(run(md5, files[2:3]))] == [False]
    assert [outcome.resumed for outcome in await all_of(run(md5, files[2:3]))] == [True]
    asked = run(local_client.hash.compute, files[2:3], algorithm="md5")
    assert [outcome.resumed for outcome in await all_of(asked)] == [True]
    assert len({*ids(before), *ids(again)}) == 5


async def test_a_job_that_was_under_way_is_attached_to_and_one_that_is_gone_is_made_anew(
    local_client: ComputeClient, files: list[Path], tmp_path: Path
):
    journal = tmp_path / "batch.jsonl"
    run = functools.partial(local_client.map, local_client.hash.compute, files[:2], journal=journal)
    first = await all_of(run())
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if '"completed"' not in line))
    assert first[0].job is not None
    await first[0].job.delete()
    second = await all_of(run())
    assert [outcome.resumed for outcome in second] == [False, False]
    assert ids(second)[0] != ids(first)[0]
    assert ids(second)[1] == ids(first)[1]


async def test_what_failed_is_tried_again_as_a_new_job(local_client: ComputeClient, files: list[Path], tmp_path: Path):
    run = functools.partial(
        local_client.map, local_client.hash.compute, files[:1], journal=tmp_path / "j", algorithm="phash"
    )
    failures = [(await all_of(run()))[0].error for _ in range(2)]
    assert all(isinstance(error, JobFailedError) for error in failures)
    assert len({error.job_id for error in failures if error is not None}) == 2


async def test_a_file_is_done_when_what_follows_is_done(local_client: ComputeClient, files: list[Path], tmp_path: Path):
    finished: list[str] = []

    async def finish(path: Path, job: Job[object]) -> None:
        if path == files[1] and files[1] not in finished:
            finished.append(files[1])
            raise DownloadError("the disk is full")
        finished.append(job.job_id)

    run = functools.partial(
        local_client.map, local_client.hash.compute, files[:2], journal=tmp_path / "j", finish=finish, concurrency=1
    )
    first, broken = await all_of(run())
    assert isinstance(broken.error, DownloadError)
    second = await all_of(run())
    assert [outcome.resumed for outcome in second] == [True, False]
    assert finished == [ids([first])[0], files[1], ids(second)[1]]


async def test_a_loop_that_was_left_lets_the_next_one_have_its_journal(
    local_client: ComputeClient, files: list[Path], tmp_path: Path
):
    run = functools.partial(local_client.map, local_client.hash.compute, files[:3], journal=tmp_path / "j")
    async for outcome in run(concurrency=1):
        first = outcome
        break
    again = await all_of(run())
    assert again[0].resumed
    assert ids(again)[0] == ids([first])[0]


async def test_the_same_file_twice_is_one_job(local_client: ComputeClient, files: list[Path], tmp_path: Path):
    before = {job.job_id for job in (await list_jobs.asyncio(client=local_client.api)).jobs}
    twice = await all_of(local_client.map(local_client.hash.compute, files[:1] * 2, journal=tmp_path / "j"))
    after = {job.job_id for job in (await list_jobs.asyncio(client=local_client.api)).jobs}
    assert len(set(ids(twice))) == 1
    assert after - before == set(ids(twice))


async def test_what_a_journal_cannot_know_again_is_refused(local_client: ComputeClient, tmp_path: Path):
    async def method(source: Path, **_: object) -> Job[object]:
        raise AssertionError

    for call, source in ((method, tmp_path), (local_client.hash.compute, b"content")):
        (outcome,) = await all_of(local_client.map(call, [source], journal=tmp_path / "j"))
        assert isinstance(outcome.error, InvalidParameterError)
