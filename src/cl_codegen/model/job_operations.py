"""The operations of a spec as the rules about jobs see them: with the id of a job in the path, wherever it is sent.

`GET /status` that takes an `id` in its query is `GET /status/{?id}` here (RFC 6570 §3.2.8 writes the query so), and
becomes a path again when it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cl_codegen.model.vocabulary import FIELDS
from cl_codegen.spec.spec import Node, Spec, SpecError

_IN_QUERY: Final = re.compile(r"/\{\?([^{}]*)\}$")
_ACTIONS: Final = re.compile(r"/(?:cancel|stop|abort|terminate|kill|dismiss|retry|rerun|restart)/?$")


def job_operations(spec: Spec) -> Mapping[str, tuple[str, str, Node]]:
    """Path, method and operation, by operation id, of a normalised spec."""
    paths = {path.rstrip("/") for path, _, _ in spec.operations()}
    found: dict[str, tuple[str, str, Node]] = {}
    for path, method, operation in spec.operations():
        name = _asked_by(spec, path, method, operation)
        own = f"{path.rstrip('/')}/{{?{name}}}" if name is not None else path
        taken = any(other.startswith(f"{path.rstrip('/')}/{{") for other in paths) if name is not None else False
        found[operation.at("operationId").text()] = (path if taken else own, method, operation)
    return found


def with_query(path: str) -> str:
    """A path with our names in braces, where its last one is in the query: `/status?id={job_id}`."""
    head, found, tail = path.partition("/{?")
    return f"{head}?{tail.partition('}')[0]}={{job_id}}" if found else path


def real_path(path: str) -> str:
    """The path as the spec has it."""
    return _IN_QUERY.sub("", path)


def _asked_by(spec: Spec, path: str, method: str, operation: Node) -> str | None:
    """The only query parameter that an operation requires, where it has no other way to say which job is meant."""
    if "{" in path or not (method in {"get", "delete"} or _ACTIONS.search(path)):
        return None
    required: list[str] = []
    try:
        for holder in (spec.root.at("paths").at(path), operation):
            listed = holder.find("parameters")
            parameters = map(Node.follow, listed.elements() if listed is not None else ())
            required += [
                str(one.value_of("name"))
                for one in parameters
                if one.value_of("in") == "query" and one.value_of("required") is True
            ]
    except SpecError:
        return None  # What it says can't be read, and is named as such.
    (name, *others) = required or [""]
    return name if name in FIELDS["job_id"] and not others else None
