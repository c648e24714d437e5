"""Files that are put somewhere before the job: an operation gives an address for one, and a job takes its id.

Such an operation is a POST whose answer has an address to put a file at (`upload_url`), and what stands for the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import evolve

from cl_codegen.manifest.manifest import Entry, suggestion
from cl_codegen.model.job_answer import ENVELOPES, at, places_of, same
from cl_codegen.model.plugin import Parameter, Stored, StoredFirst
from cl_codegen.model.recognise import PARAMETER, VERBS, Operations
from cl_codegen.model.vocabulary import success
from cl_codegen.spec.schema_types import kind_of, properties, required_of, without_null
from cl_codegen.spec.spec import Node
from cl_codegen.text.escape import SpecText

_ADDRESSES: Final = ("uploadurl", "presignedurl", "presigneduploadurl", "signedurl", "signeduploadurl", "puturl")
_MAYBE_ADDRESSES: Final = ("url", "href")
"""The same, where the route is one about uploads."""
_UPLOADS: Final = ("upload", "presign")
_HEADERS: Final = ("headers", "uploadheaders", "requiredheaders")
_TOLD: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("filename", "name", "originalfilename"),
    "media_type": ("contenttype", "mimetype", "mediatype"),
    "size": ("size", "filesize", "sizebytes", "bytes", "contentlength", "bytesize"),
}
"""What may be asked of a file before there is an address for it, without spelling."""
_IDS: Final = ("id", "key", "uuid", "path", "uri")


def uploads_of(operations: Operations) -> tuple[StoredFirst, ...]:
    """Every operation of a normalised spec that gives an address to put a file at."""
    posts = ((name, path, operation) for name, (path, method, operation) in operations.items() if method == "post")
    return tuple(found for post in posts if (found := _upload(*post)) is not None)


def stored_of(
    uploads: Sequence[StoredFirst], entry: Entry, name: str, wire_name: str, *, may_be_id: bool
) -> Stored | None:
    """How a parameter of a job is stored first, where it takes the id of a file: by its name, or by the manifest.

    Raises:
        SpecError: the manifest says so, and it cannot be.
    """
    said = entry.uploads.get(name)
    if said == "" or not may_be_id:
        if said:
            raise entry.error(
                "uploads", f"{name} isn't text in a JSON body, so it can't be the ID of a file", word=name
            )
        return None
    for route in uploads:
        value = route.value_for(wire_name)
        if said == route.operation:
            return Stored(route, value or route.values[0][0])
        if said is None and value is not None:
            return Stored(route, value)
    if said is not None:
        known = suggestion(said, [one.operation for one in uploads])
        raise entry.error("uploads", f"{said!r} isn't an operation that returns an upload address{known}", word=name)
    return None


def as_file(parameter: Parameter, stored: Stored) -> Parameter:
    """A parameter that takes the id of a file as one that takes the file."""
    kind = "list[FileInput]" if parameter.is_list else "FileInput"
    plain = evolve(parameter, type=kind, said=kind, is_file=True, stored=stored)
    return evolve(plain, bounds=(), choices=(), default=None, read=None, classes=())


def _upload(name: str, path: str, operation: Node) -> StoredFirst | None:
    answer = success(operation)
    told = _told(operation)
    if answer is None or told is None or PARAMETER.search(path):
        return None
    words = _ADDRESSES + (_MAYBE_ADDRESSES if any(word in path.lower() for word in _UPLOADS) else ())
    for before, fields in _levels(answer):
        texts = [field for field in fields if kind_of(without_null(fields[field][0])) == "string"]
        url = next((field for word in words for field in texts if same(field) == word), None)
        if url is None:
            continue
        values = [field for field in texts if field != url and same(field) not in _NO_VALUES]
        every = tuple(_named(before + field, _names(field, path)) for field in sorted(values, key=_likely))
        headers = next((before + field for field in fields if same(field) in _HEADERS), None)
        if every:
            return StoredFirst(
                operation=name,
                path=SpecText(path),
                url=SpecText(before + url),
                values=every,
                headers=None if headers is None else SpecText(headers),
                **{key: SpecText(field) for key, field in told.items()},
            )
    return None


_NO_VALUES: Final = frozenset(["method", "expiresat", "expires", "expiry", "status", "contenttype", "filename", "name"])


def _named(field: str, names: frozenset[str]) -> tuple[SpecText, frozenset[str]]:
    return SpecText(field), names


def _likely(field: str) -> tuple[bool, bool]:
    return not same(field).endswith("id"), same(field) not in _IDS


def _names(field: str, path: str) -> frozenset[str]:
    """What a parameter is called that takes a field: as the field, or, of a plain id, as what the route is about."""
    steps = [step for step in path.split("/") if step and step not in VERBS]
    if same(field) not in _IDS:
        return frozenset([same(field), f"input{same(field)}"])
    owners = {same(step).removesuffix("s") for step in steps[-2:]} | {"file", "upload"}
    return frozenset(f"{before}{owner}{same(field)}" for owner in owners for before in ("", "input"))


def _levels(answer: Node) -> Iterator[tuple[str, dict[str, list[Node]]]]:
    yield "", places_of(answer)
    for envelope in (*ENVELOPES, "upload", "file"):
        for inner in at(answer, envelope):
            yield f"{envelope}.", places_of(inner)


def _told(operation: Node) -> dict[str, str] | None:
    """What the body has to tell of a file, by our names; nothing where it asks for something else, or is the file."""
    body = operation.find("requestBody")
    content = body.follow().find("content") if body is not None else None
    if content is None:
        return {}
    schema = next((media.find("schema") for kind, media in content.members() if "json" in kind), None)
    if schema is None:
        return None
    fields = [name for name, _ in properties(schema.follow())]
    told = {key: field for key, words in _TOLD.items() if (field := _first(words, fields)) is not None}
    return told if required_of(schema.follow()) <= set(told.values()) else None


def _first(words: Sequence[str], fields: Sequence[str]) -> str | None:
    return next((field for word in words for field in fields if same(field) == word), None)
