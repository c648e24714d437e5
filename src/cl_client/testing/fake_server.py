"""A fake compute server for tests of code that uses the client. It follows a script instead of running jobs.

It listens on a real socket, so the code under test uses the real `ComputeClient`, `cl-client` or curl.
"""

from __future__ import annotations

import hashlib
import itertools
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from threading import Lock, Thread
from types import TracebackType
from typing import Final, Self, cast

from attrs import define, evolve, field

from cl_client.http.labels import LABEL
from cl_client.model import JobFile, JobLog, JobState, LogLine
from cl_client.server import status
from cl_client.server.contract import Contract
from cl_client.server.lists import FileList, JobList
from cl_client.testing.fake_http import Answer, FakeHTTPServer, Request, Route, error, route
from cl_client.testing.form import Submission, read_form
from cl_client.testing.script import Completes, Fails, Refuses, Scripted
from cl_client.version import __version__
from cl_client.wire.types import JSONObject, JSONValue
from cl_plugins.contract import CONTRACT

HOST: Final = "127.0.0.1"
_JOBS: Final = CONTRACT.jobs or JobList(path="")
_FILES: Final = CONTRACT.files or FileList(path="")


@define
class _FakeJob:
    state: JobState
    to_come: Iterator[JobState]
    files: dict[str, bytes] = field(factory=dict[str, bytes])
    log: tuple[str, ...] = ()

    def move(self, state: JobState) -> None:
        now = max(_now(), (self.state.updated_at or 0) + 1)
        ended = now if status.is_terminal(state.status) else None
        started = self.state.started_at or (None if state.status == status.QUEUED else now)
        self.state = evolve(state, updated_at=now, started_at=started, completed_at=ended)


