"""Where a server says how a job is, deletes it, stops it and gives its output and files, for each kind of its jobs.

Jobs that are asked for at one route are of one kind. Where there are several kinds, the name of the kind stands before
the id in the client: `crawl/42`. Where the route of a job has parameters beside the job's id (`/{tenant}/jobs/{id}`),
these stand there too; the route of the submit tells what they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

from attrs import frozen

from cl_codegen.manifest.manifest import Entry, Manifest, suggestion
from cl_codegen.model.job_answer import called_in, lives, same
from cl_codegen.model.job_operations import real_path
from cl_codegen.model.plugin import Plugin
from cl_codegen.model.recognise import PARAMETER, STATES, Operations, askable, best, postable
from cl_codegen.model.route_shape import bases_of, named, parameter_count, same_parameters, shape, swapped
from cl_codegen.model.vocabulary import success
from cl_codegen.spec.schema_types import kind_of, properties, without_null
from cl_codegen.spec.spec import Node, Spec, SpecError, escape_pointer
from cl_codegen.text.escape import SpecText, literal

Key = Literal["job", "delete", "cancel", "retry", "result", "file", "files", "log"]

_JOBS: Final = re.compile(r"/(?:[^{}]+/)?(?:jobs|tasks)/\{[^{}]+\}/?")
_METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "job": ("get",),
    "delete": ("delete",),
    "cancel": ("post", "put", "patch", "delete"),
    "retry": ("post",),
    "result": ("get",),
    "file": ("get",),
    "files": ("get",),
    "log": ("get",),
}
_CANCELS: Final = ("cancel", "stop", "abort", "terminate", "dismiss", "kill")
_RETRIES: Final = ("retry", "rerun", "restart", "replay")
_RESULTS: Final = ("result", "results", "output", "outputs", "response")
_LISTS: Final = ("files", "artifacts", "outputs")
_LOGS: Final = ("log", "logs")
"""Steps below a job, where it is stopped, done again, and where its output, the list of its files and its log are."""


@frozen
class JobRoutes:
    """The routes of one kind of jobs, with `{task}` for each parameter before `{job_id}`, and `{path}`.

    Attributes:
        kind: its name; empty where there is only one.
        plugins: the names of those whose jobs they are.
        cancel_by: the method that stops a job.
        within: by plugin, the expressions of what stands before the ids of its jobs.
        states: the schemas that say how a job is.
        asked: the path where that is, as the spec has it.
    """

    kind: str
    plugins: tuple[str, ...]
    job: SpecText
    delete: SpecText | None
    cancel: SpecText | None
    cancel_by: str
    retry: SpecText | None
    result: SpecText | None
    file: SpecText | None
    files: SpecText | None
    log: SpecText | None
    within: Mapping[str, tuple[str, ...]]
    states: tuple[Node, ...]
    asked: str
    operations: Mapping[str, Node]
    """What answers at these routes, by their names here."""


def read_job_routes(
    spec: Spec, manifest: Manifest, operations: Operations, plugins: Sequence[Plugin]
) -> tuple[JobRoutes, ...]:
    """The routes of the jobs of a normalised spec, for each kind.

    Raises:
        SpecError: the spec does not tell, or the manifest says what the spec does not have.
    """
    return tuple(_Reader(spec, manifest, operations).kinds(plugins))


@frozen
class _Reader:
    spec: Spec
    manifest: Manifest
    operations: Operations

    def kinds(self, plugins: Sequence[Plugin]) -> Iterator[JobRoutes]:
        jobs = self._jobs(plugins)
        paths = list(dict.fromkeys(jobs.values()))
        names = _kind_names(paths, {path: name for name, path in reversed(jobs.items())})
        for path in paths:
            own = [plugin for plugin in plugins if jobs[plugin.name] == path]
            yield self._routes(names[path], path, own, [other for other in paths if other != path])

    def _routes(self, kind: str, path: str, plugins: Sequence[Plugin], others: Sequence[str]) -> JobRoutes:
        depth = parameter_count(path) - 1
        entries = [entry for entry in self.manifest.entries if entry.operation in {one.operation for one in plugins}]
        kept = {"job": self._operation(path, "get")}
        states = [answer for answer in [success(kept["job"])] if answer is not None]
        found: dict[str, tuple[str, str]] = {}
        for key, candidates in self._candidates(path, states).items():
            one = self._said_below(key, entries, path, depth, others) or self._first(candidates)
            if one is not None:
                found[key] = one
                kept[key] = self._operation(*one)

        def route(key: Key) -> SpecText | None:
            return SpecText(named(found[key][0], depth)) if key in found else None

        before = (literal(kind),) if kind else ()
        return JobRoutes(
            kind=kind,
            plugins=tuple(plugin.name for plugin in plugins),
            job=SpecText(named(path, depth)),
            delete=route("delete"),
            cancel=route("cancel"),
            cancel_by=found["cancel"][1].upper() if "cancel" in found else "POST",
            retry=route("retry"),
            result=route("result"),
            file=route("file"),
            files=route("files"),
            log=route("log"),
            within={plugin.name: (*before, *self._within(plugin, path)) for plugin in plugins},
            states=tuple(states),
            asked=path,
            operations=kept,
        )

    # Where the state of a job is -------------------------------------------------------------------------------------

    def _jobs(self, plugins: Sequence[Plugin]) -> dict[str, str]:
        """Where the state of the jobs of each plugin is."""
        said = self._said("job", None)
        entries = {entry.operation: entry for entry in self.manifest.entries}
        recognised = self._recognised({plugin.operation for plugin in plugins})
        shared = self._shared(plugins)
        found: dict[str, str] = {}
        for plugin in plugins:
            entry = entries.get(plugin.operation)
            own = self._said("job", entry) if entry is not None else None
            path = own or said
            found[plugin.name] = path[0] if path else recognised.get(plugin.operation) or shared or self._own(plugin)
        return found

    def _recognised(self, submits: Collection[str]) -> dict[str, str]:
        asked = list(askable(self.operations))
        paths = {path.rstrip("/"): path for path, method, _ in self.operations.values() if method == "get"}
        wanted = {name: one for name, one in self.operations.items() if name in submits}
        found = {posted.operation: best(posted, asked) for posted in postable(wanted)}
        return {name: paths[one.asked.path] for name, one in found.items() if one is not None}

    def _shared(self, plugins: Sequence[Plugin]) -> str | None:
        """The only route that returns any job; nothing if there are several, or none."""
        submits = {plugin.path.raw.rstrip("/") for plugin in plugins}
        reads = [path for path, method, _ in self.operations.values() if method == "get"]
        listed = [path for path in reads if _JOBS.fullmatch(path)]
        # A route below one where jobs are posted knows only jobs of that task.
        of_all = [path for path in listed if path.rstrip("/").rpartition("/")[0] not in submits]
        if of_all or (len(listed) == 1 and len(plugins) == 1):
            return min(of_all or listed, key=len)
        return next((path for path in reads if all(_matched(plugin, path) for plugin in plugins)), None)

    def _own(self, plugin: Plugin) -> str:
        """The route of the jobs of one task: below the one where they are posted."""
        reads = [path for path, method, _ in self.operations.values() if method == "get"]
        own = plugin.path.raw.rstrip("/")
        found = [path for path in reads if re.fullmatch(rf"{re.escape(own)}/\{{[^{{}}]+\}}/?", path)]
        if not found:
            raise SpecError(
                self.spec.source,
                f"#/paths/{escape_pointer(plugin.path.raw)}",
                "expected a GET …/jobs/{id} that returns the state of any job, or a GET of this path and an id for"
                " these alone; if it is another one, name its operation in the manifest: [server] job, or"
                f" [{plugin.name}] job",
            )
        return found[0]

    def _within(self, plugin: Plugin, path: str) -> tuple[str, ...]:
        """The expressions of what the parameters of a job's route are for a plugin, but for the job's id, the last."""
        values: list[str] = []
        *places, _ = [place for place, part in enumerate(path.split("/")) if PARAMETER.search(part)]
        known = {same(one.wire_name.raw): one.name for one in plugin.outside if one.place == "path"}
        matched = _matched(plugin, path)
        for place in places:
            part = path.split("/")[place]
            name = PARAMETER.fullmatch(part)
            value = matched.get(place) if matched else None
            value = value or (known.get(same(name[1])) if name is not None else None)
            if value is None:
                raise SpecError(
                    self.spec.source,
                    f"#/paths/{escape_pointer(path)}",
                    f"what is {part} for a job that was posted to {plugin.path.raw}? The client knows the id of a job"
                    " and where it was posted; where there is a route that needs no more, name its operation in the"
                    f" manifest: [{plugin.name}] job",
                )
            values.append(value)
        return tuple(values)

    # What else there is of a job -------------------------------------------------------------------------------------

    def _candidates(self, path: str, states: Sequence[Node]) -> dict[Key, list[tuple[str, str]]]:
        """(path, method) of all that may be such a route, the likeliest first."""
        bases, beside = bases_of(path), swapped(path)

        def below(words: Iterable[str], methods: Iterable[str]) -> list[tuple[str, str]]:
            tails = [f"{base}{mark}{word}" for word in words for base in bases for mark in "/:"]
            tails += [beside(word) for word in words] if beside else []
            return [(tail, method) for tail in tails for method in methods]

        stops = [(base, "delete") for base in bases if self._says((base, "delete"), _CANCELS)]
        deletes = [(base, "delete") for base in bases if (base, "delete") not in stops]
        files: list[tuple[str, str]] = [tail for base in bases if (tail := self._file_below(base)) is not None]
        results = below(_RESULTS, ("get",)) + [(base, "get") for base in bases[1:]]
        has_output = any(called_in("task_output", state) is not None for state in states)
        outputs = [one for one in results if not has_output and self._is_output(one)]
        files += [one for one in results if self._has_files(one)]
        return {
            "delete": deletes,
            "cancel": below(_CANCELS, _METHODS["cancel"]) + stops,
            "retry": below(_RETRIES, ("post",)),
            "result": outputs,
            "file": files,
            "files": [(f"{base}/{word}", "get") for base in bases for word in _LISTS],
            "log": [one for one in below(_LOGS, ("get",)) if self._is_log(one)],
        }

    def _first(self, candidates: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
        """The first of some routes that the spec has, as it writes it."""
        there = self._there()
        return next((there[found] for path, method in candidates if (found := (shape(path), method)) in there), None)

    def _there(self) -> dict[tuple[str, str], tuple[str, str]]:
        return {(shape(path), method): (path, method) for path, method, _ in self.operations.values()}

    def _operation(self, path: str, method: str) -> Node:
        return self.spec.root.at("paths").at(real_path(path)).at(method)

    def _found(self, route: tuple[str, str]) -> Node | None:
        found = self._first([route])
        return self._operation(*found) if found is not None else None

    def _says(self, route: tuple[str, str], words: Iterable[str]) -> bool:
        """Whether an operation says of itself that it does such a thing, rather than that it deletes."""
        operation = self._found(route)
        if operation is None:
            return False
        said = " ".join(str(operation.value_of(key) or "") for key in ("operationId", "summary")).lower()
        return any(word in said for word in words) and "delete" not in said

    def _is_output(self, route: tuple[str, str]) -> bool:
        """Whether an operation answers with JSON that isn't a state of a job."""
        operation = self._found(route)
        answer = success(operation) if operation is not None else None
        return answer is not None and not lives(answer)

    def _has_files(self, route: tuple[str, str]) -> bool:
        operation = self._found(route)
        return operation is not None and is_file(operation)

    def _is_log(self, route: tuple[str, str]) -> bool:
        """Whether an operation answers with numbered lines, as the client reads them."""
        operation = self._found(route)
        answer = success(operation) if operation is not None else None
        fields = dict(properties(answer)) if answer is not None else {}
        lines = fields.get("lines")
        items = lines.find("items") if lines is not None and kind_of(without_null(lines)) == "array" else None
        return (
            items is not None
            and "ended" in fields
            and {"number", "text"} <= {name for name, _ in properties(without_null(items))}
        )

    def _file_below(self, job: str) -> tuple[str, str] | None:
        """The shortest route below a job that answers with a file, one with a path before one without."""
        own = shape(job)
        below = [
            path
            for path, method, operation in self.operations.values()
            if method == "get" and shape(path).startswith(f"{own}/") and is_file(operation)
        ]
        below = [path for path in below if parameter_count(path) - parameter_count(job) <= 1]
        found = min(below, key=lambda path: (-parameter_count(path), len(path)), default=None)
        return None if found is None else (found, "get")

    # What the manifest says ------------------------------------------------------------------------------------------

    def _said(self, key: Key, entry: Entry | None) -> tuple[str, str] | None:
        """The path and method of the operation that a table names: that of a plugin, or of the server."""
        table = self.manifest.server if entry is None else entry
        name = table.operations.get(key)
        if name is None:
            return None
        if name not in self.operations:
            raise table.error(key, f"the spec has no {name!r}{suggestion(name, self.operations)}")
        path, method, _ = self.operations[name]
        wanted = _METHODS[key]
        if method not in wanted or not PARAMETER.search(path):
            what = "a job and a path, or a job" if key == "file" else "a job"
            listed = " or ".join(one.upper() for one in wanted)
            raise table.error(key, f"expected {listed} with {what} in its path, not {method.upper()} {path}")
        return path, method

    def _said_below(
        self, key: Key, entries: Sequence[Entry], job: str, depth: int, others: Sequence[str]
    ) -> tuple[str, str] | None:
        own = next((entry for entry in entries if key in entry.operations), None)
        said = self._said(key, own)
        if said is None:
            return None
        path, _ = said
        above = "/".join(path.split("/")[: len(job.split("/"))])
        # Where nothing stands before a job's id, its other routes may be anywhere.
        strange = depth > 0 and shape(above) != shape(job) and same_parameters(path, job, depth) is False
        if own is None and any(shape(path).startswith(shape(other)) for other in others):
            return None  # It is about another kind of jobs.
        if strange or parameter_count(path) - depth not in ((1, 2) if key == "file" else (1,)):
            table = self.manifest.server if own is None else own
            raise table.error(key, f"expected a path with what {named(job, depth)} has in it, not {path}")
        return said


