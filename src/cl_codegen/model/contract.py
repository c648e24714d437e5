"""What a server calls things, and what it has: from its spec, and the `[server]` of the manifest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from cl_codegen.manifest.manifest import Manifest, Server, suggestion
from cl_codegen.model.job_routes import JobRoutes, Operations, read_job_routes
from cl_codegen.model.plugin import Plugin
from cl_codegen.model.server_routes import FileList, JobList, ServerRoutes, Topics, WorkerCounts
from cl_codegen.model.vocabulary import FIELDS, STATUSES, called, meaning, success
from cl_codegen.spec.schema_types import choices_of, kind_of, properties, required_of, without_null
from cl_codegen.spec.spec import Node, Spec
from cl_codegen.text.escape import SpecText

_IN_BRACES: Final = re.compile(r"\{[^{}]*\}")
_VERBATIM: Final = {
    **dict.fromkeys(("job_id", "task_type", "status", "error_message"), "string"),
    **dict.fromkeys(("params", "task_output"), "object"),
    **dict.fromkeys(("progress", "priority", "created_at", "updated_at", "started_at", "completed_at"), "integer"),
}
"""The fields of a state, and their types, where nothing has to be converted."""


@frozen
class Contract:
    """What the `Contract` of a generated package says."""

    routes: JobRoutes
    jobs: JobList | None
    files: FileList | None
    workers: WorkerCounts | None
    topics: Topics
    permissions: tuple[SpecText, ...]
    fields: tuple[tuple[str, tuple[SpecText, ...]], ...]
    statuses: tuple[tuple[SpecText, str], ...]
    whole: float
    cancel_tells: bool
    verbatim: bool


def read_contract(spec: Spec, manifest: Manifest, plugins: Sequence[Plugin]) -> Contract:
    """The contract of the server of a normalised spec.

    Raises:
        SpecError: the spec does not tell, or the manifest says what the spec does not have.
    """
    operations = {
        operation.at("operationId").text(): (path, method, operation) for path, method, operation in spec.operations()
    }
    return _Reader(spec, manifest, operations).contract(plugins)


@frozen
class _Reader:
    spec: Spec
    manifest: Manifest
    operations: Operations

    def contract(self, plugins: Sequence[Plugin]) -> Contract:
        routes = read_job_routes(self.spec, self.manifest, self.operations, plugins)
        answers = [success(self.operations[plugin.operation][2]) for plugin in plugins]
        server = ServerRoutes(self.spec, self.manifest, self.operations)
        topics = server.topics()
        schemas = [*routes.states, *(answer for answer in answers if answer is not None)]
        schemas += [topics.event] if topics.event is not None else []
        fields = {name: self._called(name, schemas) for name in FIELDS}
        for plugin, answer in zip(plugins, answers, strict=True):
            self._expect_id(plugin, answer, fields["job_id"])
        renamed = tuple(
            (name, tuple(map(SpecText, words))) for name, words in fields.items() if words != (name,) and words
        )
        whole = self._whole(routes.states, fields["progress"])
        return Contract(
            routes=routes,
            jobs=server.jobs(routes),
            files=server.files(routes),
            workers=server.workers(),
            topics=topics,
            permissions=tuple(map(SpecText, self.server.permissions)),
            fields=renamed,
            statuses=tuple(self._statuses(routes.states, fields["status"])),
            whole=whole,
            cancel_tells=self._cancel_tells(routes),
            verbatim=not renamed and whole == 100 and bool(routes.states) and all(map(_is_verbatim, routes.states)),
        )

    @property
    def server(self) -> Server:
        return self.manifest.server

    def _called(self, name: str, schemas: list[Node]) -> tuple[str, ...]:
        said = self.server.fields.get(name)
        if said is None:
            return tuple(dict.fromkeys(called(name, schemas)))
        known = {word for schema in schemas for word, _ in properties(schema)}
        if known and not known.intersection(said):
            raise self.server.error("fields", f"no answer about jobs has {said[0]!r}{suggestion(said[0], known)}", name)
        return said

    def _expect_id(self, plugin: Plugin, answer: Node | None, words: tuple[str, ...]) -> None:
        operation = self.operations[plugin.operation][2]
        if answer is None:
            raise operation.at("responses").error("expected an answer 2xx in JSON that names the job")
        named = dict(properties(answer))
        if named and not any(word in named for word in words):
            raise answer.error("expected a field with the id of the job; which is it? Manifest: [server.fields] job_id")

    def _cancel_tells(self, routes: JobRoutes) -> bool:
        """Whether the answer to a cancel has the schema of a state."""
        shape = _IN_BRACES.sub("{}", routes.cancel.raw) if routes.cancel else None
        cancels = (
            operation
            for path, method, operation in self.operations.values()
            if method == "post" and _IN_BRACES.sub("{}", path) == shape
        )
        answers = [success(operation) for operation in cancels]
        return bool(answers) and all(
            answer is not None and any(answer.pointer == state.pointer for state in routes.states) for answer in answers
        )

    def _statuses(self, states: Sequence[Node], names: tuple[str, ...]) -> Iterable[tuple[SpecText, str]]:
        """Every word that the spec has for a state; where it does not tell, those that servers use."""
        places = {str(word): place for place in _fields(states, names) for word in choices_of(place)}
        words = list(places)
        for word, ours in self.server.statuses.items():
            if words and word not in words:
                raise self.server.error("status", f"no job is {word!r}{suggestion(word, words)}", word)
            yield SpecText(word), ours
        listed = words or [word for several in STATUSES.values() for word in several]
        for word in listed:
            if word in self.server.statuses or word in STATUSES:
                continue
            ours = meaning(word)
            if ours is None and word in places:
                raise places[word].error(
                    f"what does {word!r} mean? Say it in the manifest: [server.status] {word} ="
                    f" one of {', '.join(STATUSES)}"
                )
            yield SpecText(word), ours or word

    def _whole(self, states: Sequence[Node], names: tuple[str, ...]) -> float:
        """The progress of a job that is done: what the manifest says, or the maximum of the spec, or 100."""
        if self.server.whole is not None:
            return self.server.whole
        maximum = next((field.value_of("maximum") for field in _fields(states, names)), None)
        return maximum if isinstance(maximum, int | float) and maximum > 0 else 100


def _is_verbatim(state: Node) -> bool:
    """Whether a state has the fields of the client's `JobState`, with the same names and types."""
    named = {name: kind_of(without_null(schema)) for name, schema in properties(state)}
    required = required_of(state)
    return {"job_id", "task_type", "status"} <= required and all(
        named.get(name, kind) == kind for name, kind in _VERBATIM.items()
    )


def _fields(states: Sequence[Node], names: tuple[str, ...]) -> Iterator[Node]:
    """What each of some schemas has by one of these names, the first that it has."""
    for state in states:
        named = dict(properties(state))
        found = next((named[name] for name in names if name in named), None)
        if found is not None:
            yield without_null(found)
