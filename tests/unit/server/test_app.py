"""The application without a network: what a real stack gives no handle for."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from cl_ml_tools.schemas import Job
from cl_server.compute.app import create_app
from cl_server.files.local import LocalFileStorage
from cl_server.messaging.capabilities import Capabilities
from cl_server.queue.guest_mode import GuestMode
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import open_database


class Broken:
    """A repository whose database is gone."""

    def get_job(self, job_id: str) -> Job | None:
        raise RuntimeError("/secret/jobs.sqlite is gone")


async def test_what_nobody_caught_is_a_plain_500_with_its_id(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(Broken(), LocalFileStorage(tmp_path), Capabilities(), GuestMode(tmp_path / "guest-mode"))  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        answer = await client.get("/jobs/one", headers={"X-Request-ID": "mine"})
    assert answer.status_code == 500
    assert answer.json() == {"detail": "internal error", "request_id": "mine"}
    assert answer.headers["x-request-id"] == "mine"
    assert "request mine: GET /jobs/one failed" in caplog.text
    assert "/secret/jobs.sqlite is gone" in caplog.text


async def test_an_upload_that_stops_in_the_middle_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cl_server.http.body_limit.SILENCE", 0.05)
    app = create_app(Broken(), LocalFileStorage(tmp_path), Capabilities(), GuestMode(tmp_path / "guest-mode"))  # pyright: ignore[reportArgumentType]

    async def stalled() -> AsyncIterator[bytes]:
        yield b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
        await asyncio.Event().wait()

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        headers = {"content-type": "multipart/form-data; boundary=edge"}
        answer = await client.post("/jobs/hash", content=stalled(), headers=headers)
    assert answer.status_code == 408
    assert answer.json()["detail"] == "nothing more of the upload came for 0.05 seconds"
    assert list((tmp_path / "jobs").iterdir()) == []


async def test_a_database_that_does_not_answer_is_said_and_passes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_database("postgresql://me:hidden@127.0.0.1:9/jobs")
    app = create_app(
        SqlJobRepository(engine), LocalFileStorage(tmp_path), Capabilities(), GuestMode(tmp_path / "guest-mode")
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        answer = await client.get("/jobs/one")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["detail"] == "the server's database does not answer; try again"
    assert "the database does not answer" in caplog.text
    assert "hidden" not in caplog.text
