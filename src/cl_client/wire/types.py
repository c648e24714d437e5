"""What models and endpoints are made of: JSON, files, and the value of what was not given."""

from __future__ import annotations

import datetime
import enum
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import IO, Final, Literal, NoReturn, Protocol, Required, TypeAlias, TypedDict, TypeVar, cast
from urllib.parse import quote
from uuid import UUID

from attrs import frozen

V = TypeVar("V")

JSONValue: TypeAlias = "dict[str, JSONValue] | list[JSONValue] | str | int | float | bool | None"
JSONObject: TypeAlias = dict[str, JSONValue]


class Unset(enum.Enum):
    """The server's default: what is not given is not sent, and the server decides.

    An enum of one, so that `is UNSET` narrows, and copies and pickles stay the same object.
    """

    UNSET = "UNSET"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "<the server's default>"


UNSET: Final = Unset.UNSET
"""Not given: it is not sent, and the server's default applies."""


class Readable(Protocol):
    """What a file can be read from."""

    def read(self, size: int = -1, /) -> bytes: ...


class Streamed(Protocol):
    """A file that the client's transport sends in pieces, as it reads it. httpx alone cannot send one."""

    def pieces(self) -> AsyncIterator[bytes]: ...


FileContent: TypeAlias = bytes | Readable | Streamed
FilePart: TypeAlias = tuple[str, IO[bytes] | bytes, str | None]
"""Name, content and media type, as httpx takes a file."""


@frozen
class File:
    """A file to upload.

    Attributes:
        payload: the bytes, or what they are read from.
        file_name: the name that the server sees. Without a name a part would be a plain field, so there always is one.
        mime_type: the media type; httpx guesses it from the name.
    """

    payload: FileContent
    file_name: str = "upload"
    mime_type: str | None = None

    def to_part(self) -> FilePart:
        # httpx only ever calls read(), yet its annotation asks for all of IO[bytes].
        return self.file_name, cast("IO[bytes] | bytes", self.payload), self.mime_type


class Call(TypedDict, total=False):
    """The arguments of one request, by the names that httpx has for them."""

    method: Required[str]
    url: Required[str]
    params: dict[str, str | list[str]]
    headers: dict[str, str]
    json: JSONValue
    data: dict[str, str | list[str]]
    files: list[tuple[str, FilePart]]
    content: bytes


def path_segment(value: JSONValue) -> str:
    """One segment of a path. A slash is data here, and dots must not climb (RFC 3986 §5.2.4)."""
    text = _text(value)
    return text.replace(".", "%2E") if text in {".", ".."} else quote(text, safe="")


def _parts(value: JSONValue, pair: str) -> list[str]:
    """The parts of a value: items, or members as name and value with `pair` between them."""
    if isinstance(value, dict):
        return [
            f"{quote(key, safe='')}{pair}{quote(_text(item), safe='')}"
            for key, item in value.items()
            if item is not None
        ]
    items = value if isinstance(value, list) else [value]
    return [quote(_text(item), safe="") for item in items if item is not None]


def path_part(
    name: str, value: JSONValue, style: Literal["simple", "label", "matrix"] = "simple", *, explode: bool = False
) -> str:
    """One segment of a path that is written in a style (OpenAPI 3.1 §4.8.12.3, RFC 6570 §3.2)."""
    pair = "=" if explode else ","
    parts = _parts(value, pair)
    match style:
        case "simple":
            return ",".join(parts)
        case "label":
            return "." + ("." if explode else ",").join(parts)
        case "matrix":
            name = quote(name, safe="")
            if not explode or not isinstance(value, dict | list):
                # Nothing to say is said without `=` (RFC 6570 §3.2.7).
                text = ",".join(parts)
                return f";{name}={text}" if text else f";{name}"
            if isinstance(value, dict):
                return "".join(f";{part}" for part in parts)
            return "".join(f";{name}={part}" if part else f";{name}" for part in parts)


