"""kill -9 in the middle of a batch: the next run does the rest, and the server did each file exactly once."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from cl_api.compute.api.jobs import list_jobs
from cl_client import ComputeClient
from cl_server.embedded import LocalStack
from tests.faults.proxy import fault_proxy
from tests.integration.client.test_trouble import host_and_port

FILES = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:02}.txt").write_text(f"{tmp_path} {number}")
    return folder


def begun(url: str, journal: Path, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.faults.batch_run", url, str(journal), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


async def sums(client: ComputeClient) -> Counter[object]:
    """How often each content was hashed, by all jobs that there are."""
    found: Counter[object] = Counter()
    cursor: str | None = None
    while True:
        page = await list_jobs.asyncio(client=client.api, limit=200, cursor=cursor)
        found.update((job.task_output or {}).get("sha256", job.status) for job in page.jobs)
        if page.cursor is None:
            return found
        cursor = page.cursor


async def test_a_batch_that_is_killed_again_and_again_does_each_file_once(
    local_stack: LocalStack, folder: Path, tmp_path: Path
):
    journal = tmp_path / "batch.jsonl"
    async with ComputeClient(local_stack.compute_url, mqtt_port=9) as client:
        before = await sums(client)
        for lines in (1, 9, 25):
            with begun(local_stack.compute_url, journal, folder) as killed:
                assert killed.stdout is not None
                for _ in range(lines):
                    assert await asyncio.to_thread(killed.stdout.readline)
                killed.kill()
        outcomes = [
            outcome async for outcome in client.map(client.hash.compute, sorted(folder.iterdir()), journal=journal)
        ]
        assert [outcome.error for outcome in outcomes] == [None] * FILES
        assert sum(outcome.resumed for outcome in outcomes) >= 25
        assert await sums(client) - before == Counter({outcome.output.sha256: 1 for outcome in outcomes})


async def test_a_job_that_was_submitted_in_the_moment_of_the_kill_is_found_by_its_key(
    local_stack: LocalStack, folder: Path, tmp_path: Path
):
    journal = tmp_path / "batch.jsonl"
    url = local_stack.compute_url
    async with ComputeClient(url, mqtt_port=9) as client, fault_proxy(*host_and_port(url)) as proxy:
        before = await sums(client)
        proxy.hold_answers()
        through = f"http://127.0.0.1:{proxy.port}"
        with begun(through, journal, folder) as killed:
            while sum((await sums(client) - before).values()) < 4:
                await asyncio.sleep(0.05)
            killed.kill()
        assert '"item"' not in journal.read_text()
        proxy.release()
        # The same server, as the journal has it: by its address.
        with begun(through, journal, folder) as again:
            told, _ = await asyncio.to_thread(again.communicate)
        assert sorted(told.splitlines()) == [f"{path.name} False None" for path in sorted(folder.iterdir())]
        assert sorted((await sums(client) - before).values()) == [1] * FILES