class FakeComputeServer:
    """A fake compute server on a free port of 127.0.0.1, with scripted jobs.

        with FakeComputeServer() as fake:
            fake.script("hash", Refuses(503), Completes({"sha256": "00", …}))
            client = ComputeClient(fake.url)

    A job advances one step with each request for it, so nothing depends on a clock. There is no broker: the client
    follows jobs over HTTP, and logs that once. Any token is accepted. The server publishes no OpenAPI document, so the
    client doesn't retry a refused submit: each submit of the code under test has one outcome.

    Attributes:
        url: Address of the server.
        mqtt_host: A host without a broker.
        mqtt_port: A port without a broker. It stays reserved while the server runs.
        submissions: All submits, including refused ones.
    """

    def __init__(self) -> None:
        self.submissions: list[Submission] = []
        self._scripts: dict[str, list[Scripted]] = {}
        self._jobs: dict[str, _FakeJob] = {}
        self._by_key: dict[str, str] = {}
        self._ids = itertools.count(1)
        self._lock = Lock()
        self.routes: list[Route] = routes(self, CONTRACT)
        """The routes. The first one that matches answers."""
        self._http = FakeHTTPServer((HOST, 0), self.routes)
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, name="FakeComputeServer")
        self._no_broker = socket.socket()
        self._no_broker.bind((HOST, 0))
        self.url: str = f"http://{HOST}:{self._http.server_port}"
        self.mqtt_host: str = HOST
        self.mqtt_port: int = cast("tuple[str, int]", self._no_broker.getsockname())[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._no_broker.close()

    def script(self, task_type: str, *outcomes: Scripted) -> None:
        """Set the outcomes for jobs of a task type: one for each submit; the last one repeats.

        It replaces an earlier script of that task type.
        """
        if not outcomes:
            raise ValueError("a script needs at least one outcome")
        with self._lock:
            self._scripts[task_type] = list(outcomes)

    def answers(self, method: str, path: str, content: JSONValue | bytes, status: int = 200) -> None:
        """Set the response of a route, in addition to or in place of those of the fake server.

        Args:
            method: Method, such as `GET`.
            path: Path, with `{name}` for variable parts, such as `/jobs/{job_id}/cost`.
            content: JSON, or bytes that are sent unchanged.
            status: HTTP status code.
        """
        answer = Answer(status, content) if isinstance(content, bytes) else Answer.json(content, status)
        self.routes.insert(0, route(method, path, lambda _: answer))

    def environment(self) -> dict[str, str]:
        """The environment variables with which a client finds this server."""
        return {
            "COMPUTE_URL": self.url,
            "MQTT_BROKER_HOST": self.mqtt_host,
            "MQTT_BROKER_PORT": str(self.mqtt_port),
        }

    def job(self, job_id: str) -> JobState:
        """Get the state of a job, without advancing it.

        Raises:
            KeyError: there is none (any more).
        """
        with self._lock:
            return self._jobs[job_id].state

    # What follows is what `routes` lead to.

    def submit(
        self, task_type: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]] | None = None
    ) -> Answer:
        """`POST /jobs/{task_type}`."""
        fields, files = read_form(headers.get("content-type", ""), body)
        key = headers.get("idempotency-key")
        with self._lock:
            known = self._jobs.get(self._by_key.get(key or "", ""))
            if known is None:
                params: JSONObject = {name: value for name, value in fields.items() if name != "priority"}
                labels = _labels(query or {})
                answer, job_id = self._begin(task_type, params, int(fields.get("priority", "5")), labels)
            else:
                answer, job_id = _created(known.state), known.state.job_id
            if key is not None and job_id is not None:
                self._by_key[key] = job_id
            self.submissions.append(Submission(task_type, fields, files, headers, job_id, _labels(query or {})))
        return answer

    def read(self, job_id: str) -> Answer:
        """`GET /jobs/{id}`: advances the job one step, and returns its state."""
        with self._lock:
            job = self._jobs.get(job_id)
            return _no_job(job_id) if job is None else Answer.json(_stepped(job).to_dict())

    def find(self, query: Mapping[str, list[str]]) -> Answer:
        """`GET /jobs`: those of `ids`, or all, newest first; only with this `status`, `task_type` and labels."""
        ids = query.get(_JOBS.ids or "", [])
        asked = {"status": _JOBS.status, "task_type": _JOBS.task_type}
        words = {name: query[theirs][-1] for name, theirs in asked.items() if theirs is not None and theirs in query}
        with self._lock:
            named = [job for job_id, job in reversed(self._jobs.items()) if not ids or job_id in ids]
            states = [_stepped(job) if ids else job.state for job in named]
        wanted = _labels(query).items()
        fitting = [
            state
            for state in states
            if all(state.to_dict()[name] == word for name, word in words.items()) and wanted <= state.labels.items()
        ]
        return Answer.json({str(_JOBS.next): None, str(_JOBS.items): [state.to_dict() for state in fitting]})

    def cancel(self, job_id: str) -> Answer:
        """`POST /jobs/{id}/cancel`."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return _no_job(job_id)
            if status.is_terminal(job.state.status) and job.state.status != status.CANCELLED:
                return error(409, f"job {job_id} is {job.state.status}")
            job.to_come = iter(())
            job.move(evolve(job.state, status=status.CANCELLED))
            return Answer.json(job.state.to_dict())

    def retry(self, job_id: str) -> Answer:
        """`POST /jobs/{id}/retry`: another job, with the next outcome of the script."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return _no_job(job_id)
            if job.state.status not in (status.FAILED, status.CANCELLED):
                return error(409, f"job {job_id} is {job.state.status}")
            return self._begin(job.state.task_type, job.state.params, job.state.priority, job.state.labels)[0]

    def delete(self, job_id: str) -> Answer:
        """`DELETE /jobs/{id}`."""
        with self._lock:
            return _no_job(job_id) if self._jobs.pop(job_id, None) is None else Answer(204)

    def files(self, job_id: str) -> Answer:
        """`GET /jobs/{id}/files`."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return _no_job(job_id)
            return Answer.json(
                {str(_FILES.items): [_described(path, content) for path, content in _there(job).items()]}
            )

    def log(self, job_id: str, query: Mapping[str, list[str]]) -> Answer:
        """`GET /jobs/{id}/log`: advances the job one step, and returns the lines of the script once it runs."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return _no_job(job_id)
            _stepped(job)
            return Answer.json(_log(job, int(query.get("offset", ["0"])[-1])).to_dict())

    def file(self, job_id: str, path: str) -> Answer:
        """`GET /jobs/{id}/files/{path}`: the whole file, even if a range is requested (RFC 9110 §14.2 permits that)."""
        with self._lock:
            job = self._jobs.get(job_id)
            content = None if job is None else _there(job).get(path)
        if content is None:
            return error(404, f"job {job_id} has no file {path}")
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        return Answer(200, content, {"Content-Type": "application/octet-stream", "ETag": tag})

    def capabilities(self) -> Answer:
        """`GET /capabilities`: one worker, for the task types with a script."""
        with self._lock:
            return Answer.json({"num_workers": 1, "capabilities": dict.fromkeys(self._scripts, 1)})

    def _begin(
        self, task_type: str, params: JSONObject, priority: int, labels: Mapping[str, str]
    ) -> tuple[Answer, str | None]:
        script = self._scripts.get(task_type)
        if script is None:
            told = f"this fake has no script for {task_type}: fake.script({task_type!r}, Completes({{…}}))"
            return error(404, told), None
        outcome = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(outcome, Refuses):
            after = {} if outcome.retry_after is None else {"Retry-After": str(outcome.retry_after)}
            return error(outcome.status, outcome.message, after), None
        now = _now()
        state = JobState(
            job_id=f"fake-{next(self._ids)}",
            task_type=task_type,
            status=status.QUEUED,
            params=params,
            priority=priority,
            labels=labels,
            created_at=now,
            updated_at=now,
        )
        made = dict(outcome.files) if isinstance(outcome, Completes) else {}
        said = outcome.log if isinstance(outcome, Completes | Fails) else ()
        self._jobs[state.job_id] = _FakeJob(state, outcome.states(state), made, tuple(said))
        return _created(state), state.job_id


