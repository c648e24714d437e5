"""cl_ml_tools alone: a user's own repository, storage, API, worker and plugin, as a package of its own."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from cl_client.idempotency import keyed_paths
from cl_ml_tools.worker import Worker
from tests.media.photo import photo


@pytest.fixture
def my_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package, installed: its entry points are found, one of which leads nowhere."""
    monkeypatch.syspath_prepend(str(Path(__file__).with_name("quick_start")))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_app"]:
        del sys.modules[name]


async def run_to_the_end(worker: Worker) -> None:
    while await worker.run_once():
        pass


async def test_the_quick_start_works(my_app: None, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = importlib.import_module("my_app.main").create(str(tmp_path))
    worker = Worker(importlib.import_module("my_app.repository").SQLiteJobRepository(str(tmp_path / "jobs.db")))
    # One broken plugin is reported and left out, and stops none of the others.
    assert {"hash", "watermark"} <= set(worker.get_supported_task_types())
    assert "plugin broken" in caplog.text
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://my-app") as http:
        made = await http.post(
            "/api/jobs/watermark",
            files={"file": ("photo.jpg", photo(200, 100))},
            data={"watermark_text": "mine", "opacity": "0.7"},
        )
        assert made.json()["status"] == "queued"
        hashed = await http.post("/api/jobs/hash", files={"file": ("notes.txt", b"words")}, data={"algorithm": "md5"})
        bad = await http.post(
            "/api/jobs/watermark", files={"file": ("photo.jpg", b"none")}, data={"watermark_text": "mine"}
        )
        await run_to_the_end(worker)
        job = (await http.get(f"/api/jobs/{made.json()['job_id']}")).json()
        assert (job["status"], job["progress"]) == ("completed", 100)
        (written,) = job["task_output"]["processed_files"]
        with Image.open(written) as picture:
            assert picture.size == (200, 100)
        job = (await http.get(f"/api/jobs/{hashed.json()['job_id']}")).json()
        assert (job["status"], job["task_output"]["md5"]) == ("completed", "89759e1284e2479b991d2669de104942")
        job = (await http.get(f"/api/jobs/{bad.json()['job_id']}")).json()
        assert job["status"] == "failed"
        assert "cannot identify image file" in job["error_message"]
        assert (await http.get("/api/jobs/none")).status_code == 404
    for repository in (app.state.repository, worker.repository):
        repository.conn.close()


async def test_a_repository_of_somebody_else_keeps_no_keys_and_its_spec_says_so(my_app: None, tmp_path: Path) -> None:
    app = importlib.import_module("my_app.main").create(str(tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://my-app") as http:
        for _ in range(2):
            answer = await http.post(
                "/api/jobs/hash", files={"file": ("notes.txt", b"words")}, headers={"Idempotency-Key": "k"}
            )
            assert answer.status_code == 200
        assert keyed_paths((await http.get("/openapi.json")).json()) == frozenset()
    app.state.repository.conn.close()
    assert len(list((tmp_path / "media_storage" / "jobs").iterdir())) == 2
