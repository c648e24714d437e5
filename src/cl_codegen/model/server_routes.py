"""What a server has beside the routes of one job: lists of jobs and of files, its workers, the topics of its broker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen

from cl_codegen.manifest.manifest import Manifest, suggestion
from cl_codegen.model.job_routes import JobRoutes
from cl_codegen.model.recognise import PARAMETER, Operations
from cl_codegen.model.vocabulary import (
    FIELDS,
    FILE_FIELDS,
    LISTING,
    NEXT,
    WORKER_COUNTS,
    WORKER_FIELDS,
    called,
    renamed_fields,
    success,
)
from cl_codegen.spec.schema_types import kind_of, properties, without_null
from cl_codegen.spec.spec import Node, Spec
from cl_codegen.text.escape import SpecText

_MOST: Final = 100
"""Jobs in one answer, where the spec does not say how many there may be."""
_IN_BRACES: Final = re.compile(r"\{[^{}]*\}")

Renamed = tuple[tuple[str, tuple[SpecText, ...]], ...]
"""Of fields that a server calls otherwise than we do, our name and theirs."""


@frozen
class JobList:
    """As `cl_client`'s; what the server has no name for is left out of `names`."""

    path: SpecText
    items: SpecText | None
    names: tuple[tuple[str, SpecText], ...]
    counts: str
    first: int
    most: int


@frozen
class FileList:
    """As `cl_client`'s."""

    path: SpecText
    items: SpecText | None
    fields: Renamed


@frozen
class WorkerCounts:
    """As `cl_client`'s."""

    path: SpecText
    fields: Renamed


@frozen
class JobBatch:
    """As `cl_client`'s."""

    path: SpecText
    files: int
    bytes: int


@frozen
class Topics:
    """What the broker of a server tells.

    Attributes:
        events: topic of the messages about jobs.
        event: their schema, where the spec has it.
        worker_events: topic of the messages about workers.
        worker_fields: what is in them.
    """

    events: SpecText | None
    event: Node | None
    worker_events: SpecText | None
    worker_fields: Renamed


