"""A call that is cancelled, at whatever moment, leaves no connection, task, file or half a download behind."""

import asyncio
from pathlib import Path

import pytest

from cl_client import ComputeClient, ConnectionLimits
from cl_server.embedded import LocalStack
from tests.faults.test_watching import open_files, until


@pytest.mark.parametrize("what", ["upload", "download", "question"])
async def test_cancelling_at_any_moment_leaves_nothing_behind(local_stack: LocalStack, tmp_path: Path, what: str):
    big = tmp_path / "big.bin"
    big.write_bytes(bytes(4_000_000))
    folder = tmp_path / "downloads"
    folder.mkdir()
    async with ComputeClient(local_stack.compute_url, mqtt_port=9) as setter:
        job = await setter.hash.compute(big)
        path = f"input/{next((local_stack.data / 'jobs' / job.job_id / 'input').glob('source*')).name}"
    tasks, files = len(asyncio.all_tasks()), open_files()
    limits = ConnectionLimits(connections=1)
    async with ComputeClient(local_stack.compute_url, mqtt_port=9, limits=limits) as client:
        calls = {
            "upload": lambda: client.hash.compute(big),
            "download": lambda: client.download_job_file(job.job_id, path, folder / "big.bin"),
            "question": lambda: client.get_capabilities(),
        }
        ended = 0
        for moment in range(60):
            call = asyncio.ensure_future(calls[what]())
            for _ in range(moment * (1 if what == "question" else 3)):
                await asyncio.sleep(0)
            ended += call.done()
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            # The one connection that there may be is free, or was given up and can be made anew.
            await asyncio.wait_for(client.get_capabilities(), 30)
        assert ended < 60
        assert open_files() <= files + 1
        assert not any(path.name.startswith(".") for path in folder.iterdir())
    await until(lambda: open_files() <= files and len(asyncio.all_tasks()) <= tasks)
