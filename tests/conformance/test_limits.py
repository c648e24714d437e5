"""Quotas and retention, wherever files are kept: the same for a folder and for S3."""

from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from cl_ml_tools.worker import Worker
from cl_server.clock import DAY_MS, now_ms
from cl_server.compute.app import create_app
from cl_server.files.local import open_storage
from cl_server.messaging.capabilities import Capabilities
from cl_server.queue.guest_mode import GuestMode
from cl_server.queue.quota import Quota
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.retention import Retention
from cl_server.workers.attempt import Attempt
from cl_server.workers.heartbeat import Heart
from tests.media import photo
from tests.s3 import S3Server

LIMIT = 100_000


@pytest.fixture(params=["local", "s3"])
def bucket(request: pytest.FixtureRequest) -> str | None:
    """Where files are kept; `None` is the data folder."""
    if request.param == "local":
        return None
    server: S3Server = request.getfixturevalue("s3")
    return server.bucket()


async def test_what_is_kept_counts_and_goes_and_then_there_is_room(
    database: Engine, bucket: str | None, tmp_path: Path
) -> None:
    storage, quota = open_storage(tmp_path, bucket, "compute"), Quota(database, most_bytes=LIMIT)
    queue = SqlJobRepository(database, quota=quota, clock=lambda: now_ms() - 3 * DAY_MS)
    app = create_app(queue, storage, Capabilities(), GuestMode(tmp_path / "guest-mode"), quota=quota)
    worker = Worker(queue)
    picture = photo.photo(400, 300)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:

        async def submit(content: bytes) -> httpx.Response:
            return await http.post("/jobs/image_conversion", files={"file": ("a.png", content)}, data={"format": "png"})

        job_id = str((await submit(picture)).json()["job_id"])
        claim = queue.claim("w0", ["image_conversion"])
        assert claim is not None
        attempt = Attempt(claim, queue, storage, Heart(queue, lambda claim, beat: None))
        attempt.end(await attempt.run(worker))

        files = {file.path.partition("/")[0]: file.size for file in storage.list_files(job_id)}
        assert files.keys() == {"input", "output"}
        job = queue.get_job(job_id)
        assert job is not None
        assert job.size == sum(files.values()) < LIMIT
        too_much = picture.ljust(LIMIT - job.size + 1, b"\0")
        assert (await submit(too_much)).status_code == 413
        assert storage.sizes().keys() == {job_id}

        assert Retention(database, tmp_path, queue, storage, 1).look() == 1
        assert (storage.sizes(), storage.list_files(job_id)) == ({}, [])
        assert (await submit(too_much)).status_code == 200
