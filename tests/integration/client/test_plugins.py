"""Every plugin from the client to the worker and back: what was sent returns as a typed output."""

from pathlib import Path

from cl_client import ComputeClient


async def test_exif_is_read(local_client: ComputeClient, photo: Path):
    job = await local_client.exif.extract(photo, tags="Make, -execute", wait=True)
    assert job.output.metadata == {"Make": "cl-client"}
    assert (job.output.make, job.output.orientation) == ("cl-client", 6)
    assert (job.output.width, job.output.height) == (120, 80)
