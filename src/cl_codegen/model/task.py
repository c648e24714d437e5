"""Which operations create a job, and of which kind: as they say, or as their path does."""

from __future__ import annotations

import re

from cl_codegen.model.vocabulary import names_a_job
from cl_codegen.spec.spec import Node

_NO_TASKS = re.compile(r"v\d+|api")
"""What stands before `jobs` in a path, and is no kind of job."""
_TASK_PATHS = (re.compile(r"/(?:.+/)?jobs/([^/{}]+)/?"), re.compile(r"/(?:.+/)?([^/{}]+)/jobs/?"))


def creates_a_job(path: str, method: str, operation: Node) -> bool:
    """Whether an operation says that it creates a job, or looks like one that does."""
    if operation.find("x-task-type") is not None:
        return True
    if method != "post" or _task_of(path) is None:
        return False
    body = operation.find("requestBody")
    content = body.follow().find("content") if body is not None else None
    if content is None:
        return names_a_job(operation)
    # Forms are for files; JSON is posted for other things too, so that its answer has to name a job.
    return content.find("multipart/form-data") is not None or names_a_job(operation)


def task_type_of(path: str, operation: Node) -> str | None:
    """What kind of job an operation creates, as it says or as its path calls it."""
    said = operation.find("x-task-type")
    if said is not None:
        return said.text()
    return _task_of(path)


def _task_of(path: str) -> str | None:
    """What a path calls the kind of job that is posted there: `/jobs/resize`, `/resize/jobs`."""
    found = (match[1] for pattern in _TASK_PATHS if (match := pattern.fullmatch(path)))
    return next((word for word in found if not _NO_TASKS.fullmatch(word)), None)
