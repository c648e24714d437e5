"""What the client knows of jobs, files and workers, whatever server told it.

A `Contract` makes these of what a server sends; everything else in this package knows only them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Self, cast

from attrs import field, frozen

if TYPE_CHECKING:
    from cl_client.wire.types import JSONObject, JSONValue


@frozen(kw_only=True)
class JobState:
    """How a job stands. Times are UTC milliseconds, and `None` where they are not known."""

    completed_at: int | None = None
    created_at: int | None = None
    error_message: str | None = None
    """Why it failed, in one line."""
    job_id: str
    """An opaque string. Where a server has routes for the jobs of each task, the task stands before it: `resize/42`."""
    params: JSONObject = field(factory=dict)
    """The parameters that were sent, with the server's defaults."""
    priority: int = 5
    """0 to 10; higher goes first."""
    progress: int = 0
    """0 to 100, in per cent."""
    started_at: int | None = None
    status: str
    """`queued`, `processing`, `completed`, `failed` or `cancelled`, or a newer word of a newer server."""
    task_output: JSONObject | None = None
    """What the job made, once it has completed."""
    task_type: str
    """The kind of the job, such as `hash`; empty where the server does not say."""
    updated_at: int | None = None
    additional_properties: JSONObject = field(factory=dict, repr=False)
    """What the server sent beside the fields above: a newer server may say more."""

    @classmethod
    def from_dict(cls, data: Mapping[str, JSONValue]) -> Self:
        """Read a JSON object. Types are taken on trust; `well_formed` checks them.

        Raises:
            KeyError: a required field is missing.
        """
        return cls(
            completed_at=cast("int | None", data.get("completed_at")),
            created_at=cast("int | None", data.get("created_at")),
            error_message=cast("str | None", data.get("error_message")),
            job_id=cast("str", data["job_id"]),
            params=cast("JSONObject", data.get("params", {})),
            priority=cast("int", data.get("priority", 5)),
            progress=cast("int", data.get("progress", 0)),
            started_at=cast("int | None", data.get("started_at")),
            status=cast("str", data["status"]),
            task_output=cast("JSONObject | None", data.get("task_output")),
            task_type=cast("str", data["task_type"]),
            updated_at=cast("int | None", data.get("updated_at")),
            additional_properties={key: value for key, value in data.items() if key not in _STATE},
        )

    def to_dict(self) -> JSONObject:
        """The JSON object, with what came beside the fields."""
        return {
            **self.additional_properties,
            "completed_at": self.completed_at,
            "created_at": self.created_at,
            "error_message": self.error_message,
            "job_id": self.job_id,
            "params": self.params,
            "priority": self.priority,
            "progress": self.progress,
            "started_at": self.started_at,
            "status": self.status,
            "task_output": self.task_output,
            "task_type": self.task_type,
            "updated_at": self.updated_at,
        }


@frozen(kw_only=True)
class JobFile:
    """A file of a job."""

    media_type: str = "application/octet-stream"
    """By its first bytes, as far as the server tells."""
    path: str
    """Relative to the job, as outputs name it and downloads take it."""
    sha256: str = ""
    """In hexadecimal; empty where the server does not tell."""
    size: int = 0
    """Bytes; 0 where the server does not tell."""
    additional_properties: JSONObject = field(factory=dict, repr=False)
    """What the server sent beside the fields above."""

    @classmethod
    def from_dict(cls, data: Mapping[str, JSONValue]) -> Self:
        """Read a JSON object.

        Raises:
            KeyError, TypeError: it has no path, or a field is of another type.
        """
        fields = {name: data[name] for name in _FILE if data.get(name) is not None}
        if not all(isinstance(fields.get(name, kind()), kind) for name, kind in _FILE.items()):
            raise TypeError("not a file of a job")
        return cls(
            media_type=cast("str", fields.get("media_type", "application/octet-stream")),
            path=cast("str", fields["path"]),
            sha256=cast("str", fields.get("sha256", "")),
            size=cast("int", fields.get("size", 0)),
            additional_properties={key: value for key, value in data.items() if key not in _FILE},
        )

    def to_dict(self) -> JSONObject:
        """The JSON object, with what came beside the fields."""
        return {
            **self.additional_properties,
            "media_type": self.media_type,
            "path": self.path,
            "sha256": self.sha256,
            "size": self.size,
        }