def is_file(operation: Node) -> bool:
    """Whether an operation answers with anything but JSON."""
    return any("json" not in kind for kind in kinds_of(operation))


def kinds_of(operation: Node) -> Iterator[str]:
    """The media types of the answer of an operation, when all is well."""
    for code, response in operation.at("responses").members():
        content = response.follow().find("content") if code.startswith("2") else None
        if content is not None:
            yield from (kind for kind, _ in content.members())
            return


def _kind_names(paths: Sequence[str], plugins: Mapping[str, str]) -> dict[str, str]:
    """The name of each kind of jobs: what its route has that those of the others have not, else that of a plugin."""
    if len(paths) == 1:
        return {paths[0]: ""}
    steps = {path: [step for step in path.split("/") if step and not PARAMETER.search(step)] for path in paths}
    common = set[str].intersection(*(set(listed) for listed in steps.values()))
    names: dict[str, str] = {}
    for path in paths:
        name = "-".join(step for step in steps[path] if step not in common | STATES)
        names[path] = name if name and name not in names.values() else plugins[path]
    return names


def _matched(plugin: Plugin, path: str) -> dict[int, str] | None:
    """By place, what the parameters of a job's route are where it was posted; nothing where it is no route of it."""
    own = plugin.path.raw.rstrip("/").split("/")
    *above, last = path.rstrip("/").split("/")
    if not PARAMETER.fullmatch(last) or len(above) not in {len(own), len(own) - 1}:
        return None
    arguments = {parameter.wire_name.raw: parameter.name for parameter in plugin.outside if parameter.place == "path"}
    values: dict[int, str] = {}
    for place, (part, posted) in enumerate(zip(above, own, strict=False)):
        name = PARAMETER.fullmatch(part)
        if name is None:
            if part != posted:
                return None
        elif (given := PARAMETER.fullmatch(posted)) is None:
            values[place] = literal(posted)
        elif given[1] == name[1]:
            values[place] = arguments[name[1]]
        else:
            return None
    return values
