"""The processes of the stack, one by one."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from cl_ml_tools.schemas import Job
from cl_server.embedded import LocalStack, StackError
from cl_server.file_lock import take
from cl_server.messaging.doorbell import registered
from cl_server.migrations import migrate
from cl_server.queue.repository import SqlJobRepository
from cl_server.queue.tables import open_database
from cl_server.settings import Settings
from cl_server.stack import broker
from cl_server.stack.running_stack import WORKERS_LOCK
from cl_server.stack.supervisor import Service, wait_until
from tests.ports import free_port

DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""


def run(*argv: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", *argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def test_a_guard_says_whom_it_guards_and_passes_a_signal_on() -> None:
    with run("cl_server.stack.child_guard", "sleep", "600") as guard:
        assert guard.stdout is not None
        program = psutil.Process(int(guard.stdout.readline()))
        assert program.name() == "sleep"
        guard.send_signal(signal.SIGTERM)
        assert guard.wait(30) == 128 + signal.SIGTERM
        assert not program.is_running()


def test_a_guard_ends_its_program_when_its_input_ends() -> None:
    with run("cl_server.stack.child_guard", "sleep", "600") as guard:
        assert guard.stdout is not None
        assert guard.stdin is not None
        program = psutil.Process(int(guard.stdout.readline()))
        guard.stdin.close()
        guard.wait(30)
        assert not program.is_running()


def test_a_guard_kills_a_program_that_does_not_listen() -> None:
    with run("cl_server.stack.child_guard", sys.executable, "-c", DEAF) as guard:
        assert guard.stdout is not None
        assert guard.stdin is not None
        assert guard.stderr is not None
        program = psutil.Process(int(guard.stdout.readline()))
        assert guard.stderr.readline() == "deaf\n"
        guard.stdin.close()
        assert guard.wait(30) == 128 + signal.SIGKILL
        assert not program.is_running()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can promise this")
def test_a_guard_that_is_killed_takes_its_program_along() -> None:
    with run("cl_server.stack.child_guard", "sleep", "600") as guard:
        assert guard.stdout is not None
        program = psutil.Process(int(guard.stdout.readline()))
        guard.kill()
        program.wait(30)


def test_a_guard_gives_the_status_of_its_program() -> None:
    with run("cl_server.stack.child_guard", sys.executable, "-c", "import sys; sys.exit(7)") as guard:
        assert guard.wait(30) == 7
    with run("cl_server.stack.child_guard") as guard:
        assert guard.wait(30) == 2


def test_a_worker_and_the_api_work_without_a_broker_and_without_a_stack(tmp_path: Path) -> None:
    environment = Settings(tmp_path).environment()
    environment["MQTT_BROKER_PORT"] = ""
    port = str(free_port())
    with (
        run("cl_server", "compute", "--port", port, **environment) as compute,
        run("cl_server", "worker", **environment) as worker,
        httpx.Client(verify=False, base_url=f"http://127.0.0.1:{port}") as http,
    ):
        assert wait_until(lambda: listening(int(port)), 30)
        created = http.post("/jobs/hash", files={"file": ("a", b"words")})
        job = f"/jobs/{created.json()['job_id']}"
        assert wait_until(lambda: http.get(job).json()["status"] == "completed", 30)
        assert http.get("/capabilities").json() == {"num_workers": 0, "capabilities": {}}
        # They have no lifeline, so the end of their input is nothing to them.
        for process in (compute, worker):
            process.terminate()
        assert worker.wait(30) == 0
        compute.wait(30)


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_an_api_forgets_jobs_that_ended_long_ago(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "jobs.sqlite")
    migrate(engine)
    long_ago = SqlJobRepository(engine, clock=lambda: 1_000_000)
    long_ago.add_job(Job(job_id="old", task_type="hash"))
    long_ago.cancel("old")
    port = str(free_port())
    environment = {**Settings(tmp_path).environment(), "CL_RETENTION_DAYS": "30"}
    with run("cl_server", "compute", "--port", port, **environment) as compute:
        assert wait_until(lambda: long_ago.get_job("old") is None, 30)
        compute.terminate()
        compute.wait(30)
    engine.dispose()


def test_an_api_that_drains_is_not_ready_and_still_works_until_it_is_told_again(tmp_path: Path) -> None:
    port = str(free_port())
    environment = {**Settings(tmp_path).environment(), "CL_DRAIN": "600"}
    with (
        run("cl_server", "compute", "--port", port, **environment) as compute,
        httpx.Client(verify=False, base_url=f"http://127.0.0.1:{port}") as http,
    ):
        assert wait_until(lambda: listening(int(port)), 30)
        assert http.get("/readyz").json() == {"status": "ready", "broker": "none", "workers": 0}
        compute.terminate()
        assert wait_until(lambda: http.get("/readyz").status_code == 503, 30)
        assert http.get("/readyz").json()["status"] == "draining"
        # On a new connection too, for it takes a while until nobody sends it any.
        assert httpx.post(f"{http.base_url}/jobs/hash", files={"file": ("a", b"words")}).status_code == 200
        compute.terminate()
        compute.wait(30)


def test_amqtt_shuts_down_although_a_peer_never_says_who_it_is() -> None:
    port = free_port()
    with run("cl_server.stack.amqtt_broker", str(port), CL_BROKER_PASSWORD="long") as process:
        assert wait_until(lambda: broker.answers(port), 30)
        with socket.create_connection(("127.0.0.1", port)):
            process.terminate()
            # amqtt alone waits for ever.
            process.wait(30)


def test_nobody_answers_where_there_is_no_broker() -> None:
    assert not broker.answers(free_port())
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert not broker.answers(broker.port_of(silent), timeout=0.1)


def test_a_service_that_dies_is_started_again_and_one_that_is_deaf_is_killed(tmp_path: Path) -> None:
    service = Service("deaf", [sys.executable, "-c", DEAF], tmp_path / "log", environment=dict(os.environ))
    service.start()
    service.keep()
    first = service.pid
    assert wait_until(lambda: service.last_words() == "deaf", 30)
    service.send(signal.SIGKILL)
    assert wait_until(lambda: service.pid != first and service.last_words() == "deaf", 30)
    service.stop()
    service.wait(time.monotonic() + 0.2)
    assert not psutil.pid_exists(service.pid)
    service.send(signal.SIGTERM)


def test_a_service_that_cannot_be_started_now_is_started_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "log"
    service = Service("deaf", [sys.executable, "-c", DEAF], log, environment=dict(os.environ))
    service.start()
    service.keep()
    assert wait_until(lambda: service.last_words() == "deaf", 30)
    first = service.pid
    log.unlink()
    log.mkdir()
    service.send(signal.SIGKILL)
    assert wait_until(lambda: "deaf cannot be started: [Errno 21] Is a directory" in caplog.text, 30)
    log.rmdir()
    assert wait_until(lambda: service.pid != first and service.last_words() == "deaf", 30)
    service.stop()
    service.wait(time.monotonic() + 0.2)


def test_workers_in_the_folder_of_a_running_stack_are_refused_at_once(local_stack: LocalStack) -> None:
    with run("cl_server", "worker", "--slots", "1", CL_DATA=str(local_stack.data)) as worker:
        _, said = worker.communicate(timeout=60)
    assert worker.returncode == 2
    # Who has waited for the folder says that other workers have it.
    assert said.splitlines()[-1].startswith(f"error: a stack runs in {local_stack.data}, with its own workers")
    assert local_stack.pids()["w0"] in {worker.pid for worker in registered(local_stack.data / "workers")}


def test_a_second_worker_of_one_name_is_refused(local_stack: LocalStack) -> None:
    with run("cl_server", "worker", "--slot", "0", CL_DATA=str(local_stack.data)) as worker:
        _, said = worker.communicate(timeout=60)
    assert worker.returncode == 2
    assert said.splitlines()[-1].startswith("error: there is a worker w0 in")


def test_a_stack_in_the_folder_of_running_workers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cl_server.embedded.REMAINS", 0.2)
    with (tmp_path / WORKERS_LOCK).open("a") as lock:
        assert take(lock)
        with pytest.raises(StackError, match=r"have the data folder .*; stop them first"):
            LocalStack(tmp_path, workers=1).start()


def test_workers_whose_settings_make_no_sense_end_and_are_not_started_again(tmp_path: Path) -> None:
    with run("cl_server", "worker", "--slots", "1", CL_DATA=str(tmp_path), CL_STORAGE="no bucket") as workers:
        _, said = workers.communicate(timeout=60)
    assert workers.returncode == 2
    assert [line for line in said.splitlines() if line.startswith("error: ")] == [
        "error: CL_STORAGE isn't the address of a bucket: write s3://bucket or s3://bucket/prefix"
    ]
