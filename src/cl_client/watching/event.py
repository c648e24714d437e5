"""What a message of the broker says of a job (design: topic `inference/events`, one message for every transition).

A server in guest mode sends the whole job. One with accounts, or an older one, sends a short form: enough to move what
is known, never enough to tell how a job ended.
"""

from __future__ import annotations

import json
from typing import Final, Self, cast

from attrs import evolve, frozen

from cl_client.model import JobState, well_formed
from cl_client.server import status
from cl_client.server.contract import Contract
from cl_client.wire.types import JSONObject

LARGEST: Final = 8 * 1024 * 1024

_EVENT_ONLY: Final = {"event_type", "timestamp"}


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
    job: JobState | None
    _progress: int | None
    _timestamp: int | None

    @classmethod
    def parse(cls, payload: bytes, contract: Contract | None = None) -> Self:
        """Read a message, of a server that has this contract; our words are understood without one.

        Raises:
            ValueError, RecursionError: it is no event of a job.
        """
        if len(payload) > LARGEST:
            raise ValueError(f"larger than {LARGEST} bytes")
        parsed = cast("object", json.loads(payload))
        if not isinstance(parsed, dict):
            raise ValueError("not an object")
        fields = cast("JSONObject", parsed)
        if contract is not None:
            fields = contract.event(fields)
        job_id, word = fields.get("job_id"), fields.get("status", fields.get("event_type"))
        if not isinstance(job_id, str) or not isinstance(word, str):
            raise ValueError("no job_id or no status")
        word = status.canonical(word) if contract is None else contract.word(word)
        progress, timestamp = fields.get("progress"), fields.get("timestamp")
        return cls(
            job_id,
            word,
            _whole({**fields, "status": word}),
            progress if isinstance(progress, int) else None,
            timestamp if isinstance(timestamp, int) else None,
        )

    def merged(self, known: JobState | None) -> JobState | None:
        """What is known, brought forward by a short event; `None` where that is not all there is to know."""
        if known is None or status.is_terminal(self.status):
            return None
        return evolve(
            known,
            status=self.status,
            progress=known.progress if self._progress is None else self._progress,
            updated_at=known.updated_at if self._timestamp is None else self._timestamp,
        )


def supersedes(new: JobState, old: JobState | None) -> bool:
    """Whether a state is news: an end always is, else the server's clock decides, then how far the job has come."""
    if old is None or status.is_terminal(new.status):
        return True
    if new.updated_at and old.updated_at and new.updated_at != old.updated_at:
        return new.updated_at > old.updated_at
    return (status.rank(new.status), new.progress) > (status.rank(old.status), old.progress)


def _whole(fields: JSONObject) -> JobState | None:
    if "created_at" not in fields or "params" not in fields:
        return None
    if fields["status"] == status.COMPLETED and fields.get("task_output") is None:
        return None
    try:
        job = JobState.from_dict({name: value for name, value in fields.items() if name not in _EVENT_ONLY})
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return job if well_formed(job) else None
