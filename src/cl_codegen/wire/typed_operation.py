"""One operation of the spec, with everything typed: what is sent and what is answered, not yet how that is written."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from attrs import frozen

from cl_codegen.wire.types import Listed, Mapped, Model, Type, Union, leaves, union_of

BodyKind: TypeAlias = Literal["json", "lines", "yaml", "form", "urlencoded", "content"]
AnswerKind: TypeAlias = Literal["json", "text", "bytes", "nothing", "anything"]


@frozen
class Parameter:
    """One parameter of an operation, as the spec has it (OpenAPI 3.1 §4.8.12).

    Attributes:
        name: in Python.
        place: `path`, `query`, `header` or `cookie`.
        style, explode: how a value of several parts is written; `json` where a media type says so.
        least: the number that it is at least, or is when it is not given.
    """

    name: str
    wire_name: str
    place: str
    type: Type
    required: bool
    description: str
    style: str
    explode: bool
    least: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is written as `name=value`, and a list as several of these."""
        several = any(isinstance(leaf, Listed | Mapped | Model) for leaf in leaves(self.type))
        if self.place == "query":
            form = self.style == "form" and self.explode
            # What may be an object goes the long way, for its members are parameters of their own.
            return not several or (form and not _may_be_object(self.type))
        return self.style in {"simple", "form"} and (
            not several or (self.place != "path" and not _may_be_object(self.type))
        )


def _may_be_object(type: Type) -> bool:
    members = type.members if isinstance(type, Union) else (type,)
    return any(isinstance(member, Mapped | Model) for member in members)


@frozen
class Body:
    """What an operation sends."""

    type: Type
    kind: BodyKind
    media_type: str
    required: bool
    description: str = ""


@frozen
class Stream:
    """An answer that comes piece by piece.

    Attributes:
        kind: `events` of a server (WHATWG HTML §9.2), or JSON by `lines`.
        type: of one of them, as the spec has it.
    """

    kind: Literal["events", "lines"]
    media_type: str
    type: Type

    @property
    def item(self) -> Type:
        """What one of them says: of events that are described as a whole, their data."""
        if isinstance(self.type, Listed):
            return self.type.inner
        members = self.type.members if isinstance(self.type, Union) else (self.type,)
        data = [_data_of(member) for member in members] if self.kind == "events" else []
        found = [type for type in data if type is not None]
        return union_of(found) if found and len(found) == len(data) else self.type


_EVENT: Final = frozenset(["data", "event", "id", "retry"])


def _data_of(type: Type) -> Type | None:
    """Of the model of a whole event, the type of its data."""
    fields = {one.wire_name: one.type for one in type.properties} if isinstance(type, Model) else {}
    is_whole = "data" in fields and len(fields) > 1 and fields.keys() <= _EVENT
    return fields["data"] if is_whole else None


@frozen
class Reply:
    """What an operation answers with, for one status or one range of them.

    Attributes:
        first, last: the statuses.
        kind: how its body is read.
        media_type: as the spec has it.
        has_links: whether there is a header `Link` (RFC 8288).
        stream: the same piece by piece, where there is that.
    """

    first: int
    last: int
    kind: AnswerKind
    type: Type
    media_type: str = ""
    has_links: bool = False
    stream: Stream | None = None

    @property
    def types(self) -> tuple[Type, ...]:
        """What it is made of."""
        return (self.type,) if self.stream is None else (self.type, self.stream.item)

    @property
    def is_success(self) -> bool:
        return 200 <= self.first < 300

    @property
    def name(self) -> str:
        """`404` or `4XX`."""
        return str(self.first) if self.first == self.last else f"{self.first // 100}XX"

    @property
    def test(self) -> str:
        return f"== {self.first}" if self.first == self.last else f"in range({self.first}, {self.last + 1})"


@frozen
class Operation:
    """An operation of the spec, with everything typed."""

    name: str
    module: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    replies: tuple[Reply, ...]
    pointer: str = "#"
    deprecated: bool = False
