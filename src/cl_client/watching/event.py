"""What a message of the broker says of a job (design: topic `inference/events`, one message for every transition).

A server in guest mode sends the whole job. One with accounts, or an older one, sends a short form: enough to move what
is known, never enough to tell how a job ended.
"""

from __future__ import annotations

import json
from typing import Final, Self, cast

from attrs import evolve, frozen

from cl_api.compute.models import JobResponse
from cl_api.compute.types import JSONObject
from cl_client.server import status

LARGEST: Final = 8 * 1024 * 1024

_EVENT_ONLY: Final = {"event_type", "timestamp"}
_SHAPES: Final[tuple[tuple[str, type | tuple[type, ...]], ...]] = (
    ("job_id", str),
    ("status", str),
    ("progress", int),
    ("updated_at", (int, type(None))),
    ("task_output", (dict, type(None))),
    ("params", dict),
)


@frozen
class EventTopic:
    """Where events come: on one topic for all jobs, or, with `{job_id}` in its name, on one for each."""

    name: str

    @property
    def per_job(self) -> bool:
        return "{job_id}" in self.name

    def of(self, job_id: str) -> str | None:
        """The topic of a job; `None` where its id cannot be in one (MQTT 5 §4.7.1)."""
        return None if set("+#\0") & set(job_id) else self.name.replace("{job_id}", job_id)

    def job_of(self, topic: str) -> str:
        """The job of a topic."""
        before, _, after = self.name.partition("{job_id}")
        return topic.removeprefix(before).removesuffix(after)


@frozen
class Event:
    """A message that was understood.

    Attributes:
        job_id: the job that it is about.
        status: where the job is now, in our words.
        job: all of the job, where the message holds that.
    """

    job_id: str
    status: str
    job: JobResponse | None
    _progress: int | None
    _timestamp: int | None

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read a message.

        Raises:
            ValueError, RecursionError: it is no event of a job.
        """
        if len(payload) > LARGEST:
            raise ValueError(f"larger than {LARGEST} bytes")
        parsed = cast("object", json.loads(payload))
        if not isinstance(parsed, dict):
            raise ValueError("not an object")
        fields = cast("JSONObject", parsed)
        job_id, word = fields.get("job_id"), fields.get("status", fields.get("event_type"))
        if not isinstance(job_id, str) or not isinstance(word, str):
            raise ValueError("no job_id or no status")
        word = status.canonical(word)
        progress, timestamp = fields.get("progress"), fields.get("timestamp")
        return cls(
            job_id,
            word,
            _whole({**fields, "status": word}),
            progress if isinstance(progress, int) else None,
            timestamp if isinstance(timestamp, int) else None,
        )

    def merged(self, known: JobResponse | None) -> JobResponse | None:
        """What is known, brought forward by a short event; `None` where that is not all there is to know."""
        if known is None or status.is_terminal(self.status):
            return None
        return evolve(
            known,
            status=self.status,
            progress=known.progress if self._progress is None else self._progress,
            updated_at=known.updated_at if self._timestamp is None else self._timestamp,
        )


def well_formed(job: JobResponse) -> bool:
    """Whether the fields that this package reckons with are what the spec says. Generated models take it on trust."""
    return all(isinstance(cast("object", getattr(job, name)), kind) for name, kind in _SHAPES)


def supersedes(new: JobResponse, old: JobResponse | None) -> bool:
    """Whether a state is news: an end always is, else the server's clock decides, then how far the job has come."""
    if old is None or status.is_terminal(new.status):
        return True
    if new.updated_at and old.updated_at and new.updated_at != old.updated_at:
        return new.updated_at > old.updated_at
    return (status.rank(new.status), new.progress) > (status.rank(old.status), old.progress)


def _whole(fields: JSONObject) -> JobResponse | None:
    if "created_at" not in fields or "params" not in fields:
        return None
    if fields["status"] == status.COMPLETED and fields.get("task_output") is None:
        return None
    try:
        job = JobResponse.from_dict({name: value for name, value in fields.items() if name not in _EVENT_ONLY})
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return job if well_formed(job) else None
