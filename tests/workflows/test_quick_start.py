"""cl_ml_tools alone: a user's own repository, storage, API and worker, and a plugin that pip has installed."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from cl_client.http.idempotency import keyed_paths
from cl_ml_tools.worker import Worker
from cl_server.embedded import LocalStack
from cl_server.stack.supervisor import wait_until
from tests.media.photo import photo

HERE = Path(__file__).with_name("quick_start")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which pip has put two packages: the watermark, and a broken one. Nothing is fetched."""
    folder = tmp_path_factory.mktemp("site-packages")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    packages = [str(HERE / name) for name in ("watermark", "broken")]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(folder), *packages], check=True)
    return folder


@pytest.fixture
def my_app(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The application, where those packages are installed."""
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.syspath_prepend(str(installed))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in {"my_app", "watermark_plugin"}]:
        del sys.modules[name]


async def run_to_the_end(worker: Worker) -> None:
    while await worker.run_once():
        pass


async def test_the_quick_start_works(my_app: None, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = importlib.import_module("my_app.main").create(str(tmp_path))
    worker = Worker(importlib.import_module("my_app.repository").SQLiteJobRepository(str(tmp_path / "jobs.db")))
    # A broken plugin is reported and left out, and stops none of the others.
    assert {"hash", "watermark"} <= set(worker.get_supported_task_types())
    assert "plugin broken (broken_plugin:BrokenTask) does not load and is left out" in caplog.text
    assert "RuntimeError: this plugin is broken" in caplog.text
    assert "plugin missing (no_such_plugin:Nothing) is left out: No module named 'no_such_plugin'" in caplog.text
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


def test_a_plugin_that_is_installed_works_in_the_server_too(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(installed), *filter(None, [os.environ.get("PYTHONPATH")])]))
    with LocalStack(tmp_path, workers=1) as stack, httpx.Client(verify=False, base_url=stack.compute_url) as http:
        assert "watermark" in http.get("/capabilities").json()["capabilities"]
        files, data = {"file": ("photo.jpg", photo(200, 100))}, {"watermark_text": "mine"}
        job = f"/jobs/{http.post('/jobs/watermark', files=files, data=data).json()['job_id']}"
        assert wait_until(lambda: http.get(job).json()["status"] == "completed", 30)
        assert http.get(f"{job}/files/output/watermarked_photo.jpg").status_code == 200
    for part in ("compute", "w0"):
        assert "plugin broken" in (tmp_path / "logs" / f"{part}.log").read_text()