@frozen(kw_only=True)
class WorkerState:
    """What a worker says of itself on the broker. A worker that says nothing any more is gone."""

    capabilities: list[str]
    """The task types that this worker runs."""
    id: str
    idle_count: int
    """How many jobs it could take at once."""
    timestamp: int
    """UTC milliseconds."""
    additional_properties: JSONObject = field(factory=dict, repr=False)
    """What the worker sent beside the fields above."""

    @classmethod
    def from_dict(cls, data: Mapping[str, JSONValue]) -> Self:
        """Read a JSON object.

        Raises:
            KeyError, TypeError: a field is missing, or of another type.
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
            additional_properties={key: value for key, value in data.items() if key not in _WORKER},
        )

    def to_dict(self) -> JSONObject:
        """The JSON object, with what came beside the fields."""
        return {
            **self.additional_properties,
            "capabilities": cast("JSONValue", self.capabilities),
            "id": self.id,
            "idle_count": self.idle_count,
            "timestamp": self.timestamp,
        }


@frozen(kw_only=True)
class Capabilities:
    """What the workers that are up can do, as the server counts them."""

    capabilities: dict[str, int]
    """Idle workers for each task type."""
    num_workers: int
    additional_properties: JSONObject = field(factory=dict, repr=False)
    """What the server sent beside the fields above."""

    @classmethod
    def from_dict(cls, data: Mapping[str, JSONValue]) -> Self:
        """Read a JSON object.

        Raises:
            KeyError, TypeError: a field is missing, or of another type.
        """
        tasks, workers = data["capabilities"], data["num_workers"]
        if not isinstance(tasks, dict) or not isinstance(workers, int):
            raise TypeError("capabilities is not an object, or num_workers is not a number")
        return cls(
            capabilities=cast("dict[str, int]", tasks),
            num_workers=workers,
            additional_properties={
                key: value for key, value in data.items() if key not in ("capabilities", "num_workers")
            },
        )

    def to_dict(self) -> JSONObject:
        """The JSON object, with what came beside the fields."""
        return {
            **self.additional_properties,
            "capabilities": cast("JSONValue", self.capabilities),
            "num_workers": self.num_workers,
        }


@frozen
class JobPage:
    """Some of the jobs of a server, newest first.

    Attributes:
        jobs: of this page.
        cursor: gives the next page; `None` on the last one.
    """

    jobs: tuple[JobState, ...]
    cursor: str | None = None


def well_formed(job: JobState) -> bool:
    """Whether the fields that the client relies on have the types that they should have."""
    return all(isinstance(cast("object", getattr(job, name)), kind) for name, kind in _SHAPES)


JobResponse = JobState
WorkerCapability = WorkerState
WorkerCapabilitiesResponse = Capabilities
# The names that these had when they were one server's.

_SHAPES: Final[tuple[tuple[str, type | tuple[type, ...]], ...]] = (
    ("job_id", str),
    ("status", str),
    ("progress", int),
    ("updated_at", (int, type(None))),
    ("task_output", (dict, type(None))),
    ("params", dict),
)
_STATE: Final = frozenset(
    {
        "completed_at",
        "created_at",
        "error_message",
        "job_id",
        "params",
        "priority",
        "progress",
        "started_at",
        "status",
        "task_output",
        "task_type",
        "updated_at",
    }
)
_FILE: Final = {"media_type": str, "path": str, "sha256": str, "size": int}
_WORKER: Final = frozenset({"capabilities", "id", "idle_count", "timestamp"})
