"""Whoever is cancelled while they wait for a job knows which one it is: it goes on."""

import asyncio
import logging
import os
import re
import signal
import subprocess
import sys
import traceback

import pytest

from cl_client import ComputeClient
from cl_server.embedded import LocalStack


async def test_a_cancelled_wait_tells_the_id_of_the_job(idle_stack: LocalStack, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "cl_client")
    async with ComputeClient(idle_stack.compute_url, mqtt_port=idle_stack.mqtt_port) as client:
        with pytest.raises(TimeoutError) as timed_out:
            async with asyncio.timeout(1):
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
