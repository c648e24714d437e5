"""`/healthz`, `/readyz` and `/metrics`: without a database, and for whom."""

import json
import re
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Engine, event, text

from cl_ml_tools.schemas import Job
from cl_server.compute.app import create_app
from cl_server.compute.job_metrics import JobMetrics
from cl_server.files.local import LocalFileStorage
from cl_server.http.health import Health
from cl_server.messaging import events
from cl_server.messaging.capabilities import Capabilities
from cl_server.messaging.events import Events, Relay
from cl_server.queue.backlog import backlog_of
from cl_server.queue.guest_mode import GuestMode
from cl_server.queue.repository import SqlJobRepository
from cl_server.settings import Operation
from cl_server.stack.supervisor import wait_until

MONITORING = Path(__file__).parents[3] / "docs" / "monitoring"


class Server:
    """The application on a database that a test may break, and what its peer gets."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.engine = engine
        self.relay = Relay(Events(None, GuestMode(folder / "guest-mode")))
        self.repository = SqlJobRepository(engine, on_event=self.relay)
        self.health = Health(lambda: self.relay.sound, lambda: {"workers": 0})
        self.registry = CollectorRegistry()
        self.capabilities = Capabilities()
        JobMetrics(self.registry, self.repository, self.capabilities, {"hash"}, backlog_of(engine))
        self._folder = folder

    async def get(self, path: str, peer: str = "127.0.0.1", headers: dict[str, str] | None = None) -> httpx.Response:
        operation = Operation.from_env({"CL_METRICS_FOR": "127.0.0.0/8, 10.1.0.0/16"})
        app = create_app(
            self.repository,
            LocalFileStorage(self._folder),
            self.capabilities,
            GuestMode(self._folder / "guest-mode"),
            operation=operation,
            state=self.health,
            registry=CollectorRegistry(),
        )
        transport = httpx.ASGITransport(app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return await http.get(path, headers=headers)

    def figures(self) -> dict[str, float]:
        """What the metrics say of jobs and workers."""
        lines = generate_latest(self.registry).decode().splitlines()
        pairs = [line.rpartition(" ") for line in lines if not line.startswith("#") and "_created" not in line]
        return {name: float(value) for name, _, value in pairs}

    def counted(self) -> dict[str, float]:
        """What they say of transitions."""
        return {name: value for name, value in self.figures().items() if name.startswith("cl_job_transitions")}


@pytest.fixture
def server(tmp_path: Path, engine: Engine) -> Server:
    return Server(tmp_path, engine)


async def test_a_server_whose_database_is_gone_is_alive_but_not_ready(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "STALE", 10)
    monkeypatch.setattr(events, "SETTLE", 0.01)
    answer = await server.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "workers": 0})
    server.relay.follow(server.repository)
    with server.engine.begin() as connection:
        connection.execute(text("ALTER TABLE outbox RENAME TO away"))
    assert wait_until(lambda: not server.relay.sound, 30)
    answer = await server.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "the database doesn't answer, or its disk is full")
    assert (await server.get("/healthz")).json() == {"status": "ok"}
    with server.engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO outbox"))
    assert wait_until(lambda: server.relay.sound, 30)
    assert (await server.get("/readyz")).status_code == 200
    server.relay.stop()


async def test_neither_question_reaches_the_database(server: Server) -> None:
    asked: list[object] = []
    event.listen(server.engine, "checkout", lambda *args: asked.append(args))
    assert (await server.get("/healthz")).status_code == 200
    assert (await server.get("/readyz")).status_code == 200
    assert asked == []
    await server.get("/jobs/one")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.1.2.3", {}, 200),
        ("10.2.0.1", {}, 403),
        ("::1", {}, 403),
        ("testclient", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 403),
    ],
)
async def test_metrics_are_for_the_networks_that_were_named(
    server: Server, peer: str, headers: dict[str, str], status: int
) -> None:
    answer = await server.get("/metrics", peer, headers)
    assert answer.status_code == status
    if status == 403:
        assert "CL_METRICS_FOR" in answer.json()["detail"]


def test_transitions_are_counted_when_they_are_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SETTLE", 0.01)
    repository = server.repository
    for task in ("hash", "hash", "of another server"):
        repository.add_job(Job(job_id=uuid4().hex, task_type=task))
    claim = repository.claim("w0", ["hash"])
    assert claim is not None
    repository.progress(claim, 50)
    repository.complete(claim, {})
    assert not server.counted()
    server.relay.follow(repository)
    assert wait_until(lambda: len(server.counted()) == 4, 30)
    server.relay.stop()
    assert server.counted() == {
        'cl_job_transitions_total{status="queued",task="hash"}': 2,
        'cl_job_transitions_total{status="queued",task="other"}': 1,
        'cl_job_transitions_total{status="processing",task="hash"}': 1,
        'cl_job_transitions_total{status="completed",task="hash"}': 1,
    }


def test_queue_and_workers_are_looked_at_when_somebody_asks(server: Server) -> None:
    for number in range(3):
        server.repository.add_job(Job(job_id=f"j{number}", task_type="hash"))
    server.repository.add_job(Job(job_id="other", task_type="of another server"))
    server.repository.claim("w0", ["hash"])
    server.capabilities.heard(
        "inference/workers/w0",
        json.dumps({"id": "w0", "capabilities": ["hash", "new"], "idle_count": 1, "timestamp": 1}).encode(),
    )
    figures = {name: value for name, value in server.figures().items() if "build" not in name and "oldest" not in name}
    assert figures == {
        "cl_workers": 1,
        'cl_workers_idle{task="hash"}': 1,
        'cl_workers_idle{task="other"}': 1,
        'cl_jobs_queued{task="hash"}': 2,
        'cl_jobs_queued{task="other"}': 1,
        'cl_jobs_processing{task="hash"}': 1,
        "cl_outbox_events": 5,
        "cl_stored_bytes": 0,
    }


def test_the_age_of_the_oldest_job_that_waits_is_that_of_its_task(server: Server) -> None:
    ages = {"hash": 90, "of another server": 40, "a third": 5}
    for task, seconds in ages.items():
        server.repository.add_job(Job(job_id=task, task_type=task))
        with server.engine.begin() as connection:
            since = text("UPDATE jobs SET created_at = created_at - :age WHERE job_id = :task")
            connection.execute(since, {"age": seconds * 1000, "task": task})
    server.repository.add_job(Job(job_id="newer", task_type="hash"))
    oldest = {name: value for name, value in server.figures().items() if "oldest" in name}
    assert oldest.keys() == {f'cl_jobs_oldest_queued_seconds{{task="{task}"}}' for task in ("hash", "other")}
    assert {round(value, -1) for value in oldest.values()} == {90, 40}


def test_the_version_of_the_server_is_a_label(server: Server) -> None:
    assert server.figures()[f'cl_build_info{{version="{version("cl-client")}"}}'] == 1


def test_alerts_and_dashboard_name_metrics_that_there_are(server: Server) -> None:
    server.repository.add_job(Job(job_id="a", task_type="hash"))
    # What is counted comes with its first event, and requests and the process have collectors of their own.
    known = {line.split()[2] for line in generate_latest(server.registry).decode().splitlines() if "# TYPE" in line}
    known |= {"cl_http_requests_total", "cl_http_request_seconds_bucket", "cl_job_transitions_total"}
    for page in ("alerts.yml", "dashboard.json"):
        named = set(re.findall(r"\bcl_[a-z_]+", (MONITORING / page).read_text()))
        assert named
        assert named <= known, page


def test_metrics_of_requests_and_workers_are_there_while_the_database_is_not(server: Server) -> None:
    with server.engine.begin() as connection:
        connection.execute(text("DROP TABLE jobs"))
    figures = set(server.figures())
    assert len(figures) == 2
    assert "cl_workers" in figures


@pytest.mark.parametrize(
    ("name", "said"), [("CL_QUOTA_JOBS", "-1"), ("CL_DRAIN", "nan"), ("CL_QUOTA_BYTES", "10G"), ("CL_METRICS_FOR", "x")]
)
def test_a_setting_that_makes_no_sense_is_named(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} is a .*'{said}'"):
        Operation.from_env({name: said})


def test_settings_go_through_an_environment_and_back() -> None:
    operation = Operation(10 << 30, 100, 0.5, 2.5)
    assert Operation.from_env(operation.environment()) == operation
