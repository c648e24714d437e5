"""Whoever is cancelled while they wait for a job knows which one it is: it goes on."""

import asyncio
import contextlib
import logging
import os
import re
import signal
import subprocess
import sys
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest

from cl_client import ComputeClient, WaitTimeoutError
from cl_server.embedded import LocalStack


@contextlib.asynccontextmanager
async def out_of_time_once_it_waits(client: ComputeClient) -> AsyncGenerator[None]:
    """`asyncio.timeout`, whose time is over when the job is submitted and waited for, however long that takes."""

    async def end() -> None:
        while not client.jobs.watcher.watched:
            await asyncio.sleep(0.01)
        limit.reschedule(asyncio.get_running_loop().time())

    async with asyncio.timeout(None) as limit:
        ending = asyncio.ensure_future(end())
        yield
        await ending


async def test_a_cancelled_wait_tells_the_id_of_the_job(idle_stack: LocalStack, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "cl_client")
    async with ComputeClient(idle_stack.compute_url, mqtt_port=idle_stack.mqtt_port) as client:
        with pytest.raises(TimeoutError) as timed_out:
            async with out_of_time_once_it_waits(client):
                await client.hash.compute(b"x", wait=True)
        text = "".join(traceback.format_exception(timed_out.value))
        [job_id] = set(re.findall(r"job (\w+) keeps running", text))
        assert (await client.get_job(job_id)).status == "queued"
        assert f"job {job_id} keeps running" in caplog.text

        heard = asyncio.ensure_future(client.hash.compute(b"x", wait=True, on_progress=lambda state: None))
        while not client.jobs.watcher.watched:
            await asyncio.sleep(0.01)
        heard.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await heard
        assert re.search(r"job \w+ keeps running", "".join(cancelled.value.__notes__))


async def in_time(client: ComputeClient) -> None:
    await client.hash.compute(b"x", wait=True, timeout=1, cancel_with_wait=True)


async def in_a_block(client: ComputeClient) -> None:
    async with out_of_time_once_it_waits(client):
        await client.hash.compute(b"x", wait=True, cancel_with_wait=True)


async def as_a_task(client: ComputeClient) -> None:
    task = asyncio.ensure_future(client.hash.compute(b"x", wait=True, cancel_with_wait=True))
    while not client.jobs.watcher.watched:
        await asyncio.sleep(0.01)
    task.cancel()
    await task


@pytest.mark.parametrize("wait", [in_time, in_a_block, as_a_task])
async def test_the_job_is_cancelled_with_the_wait_where_that_is_asked_for(
    idle_stack: LocalStack, wait: Callable[[ComputeClient], Awaitable[None]], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "cl_client")
    async with ComputeClient(idle_stack.compute_url, mqtt_port=idle_stack.mqtt_port) as client:
        with pytest.raises((TimeoutError, asyncio.CancelledError)) as ended:
            await wait(client)
        text = "".join(traceback.format_exception(ended.value))
        [job_id] = set(re.findall(r"job (\w{32})", text))
        assert "it was cancelled" in text
        assert "keeps running" not in text + caplog.text
        assert (await client.get_job(job_id)).status == "cancelled"


async def test_a_wait_for_a_handle_cancels_its_job_too_and_a_job_that_has_ended_stays_ended(
    idle_stack: LocalStack, local_client: ComputeClient
):
    async with ComputeClient(idle_stack.compute_url, mqtt_port=idle_stack.mqtt_port) as client:
        job = await client.hash.compute(b"x")
        with pytest.raises(WaitTimeoutError, match=r"is still queued after 0\.1 s; it was cancelled"):
            await job.wait(0.1, cancel_with_wait=True)
        assert (await job.refresh()).status == "cancelled"
    done = await local_client.hash.compute(b"x", wait=True, timeout=60, cancel_with_wait=True)
    assert done.status == "completed"


async def test_a_batch_with_a_journal_cancels_what_it_no_longer_waits_for(idle_stack: LocalStack, tmp_path: Path):
    (tmp_path / "a.txt").write_text("a")
    async with ComputeClient(idle_stack.compute_url, mqtt_port=idle_stack.mqtt_port) as client:
        outcomes = client.map(
            client.hash.compute,
            [tmp_path / "a.txt"],
            journal=tmp_path / "journal",
            timeout=0.2,
            cancel_with_wait=True,
        )
        [outcome] = [each async for each in outcomes]
        assert outcome.error is not None
        assert outcome.error.job_id is not None
        assert (await client.get_job(outcome.error.job_id)).status == "cancelled"


SCRIPT = """
import sys
from cl_client.sync import ComputeClient
with ComputeClient(sys.argv[1]) as client:
    print("begun", flush=True)
    client.hash.compute(b"x", wait=True, on_progress=lambda state: print("heard", flush=True))
"""


def test_ctrl_c_in_a_script_without_async_tells_it_too(idle_stack: LocalStack):
    script = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, idle_stack.compute_url],
        env={**os.environ, **idle_stack.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert script.stdout is not None
    assert script.stdout.readline() == "begun\n"
    assert script.stdout.readline() == "heard\n"
    script.send_signal(signal.SIGINT)
    _, err = script.communicate(timeout=20)
    assert re.search(r"KeyboardInterrupt\njob \w+ keeps running", err)
