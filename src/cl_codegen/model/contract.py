"""What a server calls things, and what it has: from its spec, and the `[server]` of the manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from cl_codegen.manifest.manifest import Manifest, Server, suggestion
from cl_codegen.model.job_answer import ENVELOPES, at, called_in, id_of, places_of, status_of, words_of
from cl_codegen.model.job_operations import job_operations
from cl_codegen.model.job_routes import JobRoutes, read_job_routes
from cl_codegen.model.plugin import Plugin
from cl_codegen.model.recognise import Operations, address_of, parameters_of
from cl_codegen.model.server_routes import FileList, JobBatch, JobList, ServerRoutes, Topics, WorkerCounts
from cl_codegen.model.vocabulary import FIELDS, LINKS, STATUSES, guess, meaning, success
from cl_codegen.spec.schema_types import kind_of, properties, required_of, without_null
from cl_codegen.spec.spec import Node, Spec
from cl_codegen.text.escape import SpecText, toml

_VERBATIM: Final = {
    **dict.fromkeys(("job_id", "task_type", "status", "error_message"), "string"),
    **dict.fromkeys(("params", "task_output"), "object"),
    **dict.fromkeys(("progress", "priority", "created_at", "updated_at", "started_at", "completed_at"), "integer"),
}
"""The fields of a state, and their types, where nothing has to be converted."""

WHOLE_ANSWER: Final = "."
"""What the output of a job is called where it is all that the answer says."""

Statuses = tuple[tuple[SpecText, str], ...]


@frozen
class KindContract:
    """What the `Contract` of a generated package says of one kind of jobs."""

    routes: JobRoutes
    files: FileList | None
    fields: tuple[tuple[str, tuple[SpecText, ...]], ...]
    links: tuple[tuple[str, tuple[SpecText, ...]], ...]
    statuses: Statuses
    whole: float
    cancel_tells: bool
    verbatim: bool
    by_address: bool = False

    def called(self, name: str) -> tuple[str, ...]:
        """What the server calls a field of a job."""
        return next((tuple(word.raw for word in words) for known, words in self.fields if known == name), (name,))


@frozen
class Contract:
    """What the `Contract` of a generated package says.

    Attributes:
        kinds: of jobs; most servers have one.
        fields, statuses: of events, where there are several kinds.
    """

    kinds: tuple[KindContract, ...]
    jobs: JobList | None
    workers: WorkerCounts | None
    batch: JobBatch | None
    topics: Topics
    permissions: tuple[SpecText, ...]
    fields: tuple[tuple[str, tuple[SpecText, ...]], ...]
    statuses: Statuses

    @property
    def has_files(self) -> bool:
        return any(kind.routes.file for kind in self.kinds)

    def of(self, plugin: str) -> KindContract:
        """That of the jobs of a plugin."""
        return next(kind for kind in self.kinds if plugin in kind.routes.plugins)


def read_contract(spec: Spec, manifest: Manifest, plugins: Sequence[Plugin]) -> Contract:
    """The contract of the server of a normalised spec.

    Raises:
        SpecError: the spec does not tell, or the manifest says what the spec does not have.
    """
    operations = job_operations(spec)
    return _Reader(spec, manifest, operations).contract(plugins)


def unknown_words(spec: Spec, manifest: Manifest, plugins: Sequence[Plugin]) -> tuple[str, ...]:
    """The words for the state of a job of which neither the manifest nor anybody says what they mean.

    Raises:
        SpecError: the spec does not tell where the state of a job is.
    """
    operations = job_operations(spec)
    routes = read_job_routes(spec, manifest, operations, plugins) if plugins else ()
    places = _places_of_words([state for each in routes for state in each.states])
    return tuple(_unknown(places, manifest.server))


@frozen
class _Reader:
    spec: Spec
    manifest: Manifest
    operations: Operations

    def contract(self, plugins: Sequence[Plugin]) -> Contract:
        routes = read_job_routes(self.spec, self.manifest, self.operations, plugins)
        server = ServerRoutes(self.spec, self.manifest, self.operations)
        topics = server.topics()
        self._expect_words([state for each in routes for state in each.states])
        kinds = tuple(self._kind(each, plugins, server, topics.event) for each in routes)
        events = [topics.event] if topics.event is not None and len(kinds) > 1 else []
        return Contract(
            kinds=kinds,
            jobs=server.jobs(routes[0]) if len(routes) == 1 else None,
            workers=server.workers(),
            batch=server.batch() if len(routes) == 1 else None,
            topics=topics,
            permissions=tuple(map(SpecText, self.server.permissions)),
            fields=_renamed({name: self._called(name, events, [], None) for name in FIELDS} if events else {}),
            statuses=tuple(dict.fromkeys(one for kind in kinds for one in kind.statuses)) if events else (),
        )

    def _kind(
        self, routes: JobRoutes, plugins: Sequence[Plugin], server: ServerRoutes, event: Node | None
    ) -> KindContract:
        own = [plugin for plugin in plugins if plugin.name in routes.plugins]
        answers = [success(self.operations[plugin.operation][2]) for plugin in own]
        states = [*routes.states, *([event] if event is not None else [])]
        given = [answer for answer in answers if answer is not None]
        parameter = parameters_of(routes.asked)[-1]
        fields = {name: self._called(name, states, given, parameter) for name in FIELDS}
        if not fields["task_output"] and routes.result is None and any(map(_says_more, routes.states)):
            fields["task_output"] = tuple(dict.fromkeys(map(_whole_of, routes.states)))
        by_address = False
        for plugin, answer in zip(own, answers, strict=True):
            if address_of(self.operations[plugin.operation][2]) is not None and "job_id" not in self.server.fields:
                by_address = True
            else:
                self._expect_id(plugin, answer, fields["job_id"])
        renamed = _renamed(fields)
        whole = self._whole(routes.states, fields["progress"])
        is_plain = not renamed and whole == 100 and not routes.kind and bool(routes.states)
        return KindContract(
            routes=routes,
            files=server.files(routes),
            fields=renamed,
            links=_links([*routes.states, *given]),
            statuses=tuple(self._statuses(routes.states)),
            whole=whole,
            cancel_tells=self._cancel_tells(routes),
            verbatim=is_plain and not by_address and all(map(_is_verbatim, routes.states)),
            by_address=by_address,
        )

    @property
    def server(self) -> Server:
        return self.manifest.server

    def _called(
        self, name: str, states: Sequence[Node], answers: Sequence[Node], parameter: str | None
    ) -> tuple[str, ...]:
        """What answers call a field of a job: those that say how it is, and those to a submit."""
        every = [*states, *answers]
        said = self.server.fields.get(name)
        if said is not None:
            known = {word for schema in every for word in places_of(schema)}
            if known and said != (WHOLE_ANSWER,) and not any(at(schema, word) for schema in every for word in said):
                raise self.server.error(
                    "fields", f"no answer about jobs has {said[0]!r}{suggestion(said[0], known)}", name
                )
            return tuple(word for one in said for word in self._inside(name, one, every))
        if name == "job_id":
            found = [id_of(schema, parameter) for schema in every]
        elif name == "status":
            found = [status_of(schema) for schema in every]
        else:
            found = [called_in(name, schema, status_of(schema)) for schema in every]
        return tuple(dict.fromkeys(word for word in found if word is not None))

    def _inside(self, name: str, word: str, schemas: Sequence[Node]) -> Iterator[str]:
        """A name of the manifest; where it is the object that the job is in, what the id is called there."""
        places = [place for schema in schemas for place in at(schema, word)]
        inner = next((found for place in places if name == "job_id" and (found := id_of(place))), None)
        yield word if inner is None else f"{word}.{inner}"

    def _expect_id(self, plugin: Plugin, answer: Node | None, words: tuple[str, ...]) -> None:
        operation = self.operations[plugin.operation][2]
        if answer is None:
            raise operation.at("responses").error("expected an answer 2xx in JSON that names the job")
        found = [place for word in words for place in at(answer, word)]
        if places_of(answer) and not found:
            raise answer.error("expected a field with the id of the job; which is it? Manifest: [server.fields] job_id")

    def _cancel_tells(self, routes: JobRoutes) -> bool:
        """Whether the answer to a cancel has the schema of a state."""
        operation = routes.operations.get("cancel")
        answer = success(operation) if operation is not None else None
        return answer is not None and any(answer.pointer == state.pointer for state in routes.states)

    def _expect_words(self, states: Sequence[Node]) -> None:
        """Raises SpecError where the manifest has a word that no job has, or a job has an unknown one: all of
        these at once, as lines for the manifest."""
        places = _places_of_words(states)
        for word in self.server.statuses:
            if places and word not in places:
                raise self.server.error("status", f"no job is {word!r}{suggestion(word, places)}", word)
        unknown = _unknown(places, self.server)
        if not unknown:
            return
        one = len(unknown) == 1
        lines = "".join(f"\n{key_of(word)} = {toml(guess(word))}" for word in unknown)
        raise places[unknown[0]].error(
            f"what {'does' if one else 'do'} {', '.join(map(repr, unknown))} mean? Say it in the manifest, with one of"
            f" {', '.join(STATUSES)}. A guess is:\n[server.status]{lines}"
        )

    def _statuses(self, states: Sequence[Node]) -> Iterable[tuple[SpecText, str]]:
        """Every word that the spec has for a state; where it does not tell, those that servers use."""
        words = list(dict.fromkeys(word for place in _status_places(states) for word in words_of(place)))
        for word, ours in self.server.statuses.items():
            if not words or word in words:
                yield SpecText(word), ours
        for word in words or [word for several in STATUSES.values() for word in several]:
            if word not in self.server.statuses and word not in STATUSES:
                yield SpecText(word), meaning(word) or word

    def _whole(self, states: Sequence[Node], names: tuple[str, ...]) -> float:
        """The progress of a job that is done: what the manifest says, or the maximum of the spec, or 100."""
        if self.server.whole is not None:
            return self.server.whole
        fields = (without_null(place) for state in states for name in names for place in at(state, name))
        maximum = next((field.value_of("maximum") for field in fields), None)
        return maximum if isinstance(maximum, int | float) and maximum > 0 else 100


def _is_verbatim(state: Node) -> bool:
    """Whether a state has the fields of the client's `JobState`, with the same names and types."""
    named = {name: kind_of(without_null(schema)) for name, schema in properties(state)}
    required = required_of(state)
    return {"job_id", "task_type", "status"} <= required and all(
        named.get(name, kind) == kind for name, kind in _VERBATIM.items()
    )


