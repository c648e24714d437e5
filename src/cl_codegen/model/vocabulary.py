"""What operations answer about jobs: which field is the id, which word means done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cl_codegen.spec.schema_types import properties
from cl_codegen.spec.spec import Node
from cl_codegen.text.escape import SpecText

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "job_id": (
        *("job_id", "jobId", "jobID", "task_id", "taskId", "request_id", "requestId", "run_id", "runId"),
        *("batch_id", "batchId", "id", "uuid"),
    ),
    "task_type": ("task_type", "job_type", "task", "type", "kind"),
    "status": ("status", "state", "job_status", "jobStatus", "task_status", "taskStatus", "run_status", "phase"),
    "progress": ("progress", "percent", "percentage"),
    "params": ("params", "parameters"),
    "task_output": ("task_output", "output", "result", "results", "outputs"),
    "error_message": ("error_message", "errorMessage", "error", "failure_reason", "failureReason", "reason"),
    "created_at": ("created_at", "createdAt", "created"),
    "updated_at": ("updated_at", "updatedAt", "updated"),
    "started_at": ("started_at", "startedAt", "started"),
    "completed_at": (
        *("completed_at", "completedAt", "finished_at", "finishedAt", "ended_at", "endedAt"),
        *("completed", "finished"),
    ),
}
"""The fields of a job, and how servers call them; the first that a schema has is taken."""

STATUSES: Final[Mapping[str, tuple[str, ...]]] = {
    "queued": (
        *("pending", "waiting", "created", "accepted", "submitted", "scheduled", "enqueued", "new", "starting"),
        *("in_queue", "in-queue", "initializing", "initialising", "preparing", "validating", "not_started", "delayed"),
    ),
    "processing": (
        *("running", "in_progress", "in-progress", "inprogress", "started", "active", "working", "retrying"),
        *("executing", "scraping", "finalizing", "finalising", "canceling", "cancelling", "paused", "pausing"),
    ),
    "completed": ("complete", "done", "success", "successful", "succeeded", "finished", "ended", "ok"),
    "failed": (
        *("failure", "error", "errored", "timeout", "timed_out", "timed-out", "crashed", "rejected", "expired"),
        *("system_error", "executor_error", "system_failure"),
    ),
    "cancelled": ("canceled", "aborted", "revoked", "stopped", "dismissed", "interrupted"),
}
"""The states of a job, and how servers call them, in lower case."""


LINKS: Final[Mapping[str, tuple[str, ...]]] = {
    "job": (
        *("status_url", "statusUrl", "poll_url", "pollUrl", "polling_url", "pollingUrl", "urls.get", "links.status"),
        *("status_uri", "statusUri", "statusQueryGetUri", "urls.status", "_links.status", "_links.status.href"),
    ),
    "result": (
        *("response_url", "responseUrl", "result_url", "resultUrl", "results_url", "resultsUrl", "links.result"),
        *("result_uri", "resultUri", "urls.result", "_links.result", "_links.result.href"),
    ),
    "cancel": (
        *("cancel_url", "cancelUrl", "urls.cancel", "links.cancel"),
        *("cancel_uri", "cancelUri", "_links.cancel", "_links.cancel.href"),
    ),
}
"""What an answer calls the address to ask for a job, for its output, and to stop it."""

LISTING: Final[Mapping[str, tuple[str, ...]]] = {
    "ids": ("ids", "job_ids", "jobIds", "task_ids", "id", "job_id"),
    "cursor": ("cursor", "page_token", "pageToken", "next_token", "continuation_token", "starting_after", "after"),
    "jobs": ("offset", "skip"),
    "pages": ("page", "page_number"),
    "limit": ("limit", "page_size", "pageSize", "per_page", "max_results", "size"),
    "status": FIELDS["status"],
    "task_type": FIELDS["task_type"],
}
"""What a list of jobs is asked for, and how servers call it: `jobs` and `pages` count what was read already."""

NEXT: Final = ("next_cursor", "nextCursor", "next_page_token", "nextPageToken", "next_token", "cursor", "next")
"""What an answer calls the way to the next page."""

FILE_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "path": ("path", "file_path", "filePath", "filename", "file_name", "name", "key"),
    "size": ("size", "bytes", "size_bytes", "length", "content_length"),
    "sha256": ("sha256", "sha_256", "digest"),
    "media_type": ("media_type", "content_type", "contentType", "mime_type", "mimetype"),
}
"""The fields of a file, and how servers call them."""

WORKER_COUNTS: Final[Mapping[str, tuple[str, ...]]] = {
    "capabilities": ("capabilities", "task_types", "tasks"),
    "num_workers": ("num_workers", "worker_count", "workers"),
}
"""What a server says of its workers: idle ones for each task type, and how many there are."""

WORKER_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "capabilities": WORKER_COUNTS["capabilities"],
    "id": ("id", "worker_id", "workerId", "name"),
    "idle_count": ("idle_count", "idle", "slots"),
    "timestamp": ("timestamp", "time", "updated_at"),
}
"""What a worker says of itself."""


def success(operation: Node) -> Node | None:
    """The schema of the JSON that an operation answers with when all is well; nothing where the spec has none."""
    for code, response in operation.at("responses").members():
        content = response.follow().find("content") if code.startswith("2") else None
        for kind, media in content.members() if content else ():
            schema = media.find("schema")
            if schema is not None and "json" in kind:
                return schema.follow()
    return None


def located(operation: Node) -> str | None:
    """The header of an accepted request that says where its job is (RFC 9110 §15.3.3)."""
    responses = operation.find("responses")
    accepted = responses.find("202") if responses is not None else None
    headers = accepted.follow().value_of("headers") if accepted is not None else None
    names = headers if isinstance(headers, dict) else {}
    return next((name for name in names if name.lower() in {"location", "operation-location"}), None)


def names_a_job(operation: Node) -> bool:
    """Whether the answer of an operation has the id of a job, by a name that leaves no doubt."""
    answer = success(operation)
    named = dict(properties(answer)) if answer else {}
    return any(word in named for word in FIELDS["job_id"] if word not in {"id", "uuid"}) or (
        "id" in named and any(word in named for word in FIELDS["status"])
    )


def called(name: str, schemas: Iterable[Node], words: Mapping[str, tuple[str, ...]] = FIELDS) -> Iterator[str]:
    """What each of some answers calls a field of what there are words for."""
    for schema in schemas:
        named = dict(properties(schema))
        found = next((word for word in words[name] if word in named), None)
        if found is not None:
            yield found


def renamed_fields(schema: Node, words: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, tuple[SpecText, ...]], ...]:
    """The fields of an object that it calls otherwise than we do, each with what it calls it."""
    found = {name: tuple(called(name, [schema], words)) for name in words}
    return tuple((name, tuple(map(SpecText, theirs))) for name, theirs in found.items() if theirs not in ((), (name,)))


def meaning(word: str) -> str | None:
    """Our word for a state, where a word is known."""
    said = word.lower().removeprefix("job_").removeprefix("task_").removeprefix("job_state_").replace(" ", "_")
    return next((ours for ours, words in STATUSES.items() if said == ours or said in words), None)


def guess(word: str) -> str:
    """A guess at the meaning of an unknown state, for people to correct."""
    said = word.lower()
    parts = {
        "completed": ("success", "complete", "done", "finish"),
        "cancelled": ("cancel", "abort", "terminat", "stop"),
        "queued": ("queue", "wait", "pend", "schedul"),
        "processing": ("ing",),
    }
    return next((ours for ours, ends in parts.items() if any(part in said for part in ends)), "failed")
