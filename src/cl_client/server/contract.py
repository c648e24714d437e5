"""What a job server calls things: its routes, its fields, its words for the state of a job, its topics.

Every generated package has a `contract.py`, made from the spec and the manifest of its server; that of our own server
is made by the same code. Everything behind this module knows only `cl_client.model`.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, Protocol, TypeVar
from urllib.parse import quote, unquote

from attrs import evolve, field, frozen

from cl_api.compute.types import JSONObject, JSONValue, path_segment
from cl_client.errors import JobNotFoundError, ResponseError, UnsupportedError
from cl_client.model import Capabilities, JobFile, JobPage, JobState
from cl_client.server import status

_NAMED: Final = re.compile(r"\{task\}|\{job_id\}")
_TIMES: Final = ("created_at", "updated_at", "started_at", "completed_at")

Route = TypeVar("Route")

Fields = Mapping[str, tuple[str, ...]]
"""By our names, what a server calls its fields; of several names, the first that is there."""


class Answer(Protocol):
    """A model of a generated wire layer."""

    def to_dict(self) -> JSONObject: ...


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
class WorkerCounts:
    """Where a server tells which workers it has (GET).

    Attributes:
        path: of the route.
        fields: by the names of `Capabilities`.
    """

    path: str
    fields: Fields = field(factory=dict[str, tuple[str, ...]])


@frozen(kw_only=True)
class Contract:
    """What one kind of server calls things. Paths have `{job_id}`, and `{path}` for a file of a job.

    A route or a topic that is `None` is one that the server does not have. A server may have other routes for the jobs
    of each task: then paths have `{task}`, too, and that stands before the id of a job: `resize/42`. Nothing beyond
    this module and `Operation.within` knows of it.

    Attributes:
        job: where the state of a job is (GET).
        delete: where a job is deleted (DELETE).
        cancel: where a job is stopped (POST).
        retry: where a job is done again, as a new one (POST).
        file: where the files of a job are (GET).
        files: where they are listed.
        jobs: where jobs are listed.
        workers: where the server tells which workers it has.
        events: topic of the messages about jobs on the broker; without one, jobs are followed over HTTP alone. With
            `{job_id}` in it, there is a topic for each job.
        worker_events: topic of the messages about workers, with `{worker_id}` as its last part.
        worker_fields: by the names of `WorkerState`, in these messages.
        permissions: each of them lets a user have jobs done.
        fields: by the names of `JobState`.
        statuses: our word for each word that the server has for the state of a job.
        whole: the number that says 100 per cent.
        cancel_tells: whether the answer to a cancel is the state of the job.
        verbatim: whether the server has the fields of `JobState` with the same names and types. Then a value of another
            type is an error, and none is converted.
    """

    job: str = "/jobs/{job_id}"
    delete: str | None = None
    cancel: str | None = None
    retry: str | None = None
    file: str | None = None
    files: FileList | None = None
    jobs: JobList | None = None
    workers: WorkerCounts | None = None
    events: str | None = None
    worker_events: str | None = None
    worker_fields: Fields = field(factory=dict[str, tuple[str, ...]])
    permissions: tuple[str, ...] = ()
    fields: Fields = field(factory=dict[str, tuple[str, ...]])
    statuses: Mapping[str, str] = field(factory=dict[str, str])
    whole: float = 100
    cancel_tells: bool = False
    verbatim: bool = False

    @property
    def depth(self) -> int:
        """How much stands before the id of a job."""
        return self.job.count("{task}")

    def job_path(self, job_id: str) -> str:
        """Raises JobNotFoundError: no job can have this id."""
        return self._filled(self.job, job_id)

    def path(self, route: str | None, what: str, job_id: str) -> str:
        """A route of a job.

        Raises:
            UnsupportedError: the server has no such route; `what` says what it would do.
            JobNotFoundError: no job can have this id.
        """
        return self._filled(expected(route, what), job_id)

    def file_path(self, job_id: str, path: str) -> str:
        """Where a file of a job is. Raises: as `path`."""
        return self._filled(expected(self.file, "give files of jobs"), job_id, path)

    def job_in(self, path: str) -> tuple[str | None, bool]:
        """The job that a path of the server is about, and whether it is the job itself rather than something in it."""
        parts = map(re.escape, _NAMED.split(self.job))
        found = re.search("([^/]+)".join(parts) + "(?:/|$)", path)
        if found is None:
            return None, False
        job_id = _joined(found.groups()[:-1], found.groups()[-1])
        return job_id, path.endswith(unquote(self.job_path(job_id)))

    def created(self, answer: Answer | JSONValue, task_type: str, within: tuple[str, ...] = ()) -> JobState:
        """The job that a submit was answered with.

        Raises:
            KeyError, TypeError, ValueError: the answer names none.
        """
        said = answer if answer is None or isinstance(answer, dict | list | str | int | float) else answer.to_dict()
        if not isinstance(said, dict):
            raise TypeError("expected an object")
        fields = {"status": status.QUEUED, "task_type": task_type, **self.translated(said)}
        return JobState.from_dict({**fields, "job_id": _joined(within, _text(fields["job_id"]))})

    def state(self, said: Mapping[str, JSONValue], job_id: str) -> JobState:
        """The state of a job as the server says it, who need not say again which job it is.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        if self.verbatim:
            return self._as_it_is(said)
        fields = {"job_id": job_id, "task_type": "", **self.translated(said)}
        return JobState.from_dict(fields | {"job_id": job_id} if self.depth else fields)

    def page(self, said: JSONValue) -> JobPage:
        """A page of the list of jobs.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        jobs = expected(self.jobs, "list jobs")
        items = _items(said, jobs.items)
        cursor = said.get(jobs.next) if isinstance(said, dict) and jobs.next is not None else None
        states = tuple(
            self._as_it_is(one) if self.verbatim else JobState.from_dict({"task_type": "", **self.translated(one)})
            for one in items
        )
        return JobPage(states, None if cursor is None or cursor == "" else _text(cursor))

    def listed_files(self, said: JSONValue) -> tuple[JobFile, ...]:
        """The files of a job.

        Raises:
            KeyError, TypeError: it is no list of files.
        """
        files = expected(self.files, "list the files of a job")
        return tuple(JobFile.from_dict(renamed(one, files.fields)) for one in _items(said, files.items))

    def capabilities(self, said: Mapping[str, JSONValue]) -> Capabilities:
        """What the workers can do.

        Raises:
            KeyError, TypeError: it does not say so.
        """
        return Capabilities.from_dict(renamed(said, expected(self.workers, "tell of its workers").fields))

    def event(self, said: JSONObject) -> JSONObject:
        """A message of the broker about a job, with our names and words."""
        if self.verbatim:
            return said
        fields = {"task_type": "", "params": {}, **self.translated(said)}
        if self.depth == 1 and fields["task_type"] and "job_id" in fields:
            fields["job_id"] = _joined((_text(fields["task_type"]),), _text(fields["job_id"]))
        return fields

    def word(self, word: str) -> str:
        """Our word for a word of the server; one that nobody knows stays as it is."""
        if not self.statuses:
            return status.canonical(word)
        return self.statuses.get(word) or self.statuses.get(word.lower()) or status.canonical(word)

    def their_words(self, word: str) -> tuple[str, ...]:
        """The words that the server has for one of ours."""
        ours = status.canonical(word)
        return tuple(theirs for theirs, meant in self.statuses.items() if meant == ours) or (ours,)

    def translated(self, said: Mapping[str, JSONValue]) -> JSONObject:
        """Fields of a job in our words. What the server says beside them is kept."""
        fields: JSONObject = {name: value for name, value in renamed(said, self.fields).items() if value is not None}
        if "status" in fields:
            fields["status"] = self.word(_text(fields["status"]))
        for name in ("job_id", "task_type", "error_message"):
            if name in fields:
                fields[name] = _text(fields[name])
        if "progress" in fields:
            fields["progress"] = self._percent(fields["progress"])
        if not isinstance(output := fields.get("task_output", {}), dict):
            fields["task_output"] = {self.fields.get("task_output", ("value",))[0]: output}
        return fields | {name: _milliseconds(fields[name]) for name in _TIMES if name in fields}

    def _as_it_is(self, said: Mapping[str, JSONValue]) -> JobState:
        job = JobState.from_dict(said)
        word = self.word(job.status) if isinstance(said["status"], str) else job.status
        return job if word == job.status else evolve(job, status=word)

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


def expected(route: Route | None, what: str) -> Route:
    """A route that may be missing.

    Raises:
        UnsupportedError: the server does not have it; `what` says what it would do.
    """
    if route is None:
        raise unsupported(what)
    return route


def unsupported(what: str, answer: ResponseError | None = None) -> UnsupportedError:
    """What is raised where the server lacks something: as its spec says, or as it answered.

    Args:
        what: what it cannot do, such as `cancel jobs`.
        answer: that there is no such route.
    """
    if answer is None:
        return UnsupportedError(f"this server cannot {what}: it has no such route")
    return UnsupportedError(
        f"this server cannot {what}: it has no such route (HTTP {answer.status})",
        status=answer.status,
        request_id=answer.request_id,
        job_id=answer.job_id,
        hint="the server is older than this client: `GET /` tells its version",
    )


def renamed(said: Mapping[str, JSONValue], fields: Fields) -> JSONObject:
    """An object of a server with our names. What it has beside them is kept."""
    if not fields:
        return dict(said)
    named = {
        name: theirs
        for name, words in fields.items()
        if (theirs := next((word for word in words if word in said), None)) is not None
    }
    # A field that only happens to be called as one of ours is another thing.
    beside = said.keys() - fields.keys() - set(named.values())
    rest = {name: value for name, value in said.items() if name in beside}
    return rest | {name: said[theirs] for name, theirs in named.items()}


def _items(said: JSONValue, name: str | None) -> list[JSONObject]:
    items = said if name is None else said[name] if isinstance(said, dict) else None
    if not isinstance(items, list):
        raise TypeError("expected a list")
    return [_object(item) for item in items]


def _object(value: JSONValue) -> JSONObject:
    if not isinstance(value, dict):
        raise TypeError("expected an object")
    return value


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
