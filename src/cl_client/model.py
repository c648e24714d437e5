"""Jobs, files and workers, as the client represents them for every server.

A `Contract` converts the data of a server into these classes. The rest of this package uses only them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Self, cast

from attrs import field, frozen

from cl_client.wire.model import WireModel

if TYPE_CHECKING:
    from cl_client.wire.types import JSONObject, JSONValue


@frozen(kw_only=True)
class JobState(WireModel):
    """The state of a job. Times are UTC milliseconds, or `None` if unknown."""

    completed_at: int | None = None
    created_at: int | None = None
    error_message: str | None = None
    """The reason of a failure, in one line."""
    job_id: str
    """An opaque string. If a server has separate routes for each task, the task is in front: `resize/42`."""
    labels: Mapping[str, str] = field(factory=dict[str, str])
    """The labels that the user gave it. Empty if unknown."""
    params: JSONObject = field(factory=dict)
    """The parameters of the job, with the defaults of the server."""
    priority: int = 5
    """0 (lowest) to 10 (highest)."""
    progress: int = 0
    """0 to 100, in per cent."""
    started_at: int | None = None
    status: str
    """`queued`, `processing`, `completed`, `failed` or `cancelled`. A newer server can have other values."""
    task_output: JSONObject | None = None
    """The output of a completed job, as JSON."""
    task_type: str
    """The kind of job, such as `hash`. Empty if unknown."""
    updated_at: int | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, JSONValue]) -> Self:
        """Read a JSON object without checking types; `well_formed` checks them.

        Raises:
            KeyError: A required field is missing.
        """
        return cls(
            completed_at=cast("int | None", data.get("completed_at")),
            created_at=cast("int | None", data.get("created_at")),
            error_message=cast("str | None", data.get("error_message")),
            job_id=cast("str", data["job_id"]),
            labels=_labels(data.get("labels")),
            params=cast("JSONObject", data.get("params", {})),
            priority=cast("int", data.get("priority", 5)),
            progress=cast("int", data.get("progress", 0)),
            started_at=cast("int | None", data.get("started_at")),
            status=cast("str", data["status"]),
            task_output=cast("JSONObject | None", data.get("task_output")),
            task_type=cast("str", data["task_type"]),
            updated_at=cast("int | None", data.get("updated_at")),
            # What another server calls so may be anything.
            additional_properties=cls._beside(data) | _other_labels(data),
        )

    def to_dict(self) -> JSONObject:
        """Convert to a JSON object, including the other fields."""
        return super().to_dict() | _other_labels(self.additional_properties)


@frozen(kw_only=True)
class JobFile(WireModel):
    """A file of a job."""

    media_type: str = "application/octet-stream"
    """The media type, detected from the first bytes if the server does that."""
    path: str
    """The path in the job, as in outputs and for downloads."""
    sha256: str = ""
    """In hexadecimal. Empty if unknown."""
    size: int = 0
    """In bytes. 0 if unknown."""

    @classmethod
    def from_dict(cls, data: Mapping[str, JSONValue]) -> Self:
        """Read a JSON object.

        Raises:
            KeyError, TypeError: The path is missing, or a field has the wrong type.
        """
        fields = {name: data[name] for name in _FILE if data.get(name) is not None}
        if not all(isinstance(fields.get(name, kind()), kind) for name, kind in _FILE.items()):
            raise TypeError("not a file of a job")
        return cls(
            media_type=cast("str", fields.get("media_type", "application/octet-stream")),
            path=cast("str", fields["path"]),
            sha256=cast("str", fields.get("sha256", "")),
            size=cast("int", fields.get("size", 0)),
            additional_properties=cls._beside(data),
        )


@frozen(kw_only=True)
class LogLine(WireModel):
    """A line in the log of a job."""

    at: int = 0
    """UTC milliseconds. 0 if unknown."""
    level: str = "info"
    """`debug`, `info`, `warning` or `error`."""
    number: int
    """The number of the line, counted from 1."""
    text: str

    @classmethod
    def from_dict(cls, data: Mapping[str, JSONValue]) -> Self:
        """Read a JSON object.

        Raises:
            KeyError, TypeError: A field is missing, or has the wrong type.
        """
        at, level, number, text = data.get("at", 0), data.get("level", "info"), data["number"], data["text"]
        if not (isinstance(at, int) and isinstance(level, str) and isinstance(number, int) and isinstance(text, str)):
            raise TypeError("not a line of a log")
        return cls(at=at, level=level, number=number, text=text, additional_properties=cls._beside(data))


@frozen(kw_only=True)
class JobLog(WireModel):
    """Part of the log of a job."""

    ended: bool
    """Whether the job has ended, so that no further lines follow."""
    left_out: int = 0
    """The number of older lines that the server no longer has."""
    lines: tuple[LogLine, ...]
    """The lines, oldest first."""

    @classmethod
    def from_dict(cls, data: Mapping[str, JSONValue]) -> Self:
        """Read a JSON object.

        Raises:
            KeyError, TypeError: A field is missing, or has the wrong type.
        """
        ended, left_out, lines = data["ended"], data.get("left_out", 0), data["lines"]
        if not (isinstance(ended, bool) and isinstance(left_out, int) and isinstance(lines, list)):
            raise TypeError("not the log of a job")
        return cls(
            ended=ended,
            left_out=left_out,
            lines=tuple(map(_log_line, lines)),
            additional_properties=cls._beside(data),
        )


@frozen(kw_only=True)
class WorkerState(WireModel):
    """The announcement of a worker on the broker."""

    capabilities: list[str]
    """The task types that this worker runs."""
    id: str
    idle_count: int
    """The number of jobs that it can take now."""
    timestamp: int
    """UTC milliseconds."""

    @classmethod
    def from_dict(cls, data: Mapping[str, JSONValue]) -> Self:
        """Read a JSON object.

        Raises:
            KeyError, TypeError: A field is missing, or has the wrong type.
        """
        tasks, idle = data["capabilities"], data["idle_count"]
        if not isinstance(tasks, list) or not all(isinstance(task, str) for task in tasks):
            raise TypeError("capabilities is not a list of task types")
        if not isinstance(idle, int):
            raise TypeError("idle_count is not a number")
        return cls(
            capabilities=cast("list[str]", tasks),
            # Servers of this family say `worker_id`.
            id=cast("str", data["id"] if "id" in data else data["worker_id"]),
            idle_count=idle,
            timestamp=cast("int", data["timestamp"]),
            additional_properties=cls._beside(data),
        )


@frozen(kw_only=True)
class Capabilities(WireModel):
    """The kinds of jobs that workers can run, as counted by the server."""

    capabilities: dict[str, int]
    """Idle workers for each task type."""
    num_workers: int

    @classmethod
    def from_dict(cls, data: Mapping[str, JSONValue]) -> Self:
        """Read a JSON object.

        Raises:
            KeyError, TypeError: A field is missing, or has the wrong type.
        """
        tasks, workers = data["capabilities"], data["num_workers"]
        if not isinstance(tasks, dict) or not isinstance(workers, int):
            raise TypeError("capabilities is not an object, or num_workers is not a number")
        return cls(
            capabilities=cast("dict[str, int]", tasks),
            num_workers=workers,
            additional_properties=cls._beside(data),
        )


@frozen
class JobPage:
    """A page of jobs, newest first.

    Attributes:
        jobs: The jobs of this page.
        cursor: The cursor of the next page. `None` on the last page.
    """

    jobs: tuple[JobState, ...]
    cursor: str | None = None


def well_formed(job: JobState) -> bool:
    """Whether the fields that the client relies on have the right types."""
    return all(isinstance(cast("object", getattr(job, name)), kind) for name, kind in _SHAPES)


def _labels(value: JSONValue) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    texts = {name: text for name, text in value.items() if isinstance(text, str)}
    return texts if len(texts) == len(value) else {}


def _other_labels(data: Mapping[str, JSONValue]) -> JSONObject:
    """What a server calls labels, if they aren't texts by their names."""
    return {"labels": data["labels"]} if data.get("labels") and not _labels(data["labels"]) else {}


def _log_line(data: JSONValue) -> LogLine:
    if not isinstance(data, dict):
        raise TypeError("not a line of a log")
    return LogLine.from_dict(data)


JobResponse = JobState
WorkerCapability = WorkerState
WorkerCapabilitiesResponse = Capabilities
# Earlier names of these classes.

_SHAPES: Final[tuple[tuple[str, type | tuple[type, ...]], ...]] = (
    ("job_id", str),
    ("status", str),
    ("progress", int),
    ("updated_at", (int, type(None))),
    ("task_output", (dict, type(None))),
    ("params", dict),
)
_FILE: Final = {"media_type": str, "path": str, "sha256": str, "size": int}
