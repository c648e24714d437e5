"""How a server says what this package reckons with: its routes, its fields, its words for the state of a job.

Our own server speaks `STANDARD`. A package that `cl-codegen generate --package` writes for another server has a dialect
of its own, made from the spec and the manifest; everything behind this module knows only our words.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, Protocol, cast
from urllib.parse import quote, unquote

from attrs import field, frozen

from cl_api.compute.models import JobCreatedResponse, JobResponse
from cl_api.compute.types import JSONObject, JSONValue, path_segment
from cl_client.config.defaults import ComputeClientConfig
from cl_client.errors import JobNotFoundError, UnsupportedError
from cl_client.server import status

_NAMED: Final = re.compile(r"\{task\}|\{job_id\}")
_TIMES: Final = ("created_at", "updated_at", "started_at", "completed_at")


class Answer(Protocol):
    """A model of a generated wire layer."""

    def to_dict(self) -> JSONObject: ...


@frozen(kw_only=True)
class Dialect:
    """What one kind of server calls things. Paths have `{job_id}`, and `{path}` for a file of a job.

    A server may have other routes for the jobs of each task: then paths have `{task}`, too, and that stands before the
    id of a job: `resize/42`. Nothing beyond this module and `Operation.within` knows of it.

    Attributes:
        job: where the state of a job is (GET).
        delete: where a job is deleted (DELETE); `None` for a server that has no such route.
        cancel: where a job is stopped (POST); `None` as above.
        file: where the files of a job are (GET); `None` as above.
        events: topic of the messages about jobs on the broker; `None` follows jobs over HTTP alone.
        fields: by the names of `JobResponse`, what the server calls them; of several names, the first that is there.
        statuses: our word for each word that the server has for the state of a job.
        whole: the number that says 100 per cent.
    """

    job: str = "/jobs/{job_id}"
    delete: str | None = "/jobs/{job_id}"
    cancel: str | None = "/jobs/{job_id}/cancel"
    file: str | None = "/jobs/{job_id}/files/{path}"
    events: str | None = ComputeClientConfig.MQTT_EVENTS_TOPIC
    fields: Mapping[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]])
    statuses: Mapping[str, str] = field(factory=dict[str, str])
    whole: float = 100

    @property
    def depth(self) -> int:
        """How much stands before the id of a job."""
        return self.job.count("{task}")

    def job_path(self, job_id: str) -> str:
        """Raises JobNotFoundError: no job can have this id."""
        return self._filled(self.job, job_id)

    def delete_path(self, job_id: str) -> str:
        """Raises UnsupportedError where the server has no such route."""
        return self._filled(self._expected(self.delete, "deletes jobs"), job_id)

    def cancel_path(self, job_id: str) -> str:
        """Raises UnsupportedError where the server has no such route."""
        return self._filled(self._expected(self.cancel, "cancels jobs"), job_id)

    def file_path(self, job_id: str, path: str) -> str:
        """Raises UnsupportedError where the server has no such route."""
        return self._filled(self._expected(self.file, "gives files of jobs"), job_id, path)

    def job_id_in(self, path: str) -> str | None:
        """The job that a path of the server is about."""
        parts = map(re.escape, _NAMED.split(self.job))
        found = re.search("([^/]+)".join(parts) + "(?:/|$)", path)
        return _joined(found.groups()[:-1], found.groups()[-1]) if found else None

    def is_job(self, path: str, job_id: str) -> bool:
        """Whether a path of the server is the job itself, rather than something in it."""
        return path.endswith(unquote(self.job_path(job_id)))

    def created(self, answer: Answer | JSONValue, task_type: str, within: tuple[str, ...] = ()) -> JobCreatedResponse:
        """The job that a submit was answered with.

        Raises:
            KeyError, TypeError, ValueError: the answer names none.
        """
        if isinstance(answer, JobCreatedResponse):
            return answer
        said = answer if answer is None or isinstance(answer, dict | list | str | int | float) else answer.to_dict()
        if not isinstance(said, dict):
            raise TypeError("expected an object")
        fields = {"status": status.QUEUED, "task_type": task_type, **self.translated(said)}
        return JobCreatedResponse.from_dict({**fields, "job_id": _joined(within, _text(fields["job_id"]))})

    def state(self, said: Mapping[str, JSONValue], job_id: str) -> JobResponse:
        """The state of a job as the server says it, who need not say again which job it is.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        fields = {"job_id": job_id, "task_type": "", **self.translated(said)}
        return JobResponse.from_dict(fields | {"job_id": job_id} if self.depth else fields)

    def event(self, payload: bytes) -> bytes:
        """A message of the broker in our words; one that cannot be read stays as it is."""
        try:
            said = cast("JSONValue", json.loads(payload))
            if not isinstance(said, dict):
                return payload
            fields = {"task_type": "", "params": {}, **self.translated(said)}
            if self.depth == 1 and fields["task_type"] and "job_id" in fields:
                fields["job_id"] = _joined((_text(fields["task_type"]),), _text(fields["job_id"]))
            return json.dumps(fields).encode()
        except (ValueError, RecursionError):
            return payload

    def translated(self, said: Mapping[str, JSONValue]) -> JSONObject:
        """Fields of a job in our words. What the server says beside them is kept."""
        named = {
            name: theirs
            for name, words in self.fields.items()
            if (theirs := next((word for word in words if word in said), None)) is not None
        }
        ours = {name: said[theirs] for name, theirs in named.items()}
        # A field that only happens to be called as one of ours is another thing.
        beside = said.keys() - self.fields.keys() - set(named.values())
        rest = {name: value for name, value in said.items() if name in beside}
        fields: JSONObject = {name: value for name, value in (rest | ours).items() if value is not None}
        if "status" in fields:
            fields["status"] = self._word(_text(fields["status"]))
        for name in ("job_id", "task_type", "error_message"):
            if name in fields:
                fields[name] = _text(fields[name])
        if "progress" in fields:
            fields["progress"] = self._percent(fields["progress"])
        if "task_output" in fields and not isinstance(fields["task_output"], dict):
            fields["task_output"] = {self.fields.get("task_output", ("value",))[0]: fields["task_output"]}
        return fields | {name: _milliseconds(fields[name]) for name in _TIMES if name in fields}

    def _word(self, word: str) -> str:
        return self.statuses.get(word) or self.statuses.get(word.lower()) or status.canonical(word)

    def _percent(self, value: JSONValue) -> JSONValue:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= self.whole:
            return 0
        return round(value * 100 / self.whole)

    def _filled(self, template: str, job_id: str, path: str = "") -> str:
        *within, own = job_id.split("/", self.depth)
        if len(within) != self.depth:
            raise JobNotFoundError(
                f"{job_id!r} is no id of a job: this server has routes for the jobs of each task",
                job_id=job_id,
                hint=f"write {'TASK/' * self.depth}{own}",
            )
        parts = iter([*map(unquote, within), own])
        filled = _NAMED.sub(lambda _: path_segment(next(parts)), template)
        return filled.replace("{path}", quote(path))

    def _expected(self, path: str | None, what: str) -> str:
        if path is None:
            raise UnsupportedError(f"this server has no route that {what}")
        return path


STANDARD: Final = Dialect()
"""What our own server speaks: the wire contract of this package."""


def _joined(within: Iterable[str], job_id: str) -> str:
    return "/".join([*(quote(part, safe="") for part in within), job_id])


def _text(value: JSONValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _milliseconds(value: JSONValue) -> JSONValue:
    """UTC milliseconds of a time as ISO 8601 says it, which counts as UTC where it names no zone."""
    if not isinstance(value, str):
        return round(value) if isinstance(value, float) else value
    try:
        time = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    return round((time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).timestamp() * 1000)