@frozen
class ServerRoutes:
    """Reads them from a normalised spec and its manifest."""

    spec: Spec
    manifest: Manifest
    operations: Operations

    def jobs(self, routes: JobRoutes) -> JobList | None:
        """Where jobs are listed.

        Raises:
            SpecError: the manifest names an operation that lists none.
        """
        found = self._operation("list", routes.job.raw.rpartition("/")[0])
        if found is None or "{" in found[0]:
            return None
        path, operation = found
        listed = _listed(success(operation), "job_id", FIELDS)
        if listed is None:
            return self._refused("list", "expected an answer with a list of jobs, each with its id")
        items, answer = listed[0], success(operation)
        parameters = dict(self._query(path, operation))
        names = {name: next((word for word in words if word in parameters), None) for name, words in LISTING.items()}
        if names["ids"] is not None and kind_of(without_null(parameters[names["ids"]])) != "array":
            names["ids"] = None
        next_page = next((word for word in NEXT if answer and word in dict(properties(answer))), None)
        counts = "cursor" if names["cursor"] and next_page else "jobs" if names["jobs"] else "pages"
        way = names[counts]
        limit = names["limit"]
        asked = {
            "cursor": way,
            "next": next_page if counts == "cursor" and way else None,
            **{name: names[name] for name in ("limit", "ids", "status", "task_type")},
            "label": next(
                (name for name, schema in parameters.items() if schema.value_of("x-job-labels") is True), None
            ),
        }
        return JobList(
            path=SpecText(path),
            items=items,
            names=tuple((name, SpecText(word)) for name, word in asked.items() if word is not None),
            counts=counts,
            first=_first(parameters[way]) if way and counts == "pages" else 0,
            most=_most(parameters[limit]) if limit else _MOST,
        )

    def files(self, routes: JobRoutes) -> FileList | None:
        """Where the files of a job are listed.

        Raises:
            SpecError: the manifest names an operation that lists none.
        """
        if routes.files is None:
            return None
        operation = routes.operations["files"]
        listed = _listed(success(operation), "path", FILE_FIELDS)
        if listed is None:
            return self._refused("files", "expected an answer with a list of files, each with its path")
        return FileList(routes.files, listed[0], renamed_fields(listed[1], FILE_FIELDS))

    def workers(self) -> WorkerCounts | None:
        """Where the server tells which workers it has.

        Raises:
            SpecError: the manifest names an operation that does not tell.
        """
        found = self._operation("workers", "/capabilities") or self._operation("workers", "/workers")
        if found is None:
            return None
        answer = success(found[1])
        if answer is None or any(next(called(name, [answer], WORKER_COUNTS), None) is None for name in WORKER_COUNTS):
            return self._refused(
                "workers", "expected an answer with the idle workers for each task type, and how many workers there are"
            )
        return WorkerCounts(SpecText(found[0]), renamed_fields(answer, WORKER_COUNTS))

    def batch(self) -> JobBatch | None:
        """Where the server takes many jobs at once: an operation that says so itself (`x-job-batch`)."""
        for path, method, operation in self.operations.values():
            said = operation.find("x-job-batch")
            numbers = [] if said is None else [said.value_of(name) for name in ("files", "bytes")]
            if method == "post" and len(numbers) == 2 and len(PARAMETER.findall(path)) == 1:
                files, size = numbers
                if isinstance(files, int) and isinstance(size, int):
                    return JobBatch(SpecText(PARAMETER.sub("{task}", path)), files, size)
        return None

    def topics(self) -> Topics:
        """The topics of the broker: what the manifest says, or the `x-events` of the spec.

        Raises:
            SpecError: an entry of `x-events` has no topic.
        """
        server = self.manifest.server
        events, event, worker_events, worker = server.events, None, server.worker_events, None
        listed = self.spec.root.find("x-events")
        for entry in listed.elements() if listed else ():
            topic, schema = entry.at("topic").text(), entry.find("payload")
            payload = schema.follow() if schema else None
            # A worker has an id too, so that is asked first.
            if payload is not None and _is_worker(payload):
                worker = payload
                worker_events = worker_events or _named(topic, "{worker_id}")
            elif payload is not None and next(called("job_id", [payload]), None) is not None:
                event = payload
                events = events or _named(topic, "{job_id}")
        return Topics(
            events=SpecText(events) if events else None,
            event=event,
            worker_events=SpecText(worker_events) if worker_events else None,
            worker_fields=renamed_fields(worker, WORKER_FIELDS) if worker else (),
        )

    def _operation(self, key: str, usual: str) -> tuple[str, Node] | None:
        """Path and operation of a GET: the one that the manifest names, or the one at its usual place."""
        server = self.manifest.server
        name = server.operations.get(key)
        if name is None:
            found = (
                (path, operation)
                for path, method, operation in self.operations.values()
                if method == "get" and path.rstrip("/") == usual.rstrip("/")
            )
            return next(found, None)
        if name not in self.operations:
            raise server.error(key, f"the spec has no {name!r}{suggestion(name, self.operations)}")
        path, method, operation = self.operations[name]
        if method != "get" or "{" in path:
            raise server.error(key, f"expected GET of a path without parameters, not {method.upper()} {path}")
        return path, operation

    def _refused(self, key: str, expected: str) -> None:
        """Where a route is at its usual place and answers otherwise, the server has none; not so where it is named."""
        if key in self.manifest.server.operations:
            raise self.manifest.server.error(key, expected)

    def _query(self, path: str, operation: Node) -> Iterator[tuple[str, Node]]:
        for holder in (self.spec.root.at("paths").at(path), operation):
            listed = holder.find("parameters")
            for parameter in map(Node.follow, listed.elements() if listed else ()):
                schema = parameter.find("schema")
                if parameter.value_of("in") == "query" and schema is not None:
                    yield parameter.at("name").text(), schema


def _listed(
    answer: Node | None, name: str, words: Mapping[str, tuple[str, ...]]
) -> tuple[SpecText | None, Node] | None:
    """The field of an answer that is a list of objects with such a field, and the schema of one of them."""
    if answer is None:
        return None
    places: list[tuple[SpecText | None, Node]] = (
        [(None, answer)]
        if kind_of(answer) == "array"
        else [(SpecText(field), without_null(schema)) for field, schema in properties(answer)]
    )
    for field, schema in places:
        items = schema.find("items") if kind_of(schema) == "array" else None
        if items is not None and next(called(name, [without_null(items)], words), None) is not None:
            return field, without_null(items)
    return None


def _first(schema: Node) -> int:
    """The number of the first page."""
    for key in ("default", "minimum"):
        if isinstance(value := without_null(schema).value_of(key), int):
            return value
    return 1


def _most(schema: Node) -> int:
    maximum = without_null(schema).value_of("maximum")
    return int(min(_MOST, maximum)) if isinstance(maximum, int | float) and maximum >= 1 else _MOST


def _named(topic: str, name: str) -> str:
    """A topic with our name for what is in braces."""
    return _IN_BRACES.sub(lambda _: name, topic)


def _is_worker(message: Node) -> bool:
    return all(next(called(name, [message], WORKER_FIELDS), None) is not None for name in WORKER_FIELDS)
