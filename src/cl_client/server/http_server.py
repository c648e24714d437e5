"""A job server over HTTP, which speaks as its contract says."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeVar

from attrs import evolve

from cl_client.errors import JobNotFoundError, NotFoundError, ResponseError
from cl_client.files.download import download_job_file, fetch_job_file, is_json
from cl_client.http.error_translation import promised
from cl_client.http.labels import without_labels, written
from cl_client.http.locations import LOCATIONS
from cl_client.http.multipart import Multipart
from cl_client.http.sender import KEYED
from cl_client.http.stored_file import UploadRoute, store
from cl_client.http.transport import Transport
from cl_client.model import Capabilities, JobFile, JobLog, JobPage, JobState, well_formed
from cl_client.server.contract import Answer, Contract, expected, unsupported
from cl_client.server.links import Links
from cl_client.server.lists import JobBatch
from cl_client.server.small_submit import SmallSubmit, answers_of, form_of
from cl_client.server.status import CANCELLED, COMPLETED, canonical
from cl_client.wire.client import Client
from cl_client.wire.errors import read_model, read_value
from cl_client.wire.types import JSONValue, path_segment

if TYPE_CHECKING:
    from cl_client.http.upload import Upload
    from cl_client.jobs.operation import Operation

# Not found, not for this method, not implemented: what a server answers where it has no such route.
_NO_SUCH_ROUTE: Final = frozenset({404, 405, 501})
MOST: Final = 100
"""Jobs in one request: their ids stay well below what proxies take as an address."""

Body = TypeVar("Body")
Output = TypeVar("Output")


class HttpJobServer:
    """A `JobServer`.

    Args:
        transport: the way to the server.
        contract: what the server calls things.
        api: for the generated endpoints that submit jobs.
    """

    def __init__(self, transport: Transport, contract: Contract, api: Client) -> None:
        self._transport = transport
        self._contract = contract
        self._api = api
        self._links = Links(transport.address)

    @property
    def states_at_once(self) -> int:
        jobs = self._contract.jobs
        # A list tells no output that is somewhere else.
        is_elsewhere = self._contract.result is not None or "result" in self._contract.links
        is_one_by_one = jobs is None or jobs.ids is None or is_elsewhere
        return 1 if is_one_by_one or jobs is None else min(MOST, jobs.most)

    @property
    def batch(self) -> JobBatch | None:
        return self._contract.batch

    def artifact(self, task_type: str) -> str | None:
        return self._contract.artifacts.get(task_type)

    async def state(self, job_id: str) -> JobState:
        contract, own = self._contract.of(job_id)
        with promised():
            route = contract.job_path(own)
            try:
                response = await self._transport.get(self._links.of(job_id, "job") or route)
            except NotFoundError as error:
                if not contract.is_address(own):
                    raise
                raise JobNotFoundError(error.message, status=error.status, job_id=job_id) from error
            job = _well_formed(read_model(response, lambda said: self._said(contract, job_id, own, said)))
        return await self._with_result(contract, own, _called(job, job_id, own))

    async def states(self, job_ids: Collection[str]) -> Mapping[str, JobState]:
        jobs = expected(self._contract.jobs, "list jobs")
        query = _query({jobs.ids: list(job_ids), jobs.limit: len(job_ids)})
        page = await self._page(jobs.path, query)
        return {job.job_id: job for job in page.jobs if well_formed(job)}

    async def page(
        self, *, status: str | None, task_type: str | None, cursor: str | None, labels: Mapping[str, str] | None = None
    ) -> JobPage:
        jobs = expected(self._contract.jobs, "list jobs")
        wanted = written(labels)
        if wanted and (jobs.label is None or not await self._transport.knows_labels("get", jobs.path)):
            raise without_labels()
        words = () if status is None else self._contract.their_words(status)
        asked = {jobs.status: words[0] if len(words) == 1 else None, jobs.task_type: task_type}
        query = _query(
            {**asked, jobs.label: wanted or None, jobs.cursor: cursor, jobs.limit: jobs.most if jobs.limit else None}
        )
        try:
            page = await self._page(jobs.path, query)
        except ResponseError as error:
            if not _is_no_route(error):
                raise
            raise unsupported("list jobs", error) from error
        states = map(_well_formed, page.jobs)
        # What the server cannot be asked for is picked here.
        if status is not None and (jobs.status is None or len(words) > 1):
            states = (state for state in states if state.status == canonical(status))
        if task_type is not None and jobs.task_type is None:
            states = (state for state in states if state.task_type == task_type)
        return JobPage(tuple(states), page.cursor or jobs.after(cursor, len(page.jobs)))

    async def cancel(self, job_id: str) -> JobState:
        contract, own = self._contract.of(job_id)
        has_none = contract.cancel is None or contract.is_address(own)
        if has_none and "cancel" in contract.links and self._links.of(job_id, "cancel") is None:
            await self.state(job_id)  # It says where.
        path = self._links.of(job_id, "cancel") or contract.path(contract.cancel, "cancel jobs", own)
        async with self._route_of(job_id, "cancel jobs"):
            response = await self._transport.request(contract.cancel_by, path)
            if contract.cancel_tells:
                job = _well_formed(read_model(response, lambda said: self._said(contract, job_id, own, said)))
                return _called(job, job_id, own)
        try:
            return await self.state(job_id)
        except JobNotFoundError:
            if contract.cancel_by != "DELETE":
                raise
            # A server that stops jobs by deleting them may know them no more.
            return JobState(job_id=job_id, status=CANCELLED, task_type="")

    async def retry(self, job_id: str) -> JobState:
        contract, own = self._contract.of(job_id)
        path = contract.path(contract.retry, "do jobs again", own)
        async with self._route_of(job_id, "do jobs again"):
            response = await self._transport.post(path)
            within = tuple(job_id.split("/")[: contract.depth + (contract is not self._contract)])
            return read_value(response, lambda said: self._contract.created(said, "", within))

    async def delete(self, job_id: str) -> None:
        contract, own = self._contract.of(job_id)
        await self._transport.delete(contract.path(contract.delete, "delete jobs", own))

    async def files(self, job_id: str) -> Sequence[JobFile]:
        contract, own = self._contract.of(job_id)
        files = expected(contract.files, "list the files of a job")
        path = contract.path(files.path, "list the files of a job", own)
        async with self._route_of(job_id, "list the files of a job"):
            return read_value(await self._transport.get(path), contract.listed_files)

    async def log(self, job_id: str, offset: int) -> JobLog:
        contract, own = self._contract.of(job_id)
        path = contract.path(contract.log, "give the log of a job", own)
        async with self._route_of(job_id, "give the log of a job"):
            return read_model(await self._transport.get(path, params={"offset": str(offset)}), JobLog.from_dict)

    async def download(
        self,
        job_id: str,
        file_path: str,
        dest: str | os.PathLike[str],
        *,
        sha256: str | None = None,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> Path:
        contract, own = self._contract.of(job_id)
        return await download_job_file(
            self._transport, contract, own, file_path, dest, sha256=sha256, on_progress=on_progress
        )

    async def fetch(
        self,
        job_id: str,
        file_path: str,
        file: BinaryIO,
        *,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> None:
        contract, own = self._contract.of(job_id)
        await fetch_job_file(self._transport, contract, own, file_path, file, on_progress=on_progress)

    async def workers(self) -> Capabilities:
        workers = expected(self._contract.workers, "tell of its workers")
        with promised():
            return read_model(await self._transport.get(workers.path), self._contract.capabilities)

    async def store(self, route: UploadRoute, file: Upload) -> str:
        with promised():
            return await store(self._transport, route, file)

    async def submit(
        self, operation: Operation[Body, Output], body: Body, key: str, labels: Mapping[str, str] | None = None
    ) -> JobState:
        label = written(labels)
        send = operation.send_labelled
        if label and (send is None or not await self._transport.knows_labels("post", operation.path)):
            raise without_labels()
        locations: list[str] = []
        token = LOCATIONS.set(locations)
        try:
            with promised():
                if label and send is not None:
                    answer = await send(client=self._api, body=body, idempotency_key=key, label=label)
                else:
                    answer = await operation.send(client=self._api, body=body, idempotency_key=key)
        finally:
            LOCATIONS.reset(token)
        return self._created(answer, operation.task_type, operation.within, locations)

    async def submit_many(self, submits: Sequence[SmallSubmit]) -> Sequence[JobState | ResponseError]:
        batch = expected(self._contract.batch, "take many jobs at once")
        task_type = submits[0].task_type
        path = batch.path.replace("{task}", path_segment(task_type))
        with promised():
            response = await self._transport.post(path, content=Multipart(form_of(submits)), extensions={KEYED: True})
            answers = answers_of(response, len(submits))
        return [
            answer if isinstance(answer, ResponseError) else self._created(answer, task_type, (), ())
            for answer in answers
        ]

    def _created(
        self, answer: Answer | JSONValue, task_type: str, within: tuple[str, ...], locations: Sequence[str]
    ) -> JobState:
        own = self._id_at_address(answer, within, locations)
        try:
            job = self._contract.created(answer, task_type, within, own)
        except (KeyError, TypeError, ValueError) as error:
            raise ResponseError(f"the server answered a submit of {task_type} with no job: {answer!r:.200}") from error
        contract, _ = self._contract.of(job.job_id)
        if contract.links and answer is not None and not isinstance(answer, list | str | int | float):
            self._links.learn(job.job_id, answer if isinstance(answer, dict) else answer.to_dict(), contract.links)
        return job

    def _id_at_address(
        self, answer: Answer | JSONValue, within: tuple[str, ...], locations: Sequence[str]
    ) -> str | None:
        """The id of a new job that the server only gave an address of.

        Raises:
            ResponseError: it is that of another server.
        """
        contract = self._contract.kinds.get(within[0], self._contract) if within else self._contract
        if not contract.by_address:
            return None
        said: JSONValue | dict[str, JSONValue] = {}
        if isinstance(answer, dict):
            said = answer
        elif answer is not None and not isinstance(answer, list | str | int | float):
            said = answer.to_dict()
        if "job_id" in contract.translated(said):
            return None
        try:
            address = self._links.first(said, contract.links.get("job", ()))
            address = address or next((one for each in locations if (one := self._transport.address(each))), None)
            return None if address is None else contract.id_at(self._transport.below(address))
        except ValueError as error:
            raise ResponseError(f"the server gave an address for a job that isn't its own: {error}") from error

    def _said(self, contract: Contract, job_id: str, own: str, said: Mapping[str, JSONValue]) -> JobState:
        if contract.links:
            self._links.learn(job_id, said, contract.links)
        return contract.state(said, own)

    async def _with_result(self, contract: Contract, own: str, job: JobState) -> JobState:
        """The state of a job that has completed, with its output from where the server keeps that."""
        link = self._links.of(job.job_id, "result")
        if link is None and contract.is_address(own):
            return job
        if (contract.result is None and link is None) or job.status != COMPLETED or job.task_output:
            return job
        path = link or contract.path(contract.result, "give the output of jobs", own)
        headers = {"Accept": "application/json, */*;q=0.1"}
        async with self._transport.open(path, headers, ()) as response:
            # A response that isn't JSON is a file, which can be downloaded.
            if not is_json(response.headers):
                return job
            await response.aread()
        with promised():
            return evolve(job, task_output=read_value(response, contract.output))

    async def _page(self, path: str, query: Mapping[str, str | list[str]]) -> JobPage:
        with promised():
            return read_value(await self._transport.get(path, params=dict(query)), self._contract.page)

    @contextlib.asynccontextmanager
    async def _route_of(self, job_id: str, what: str) -> AsyncGenerator[None]:
        """Tell a server that has no such route from one that has no such job: both answer 404."""
        try:
            with promised():
                yield
        except ResponseError as error:
            if not _is_no_route(error):
                raise
            await self.state(job_id)
            raise unsupported(what, error) from error


def _is_no_route(error: ResponseError) -> bool:
    """Whether a server has no such route. One that has a route below it redirects to that (`/files` to `/files/`)."""
    return error.status in _NO_SUCH_ROUTE or error.adds_slash


def _well_formed(job: JobState) -> JobState:
    """A state of which the fields are what the spec promises.

    Raises:
        ResponseError: they are not.
    """
    if not well_formed(job):
        raise ResponseError(
            f"the server's answer for job {job.job_id} is not what its spec promises", job_id=str(job.job_id)
        )
    return job


def _called(job: JobState, job_id: str, own: str) -> JobState:
    """The job under the id that the client has for it, where its kind stands before that."""
    return job if job_id == own else evolve(job, job_id=job_id)


def _query(values: Mapping[str | None, str | int | list[str] | None]) -> dict[str, str | list[str]]:
    """Of what is to be asked, what the server has a name for."""
    return {
        name: value if isinstance(value, list) else str(value)
        for name, value in values.items()
        if name is not None and value is not None
    }
