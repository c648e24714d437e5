"""What a spec says and the client doesn't do, although the operation itself is there.

These are servers of single operations, jobs whose state nothing surely has, and uploads as forms. Each is named with
its reason."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from cl_codegen.model.vocabulary import FIELDS, LINKS, located, names_a_job, success
from cl_codegen.spec.schema_types import properties
from cl_codegen.spec.spec import Node, Spec, SpecError
from cl_codegen.wire.schemas import LeftOut

_ADDRESSES: Final = ("upload_url", "uploadUrl", "presigned_url", "presignedUrl", "url")
_PLAIN: Final = "so the method only sends the request"


def own_servers(spec: Spec) -> Iterator[LeftOut]:
    """The servers of single paths and operations (OpenAPI 3.1 §4.8.9, §4.8.10), unless they are those of all."""
    every = spec.root.value_of("servers")
    holders = [item for path, item in spec.root.at("paths").members() if path.startswith("/")]
    for holder in (*holders, *(operation for _, _, operation in spec.operations())):
        servers = holder.find("servers")
        if servers is None or servers.value in (None, [], every):
            continue
        listed = servers.value if isinstance(servers.value, list) else []
        urls = [str(one.get("url")) for one in listed if isinstance(one, dict)]
        yield LeftOut(
            servers.pointer,
            f"a server for this alone ({', '.join(urls)}): the client sends every request to its own address",
        )


def unfollowed(spec: Spec, jobs: Collection[str]) -> Iterator[LeftOut]:
    """The operations that look as if they created jobs or uploads, which the client can't follow.

    Args:
        spec: normalised.
        jobs: the IDs of the operations that create jobs.
    """
    by_query = list(_asked_by_query(spec))
    for _, method, operation in spec.operations():
        if method != "post" or str(operation.value_of("operationId")) in jobs:
            continue
        try:
            why = _why(operation, by_query)
        except SpecError:
            continue  # What it says can't be read, and is named as such.
        if why is not None:
            yield LeftOut(operation.pointer, why)


def _why(operation: Node, by_query: list[tuple[str, str]]) -> str | None:
    answer = success(operation) if operation.find("responses") is not None else None
    fields = dict(properties(answer)) if answer is not None else {}
    if "fields" in fields and (address := next((word for word in _ADDRESSES if word in fields), None)) is not None:
        return f"the file goes to {address} in a form with fields, and the client only uploads with PUT, {_PLAIN}"
    if answer is not None and names_a_job(operation):
        if not by_query:
            return None
        path, name = by_query[0]
        return f"GET {path} takes the ID of a job in its query ({name}), but not surely of these jobs, {_PLAIN}"
    link = next((word for word in LINKS["job"] if word in fields), None) or located(operation)
    if link is not None:
        return f"the response has the address of a job ({link}) and no ID, but no GET surely has its state, {_PLAIN}"
    return None


def _asked_by_query(spec: Spec) -> Iterator[tuple[str, str]]:
    """(path, parameter) of every GET that takes the ID of a job in its query and returns a state."""
    for path, method, operation in spec.operations():
        listed = operation.find("parameters")
        if method != "get" or "{" in path or listed is None:
            continue
        try:
            answer = success(operation)
            has_state = answer is not None and any(word in dict(properties(answer)) for word in FIELDS["status"])
            for parameter in map(Node.follow, listed.elements()) if has_state else ():
                name = str(parameter.value_of("name"))
                is_needed = parameter.value_of("in") == "query" and parameter.value_of("required") is True
                if is_needed and name in FIELDS["job_id"]:
                    yield path, name
        except SpecError:
            continue
