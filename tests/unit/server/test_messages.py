"""What is said over MQTT, without a broker."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from paho.mqtt.client import MQTTMessageInfo
from paho.mqtt.enums import MQTTErrorCode

from cl_ml_tools.schemas import Job, JobStatus
from cl_server.broker_address import BrokerAddress
from cl_server.messaging.capabilities import Capabilities
from cl_server.messaging.doorbell import Doorbell, Ringer, registered
from cl_server.messaging.events import Events, connection
from cl_server.messaging.mqtt import Connection, dropped
from cl_server.messaging.worker_announcement import Presence
from cl_server.queue.guest_mode import GuestMode
from cl_server.schemas import JobEvent, JobResponse, WorkerCapability
from cl_server.settings import Settings

JOB = Job(
    job_id="one",
    task_type="hash",
    status=JobStatus.FAILED,
    params={"algorithm": "all", "input_paths": ["/secret/source"], "input_names": ["a"], "output_paths": []},
    error_message="no",
    created_by="7",
    created_at=1,
    updated_at=5,
    started_at=2,
    completed_at=5,
)


def test_an_event_is_the_job_with_what_happened() -> None:
    said = json.loads(JobEvent.about(JOB, whole=True).model_dump_json())
    assert said == {
        "job_id": "one",
        "task_type": "hash",
        "event_type": "failed",
        "status": "failed",
        "progress": 0,
        "timestamp": 5,
        "error_message": "no",
        "params": {"algorithm": "all"},
        "task_output": None,
        "priority": 5,
        "labels": {},
        "input_names": ["a"],
        "created_at": 1,
        "updated_at": 5,
        "started_at": 2,
        "completed_at": 5,
    }
    JobEvent.model_validate(said)
    assert set(said) == set(JobEvent.model_json_schema()["properties"])


def test_an_event_that_is_not_whole_tells_nothing_of_what_was_sent_or_made() -> None:
    said = json.loads(JobEvent.about(JOB, whole=False).model_dump_json(exclude_unset=True))
    assert said == {
        "job_id": "one",
        "task_type": "hash",
        "event_type": "failed",
        "status": "failed",
        "progress": 0,
        "timestamp": 5,
        "error_message": None,
    }


def test_a_response_has_nothing_of_the_server() -> None:
    said = JobResponse.of(JOB).model_dump_json()
    assert "secret" not in said
    assert "created_by" not in said


def test_without_a_broker_nothing_is_said_and_nothing_fails(tmp_path: Path) -> None:
    assert connection(Settings(Path()), "compute") is None
    assert Events(None, GuestMode(tmp_path / "guest-mode")).publish(JOB)()
    presence = Presence(None, "w0", ["hash"])
    presence.busy()
    presence.leave()


def worker(name: str, idle: int, *tasks: str) -> bytes:
    return WorkerCapability(id=name, capabilities=list(tasks), idle_count=idle, timestamp=1).model_dump_json().encode()


def test_capabilities_are_the_idle_workers_of_each_task() -> None:
    capabilities = Capabilities()
    capabilities.heard("inference/workers/w0", worker("w0", 1, "hash", "exif"))
    capabilities.heard("inference/workers/w1", worker("w1", 0, "hash"))
    assert capabilities.summary().model_dump() == {"num_workers": 2, "capabilities": {"exif": 1, "hash": 1}}
    capabilities.heard("inference/workers/w1", worker("w1", 1, "hash"))
    assert capabilities.summary().capabilities["hash"] == 2
    capabilities.heard("inference/workers/w0", b"")
    assert capabilities.summary().model_dump() == {"num_workers": 1, "capabilities": {"hash": 1}}
    capabilities.forget()
    assert capabilities.summary().num_workers == 0


def test_messages_that_are_none_of_a_worker_are_ignored() -> None:
    capabilities = Capabilities()
    capabilities.heard("inference/events", worker("w0", 1, "hash"))
    capabilities.heard("inference/workers/w0", b"not json")
    capabilities.heard("inference/workers/w0", b'{"id": "w0"}')
    capabilities.heard("inference/workers/w9", b"")
    assert capabilities.summary().num_workers == 0


def test_a_ring_is_heard_by_every_worker(tmp_path: Path) -> None:
    ringer = Ringer(tmp_path)
    with Doorbell(tmp_path, "w0") as first, Doorbell(tmp_path, "w1") as second:
        ringer.ring()
        for bell in (first, second):
            bell.socket.setblocking(True)
            assert bell.socket.recv(16) == b"1"
            bell.socket.setblocking(False)
            bell.drain()
        assert {worker.worker_id for worker in registered(tmp_path)} == {"w0", "w1"}
    assert registered(tmp_path) == []
    ringer.ring()
    ringer.close()


def test_a_worker_that_comes_later_hears_the_next_ring(tmp_path: Path) -> None:
    ringer = Ringer(tmp_path)
    with Doorbell(tmp_path, "w0"):
        # Nothing has changed for long: the ringer need not look again.
        os.utime(tmp_path, ns=(0, 0))
        ringer.ring()
        ringer.ring()
        with Doorbell(tmp_path, "w1") as late:
            ringer.ring()
            late.socket.settimeout(30)
            assert late.socket.recv(16) == b"1"
    ringer.close()


def test_a_worker_that_comes_in_the_same_moment_as_another_is_heard_of(tmp_path: Path) -> None:
    ringer = Ringer(tmp_path)
    with Doorbell(tmp_path, "w0"):
        ringer.ring()
        before = tmp_path.stat().st_mtime_ns
        with Doorbell(tmp_path, "w1") as late:
            # As where the clock of the file system did not move in between.
            os.utime(tmp_path, ns=(before, before))
            ringer.ring()
            late.socket.settimeout(30)
            assert late.socket.recv(16) == b"1"
    ringer.close()


def test_what_a_dead_worker_left_at_the_door_is_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / "w0.bell"
    left.write_text(f"9 {dead.pid}")
    (tmp_path / "w1.bell").write_text("nonsense")
    (tmp_path / "w2.bell").write_text(f"9 {10**30}")
    (tmp_path / "w3.bell").write_bytes(b"\xff\xfe")
    (tmp_path / "w4.bell").mkdir()
    assert registered(tmp_path) == []
    assert not left.exists()


def test_a_process_of_another_user_is_none_of_our_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, number: int) -> None:
        raise PermissionError(pid, number)

    (tmp_path / "w0.bell").write_text("9 1")
    monkeypatch.setattr(os, "kill", refused)
    ringer = Ringer(tmp_path)
    ringer.ring()
    ringer.close()
    assert registered(tmp_path) == []


def test_a_port_that_is_none_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "w0.bell").write_text(f"99999 {os.getpid()}")
    ringer = Ringer(tmp_path)
    ringer.ring()
    ringer.close()


def test_a_worker_that_leaves_late_does_not_take_the_bell_of_its_successor(tmp_path: Path) -> None:
    leaving = Doorbell(tmp_path, "w0")
    with Doorbell(tmp_path, "w0"):
        leaving.close()
        assert [worker.worker_id for worker in registered(tmp_path)] == ["w0"]


def test_a_ring_at_a_closed_door_does_no_harm(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        (tmp_path / "w0.bell").write_text(f"{bound.getsockname()[1]} {os.getpid()}")
    ringer = Ringer(tmp_path)
    ringer.ring()
    ringer.ring()
    ringer.close()


def test_while_the_broker_is_away_a_bounded_number_of_messages_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("cl_server.messaging.mqtt.QUEUED", 10)
    away = Connection(BrokerAddress("127.0.0.1", 9), "test")
    assert [dropped(away.publish("inference/events", b"{}")) for _ in range(30)] == [False] * 10 + [True] * 20
    assert caplog.text.count("the queue is full") == 1
    away.stop()


def test_a_worker_says_again_what_there_was_no_room_for() -> None:
    class Full(Connection):
        said = 0
        room = False

        def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> MQTTMessageInfo:
            self.said += 1
            info = MQTTMessageInfo(self.said)
            info.rc = MQTTErrorCode.MQTT_ERR_SUCCESS if self.room else MQTTErrorCode.MQTT_ERR_QUEUE_SIZE
            return info

    full = Full(BrokerAddress("127.0.0.1", 9), "test")
    presence = Presence(full, "w0", ["hash"])
    presence.busy()
    presence.busy()
    full.room = True
    presence.busy()
    presence.busy()
    assert full.said == 3
    full.stop()


async def test_a_worker_that_goes_from_job_to_job_does_not_say_so_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[int] = []
    rested = asyncio.Event()

    class Open(Connection):
        def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> MQTTMessageInfo:
            said.append(WorkerCapability.model_validate_json(payload).idle_count)
            if said[-1]:
                rested.set()
            info = MQTTMessageInfo(len(said))
            info.rc = MQTTErrorCode.MQTT_ERR_SUCCESS
            return info

    presence = Presence(Open(BrokerAddress("127.0.0.1", 9), "test"), "w0", ["hash"])
    for _ in range(3):
        presence.busy()
        presence.idle()
    assert said == [0]
    await rested.wait()
    assert said == [0, 1]
    # It goes on being idle, whoever rings at it.
    monkeypatch.setattr("cl_server.messaging.worker_announcement.MOMENT", 0)
    presence.idle()
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(0, later.set)
    await later.wait()
    assert said == [0, 1]
