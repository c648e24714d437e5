"""How a server that is not ours says what the client reckons with, from its spec and the `[server]` of the manifest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from attrs import frozen

from cl_codegen.answers import FIELDS, STATUSES, called, meaning, success
from cl_codegen.escape import SpecText
from cl_codegen.manifest import Manifest, Server, suggestion
from cl_codegen.plugin import Plugin
from cl_codegen.schema_types import choices_of, properties, without_null
from cl_codegen.spec import Node, Spec, SpecError

_PARAMETER: Final = re.compile(r"\{([^{}]*)\}")
_JOBS: Final = re.compile(r"/(?:[^{}]+/)?(?:jobs|tasks)/\{[^{}]+\}/?")

_WANTED: Final = {"job": ("get", 1), "delete": ("delete", 1), "file": ("get", 2)}
"""The method of each operation that the manifest may name, and how many parameters its path has at most."""


@frozen
class Dialect:
    """What `cl_client.dialect.Dialect` is told. Paths have `{job_id}` and `{path}`."""

    job: SpecText
    delete: SpecText | None
    file: SpecText | None
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
    return _Reader(spec, manifest.server, operations).dialect(plugins)


@frozen
class _Reader:
    spec: Spec
    server: Server
    operations: dict[str, tuple[str, str, Node]]

    def dialect(self, plugins: Sequence[Plugin]) -> Dialect:
        job, state = self._job({plugin.path.raw.rstrip("/") for plugin in plugins})
        answers = [success(self.operations[plugin.operation][2]) for plugin in plugins]
        created = [answer for answer in answers if answer is not None]
        schemas = [*([state] if state else []), *created]
        fields = {name: self._called(name, schemas) for name in FIELDS}
        for plugin, answer in zip(plugins, answers, strict=True):
            self._expect_id(plugin, answer, fields["job_id"])
        return Dialect(
            job=SpecText(_template(job)),
            delete=self._path("delete", (job.rstrip("/"), "delete")),
            file=self._path("file", self._derived_file(job)),
            events=SpecText(self.server.events) if self.server.events else None,
            fields=tuple(
                (name, tuple(map(SpecText, words))) for name, words in fields.items() if words != (name,) and words
            ),
            statuses=tuple(self._statuses(state, fields["status"])),
            whole=self._whole(state, fields["progress"]),
        )

    def _job(self, submits: set[str]) -> tuple[str, Node | None]:
        """Where the state of a job is, and its schema.

        Args:
            submits: where jobs are posted: a route below one of these knows only jobs of that task.
        """
        found = self._named("job")
        if found is None:
            listed = [one for one in self.operations.values() if one[1] == "get" and _JOBS.fullmatch(one[0])]
            of_all = [one for one in listed if one[0].rstrip("/").rpartition("/")[0] not in submits]
            found = min(of_all or listed[:1], key=lambda one: len(one[0]), default=None)
            if len(listed) > 1 and not of_all:
                found = None
        if found is None:
            raise SpecError(
                self.spec.source,
                "#/paths",
                "expected one GET …/jobs/{id} that says how any job is; where another says it, name its operation in"
                " the manifest: [server] job",
            )
        path, _, operation = found
        return path, success(operation)

    def _named(self, key: str) -> tuple[str, str, Node] | None:
        """The operation that the manifest names."""
        name = self.server.operations.get(key)
        if name is None:
            return None
        if name not in self.operations:
            raise self.server.error(key, f"the spec has no {name!r}{suggestion(name, self.operations)}")
        path, method, operation = self.operations[name]
        wanted, most = _WANTED[key]
        if method != wanted or not 1 <= len(_PARAMETER.findall(path)) <= most:
            what = "a job and a path, or a job" if most > 1 else "a job"
            raise self.server.error(
                key, f"expected {wanted.upper()} with {what} in its path, not {method.upper()} {path}"
            )
        return path, method, operation

    def _path(self, key: str, derived: tuple[str, str]) -> SpecText | None:
        found = self._named(key)
        if found is None:
            there = {(path.rstrip("/"), method): path for path, method, _ in self.operations.values()}
            path = there.get(derived)
            return SpecText(_template(path)) if path else None
        return SpecText(_template(found[0]))

    def _derived_file(self, job: str) -> tuple[str, str]:
        """The shortest route below a job that answers with a file, one with a path before one without."""
        below = [
            path.rstrip("/")
            for path, method, operation in self.operations.values()
            if method == "get" and path.startswith(f"{job.rstrip('/')}/") and _is_file(operation)
        ]
        below = [path for path in below if len(_PARAMETER.findall(path)) <= 2]
        return min(below, key=lambda path: (-len(_PARAMETER.findall(path)), len(path)), default=""), "get"

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

    def _statuses(self, state: Node | None, names: tuple[str, ...]) -> Iterable[tuple[SpecText, str]]:
        """Every word that the spec has for a state; where it does not tell, those that servers use."""
        named = dict(properties(state)) if state else {}
        status = next((named[name] for name in names if name in named), None)
        words = [str(word) for word in choices_of(without_null(status))] if status else []
        for word, ours in self.server.statuses.items():
            if words and word not in words:
                raise self.server.error("status", f"no job is {word!r}{suggestion(word, words)}", word)
            yield SpecText(word), ours
        listed = words or [word for several in STATUSES.values() for word in several]
        for word in listed:
            if word in self.server.statuses or word in STATUSES:
                continue
            ours = meaning(word)
            if ours is None and status is not None:
                raise without_null(status).error(
                    f"what does {word!r} mean? Say it in the manifest: [server.status] {word} ="
                    f" one of {', '.join(STATUSES)}"
                )
            yield SpecText(word), ours or word

    def _whole(self, state: Node | None, names: tuple[str, ...]) -> float:
        """The progress of a job that is done: what the manifest says, or the maximum of the spec, or 100."""
        if self.server.whole is not None:
            return self.server.whole
        named = dict(properties(state)) if state else {}
        progress = next((without_null(named[name]) for name in names if name in named), None)
        maximum = progress.find("maximum") if progress else None
        return maximum.value if maximum and isinstance(maximum.value, int | float) and maximum.value > 0 else 100


def _is_file(operation: Node) -> bool:
    """Whether an operation answers with anything but JSON."""
    for code, response in operation.at("responses").members():
        content = response.follow().find("content") if code.startswith("2") else None
        if content is not None:
            return any("json" not in kind for kind, _ in content.members())
    return False


def _template(path: str) -> str:
    """A path of the spec with the names of `cl_client.dialect` for what is in braces."""
    names = iter(("{job_id}", "{path}"))
    return _PARAMETER.sub(lambda _: next(names, ""), path)