def routes(fake: FakeComputeServer, contract: Contract) -> list[Route]:
    """The routes of a server's jobs, as its contract has them."""
    jobs, files, workers = (each and each.path for each in (contract.jobs, contract.files, contract.workers))
    known: list[tuple[str, str | None, Callable[[Request], Answer]]] = [
        ("GET", "/", lambda _: _info()),
        ("GET", workers, lambda _: fake.capabilities()),
        ("GET", jobs, lambda r: fake.find(r.query)),
        ("GET", contract.job, lambda r: fake.read(r.words["job_id"])),
        ("DELETE", contract.delete, lambda r: fake.delete(r.words["job_id"])),
        ("GET", files, lambda r: fake.files(r.words["job_id"])),
        ("GET", contract.log, lambda r: fake.log(r.words["job_id"], r.query)),
        ("GET", contract.file, lambda r: fake.file(r.words["job_id"], r.words["path"])),
        (contract.cancel_by, contract.cancel, lambda r: fake.cancel(r.words["job_id"])),
        ("POST", contract.retry, lambda r: fake.retry(r.words["job_id"])),
        ("POST", "/jobs/{task}", lambda r: fake.submit(r.words["task"], r.headers, r.body, r.query)),
    ]
    return [route(method, path, answer) for method, path, answer in known if path is not None]


def _info() -> Answer:
    return Answer.json(
        {"status": "healthy", "service": "fake", "version": __version__, "guestMode": "on", "auth_required": False}
    )


def _stepped(job: _FakeJob) -> JobState:
    if (state := next(job.to_come, None)) is not None:
        job.move(state)
    return job.state


def _there(job: _FakeJob) -> dict[str, bytes]:
    """The files of a completed job."""
    return job.files if job.state.status == status.COMPLETED else {}


def _labels(query: Mapping[str, list[str]]) -> dict[str, str]:
    written = (label.partition("=") for label in query.get(LABEL, []))
    return {name: value for name, _, value in written}


def _log(job: _FakeJob, offset: int) -> JobLog:
    started = job.state.started_at
    said = job.log if started is not None else ()
    lines = [LogLine(number=n, at=started or 0, text=text) for n, text in enumerate(said, 1) if n > offset]
    return JobLog(lines=tuple(lines), ended=status.is_terminal(job.state.status))


def _created(state: JobState) -> Answer:
    return Answer.json({"job_id": state.job_id, "status": state.status, "task_type": state.task_type})


def _described(path: str, content: bytes) -> JSONObject:
    digest = hashlib.sha256(content).hexdigest()
    return JobFile(media_type="application/octet-stream", path=path, sha256=digest, size=len(content)).to_dict()


def _no_job(job_id: str) -> Answer:
    return error(404, f"no job {job_id}")


def _now() -> int:
    return int(time.time() * 1000)
