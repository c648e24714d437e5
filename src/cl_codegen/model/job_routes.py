"""Where a server says how a job is, deletes it, stops it and gives its files: for all jobs, or for those of each task.

Where the route of a job has more in it than the job's id (`/{task}/jobs/{id}`, or `/resize/jobs/{id}` beside
`/blend/jobs/{id}`), that stands before the id in the client too: `resize/42`. The route of the submit tells what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from attrs import frozen

from cl_codegen.manifest.manifest import Manifest, suggestion
from cl_codegen.model.plugin import Plugin
from cl_codegen.model.vocabulary import success
from cl_codegen.spec.spec import Node, Spec, SpecError, escape_pointer
from cl_codegen.text.escape import SpecText, literal

_PARAMETER: Final = re.compile(r"\{([^{}]*)\}")
_JOBS: Final = re.compile(r"/(?:[^{}]+/)?(?:jobs|tasks)/\{[^{}]+\}/?")
_METHODS: Final = {"job": "get", "delete": "delete", "cancel": "post", "retry": "post", "file": "get", "files": "get"}

_LISTS: Final = ("/files", "/artifacts", "/outputs")
"""Below a job, where its files are listed."""

Operations = Mapping[str, tuple[str, str, Node]]
"""Path, method and operation, by operation id."""


@frozen
class JobRoutes:
    """Routes with `{task}` for what stands before the id of a job, `{job_id}` and `{path}`.

    Attributes:
        within: by plugin, the expressions of what stands before the ids of its jobs.
        states: the schemas that say how a job is.
    """

    job: SpecText
    delete: SpecText | None
    cancel: SpecText | None
    retry: SpecText | None
    file: SpecText | None
    files: SpecText | None
    within: Mapping[str, tuple[str, ...]]
    states: tuple[Node, ...]


def read_job_routes(spec: Spec, manifest: Manifest, operations: Operations, plugins: Sequence[Plugin]) -> JobRoutes:
    """The routes of the jobs of a normalised spec.

    Raises:
        SpecError: the spec does not tell, or the manifest says what the spec does not have.
    """
    return _Reader(spec, manifest, operations).routes(plugins)


@frozen
class _Reader:
    spec: Spec
    manifest: Manifest
    operations: Operations

    def routes(self, plugins: Sequence[Plugin]) -> JobRoutes:
        jobs = self._jobs(plugins)
        paths = list(dict.fromkeys(jobs.values()))
        template = self._common(paths)
        within = {plugin.name: self._within(plugin, jobs[plugin.name], template) for plugin in plugins}
        depth = _parameters(template) - 1
        found = (
            success(operation)
            for path, method, operation in self.operations.values()
            if (path, method) in {(path, "get") for path in paths}
        )
        return JobRoutes(
            job=SpecText(_named(template, depth)),
            delete=self._below("delete", template, depth, [(path, "") for path in paths]),
            cancel=self._below("cancel", template, depth, [(path, "/cancel") for path in paths]),
            retry=self._below("retry", template, depth, [(path, "/retry") for path in paths]),
            file=self._below("file", template, depth, [(path, self._file_below(path)) for path in paths]),
            files=self._below("files", template, depth, [(path, tail) for path in paths for tail in _LISTS]),
            within=within,
            states=tuple(node for node in found if node is not None),
        )

    def _jobs(self, plugins: Sequence[Plugin]) -> dict[str, str]:
        """Where the state of the jobs of each plugin is."""
        named = self._said("job")
        entries = {entry.operation: entry for entry in self.manifest.entries}
        shared = named or self._shared(plugins)
        found: dict[str, str] = {}
        for plugin in plugins:
            entry = entries.get(plugin.operation)
            if entry is not None and entry.job is not None:
                if entry.job not in self.operations:
                    raise entry.error("job", f"the spec has no {entry.job!r}{suggestion(entry.job, self.operations)}")
                path, method, _ = self.operations[entry.job]
                if method != "get" or not _PARAMETER.search(path):
                    raise entry.error("job", f"expected GET with a job in its path, not {method.upper()} {path}")
            else:
                path = shared or self._own(plugin)
            found[plugin.name] = path
        return found

    def _said(self, key: str) -> str | None:
        """The path of the operation that `[server]` names."""
        server = self.manifest.server
        name = server.operations.get(key)
        if name is None:
            return None
        if name not in self.operations:
            raise server.error(key, f"the spec has no {name!r}{suggestion(name, self.operations)}")
        path, method, _ = self.operations[name]
        wanted = _METHODS[key]
        if method != wanted or not _PARAMETER.search(path):
            what = "a job and a path, or a job" if key == "file" else "a job"
            raise server.error(key, f"expected {wanted.upper()} with {what} in its path, not {method.upper()} {path}")
        return path

    def _shared(self, plugins: Sequence[Plugin]) -> str | None:
        """The one route that tells of any job; nothing where there are several, or none."""
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
                "expected a GET …/jobs/{id} that says how any job is, or a GET of this path and an id for these alone;"
                f" where another says it, name its operation in the manifest: [server] job, or [{plugin.name}] job",
            )
        return found[0]

    def _common(self, paths: Sequence[str]) -> str:
        """The path with a parameter wherever the paths are different."""
        split = [path.rstrip("/").split("/") for path in paths]
        odd = next((path for path, parts in zip(paths, split, strict=True) if len(parts) != len(split[0])), None)
        if odd is not None:
            raise SpecError(
                self.spec.source,
                f"#/paths/{escape_pointer(odd)}",
                f"expected a route as {paths[0]}, which jobs of another task have: the client finds all of them by one"
                " pattern; where there is a route for any job, name its operation in the manifest: [server] job",
            )
        return "/".join(parts[0] if len(set(parts)) == 1 else "{task}" for parts in zip(*split, strict=True))

    def _within(self, plugin: Plugin, path: str, template: str) -> tuple[str, ...]:
        """The expressions of what the parameters of a template are for a plugin, but for the job's id, the last one."""
        values: list[str] = []
        *places, _ = [place for place, part in enumerate(template.split("/")) if _PARAMETER.search(part)]
        matched = _matched(plugin, path)
        for place in places:
            part = path.split("/")[place]
            value = literal(part) if not _PARAMETER.search(part) else matched.get(place) if matched else None
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

    def _below(self, key: str, template: str, depth: int, tails: Iterable[tuple[str, str | None]]) -> SpecText | None:
        said = self._said(key)
        if said is not None:
            above = "/".join(said.split("/")[: len(template.split("/"))])
            # Where nothing stands before a job's id, its other routes may be anywhere.
            strange = depth > 0 and _shape(above) != _shape(template)
            if strange or _parameters(said) - depth not in ((1, 2) if key == "file" else (1,)):
                raise self.manifest.server.error(
                    key, f"expected a path with what {_named(template, depth)} has in it, not {said}"
                )
            return SpecText(_named(said, depth))
        there = {(_shape(path), method): path for path, method, _ in self.operations.values()}
        for path, tail in tails:
            if tail is not None and (found := there.get((_shape(path + tail), _METHODS[key]))) is not None:
                rest = found.split("/")[len(template.split("/")) :]
                # With its last slash, where it has one.
                whole = found if path == template else "/".join([template, *rest])
                return SpecText(_named(whole, depth))
        return None

    def _file_below(self, job: str) -> str | None:
        """The shortest route below a job that answers with a file, one with a path before one without."""
        job = job.rstrip("/")
        below = [
            path.rstrip("/").removeprefix(job)
            for path, method, operation in self.operations.values()
            if method == "get" and path.startswith(f"{job}/") and _is_file(operation)
        ]
        below = [tail for tail in below if _parameters(tail) <= 1]
        return min(below, key=lambda tail: (-_parameters(tail), len(tail)), default=None)


