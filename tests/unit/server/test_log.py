"""What a request leaves in the log and in the metrics, and what never gets there."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from cl_ml_tools.memory_repository import MemoryJobRepository
from cl_server import log
from cl_server.compute.app import create_app
from cl_server.files.local import LocalFileStorage
from cl_server.messaging.capabilities import Capabilities
from cl_server.queue.guest_mode import GuestMode


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    storage, guests = LocalFileStorage(tmp_path), GuestMode(tmp_path / "guest-mode")
    return create_app(MemoryJobRepository(), storage, Capabilities(), guests, max_upload=1 << 20)


@pytest.fixture
def http(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> Iterator[io.StringIO]:
    """What a server writes with `CL_LOG=json`."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(log.mark)
    # Not the test's own client, nor what else is in this process.
    handler.addFilter(lambda record: record.name.partition(".")[0] in {"cl_server", "uvicorn", "deep"})
    handler.setFormatter(log.json_formatter("compute"))
    root = logging.getLogger()
    caplog.set_level(logging.INFO)
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


def lines(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


async def test_each_request_is_one_json_line(http: httpx.AsyncClient, written: io.StringIO) -> None:
    sent = {"X-Request-ID": "mine", "Authorization": "Bearer secret-token"}
    await http.post("/jobs/hash?key=secret-query", files={"file": ("secret-name", b"secret")}, headers=sent)
    (line,) = lines(written)
    said = {name: line[name] for name in ("level", "process", "request_id", "method", "path", "status", "user")}
    assert said == {
        "level": "INFO",
        "process": "compute",
        "request_id": "mine",
        "method": "POST",
        "path": "/jobs/hash",
        "status": 200,
        "user": "guest",
    }
    assert isinstance(line["ms"], float)
    assert str(line["time"]).endswith("+00:00")
    assert "secret" not in written.getvalue()


async def test_what_happens_in_a_request_carries_its_id(http: httpx.AsyncClient, written: io.StringIO) -> None:
    def broken(job_id: str) -> None:
        logging.getLogger("deep").warning("in a thread of its own")
        raise RuntimeError("gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryJobRepository, "get_job", lambda _, job_id: broken(job_id))
        await http.get("/jobs/one", headers={"X-Request-ID": "mine"})
    found = lines(written)
    assert [line["request_id"] for line in found] == ["mine"] * 3
    assert "RuntimeError: gone" in str(found[1]["exc_info"])
    assert found[2]["status"] == 500


async def test_a_path_begins_no_line_of_its_own(http: httpx.AsyncClient, written: io.StringIO) -> None:
    await http.get("/jobs/one%0Arequest forged: GET / 200%1B[2J" + "x" * 1000)
    found = lines(written)[0]
    assert str(found["path"]).startswith("/jobs/one%0Arequest%20forged:%20GET%20/%20200%1B%5B2J")
    assert len(str(found["message"])) < 700


async def test_health_checks_fill_no_log(http: httpx.AsyncClient, written: io.StringIO) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await http.get(path)).status_code == 200
    assert lines(written) == []


async def test_a_client_chooses_no_label_of_the_metrics(http: httpx.AsyncClient) -> None:
    await http.post("/jobs/hash", files={"file": ("a", b"x" * 1000)})
    for number in range(20):
        await http.get(f"/jobs/id{number}")
        await http.get(f"/nowhere/{number}")
        await http.request(f"VERB{number}", f"/jobs/id{number}")
    text = (await http.get("/metrics")).text
    requests = sorted(line for line in text.splitlines() if line.startswith("cl_http_requests_total"))
    assert requests == [
        'cl_http_requests_total{method="GET",route="/jobs/{job_id}",status="404"} 20.0',
        'cl_http_requests_total{method="GET",route="none",status="404"} 20.0',
        'cl_http_requests_total{method="POST",route="/jobs/hash",status="200"} 1.0',
        'cl_http_requests_total{method="other",route="/jobs/{job_id}",status="405"} 20.0',
    ]
    assert 'cl_http_request_seconds_count{method="GET",route="/jobs/{job_id}"} 20.0' in text
    (received,) = [line for line in text.splitlines() if line.startswith("cl_upload_bytes_total ")]
    assert float(received.split()[1]) > 1000


def test_another_word_for_the_kind_of_log_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CL_LOG", "xml")
    with pytest.raises(ValueError, match=r"^CL_LOG is text or json, not 'xml'$"):
        log.configure("compute")