def query_part(
    name: str,
    value: JSONValue | Unset,
    style: Literal["form", "spaceDelimited", "pipeDelimited", "deepObject", "json"] = "form",
    *,
    explode: bool = True,
) -> list[str]:
    """What a parameter adds to the query (OpenAPI 3.1 §4.8.12.3, RFC 6570 §3.2.8); nothing, where it was not given."""
    if value is None or isinstance(value, Unset):
        return []
    key = quote(name, safe="")
    if style == "json":
        return [f"{key}={quote(json.dumps(value), safe='')}"]
    if style == "deepObject":
        return [f"{step}={quote(text, safe='')}" for step, text in _deep(key, value)]
    if explode:  # Whatever is between the parts: each of them is a parameter of its own.
        pairs = _parts(value, "=")
        return pairs if isinstance(value, dict) else [f"{key}={part}" for part in pairs]
    between = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}[style]
    parts = _parts(value, between)
    return [f"{key}={between.join(parts)}"] if parts else []


def _deep(name: str, value: JSONValue) -> Iterator[tuple[str, str]]:
    """`name[key]=value`; deeper objects as servers read them, which no document says."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _deep(f"{name}%5B{quote(key, safe='')}%5D", item)
    elif isinstance(value, list):
        for item in value:
            yield from _deep(name, item)
    elif value is not None:
        yield name, _text(value)


def with_query(path: str, *parts: list[str]) -> str:
    """A path with its query, which is written already."""
    query = "&".join(part for several in parts for part in several)
    return f"{path}?{query}" if query else path


def joined(value: JSONValue | Unset, how: Literal["simple", "explode", "json"]) -> JSONValue | Unset:
    """A header or a cookie of several parts, as one text (RFC 6570 §3.2.2)."""
    if isinstance(value, Unset) or value is None:
        return value
    if how == "json":
        return json.dumps(value)
    if isinstance(value, dict):
        pair = "=" if how == "explode" else ","
        return ",".join(f"{key}{pair}{_text(item)}" for key, item in value.items())
    return ",".join(map(_text, value)) if isinstance(value, list) else value


def text_fields(values: Mapping[str, JSONValue | Unset]) -> dict[str, str | list[str]]:
    """Fields of a form or a query as text. What was not given, or is None, is left out.

    Lists repeat the field and objects go as JSON (OpenAPI 3.1 §4.8.15); booleans are `true` and `false`.
    """
    return {
        name: [_text(item) for item in value] if isinstance(value, list) else _text(value)
        for name, value in values.items()
        if value is not None and not isinstance(value, Unset)
    }


def header_fields(
    values: Mapping[str, JSONValue | Unset], *, cookies: Mapping[str, JSONValue | Unset] | None = None
) -> dict[str, str]:
    """Headers as text, with cookies as one of them. What was not given, or is None, is left out; lists have commas."""
    fields = {name: _listed(value) for name, value in text_fields(values).items()}
    # What a cookie may not hold as it is: RFC 6265 §4.1.1.
    crumbs = [f"{name}={quote(_listed(value), safe=_COOKIE)}" for name, value in text_fields(cookies or {}).items()]
    return fields | {"Cookie": "; ".join(crumbs)} if crumbs else fields


_COOKIE: Final = "!#$&'()*+-./:<=>?@[]^_`{|}~"


def _listed(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _text(value: JSONValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def file_parts(values: Mapping[str, File | list[File] | Unset | None]) -> list[tuple[str, FilePart]]:
    """The files of a form. What was not given, or is None, is left out."""
    parts: list[tuple[str, FilePart]] = []
    for name, value in values.items():
        if isinstance(value, File):
            parts.append((name, value.to_part()))
        elif isinstance(value, list):
            parts.extend((name, file.to_part()) for file in value)
    return parts


def json_fields(values: Mapping[str, JSONValue | Unset]) -> JSONObject:
    """The members of a JSON object, without those that were not given."""
    return {name: value for name, value in values.items() if not isinstance(value, Unset)}


def json_lines(values: Iterable[JSONValue]) -> bytes:
    """Values as JSON by the line (https://jsonlines.org); UTF-8."""
    return b"".join(json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values)


_UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError)


