"""A batch with a journal, as a process that can be killed: tells each file on stdout as it is done."""

import asyncio
import sys
from pathlib import Path

from cl_client import ComputeClient


async def main(url: str, journal: str, folder: str) -> None:
    async with ComputeClient(url, mqtt_port=9) as client:
        paths = sorted(Path(folder).iterdir())
        async for outcome in client.map(client.hash.compute, paths, journal=journal, concurrency=4, ordered=False):
            print(outcome.source.name, outcome.resumed, outcome.error, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
