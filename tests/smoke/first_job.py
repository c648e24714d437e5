"""What is run in an empty environment: the client alone, a job against the server of the environment."""

import asyncio
import importlib.util
import sys
from pathlib import Path

from cl_client import ComputeClient


async def main(photo: Path) -> None:
    for library in ("numpy", "fastapi", "pydantic", "PIL"):
        assert importlib.util.find_spec(library) is None, f"the client alone brought {library}"
    async with ComputeClient() as client:
        job = await client.media_thumbnail.generate(photo, width=8, wait=True, timeout=60)
        thumbnail = await job.download(photo.parent)
        assert thumbnail.read_bytes().startswith(b"\xff\xd8"), thumbnail
        assert job.output.width == 8


asyncio.run(main(Path(sys.argv[1])))
