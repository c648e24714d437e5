"""The operations of one tag, with what each is given: what the templates of the operation layer are given."""

from __future__ import annotations

import re
from typing import Final, cast

from attrs import frozen

from cl_codegen.model.pages import Pages
from cl_codegen.text.escape import SpecText
from cl_codegen.text.layout import Layout
from cl_codegen.wire.endpoint import WireStream

_TYPES: Final = frozenset(["bool", "bytes", "dict", "float", "int", "list", "str", "tuple"])
_WORD: Final = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[\w.]+|.""", re.DOTALL)
"""A text, a name or a sign of a type."""


@frozen
class Given:
    """One argument of a method.

    Attributes:
        name: in Python.
        type: without Unset; hint: with it, as the signature has it.
        value: the expression that the endpoint, or the model of a form, takes.
        sent_as: what that calls it.
        place: `path`, `named`, `body` or `field`.
        option: on the command line; kind: its type there; read: the expression of the value that was given, or nothing
            for what is written as JSON, which `decoded` reads.
        help: the description.
    """

    name: str
    type: str
    required: bool
    value: str
    sent_as: str
    place: str
    option: str
    kind: str
    read: str
    help: SpecText
    default: str = " | Unset = UNSET"
    decoded: str = ""
    classes: tuple[str, ...] = ()

    @property
    def hint(self) -> str:
        return self.type if self.required else f"{self.type}{self.default}"


@frozen
class Method:
    """One operation: a method and a command.

    Attributes:
        module: of the endpoint; alias: what the module of the group calls it.
        saves: whether its answer is bytes, which go to a file; file: how that is called in a folder.
        never_json: whether these bytes are of a kind that JSON is not.
        form: the model that its fields are put into.
        pages: how to get the next page of its list, if that comes page by page; every: the method that gives all of it.
        stream: what comes piece by piece; streamed: the method that gives it, which is the only one where there is no
            other answer.
    """

    name: str
    command: str
    module: str
    alias: str
    summary: SpecText
    description: SpecText
    route: SpecText
    given: tuple[Given, ...]
    returns: str
    saves: bool
    file: str
    never_json: bool
    form: str | None
    body: Given | None
    classes: tuple[str, ...]
    pages: Pages | None = None
    every: str = ""
    stream: WireStream | None = None
    streamed: str = ""

    @property
    def is_stream(self) -> bool:
        """Whether all that it gives comes piece by piece."""
        return self.stream is not None and self.stream.is_all

    @property
    def stream_type(self) -> str:
        """What one piece is."""
        if self.stream is None or self.stream.kind == "lines":
            return self.stream.item if self.stream else ""
        return f"ServerEvent[{'str' if self.stream.is_text else self.stream.item}]"

    @property
    def reads(self) -> tuple[str, ...]:
        """The models that its command makes of JSON."""
        used = {name for one in self.given if not one.read and "read_option" in one.decoded for name in one.classes}
        return tuple(sorted(used))

    @property
    def reads_json(self) -> bool:
        """Whether its command makes something of JSON that is more than to believe it."""
        return any("read_option" in one.decoded for one in self.given if not one.read)

    @property
    def positional(self) -> tuple[Given, ...]:
        return tuple(one for one in self.given if one.place == "path")

    @property
    def keywords(self) -> tuple[Given, ...]:
        return tuple(sorted((one for one in self.given if one.place != "path"), key=lambda one: not one.required))

    def sent(self, place: str) -> tuple[Given, ...]:
        return tuple(one for one in self.given if one.place == place)


@frozen
class Group:
    """The operations of one tag.

    Attributes:
        name: of the property and the module.
        command: of the command line.
    """

    name: str
    command: str
    class_name: str
    tag: str
    summary: SpecText
    methods: tuple[Method, ...]
    layout: Layout

    @property
    def hidden(self) -> tuple[str, ...]:
        """The types of Python that methods are called as (`list`), so that annotations cannot say them plainly."""
        return tuple(sorted(_TYPES & {method.name for method in self.methods}))

    def hint(self, type: str) -> str:
        """A type as an annotation of a method says it."""
        parts = cast("list[str]", _WORD.findall(type)) if self.hidden else [type]
        return "".join(f"builtins.{part}" if part in self.hidden else part for part in parts)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(sorted({name for method in self.methods for name in method.classes}))
