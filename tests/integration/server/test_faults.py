"""What happens when parts of the stack die."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import httpx
import psutil
import pytest

from cl_server.embedded import LocalStack, StackError
from cl_server.stack import broker, temporary_data
from cl_server.stack.broker import BrokerKind
from cl_server.stack.supervisor import wait_until
from tests.conftest import KINDS, require
from tests.integration.server.client import FINAL, Api, Watch
from tests.integration.server.freeze import freeze
from tests.media import photo
from tests.media.film import film
from tests.ports import free_port

PARENT = """
import sys, time
from pathlib import Path
from cl_server.embedded import LocalStack
data = Path(sys.argv[2]) if len(sys.argv) > 2 else None
stack = LocalStack(data, workers=2, broker=sys.argv[1]).start()
print(stack.compute_url, stack.mqtt_port, stack.data, *stack.pids().values(), flush=True)
time.sleep(600)
"""


def listening(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def gone(pid: int) -> bool:
    """Whether a process has ended (its parent may not have looked yet)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def terminal(api: Api, job_id: str, timeout: float = 60) -> str:
    """The final status of a job over HTTP, for when the broker is what is broken."""
    assert wait_until(lambda: api.job(job_id)["status"] in FINAL, timeout), api.job(job_id)
    return str(api.job(job_id)["status"])


def test_a_worker_that_is_killed_in_a_job_does_not_take_it_along(own_stack: LocalStack) -> None:
    api = Api(own_stack)
    with api.http, Watch(own_stack) as watch:
        watch.until(lambda: set(watch.workers) >= {"w0", "w1"})
        job_id = api.submit("image_conversion", photo.slow(), format="webp", quality=100)
        watch.until(lambda: "processing" in watch.statuses(job_id))
        busy = next(name for name in ("w0", "w1") if held_by(own_stack, job_id) == name)
        before = own_stack.pids()[busy]
        own_stack.kill(busy, signal.SIGKILL)
        assert watch.final(job_id, 60)["status"] == "completed"
        told = [event["status"] for event in watch.of(job_id)]
        assert told.count("completed") == 1
        assert told.count("processing") >= 2
        assert gone(before)
        # Its last will cleared what it had said, and its successor said it again.
        assert watch.wills == [busy]
        watch.until(lambda: watch.workers.get(busy) is not None)


def test_a_cancel_that_stops_a_task_is_one_line_in_the_log(own_stack: LocalStack) -> None:
    api = Api(own_stack)
    with api.http, Watch(own_stack) as watch:
        watch.until(lambda: set(watch.workers) >= {"w0", "w1"})
        # Its task asks at every step whether somebody still wants it.
        job_id = api.submit("hls_streaming", long_film(), name="film.mp4")
        watch.until(lambda: "processing" in watch.statuses(job_id))
        busy = held_by(own_stack, job_id)
        api.http.post(f"/jobs/{job_id}/cancel").raise_for_status()
        assert watch.final(job_id)["status"] == "cancelled"
        # When it has stopped, its worker takes the next.
        while (after := api.submit("hash", b"after")) and watch.final(after) and held_by(own_stack, after) != busy:
            pass
    log = (own_stack.data / "logs" / f"{busy}.log").read_text()
    assert f"job {job_id} is cancelled" in log
    assert "Traceback" not in log


@cache
def long_film() -> bytes:
    """A film whose stream takes a worker seconds."""
    return film(20, (640, 360), rate=30)


def held_by(stack: LocalStack, job_id: str) -> object:
    """Which worker has a job."""
    connection = sqlite3.connect(stack.data / "jobs.sqlite")
    try:
        return connection.execute("SELECT worker_id FROM jobs WHERE job_id = ?", (job_id,)).fetchone()[0]
    finally:
        connection.close()


def test_a_worker_that_has_grown_too_large_makes_room_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # Any process has more than this: as if each job leaked.
    monkeypatch.setenv("CL_WORKER_MEMORY", "1")
    with LocalStack(workers=1) as stack:
        api, first = Api(stack), stack.pids()["w0"]
        with api.http:
            jobs = [api.submit("hash", b"%d" % number) for number in range(2)]
            assert {terminal(api, job) for job in jobs} == {"completed"}
            assert wait_until(lambda: gone(first), 30)
        log = (stack.data / "logs" / "w0.log").read_text()
    assert "is above the limit" in log
    assert "Traceback" not in log


