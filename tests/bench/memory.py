"""The most memory that the parts of the server ever have, while a file of 1 GiB is uploaded and hashed."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cl_client import ComputeClient
from cl_server.embedded import LocalStack
from tests.bench.figure import Figure

MIB = 1024 * 1024
PARTS = {"compute": "API", "w0": "worker"}


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="cl-bench-") as folder, LocalStack(workers=1) as stack:
        big = Path(folder, "big.bin")
        with big.open("wb") as file:
            for _ in range(1024):
                file.write(os.urandom(MIB))
        before = {part: _peak(stack.pids()[part]) for part in PARTS}
        asyncio.run(_hash(stack, big))
        for part, name in PARTS.items():
            detail = f"{before[part]:.0f} MiB before"
            yield Figure(f"1 GiB hashed, memory of the {name}", _peak(stack.pids()[part]), 150, " MiB", detail=detail)


async def _hash(stack: LocalStack, file: Path) -> None:
    async with ComputeClient(stack.compute_url, mqtt_broker=stack.mqtt_host, mqtt_port=stack.mqtt_port) as client:
        await client.hash.compute(file, wait=True)


def _peak(pid: int) -> float:
    """The most memory that a process ever had, in MiB (proc(5), VmHWM)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
