"""Where a server lists its jobs, their files and its workers, and takes lists of jobs, and what it calls what is in
them."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen

from cl_client.server.fields import Fields


@frozen(kw_only=True)
class JobList:
    """Where a server lists jobs (GET), and how it is asked. A name that is `None` is one that the server does not have.

    Attributes:
        path: of the route.
        items: the field of the answer that holds the jobs; `None` where the answer is the list itself.
        next: the field of the answer that gives the next page.
        cursor: the query parameter that takes it.
        limit: the query parameter for the most jobs in one answer.
        ids: the query parameter that names several jobs at once, and is repeated for each.
        status: the query parameter for the status.
        task_type: the query parameter for the kind of job.
        label: the query parameter for labels, each as `name=value`, which is repeated for each.
        counts: what the parameter is told where the server has no cursors: how many `jobs`, or how many `pages`, come
            before.
        first: the number of the first page.
        most: jobs in one answer.
    """

    path: str
    items: str | None = None
    next: str | None = None
    cursor: str | None = None
    limit: str | None = None
    ids: str | None = None
    status: str | None = None
    task_type: str | None = None
    label: str | None = None
    counts: Literal["cursor", "jobs", "pages"] = "cursor"
    first: int = 0
    most: int = 100

    def after(self, cursor: str | None, jobs: int) -> str | None:
        """What gives the page after one with so many jobs, where the server counts."""
        if self.counts == "cursor" or self.cursor is None or jobs == 0 or (self.limit is not None and jobs < self.most):
            return None
        return str((self.first if cursor is None else int(cursor)) + (jobs if self.counts == "jobs" else 1))


@frozen(kw_only=True)
class FileList:
    """Where a server lists the files of a job (GET).

    Attributes:
        path: of the route, with `{job_id}`.
        items: the field of the answer that holds the files; `None` where the answer is the list itself.
        fields: by the names of `JobFile`.
    """

    path: str
    items: str | None = None
    fields: Fields = field(factory=dict[str, tuple[str, ...]])


@frozen(kw_only=True)
class JobBatch:
    """Where a server takes many jobs of a task at once (POST), as our own server does.

    Attributes:
        path: of the route, with `{task}`.
        files: how many there may be in one request.
        bytes: how many they may have together.
    """

    path: str
    files: int
    bytes: int


@frozen(kw_only=True)
class WorkerCounts:
    """Where a server tells which workers it has (GET).

    Attributes:
        path: of the route.
        fields: by the names of `Capabilities`.
    """

    path: str
    fields: Fields = field(factory=dict[str, tuple[str, ...]])