def test_a_broker_that_is_killed_stops_no_job(own_stack: LocalStack) -> None:
    api = Api(own_stack)
    with api.http:
        jobs = [api.submit("hash", b"before")]
        own_stack.kill("broker", signal.SIGKILL)
        jobs += [api.submit("media_thumbnail", photo.photo(320, 240)) for _ in range(10)]
        assert {terminal(api, job) for job in jobs} == {"completed"}
        assert wait_until(lambda: broker.answers(own_stack.mqtt_port), 30)
        # Everybody is back on the new broker, and is heard.
        with Watch(own_stack) as watch:
            watch.until(lambda: set(watch.workers) >= {"w0", "w1"}, 20)
            after = api.submit("hash", b"after")
            watch.final(after)
            assert wait_until(lambda: api.http.get("/capabilities").json()["num_workers"] == 2, 30)


def test_an_api_that_is_killed_comes_back_on_its_port(own_stack: LocalStack) -> None:
    api = Api(own_stack)
    with api.http:
        job_id = api.submit("hash", b"words")
        own_stack.kill("compute", signal.SIGKILL)
        # Connections wait in the socket's queue, which belongs to the stack.
        with httpx.Client(verify=False, base_url=own_stack.compute_url, timeout=30) as patient:
            assert patient.get("/healthz").status_code == 200
        with Api(own_stack).http as http:
            assert wait_until(lambda: http.get(f"/jobs/{job_id}").json()["status"] == "completed", 30)


def test_an_api_that_is_killed_before_it_wrote_a_job_down_leaves_no_files(tmp_path: Path) -> None:
    with LocalStack(tmp_path, workers=0) as stack:
        holder = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        # The files are there, and the row cannot be.
        with ThreadPoolExecutor(1) as pool, Api(stack).http as http:
            sent = pool.submit(http.post, "/jobs/hash", files={"file": ("a", b"words")})
            assert wait_until(lambda: len(list((tmp_path / "jobs").glob("*/input/source"))) == 1, 30)
            stack.kill("compute", signal.SIGKILL)
            assert isinstance(sent.exception(20), httpx.TransportError)
        holder.execute("ROLLBACK")
        holder.close()
        with Api(stack).http as http:
            assert http.get("/healthz").status_code == 200
        assert list((tmp_path / "jobs").iterdir()) == []


