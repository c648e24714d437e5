"""1 GiB up and down, against curl on the same server, and what it costs in memory.

A download of ours is verified; curl's is not, and has that much less to do.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cl_client import ComputeClient
from cl_server.embedded import LocalStack
from tests.bench.figure import Figure

MIB = 1024 * 1024
SIZE = 1024 * MIB
ROUNDS = 3


def figures() -> Iterator[Figure]:
    curl = shutil.which("curl")
    if curl is None:
        raise SystemExit("the transfer figures are ratios to curl, and there is none on PATH")
    with tempfile.TemporaryDirectory(prefix="cl-bench-") as folder, LocalStack(workers=0) as stack:
        here = Path(folder)
        big = here / "big.bin"
        with big.open("wb") as file:
            for _ in range(SIZE // MIB):
                file.write(os.urandom(MIB))
        ours: dict[str, list[float]] = {"up": [], "down": []}
        peer: dict[str, list[float]] = {"up": [], "down": []}
        growth: dict[str, float] = {"up": 0, "down": 0}
        for _ in range(ROUNDS):
            report = _our_turn(stack, big, here / "ours.bin")
            for way in ("up", "down"):
                ours[way].append(report[way])
                growth[way] = max(growth[way], report[f"{way}_growth"])
            start = time.perf_counter()
            url = f"{stack.compute_url}/jobs/hash"
            answer = subprocess.run([curl, "-sSf", "-F", f"file=@{big}", url], check=True, capture_output=True)
            peer["up"].append(time.perf_counter() - start)
            job_id = str(json.loads(answer.stdout)["job_id"])
            start = time.perf_counter()
            url = f"{stack.compute_url}/jobs/{job_id}/files/{_input_of(stack, job_id)}"
            subprocess.run([curl, "-sSf", "-o", str(here / "curl.bin"), url], check=True)
            peer["down"].append(time.perf_counter() - start)
            shutil.rmtree(stack.data / "jobs" / job_id)
        for way in ("up", "down"):
            a, b = statistics.median(ours[way]), statistics.median(peer[way])
            detail = f"{SIZE / MIB / a:.0f} / {SIZE / MIB / b:.0f} MiB/s"
            yield Figure(f"1 GiB {way}load, throughput / curl", b / a, 0.7, at_least=True, detail=detail)
            yield Figure(f"1 GiB {way}load, growth of memory", growth[way], 32, unit=" MiB")


def _our_turn(stack: LocalStack, big: Path, target: Path) -> dict[str, float]:
    argv = [sys.executable, "-m", "tests.bench.transfer", stack.compute_url, str(stack.data), str(big), str(target)]
    answer = subprocess.run(argv, check=True, capture_output=True)
    return json.loads(answer.stdout)


def _input_of(stack_or_data: LocalStack | Path, job_id: str) -> str:
    data = stack_or_data if isinstance(stack_or_data, Path) else stack_or_data.data
    return f"input/{next((data / 'jobs' / job_id / 'input').glob('source*')).name}"


async def _transfer(url: str, data: Path, big: Path, target: Path) -> dict[str, float]:
    """In a process of its own, whose memory nothing else moves."""
    report: dict[str, float] = {}
    async with ComputeClient(url, mqtt_port=9) as client:
        warm = await client.hash.compute(os.urandom(4 * MIB))
        await warm.download(target, _input_of(data, warm.job_id))
        before = _peak()
        start = time.perf_counter()
        job = await client.hash.compute(big)
        report["up"], report["up_growth"] = time.perf_counter() - start, _peak() - before
        before = _peak()
        start = time.perf_counter()
        await job.download(target, _input_of(data, job.job_id))
        report["down"], report["down_growth"] = time.perf_counter() - start, _peak() - before
        await job.delete()
    return report


def _peak() -> float:
    """The most memory that this process ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    server, *paths = sys.argv[1:]
    print(json.dumps(asyncio.run(_transfer(server, *map(Path, paths)))))
