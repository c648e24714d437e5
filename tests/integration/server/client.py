"""The smallest client that the server's tests need: plain HTTP, plain MQTT, none of our own."""

import json
import threading
from collections.abc import Callable
from typing import cast

import httpx
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from cl_server.embedded import LocalStack

Event = dict[str, object]
FINAL = {"completed", "failed", "cancelled"}


class Api:
    """HTTP."""

    def __init__(self, stack: LocalStack) -> None:
        self.http = httpx.Client(verify=False, base_url=stack.compute_url, timeout=30)

    def submit(self, task: str, content: bytes, name: str = "photo.jpg", **params: object) -> str:
        response = self.try_submit(task, content, name, **params)
        assert response.status_code == 200, response.text
        return str(response.json()["job_id"])

    def try_submit(self, task: str, content: bytes, name: str = "photo.jpg", **params: object) -> httpx.Response:
        data = {key: str(value) for key, value in params.items()}
        return self.http.post(f"/jobs/{task}", files={"file": (name, content)}, data=data)

    def job(self, job_id: str) -> Event:
        response = self.http.get(f"/jobs/{job_id}")
        assert response.status_code == 200, response.text
        return cast("Event", response.json())

    def file(self, job_id: str, path: object, **headers: str) -> httpx.Response:
        return self.http.get(
            f"/jobs/{job_id}/files/{path}", headers={k.replace("_", "-"): v for k, v in headers.items()}
        )


class Watch:
    """MQTT: everything that is said while it is open."""

    def __init__(self, stack: LocalStack) -> None:
        self.events: list[Event] = []
        self.workers: dict[str, Event | None] = {}
        self.wills: list[str] = []
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = self._heard
        self._client.on_connect = lambda client, *_: client.subscribe(
            [("inference/events", 1), ("inference/workers/+", 1)]
        )
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect_async(stack.mqtt_host, stack.mqtt_port)
        self._client.loop_start()

    def __enter__(self) -> "Watch":
        assert self._subscribed.wait(30)
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def until(self, condition: Callable[[], bool], timeout: float = 30) -> None:
        """Wait for messages until the condition holds."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout), f"not heard in time; heard: {self.events}"

    def of(self, job_id: str) -> list[Event]:
        return [event for event in self.events if event["job_id"] == job_id]

    def statuses(self, job_id: str) -> list[str]:
        """The transitions of a job, each once, in the order they were heard."""
        return list(dict.fromkeys(str(event["status"]) for event in self.of(job_id)))

    def final(self, job_id: str, timeout: float = 30) -> Event:
        """The event that ends a job."""
        self.until(lambda: any(event["status"] in FINAL for event in self.of(job_id)), timeout)
        return next(event for event in self.of(job_id) if event["status"] in FINAL)

    def _heard(self, client: Client, data: object, message: MQTTMessage) -> None:
        del client, data
        said = cast("Event | None", json.loads(message.payload) if message.payload else None)
        with self._changed:
            if message.topic == "inference/events" and said is not None:
                self.events.append(said)
            elif message.topic.startswith("inference/workers/"):
                name = message.topic.rpartition("/")[2]
                self.workers[name] = said
                if said is None:
                    self.wills.append(name)
            self._changed.notify_all()