@pytest.fixture(scope="module", params=KINDS)
def restarted(request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    """A stack of this module: the next test restarts the next part of it."""
    require(request.param)
    with LocalStack(workers=2, broker=request.param) as stack:
        yield stack


@pytest.mark.parametrize("name", ["broker", "compute", "w0"])
def test_every_part_can_be_restarted(restarted: LocalStack, name: str) -> None:
    before = restarted.pids()
    restarted.restart(name)
    after = restarted.pids()
    assert {part for part in after if after[part] != before[part]} == {name}
    api = Api(restarted)
    with api.http:
        assert terminal(api, api.submit("hash", b"words")) == "completed"


@pytest.mark.parametrize("kind", KINDS)
def test_a_parent_that_is_killed_leaves_no_process(kind: BrokerKind) -> None:
    require(kind)
    with subprocess.Popen([sys.executable, "-c", PARENT, kind], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url, mqtt_port, data, *pids = parent.stdout.readline().split()
        family = {child.pid for child in psutil.Process(parent.pid).children(recursive=True)}
        assert family >= {int(pid) for pid in pids}
        parent.kill()
    assert wait_until(lambda: all(gone(pid) for pid in family), 30), [psutil.Process(p) for p in family if not gone(p)]
    assert not listening(port_of(url))
    assert not listening(int(mqtt_port))

    def swept() -> bool:
        # A thread of theirs may still be on its way out, and hold the lock.
        temporary_data.sweep(Path(data).parent)
        return not Path(data).exists()

    assert wait_until(swept, 30)


def test_a_stack_waits_for_what_is_left_of_one_that_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, "amqtt", str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        url, _, _, *pids = parent.stdout.readline().decode().split()
        with httpx.Client(verify=False, base_url=url) as http:
            form = {"file": ("photo.png", photo.slow())}
            job = http.post("/jobs/image_conversion", files=form, data={"format": "webp", "quality": "100"}).json()
            assert wait_until(lambda: http.get(f"/jobs/{job['job_id']}").json()["status"] == "processing", 30)
        parent.kill()
    with LocalStack(tmp_path, workers=1, broker="amqtt") as stack:
        # Else two workers would write the same output.
        assert all(gone(int(pid)) for pid in pids)
        api = Api(stack)
        with api.http:
            assert terminal(api, job["job_id"]) == "completed"


@pytest.mark.parametrize("kind", KINDS)
def test_a_stop_leaves_nothing(kind: BrokerKind) -> None:
    require(kind)
    stack = LocalStack(workers=2, broker=kind).start()
    family = parts_and_guard(stack)
    stack.stop()
    stack.stop()
    assert all(gone(pid) for pid in family)
    assert not listening(port_of(stack.compute_url))
    assert not listening(stack.mqtt_port)
    assert not stack.data.exists()


def parts_and_guard(stack: LocalStack) -> set[int]:
    """The processes of a stack, with the guard of its broker. The fork server is that of all stacks of a process."""
    pids = stack.pids()
    return {*pids.values(), psutil.Process(pids["broker"]).ppid()} - {os.getpid()}


def test_a_stop_gives_back_what_takes_too_long(tmp_path: Path) -> None:
    with LocalStack(tmp_path, workers=1) as stack:
        api = Api(stack)
        with api.http, Watch(stack) as watch:
            job_id = api.submit("image_conversion", photo.slow(), format="webp", quality=100)
            watch.until(lambda: "processing" in watch.statuses(job_id))
            # Two different ones, because two of a kind that come at once are one.
            stack.kill("w0", signal.SIGTERM)
            stack.kill("w0", signal.SIGINT)
            watch.until(lambda: [e["status"] for e in watch.of(job_id)].count("queued") == 2)
            assert watch.final(job_id)["status"] == "completed"


def test_jobs_outlive_the_stack(tmp_path: Path) -> None:
    with LocalStack(tmp_path, workers=2) as stack:
        api = Api(stack)
        with api.http:
            done = api.submit("hash", b"words")
            terminal(api, done)
            freeze(stack, "w0", "w1")
            waiting = api.submit("hash", b"words")
            for name in ("w0", "w1"):
                stack.kill(name, signal.SIGKILL)
    with LocalStack(tmp_path, workers=1) as stack:
        api = Api(stack)
        with api.http:
            assert terminal(api, waiting) == "completed"
            assert api.job(done)["status"] == "completed"


def test_the_highest_priority_goes_first_then_the_oldest() -> None:
    with LocalStack(workers=1) as stack:
        api = Api(stack)
        with api.http, Watch(stack) as watch:
            freeze(stack, "w0")
            jobs = [api.submit("hash", b"words", priority=priority) for priority in (5, 0, 10, 5)]
            stack.kill("w0", signal.SIGCONT)
            for job in jobs:
                watch.final(job)
            order = [event["job_id"] for event in watch.events if event["status"] == "processing"]
            assert list(dict.fromkeys(order)) == [jobs[2], jobs[0], jobs[3], jobs[1]]


def test_two_stacks_do_not_share_a_folder(tmp_path: Path) -> None:
    with LocalStack(tmp_path, workers=1):
        with pytest.raises(StackError, match="is in use by another stack; stop it first"):
            LocalStack(tmp_path, workers=1).start()


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StackError, match=rf"^port {port} of 127\.0\.0\.1 cannot be used: [^\n]+$"):
            LocalStack(port=port, workers=1).start()


@pytest.mark.parametrize("kind", KINDS)
def test_a_broker_port_in_use_is_one_clear_line(kind: BrokerKind) -> None:
    require(kind)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StackError) as failure:
            LocalStack(mqtt_port=port, workers=1, broker=kind).start()
    assert re.fullmatch(
        r"broker did not start: it ended with status \d+: [^\n]+ \(log: [^\n]+broker\.log\)", str(failure.value)
    )


def test_a_data_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StackError, match="cannot be used: Not a directory"):
        LocalStack(tmp_path / "file" / "data").start()


def test_a_setting_that_makes_no_sense_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CL_QUOTA_JOBS", "many")
    with pytest.raises(StackError, match=r"^CL_QUOTA_JOBS is a number, 0 for no limit, and not 'many'$"):
        LocalStack(workers=1).start()


def test_a_database_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite").write_text("words, a good many of them, and no database at all" * 100)
    with pytest.raises(StackError, match=r"^(compute|w0) did not start: it ended with status 2: [^\n]*not a database"):
        LocalStack(tmp_path, workers=1).start()


def test_without_mosquitto_amqtt_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "find_mosquitto", lambda: None)
    with LocalStack(workers=1) as stack:
        assert stack.broker_kind == "amqtt"
    with pytest.raises(StackError, match="mosquitto is not installed"):
        LocalStack(workers=1, broker="mosquitto").start()


def test_what_is_asked_for_is_what_there_is(tmp_path: Path) -> None:
    port, mqtt_port = free_port(), free_port()
    with LocalStack(tmp_path / "data", port=port, mqtt_port=mqtt_port, workers=1) as stack:
        assert stack.environment() == {
            "COMPUTE_URL": f"http://127.0.0.1:{port}",
            "MQTT_BROKER_HOST": "127.0.0.1",
            "MQTT_BROKER_PORT": str(mqtt_port),
        }
        assert (stack.data.stat().st_mode & 0o777) == 0o700
    assert (tmp_path / "data" / "jobs.sqlite").exists()
