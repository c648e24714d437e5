"""What operations answer about jobs: which field is the id, which word means done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from cl_codegen.spec.schema_types import properties
from cl_codegen.spec.spec import Node

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "job_id": ("job_id", "jobId", "task_id", "taskId", "request_id", "id", "uuid"),
    "task_type": ("task_type", "job_type", "task", "type", "kind"),
    "status": ("status", "state"),
    "progress": ("progress", "percent", "percentage"),
    "params": ("params", "parameters"),
    "task_output": ("task_output", "output", "result", "results"),
    "error_message": ("error_message", "error", "reason"),
    "created_at": ("created_at", "createdAt", "created"),
    "updated_at": ("updated_at", "updatedAt", "updated"),
    "started_at": ("started_at", "startedAt", "started"),
    "completed_at": ("completed_at", "completedAt", "finished_at", "ended_at", "completed", "finished"),
}
"""The fields of a job, and how servers call them; the first that a schema has is taken."""

STATUSES: Final[Mapping[str, tuple[str, ...]]] = {
    "queued": ("pending", "waiting", "created", "accepted", "submitted", "scheduled", "enqueued", "new"),
    "processing": ("running", "in_progress", "in-progress", "started", "active", "working", "retrying"),
    "completed": ("complete", "done", "success", "successful", "succeeded", "finished", "ok"),
    "failed": ("failure", "error", "errored", "timeout", "timed_out"),
    "cancelled": ("canceled", "aborted", "revoked", "stopped"),
}
"""The states of a job, and how servers call them, in lower case."""


def success(operation: Node) -> Node | None:
    """The schema of the JSON that an operation answers with when all is well; nothing where the spec has none."""
    for code, response in operation.at("responses").members():
        content = response.follow().find("content") if code.startswith("2") else None
        for kind, media in content.members() if content else ():
            schema = media.find("schema")
            if schema is not None and "json" in kind:
                return schema.follow()
    return None


def names_a_job(operation: Node) -> bool:
    """Whether the answer of an operation has the id of a job, by a name that leaves no doubt."""
    answer = success(operation)
    named = dict(properties(answer)) if answer else {}
    return any(word in named for word in FIELDS["job_id"] if word not in {"id", "uuid"}) or (
        "id" in named and any(word in named for word in FIELDS["status"])
    )


def called(name: str, schemas: list[Node]) -> Iterator[str]:
    """What each of some answers calls a field of a job."""
    for schema in schemas:
        named = dict(properties(schema))
        found = next((word for word in FIELDS[name] if word in named), None)
        if found is not None:
            yield found


def meaning(word: str) -> str | None:
    """Our word for a state, where a word is known."""
    said = word.lower()
    return next((ours for ours, words in STATUSES.items() if said == ours or said in words), None)
