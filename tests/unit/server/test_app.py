"""The application without a network: what a real stack gives no handle for."""

from pathlib import Path

import httpx
import pytest

from cl_ml_tools.schemas import Job
from cl_server.app import create_app
from cl_server.capabilities import Capabilities
from cl_server.storage import LocalFileStorage


class Broken:
    """A repository whose database is gone."""

    def get_job(self, job_id: str) -> Job | None:
        raise RuntimeError("/secret/jobs.sqlite is gone")


async def test_what_nobody_caught_is_a_plain_500_with_its_id(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(Broken(), LocalFileStorage(tmp_path), Capabilities())  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        answer = await client.get("/jobs/one", headers={"X-Request-ID": "mine"})
    assert answer.status_code == 500
    assert answer.json() == {"detail": "internal error", "request_id": "mine"}
    assert answer.headers["x-request-id"] == "mine"
    assert "request mine: GET /jobs/one failed" in caplog.text
    assert "/secret/jobs.sqlite is gone" in caplog.text
