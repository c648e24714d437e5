"""One endpoint of the wire layer, as its template and the plugin layer see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from attrs import frozen

from cl_codegen.spec.media_types import plain
from cl_codegen.text.escape import in_f_string, literal
from cl_codegen.wire import model_field
from cl_codegen.wire.decoding import decode
from cl_codegen.wire.encoding import encode
from cl_codegen.wire.python_type import classes, is_converted, only_value, python_type
from cl_codegen.wire.typed_operation import Body, Operation, Parameter, Reply
from cl_codegen.wire.types import ANY, TEXT, Model


@frozen
class Argument:
    """One argument of an endpoint function."""

    name: str
    wire_name: str
    type: str
    required: bool
    encoded: str
    description: str
    read: str | None
    classes: tuple[tuple[str, str], ...]
    """As of `model_field.Field`."""
    only: str | int | bool | None = None
    """The value, if there is just one, which callers need not give."""
    written: str | None = None
    """An expression of its parts of the query, where `name=value` does not say it; nothing elsewhere."""


@frozen
class WireBody:
    """The body that an endpoint sends."""

    type: str
    kind: str
    """As `BodyKind`: `lines` is JSON by the line, `yaml` JSON that is called so, `form` multipart,
    `content` bytes."""
    required: bool
    encoded: str
    model: Model | None
    media_type: str = ""
    is_map: bool = False
    """Whether a form is a plain `dict`."""
    read: str | None = None
    classes: tuple[tuple[str, str], ...] = ()
    """As of `model_field.Field`."""

    @property
    def fields(self) -> tuple[model_field.Field, ...]:
        """Those of its model. Few ask: what is not a form is sent as a whole."""
        return () if self.model is None else tuple(model_field.fields(self.model, request=True, response=False))

    @property
    def sent(self) -> tuple[tuple[str, str], ...]:
        """(argument of the request, expression) of all that carries it."""
        form = "text_fields(body)" if self.is_map else "body.to_form()"
        match self.kind:
            case "form":
                return ("data", form), ("files", "[]" if self.is_map else "body.to_files()")
            case "urlencoded":
                return (("data", form),)
            case "json":
                return (("json", self.encoded),)
            case "lines":
                return (("content", f"json_lines({self.encoded})"),)
            case "yaml":
                return (("content", f"json_lines([{self.encoded}])"),)
            case _:
                return (("content", "body"),)


@frozen
class Answer:
    """One documented answer."""

    test: str
    type: str
    value: str


@frozen
class WireStream:
    """An answer that comes piece by piece, as the templates see it.

    Attributes:
        item: the type of one; read: the expression that makes it of a JSON `value`.
        is_text: whether its events have any text as data.
        is_all: whether there is no other answer.
        switch: the boolean parameter that asks for it, where there is one; place: of that.
    """

    kind: Literal["events", "lines"]
    media_type: str
    item: str
    read: str
    is_text: bool
    is_all: bool
    switch: str
    place: Literal["query", "body"]
    classes: tuple[str, ...]


@frozen
class WireEndpoint:
    """What the template of an endpoint needs, and what the plugin layer calls it."""

    tag: str
    module: str
    method: str
    path: str
    spec_path: str
    summary: str
    description: str
    path_arguments: tuple[Argument, ...]
    query: tuple[Argument, ...]
    headers: tuple[Argument, ...]
    cookies: tuple[Argument, ...]
    body: WireBody | None
    answers: tuple[Answer, ...]
    problems: tuple[tuple[str, str], ...]
    """(statuses, class) for each documented error that has a model."""
    refusals: str
    """The statuses of all documented errors, for the docstring."""
    returns: str
    media: str
    """The media type of its answer, when all is well and it has one body."""
    models: tuple[tuple[str, str], ...]
    """(module, class) of every model and enum that it mentions."""
    hands_on: bool = False
    """Whether others ask for its request and read its answer by themselves."""
    stream: WireStream | None = None

    @property
    def keyword_arguments(self) -> tuple[Argument, ...]:
        """What is given by name: all that is not in the path."""
        return (*self.query, *self.headers, *self.cookies)

    @property
    def content_type(self) -> str | None:
        """The media type of a body that is sent as it is; httpx names the others."""
        is_plain = self.body is not None and self.body.kind in {"content", "lines", "yaml"}
        return self.body.media_type if self.body is not None and is_plain else None

    @property
    def written(self) -> tuple[Argument, ...]:
        """The parameters of the query, where one of them is not just `name=value`."""
        return self.query if any(argument.written for argument in self.query) else ()

    @classmethod
    def of(cls, operation: Operation) -> WireEndpoint:
        replies = operation.replies
        successes = [reply for reply in replies if reply.is_success]
        failures = [reply for reply in replies if not reply.is_success]
        tests = [_of_a_write(operation, reply) for reply in successes] if len(successes) == 1 else []
        tests = tests or [reply.test for reply in successes]
        answers = tuple(
            Answer(test, _returned(reply), _value(reply)) for test, reply in zip(tests, successes, strict=True)
        )
        types = list(dict.fromkeys(answer.type for answer in answers)) or ["None"]
        if "JSONValue" in types:
            # That says all that JSON is made of, but not what is made of JSON.
            types = [*dict.fromkeys(_returned(reply) for reply in successes if _is_made(reply)), "JSONValue"]
        mentioned = [parameter.type for parameter in operation.parameters]
        mentioned += [reply.type for reply in replies if reply.is_success or isinstance(reply.type, Model)]
        stream = _stream(operation, successes)
        mentioned += [reply.stream.item for reply in successes if reply.stream is not None]
        mentioned += [operation.body.type] if operation.body else []
        placed = {
            place: _arguments([one for one in operation.parameters if one.place == place])
            for place in ("path", "query", "header", "cookie")
        }
        return cls(
            tag=operation.tag,
            module=operation.module,
            method=operation.method.upper(),
            path=_path_expression(operation),
            spec_path=operation.path,
            summary=operation.summary,
            description=operation.description,
            path_arguments=placed["path"],
            query=placed["query"],
            headers=placed["header"],
            cookies=placed["cookie"],
            body=_body(operation.body) if operation.body else None,
            answers=answers,
            problems=tuple(_problems(failures)),
            refusals=", ".join(one.name for one in failures if one.first),
            media=successes[0].media_type if len(successes) == 1 else "",
            returns=" | ".join(sorted(types, key="None".__eq__)),
            models=tuple(sorted(set(classes(mentioned)))),
            stream=stream,
        )


def _arguments(parameters: Sequence[Parameter]) -> tuple[Argument, ...]:
    return tuple(
        Argument(
            one.name,
            one.wire_name,
            python_type(one.type),
            one.required and _only(one) is None,
            _sent(one),
            one.description,
            decode(one.type, "value") if is_converted(one.type) else None,
            tuple(sorted(set(classes([one.type])))),
            _only(one),
            _written(one),
        )
        for one in parameters
    )


def _stream(operation: Operation, successes: Sequence[Reply]) -> WireStream | None:
    reply = next((one for one in successes if one.stream is not None), None)
    if reply is None or reply.stream is None:
        return None
    stream = reply.stream
    item = stream.item
    switch, place = "", "body"
    is_json = operation.body is not None and operation.body.kind == "json"
    model = operation.body.type if operation.body is not None and is_json else None
    if isinstance(model, Model) and any(one.wire_name == "stream" for one in model.properties):
        switch = "stream"
    elif any(one.place == "query" and one.wire_name == "stream" for one in operation.parameters):
        switch, place = "stream", "query"
    return WireStream(
        kind=stream.kind,
        media_type=stream.media_type,
        item=python_type(item),
        read=decode(item, "value"),
        is_text=stream.kind == "events" and item in (ANY, TEXT),
        is_all=plain(reply.media_type) == stream.media_type,
        switch=switch,
        place="query" if place == "query" else "body",
        classes=tuple(class_ for _, class_ in classes([item])),
    )


def _only(parameter: Parameter) -> str | int | bool | None:
    """The value of a parameter that has to be there and can be one thing only."""
    is_filled = parameter.required and parameter.place != "path"
    return only_value(parameter.type) if is_filled else None


def _sent(parameter: Parameter) -> str:
    name = parameter.name
    encoded = encode(parameter.type, name)
    if encoded != name and not parameter.required:
        encoded = f"UNSET if {name} is UNSET else {encoded}"
    if parameter.place in {"header", "cookie"} and not parameter.is_plain:
        how = "json" if parameter.style == "json" else "explode" if parameter.explode else "simple"
        return f"joined({encoded}, {literal(how)})"
    return encoded


def _written(parameter: Parameter) -> str | None:
    if parameter.place != "query" or parameter.is_plain:
        return None
    style = parameter.style if parameter.style in _STYLES else "form"
    return (
        f"query_part({literal(parameter.wire_name)}, {_sent(parameter)}, {literal(style)}, explode={parameter.explode})"
    )


_STYLES: Final = frozenset(["form", "spaceDelimited", "pipeDelimited", "deepObject", "json"])


def _path_expression(operation: Operation) -> str:
    """The path of an endpoint as source: a plain literal, or an f-string that quotes each parameter."""
    inside = [one for one in operation.parameters if one.place == "path"]
    if not inside:
        return literal(operation.path)
    source = in_f_string(operation.path)
    for one in inside:
        encoded = encode(one.type, one.name)
        style = one.style if one.style in {"label", "matrix"} else "simple"
        if one.is_plain and style == "simple":
            value = f"path_segment({encoded})"
        else:
            name = literal(one.wire_name)
            value = f"path_part({name}, {encoded}, {literal(style)}, explode={one.explode})".replace('"', "'")
        source = source.replace(in_f_string(f"{{{one.wire_name}}}"), f"{{{value}}}")
    return f'f"{source}"'


def _body(body: Body) -> WireBody:
    model = body.type if isinstance(body.type, Model) else None
    is_map = body.kind in {"form", "urlencoded"} and model is None
    if body.kind == "content":
        return WireBody("bytes", body.kind, body.required, "body", model, body.media_type)
    return WireBody(
        python_type(body.type),
        body.kind,
        body.required,
        encode(body.type, "body"),
        model,
        body.media_type,
        is_map,
        decode(body.type, "value") if is_converted(body.type) else None,
        tuple(sorted(set(classes([body.type])))),
    )


def _problems(failures: Sequence[Reply]) -> Iterator[tuple[str, str]]:
    """(statuses, class) for each model that errors are documented with."""
    codes: dict[str, list[int]] = {}
    ranges: list[tuple[str, str]] = []
    for reply in failures:
        if not isinstance(reply.type, Model):
            continue
        if reply.first == reply.last:
            codes.setdefault(reply.type.name, []).append(reply.first)
        else:
            ranges.append((f"range({reply.first}, {reply.last + 1})", reply.type.name))
    for name, listed in codes.items():
        yield f"{tuple(listed)}", name
    yield from ranges


def _of_a_write(operation: Operation, reply: Reply) -> str:
    """The test of the only success of an operation. Servers document one of 200 and 201, and answer what they find or
    make with the other one too (RFC 9110 §9.3.3 and §9.3.4): it is the same thing."""
    writes = operation.method.lower() in {"post", "put", "patch"}
    return "in (200, 201)" if writes and reply.first == reply.last and reply.first in {200, 201} else reply.test


def _returned(reply: Reply) -> str:
    match reply.kind:
        case "bytes":
            return "bytes"
        case "nothing":
            return "None"
        case "text":
            return "str"
        case "anything":
            return "JSONValue"
        case "json":
            return python_type(reply.type)


def _is_made(reply: Reply) -> bool:
    """Whether what it gives is another value than the JSON that came."""
    return reply.kind == "bytes" or (reply.kind == "json" and is_converted(reply.type))


def _value(reply: Reply) -> str:
    match reply.kind:
        case "bytes":
            return "response.content"
        case "nothing":
            return "None"
        case "text":
            return "response.text"
        case "anything":
            return "errors.read_anything(response)"
        case "json" if isinstance(reply.type, Model):
            return f"errors.read_model(response, {reply.type.name}.from_dict)"
        case "json" if is_converted(reply.type):
            return f"errors.read_value(response, lambda value: {decode(reply.type, 'value')})"
        case "json":
            return decode(reply.type, "errors.read_json(response)")