def _whole_of(state: Node) -> str:
    """What is all that an answer says of a job: the answer, or the object in it that is the job."""
    envelope = (status_of(state) or "").partition(".")[0]
    return envelope if envelope in ENVELOPES else WHOLE_ANSWER


def _says_more(state: Node) -> bool:
    """Whether a state says anything beside the fields that every job has: that is what came of it, then."""
    known = {word for words in FIELDS.values() for word in words}
    return bool(places_of(state).keys() - known)


def _links(answers: Sequence[Node]) -> tuple[tuple[str, tuple[SpecText, ...]], ...]:
    """Where answers about a job have the addresses of it, beside the field that says how it is."""
    found: list[tuple[str, tuple[SpecText, ...]]] = []
    for way, words in LINKS.items():
        named = dict.fromkeys(
            before + word
            for schema in answers
            for before in ("", *(f"{envelope}." for envelope in ENVELOPES))
            for word in words
            if at(schema, before + word)
        )
        if named:
            found.append((way, tuple(map(SpecText, named))))
    return tuple(found)


def _status_places(states: Sequence[Node]) -> Iterator[Node]:
    for state in states:
        name = status_of(state)
        yield from at(state, name) if name is not None else ()


def _places_of_words(states: Sequence[Node]) -> dict[str, Node]:
    return {word: place for place in _status_places(states) for word in words_of(place)}


def _unknown(places: Iterable[str], server: Server) -> list[str]:
    return [word for word in places if word not in server.statuses and meaning(word) is None]


def _renamed(fields: dict[str, tuple[str, ...]]) -> tuple[tuple[str, tuple[SpecText, ...]], ...]:
    return tuple((name, tuple(map(SpecText, words))) for name, words in fields.items() if words not in ((name,), ()))


def key_of(word: str) -> str:
    """A word as a key of TOML (v1.0.0, Keys)."""
    return word if word.isascii() and word.replace("_", "").replace("-", "").isalnum() else toml(word)