def _matched(plugin: Plugin, path: str) -> dict[int, str] | None:
    """By place, what the parameters of a job's route are where it was posted; nothing where it is no route of it."""
    own = plugin.path.raw.rstrip("/").split("/")
    *above, last = path.rstrip("/").split("/")
    if not _PARAMETER.fullmatch(last) or len(above) not in {len(own), len(own) - 1}:
        return None
    arguments = {parameter.wire_name.raw: parameter.name for parameter in plugin.outside if parameter.place == "path"}
    values: dict[int, str] = {}
    for place, (part, posted) in enumerate(zip(above, own, strict=False)):
        name = _PARAMETER.fullmatch(part)
        if name is None:
            if part != posted:
                return None
        elif (given := _PARAMETER.fullmatch(posted)) is None:
            values[place] = literal(posted)
        elif given[1] == name[1]:
            values[place] = arguments[name[1]]
        else:
            return None
    return values


def _parameters(path: str) -> int:
    return len(_PARAMETER.findall(path))


def _shape(path: str) -> str:
    """A path without the names of what is in braces."""
    return _PARAMETER.sub("{}", path.rstrip("/"))


def _named(path: str, depth: int) -> str:
    """A path of the spec with the names of `cl_client`'s `Contract` for what is in braces."""
    names = iter([*["{task}"] * depth, "{job_id}", "{path}"])
    return _PARAMETER.sub(lambda _: next(names, ""), path)


def _is_file(operation: Node) -> bool:
    """Whether an operation answers with anything but JSON."""
    return any("json" not in kind for kind in _kinds(operation))


def _kinds(operation: Node) -> Iterator[str]:
    for code, response in operation.at("responses").members():
        content = response.follow().find("content") if code.startswith("2") else None
        if content is not None:
            yield from (kind for kind, _ in content.members())
            return
