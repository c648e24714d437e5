"""How a server that is not ours says what the client reckons with, from its spec and the `[server]` of the manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen

from cl_codegen.manifest.manifest import Manifest, Server, suggestion
from cl_codegen.model.job_routes import JobRoutes, Operations, read_job_routes
from cl_codegen.model.plugin import Plugin
from cl_codegen.model.vocabulary import FIELDS, STATUSES, called, meaning, success
from cl_codegen.spec.schema_types import choices_of, properties, without_null
from cl_codegen.spec.spec import Node, Spec
from cl_codegen.text.escape import SpecText


@frozen
class Dialect:
    """What `cl_client.server.contract.Dialect` is told."""

    routes: JobRoutes
    events: SpecText | None
    fields: tuple[tuple[str, tuple[SpecText, ...]], ...]
    statuses: tuple[tuple[SpecText, str], ...]
    whole: float


def read_dialect(spec: Spec, manifest: Manifest, plugins: Sequence[Plugin]) -> Dialect:
    """The dialect of the server of a normalised spec.

    Raises:
        SpecError: the spec does not tell, or the manifest says what the spec does not have.
    """
    operations = {
        operation.at("operationId").text(): (path, method, operation) for path, method, operation in spec.operations()
    }
    return _Reader(spec, manifest, operations).dialect(plugins)


@frozen
class _Reader:
    spec: Spec
    manifest: Manifest
    operations: Operations

    def dialect(self, plugins: Sequence[Plugin]) -> Dialect:
        routes = read_job_routes(self.spec, self.manifest, self.operations, plugins)
        answers = [success(self.operations[plugin.operation][2]) for plugin in plugins]
        schemas = [*routes.states, *(answer for answer in answers if answer is not None)]
        fields = {name: self._called(name, schemas) for name in FIELDS}
        for plugin, answer in zip(plugins, answers, strict=True):
            self._expect_id(plugin, answer, fields["job_id"])
        return Dialect(
            routes=routes,
            events=SpecText(self.server.events) if self.server.events else None,
            fields=tuple(
                (name, tuple(map(SpecText, words))) for name, words in fields.items() if words != (name,) and words
            ),
            statuses=tuple(self._statuses(routes.states, fields["status"])),
            whole=self._whole(routes.states, fields["progress"]),
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


def _fields(states: Sequence[Node], names: tuple[str, ...]) -> Iterator[Node]:
    """What each of some schemas has by one of these names, the first that it has."""
    for state in states:
        named = dict(properties(state))
        found = next((named[name] for name in names if name in named), None)
        if found is not None:
            yield without_null(found)
