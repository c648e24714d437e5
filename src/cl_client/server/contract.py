"""What a job server calls things: its routes, its fields, its words for the state of a job, its topics.

Every generated package has a `contract.py`, made from the spec and the manifest of its server; that of our own server
is made by the same code. Everything behind this module knows only `cl_client.model`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, Protocol, TypeVar
from urllib.parse import quote, unquote

from attrs import evolve, field, frozen

from cl_client.errors import JobNotFoundError, ResponseError, UnsupportedError
from cl_client.model import Capabilities, JobFile, JobPage, JobState
from cl_client.server import status
from cl_client.server.fields import WHOLE, Fields, a_word, items, milliseconds, renamed, sentence
from cl_client.server.lists import FileList, JobBatch, JobList, WorkerCounts
from cl_client.wire.types import JSONObject, JSONValue, path_segment

__all__ = [
    "Answer",
    "Contract",
    "FileList",
    "JobBatch",
    "JobList",
    "WorkerCounts",
    "expected",
    "renamed",
    "unsupported",
]

_NAMED: Final = re.compile(r"\{task\}|\{job_id\}")
_TIMES: Final = ("created_at", "updated_at", "started_at", "completed_at")

Route = TypeVar("Route")


class Answer(Protocol):
    """A model of a generated wire layer."""

    def to_dict(self) -> JSONObject: ...


@frozen(kw_only=True)
class Contract:
    """What one kind of server calls things. Paths have `{job_id}`, and `{path}` for a file of a job.

    A route or a topic that is `None` is one that the server does not have. A server may have other routes for the jobs
    of each task: then paths have `{task}`, too, and that stands before the id of a job: `resize/42`. Nothing beyond
    this module and `Operation.within` knows of it. Where the routes of several kinds of jobs have nothing in common,
    each kind has a contract of its own, and its name stands before the id: `crawl/42`.

    Attributes:
        job: where the state of a job is (GET).
        delete: where a job is deleted (DELETE).
        cancel: where a job is stopped.
        cancel_by: with which method.
        retry: where a job is done again, as a new one (POST).
        result: where the output of a job that has completed is (GET), where its state does not tell it.
        file: where the files of a job are (GET).
        files: where they are listed.
        log: where the log of a job is (GET), with the fields of `JobLog`.
        jobs: where jobs are listed.
        workers: where the server tells which workers it has.
        batch: where many jobs are submitted at once.
        events: topic of the messages about jobs on the broker; without one, jobs are followed over HTTP alone. With
            `{job_id}` in it, there is a topic for each job.
        worker_events: topic of the messages about workers, with `{worker_id}` as its last part.
        worker_fields: by the names of `WorkerState`, in these messages.
        permissions: each of them lets a user have jobs done.
        links: where an answer about a job has the addresses of its state (`job`), of its output (`result`) and to stop
            it (`cancel`): they are asked in place of the routes above.
        fields: by the names of `JobState`; a dotted name is in an object, and a dot alone is all of
            the answer.
        statuses: our word for each word that the server has for the state of a job.
        whole: the number that says 100 per cent.
        cancel_tells: whether the answer to a cancel is the state of the job.
        verbatim: whether the server has the fields of `JobState` with the same names and types. Then a value of another
            type is an error, and none is converted.
        by_address: whether answers to a submit have the address of a job (`links`, or the header `Location`) and no id.
            Its id is then what `job` has of the address, or the path of the address, which begins with `/`.
        artifacts: the main file of a job, by its task, as `Operation.artifact` has it.
        kinds: the contracts of the kinds of jobs, by name, where each has its own.
    """

    job: str = "/jobs/{job_id}"
    delete: str | None = None
    cancel: str | None = None
    cancel_by: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    retry: str | None = None
    result: str | None = None
    file: str | None = None
    files: FileList | None = None
    log: str | None = None
    jobs: JobList | None = None
    workers: WorkerCounts | None = None
    batch: JobBatch | None = None
    events: str | None = None
    worker_events: str | None = None
    worker_fields: Fields = field(factory=dict[str, tuple[str, ...]])
    permissions: tuple[str, ...] = ()
    links: Fields = field(factory=dict[str, tuple[str, ...]])
    fields: Fields = field(factory=dict[str, tuple[str, ...]])
    statuses: Mapping[str, str] = field(factory=dict[str, str])
    whole: float = 100
    cancel_tells: bool = False
    verbatim: bool = False
    by_address: bool = False
    artifacts: Mapping[str, str] = field(factory=dict[str, str])
    kinds: Mapping[str, Contract] = field(factory=dict[str, "Contract"])

    def of(self, job_id: str) -> tuple[Contract, str]:
        """The contract that a job is under, and its id there.

        Raises:
            JobNotFoundError: no job can have this id.
        """
        if not self.kinds:
            return self, job_id
        kind, _, own = job_id.partition("/")
        if kind not in self.kinds or not own:
            raise JobNotFoundError(
                f"{job_id!r} is not a job id: this server has several kinds of jobs",
                job_id=job_id,
                hint=f"write KIND/{own or kind}, where KIND is one of {', '.join(self.kinds)}",
            )
        return self.kinds[kind], own

    @property
    def depth(self) -> int:
        """How much stands before the id of a job."""
        return self.job.count("{task}")

    def job_path(self, job_id: str) -> str:
        """Raises JobNotFoundError: no job can have this id."""
        return job_id if self.is_address(job_id) else self._filled(self.job, job_id)

    def is_address(self, job_id: str) -> bool:
        """Whether an id is the address of a job."""
        return self.by_address and job_id.startswith("/")

    def id_at(self, address: str) -> str:
        """The id of the job at an address of the server, which begins with `/`."""
        if self.depth:
            return address
        found = re.fullmatch("([^/?&]+)".join(map(re.escape, _NAMED.split(self.job))), address)
        return unquote(found[1]) if found else address

    def path(self, route: str | None, what: str, job_id: str) -> str:
        """A route of a job.

        Raises:
            UnsupportedError: the server has no such route; `what` says what it would do.
            JobNotFoundError: no job can have this id.
        """
        return self._filled(expected(None if self.is_address(job_id) else route, what), job_id)

    def file_path(self, job_id: str, path: str) -> str:
        """Where a file of a job is. Raises: as `path`."""
        return self._filled(expected(self.file, "give files of jobs"), job_id, path)

    def job_in(self, path: str, query: str = "") -> tuple[str | None, bool]:
        """The job that a path of the server is about, and whether it is the job itself rather than something in it."""
        for kind, contract in self.kinds.items():
            own, is_job = contract.job_in(path, query)
            if own is not None:
                return f"{kind}/{own}", is_job
        if self.kinds:
            return None, False
        parts = map(re.escape, _NAMED.split(self.job))
        if "?" in self.job:
            asked = re.search("([^&]+)".join(parts) + "(?:&|$)", f"{path}?{query}")
            return (unquote(asked[1]), True) if asked and not self.depth else (None, False)
        found = re.search("([^/]+)".join(parts) + "(?:/|$)", path)
        if found is None:
            return None, False
        job_id = _joined(found.groups()[:-1], found.groups()[-1])
        return job_id, path.endswith(unquote(self.job_path(job_id)))

    def created(
        self, answer: Answer | JSONValue, task_type: str, within: tuple[str, ...] = (), own: str | None = None
    ) -> JobState:
        """The job that a submit was answered with.

        Args:
            answer: of the server.
            task_type: of the job.
            within: what stands before its id.
            own: its id, where the answer only has its address.

        Raises:
            KeyError, TypeError, ValueError: the answer names none.
        """
        if self.kinds:
            kind, *deeper = within
            job = self.kinds[kind].created(answer, task_type, tuple(deeper), own)
            return evolve(job, job_id=f"{kind}/{job.job_id}")
        said = answer if answer is None or isinstance(answer, dict | list | str | int | float) else answer.to_dict()
        if own is not None and not isinstance(said, dict):
            said = {}
        if not isinstance(said, dict):
            raise TypeError("expected an object")
        fields = {"status": status.QUEUED, "task_type": task_type, **self.translated(said)}
        if own is not None:
            fields["job_id"] = own
        return JobState.from_dict({**fields, "job_id": _joined(within, a_word(fields["job_id"], "the id of a job"))})

    def state(self, said: Mapping[str, JSONValue], job_id: str) -> JobState:
        """The state of a job as the server says it, who need not say again which job it is.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        if self.verbatim:
            return self._as_it_is(said)
        fields = {"job_id": job_id, "task_type": "", **self.translated(said)}
        return JobState.from_dict(fields | {"job_id": job_id} if self.depth or self.by_address else fields)

    def page(self, said: JSONValue) -> JobPage:
        """A page of the list of jobs.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        jobs = expected(self.jobs, "list jobs")
        listed = items(said, jobs.items)
        cursor = said.get(jobs.next) if isinstance(said, dict) and jobs.next is not None else None
        states = tuple(
            self._as_it_is(one) if self.verbatim else JobState.from_dict({"task_type": "", **self.translated(one)})
            for one in listed
        )
        return JobPage(states, None if cursor is None or cursor == "" else a_word(cursor, "the next page"))

    def listed_files(self, said: JSONValue) -> tuple[JobFile, ...]:
        """The files of a job.

        Raises:
            KeyError, TypeError: it is no list of files.
        """
        files = expected(self.files, "list the files of a job")
        return tuple(JobFile.from_dict(renamed(one, files.fields)) for one in items(said, files.items))

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
            fields["job_id"] = _joined((str(fields["task_type"]),), str(fields["job_id"]))
        return fields

    def word(self, word: str) -> str:
        """Our word for a word of the server. An unknown word stays as it is."""
        if not self.statuses:
            return status.canonical(word)
        return self.statuses.get(word) or self.statuses.get(word.lower()) or status.canonical(word)

    def their_words(self, word: str) -> tuple[str, ...]:
        """The words that the server has for one of ours."""
        ours = status.canonical(word)
        return tuple(theirs for theirs, meant in self.statuses.items() if meant == ours) or (ours,)

    def translated(self, said: Mapping[str, JSONValue]) -> JSONObject:
        """Fields of a job in our words. What the server says beside them is kept.

        Raises:
            ValueError: its id or its status is neither a word nor a number.
        """
        fields: JSONObject = {name: value for name, value in renamed(said, self.fields).items() if value is not None}
        if "status" in fields:
            fields["status"] = self.word(a_word(fields["status"], "the status of a job"))
        if "job_id" in fields:
            fields["job_id"] = a_word(fields["job_id"], "the id of a job")
        for name in ("task_type", "error_message"):
            if name in fields:
                fields[name] = sentence(fields[name])
        if "progress" in fields:
            fields["progress"] = self._percent(fields["progress"])
        if WHOLE in self.fields.get("task_output", ()) and fields.get("status") != status.COMPLETED:
            fields.pop("task_output", None)  # All that it says is what came of it, once something came of it.
        if "task_output" in fields:
            fields["task_output"] = self.output(fields["task_output"])
        return fields | {name: milliseconds(fields[name]) for name in _TIMES if name in fields}

    def output(self, said: JSONValue) -> JSONObject:
        """The output of a job; what is no object is in a field of the server's name for it."""
        name = self.fields.get("task_output", ("value",))[0].rpartition(".")[2]
        return said if isinstance(said, dict) else {name: said}

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
                f"{job_id!r} is not a job id: this server has routes for the jobs of each task",
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
        hint="the server is older than this client, or of another kind: `GET /` tells its version",
    )


def _joined(within: Iterable[str], job_id: str) -> str:
    return "/".join([*(quote(part, safe="") for part in within), job_id])