def closest_of(value: V, *readers: Callable[[V], object]) -> object:
    """Read a value that may be one of several things: as what leaves least of it unread, or the first of equals.

    Raises what the last reader does, where none can read it.
    """
    closest: list[tuple[int, object]] = []
    failed: Exception = TypeError("nothing to read it as")
    for reader in readers:
        try:
            read = reader(value)
        except _UNREADABLE as unreadable:
            failed = unreadable
            continue
        unread = _unread(read)
        if not unread:
            return read
        if not closest or unread < closest[0][0]:
            closest = [(unread, read)]
    if not closest:
        raise failed
    return closest[0][1]


def _unread(value: object) -> int:
    """How many members no model has a field for: all of an object that is none, and those of each item of a list."""
    if isinstance(value, list):
        return sum(map(_unread, cast("list[object]", value)))
    if isinstance(value, dict):
        return len(cast("JSONObject", value))
    return len(cast("JSONObject", getattr(value, "additional_properties", {})))


def of_length(value: list[JSONValue], length: int) -> list[JSONValue]:
    """An array of at least this length. Raises ValueError: it is shorter."""
    if len(value) < length:
        raise ValueError(f"expected {length} values, not {len(value)}")
    return value


def rfc3339(moment: datetime.datetime) -> str:
    """A time as RFC 3339 has it, which knows no time without its offset: one that has none is local."""
    return (moment if moment.tzinfo else moment.astimezone()).isoformat()


# Looked for first, and quickly: most values are one of these.
_AS_IT_IS: Final = (str, int, float)


class _Model(Protocol):
    def to_dict(self) -> JSONObject: ...


def json_value(value: object) -> JSONValue:
    """The JSON of a value, by what it is."""
    if value is None or isinstance(value, _AS_IT_IS):
        return value
    match value:
        case datetime.datetime():
            return rfc3339(value)
        case datetime.date():
            return value.isoformat()
        case UUID():
            return str(value)
        case list() | tuple():
            return [json_value(item) for item in cast("list[object]", value)]
        case dict():
            return {key: json_value(item) for key, item in cast("dict[str, object]", value).items()}
        case _ if hasattr(value, "to_dict"):
            return cast("_Model", value).to_dict()
        case _:
            return cast("JSONValue", value)


def only_files(value: object) -> File | list[File] | Unset:
    """Of a field of a form that may be a file or not: the files."""
    if isinstance(value, File):
        return value
    items = cast("list[object]", value) if isinstance(value, list) else []
    files = [item for item in items if isinstance(item, File)]
    return files or UNSET


def without_files(value: object) -> JSONValue | Unset:
    """Of a field of a form that may be a file or not: what is none."""
    if isinstance(value, File | Unset):
        return UNSET
    if not isinstance(value, list):
        return json_value(value)
    plain = [json_value(item) for item in cast("list[object]", value) if not isinstance(item, File)]
    return plain or UNSET


def read_body(body: bytes | str | JSONValue, read: Callable[[JSONValue], V]) -> V:
    """What the body of a request of a server says.

    Args:
        body: as it came, or its JSON. A text is one as it came.
        read: reads the JSON.

    Raises:
        ValueError: it is no JSON, or `read` cannot read it.
    """
    try:
        return read(cast("JSONValue", json.loads(body)) if isinstance(body, bytes | str) else body)
    except KeyError as missing:
        raise ValueError(f"the field {missing} is missing") from None
    except _UNREADABLE as broken:
        raise ValueError(f"not what the spec promises: {broken}") from None


def unexpected(value: object) -> NoReturn:
    """Refuse a JSON value of a kind that the spec does not have here."""
    raise TypeError(f"unexpected {type(value).__name__}")
