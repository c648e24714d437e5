"""From the operations of a normalised spec to those of the wire layer: parameters, bodies, answers and their types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import define, field

from cl_codegen.normalise.reference_rules import LEFT_OUT
from cl_codegen.spec.media_types import EVENTS, LINES, STREAMS, YAML, plain
from cl_codegen.spec.spec import JSONObject, JSONValue, Node, Spec, SpecError, escape_pointer, unescape_pointer
from cl_codegen.spec.walk import mentions
from cl_codegen.text import naming
from cl_codegen.text.escape import one_line
from cl_codegen.wire.names import FieldNames
from cl_codegen.wire.schemas import LeftOut, Schemas
from cl_codegen.wire.typed_operation import AnswerKind, Body, BodyKind, Operation, Parameter, Reply, Stream
from cl_codegen.wire.types import ANY, NONE, TEXT, Listed, Mapped, Model, Type, without_none

FORM: Final = "multipart/form-data"
URLENCODED: Final = "application/x-www-form-urlencoded"
_RESERVED_ARGUMENTS: Final = frozenset(["asyncio", "body", "call", "client", "errors", "httpx", "response"])
_STYLE_OF: Final = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
_IGNORED_HEADERS: Final = frozenset(["accept", "content-type", "authorization"])
"""A parameter of this name says nothing (OpenAPI 3.1 §4.8.12.1)."""


@define
class Operations:
    """The operations of one spec. One that cannot be called is left out, and the others are not."""

    spec: Spec
    schemas: Schemas
    forms: frozenset[str]
    """The components that nothing mentions but as the body of a form: there is no JSON of these."""
    left_out: list[LeftOut] = field(factory=list[LeftOut])
    _modules: dict[str, set[str]] = field(factory=dict[str, set[str]], init=False)

    @classmethod
    def of(cls, spec: Spec) -> Operations:
        forms, others = _mentioned(spec)
        return cls(spec, Schemas(spec, shared=frozenset(forms & others)), frozenset(forms - others))

    def read(self) -> list[Operation]:
        """All that can be called, in the order of the document."""
        operations: list[Operation] = []
        self.left_out += _unknown_methods(self.spec)
        for path, method, operation in self.spec.operations():
            if (why := operation.find(LEFT_OUT)) is not None:
                self.left_out.append(LeftOut(operation.pointer, str(why.value)))
                continue
            try:
                operations.append(self._operation(path, method, operation))
            except SpecError as unsayable:
                self.leave_out(unsayable)
        return operations

    def leave_out(self, unsayable: SpecError) -> None:
        """Note what is not in the client."""
        self.left_out.append(LeftOut(unsayable.place, unsayable.expected))

    def _operation(self, path: str, method: str, operation: Node) -> Operation:
        name = operation.at("operationId").text()
        tag = self._tag(operation)
        parent = naming.class_name(name, fallback="Operation")
        parameters = tuple(self._parameters(path, operation, parent))
        body = self.body(operation, parent)
        replies = tuple(self._replies(operation, parent))
        taken = self._modules.setdefault(tag, set())
        module = naming.unique(naming.attribute(name, fallback="operation"), taken)
        taken.add(module)
        summary, description = operation.value_of("summary"), operation.value_of("description")
        return Operation(
            name=name,
            module=module,
            tag=tag,
            method=method,
            path=path,
            summary=one_line(summary) if isinstance(summary, str) else "",
            description=description if isinstance(description, str) else "",
            parameters=parameters,
            body=body,
            replies=replies,
            pointer=operation.pointer,
            deprecated=operation.value_of("deprecated") is True,
        )

    def _tag(self, operation: Node) -> str:
        tags = operation.value_of("tags")
        first = tags[0] if isinstance(tags, list) and tags else "default"
        return naming.snake(first if isinstance(first, str) else "default", fallback="tag")

    # What is sent ----------------------------------------------------------------------------------------------------

    def _parameters(self, path: str, operation: Node, parent: str) -> Iterator[Parameter]:
        item = self.spec.root.at("paths").at(path).follow()
        found: dict[tuple[str, str], Node] = {}
        for holder in (item, operation):
            listed = holder.find("parameters")
            for node in listed.elements() if listed is not None else ():
                parameter = node.follow()
                place, name = parameter.at("in").text(), parameter.at("name").text()
                if place not in _STYLE_OF:
                    raise parameter.error(f"expected a parameter in path, query, header or cookie, not in {place!r}")
                if not (place == "header" and name.lower() in _IGNORED_HEADERS):
                    found[place, name] = parameter
        inside = {name for place, name in found if place == "path" and f"{{{name}}}" in path}
        for step in _steps(path):
            if step not in inside:
                raise operation.error(f"expected a parameter in path called {step!r}, which the path has")
        names = FieldNames.of_a_function(_RESERVED_ARGUMENTS)
        for place, name in sorted(found, key=lambda one: _ORDER[one[0]]):
            if place != "path" or name in inside:
                yield self._parameter(found[place, name], place, name, names, parent)

    def _parameter(self, node: Node, place: str, name: str, names: FieldNames, parent: str) -> Parameter:
        type, style = self._parameter_type(node, name, parent)
        required = place == "path" or node.value_of("required") is True
        said = node.value_of("style")
        style = style or (said if isinstance(said, str) else _STYLE_OF[place])
        explode = node.value_of("explode")
        description = node.value_of("description")
        return Parameter(
            name=names.take(name),
            wire_name=name,
            place=place,
            type=without_none(type) if place == "path" else type,
            required=required,
            description=description if isinstance(description, str) else "",
            style=style,
            explode=explode if isinstance(explode, bool) else style == "form",
            least=_least(node),
        )

    def _parameter_type(self, node: Node, name: str, parent: str) -> tuple[Type, str]:
        schema = node.find("schema")
        if schema is not None:
            return self.schemas.read(schema.value, schema.pointer, parent, name), ""
        content = node.find("content")
        for kind, media in content.members() if content is not None else ():
            schema = media.find("schema")
            style = "json" if _is_json(kind) else ""
            if schema is not None:
                return self.schemas.read(schema.value, schema.pointer, parent, name), style
            return ANY, style
        return TEXT, ""

    def body(self, operation: Node, parent: str) -> Body | None:
        """What an operation sends.

        Args:
            operation: of the document.
            parent: the class that its own classes are called by.
        """
        node = operation.find("requestBody")
        node = node.follow() if node is not None else None
        content = node.find("content") if node is not None else None
        if node is None or content is None:
            return None
        required = node.value_of("required") is True
        chosen = chosen_media(content)
        if chosen is None:
            return None
        kind, media = chosen
        schema = media.find("schema")
        value, pointer = (schema.value, schema.pointer) if schema is not None else (None, media.pointer)
        return self._body_of(kind, value, pointer, parent, required=required)

    def _body_of(self, media_type: str, schema: JSONValue, pointer: str, parent: str, *, required: bool) -> Body:
        kind = _kind_of_body(media_type, schema)
        if kind == "form":
            form = self.schemas.form(schema, pointer, parent)
            return Body(form or Mapped(ANY), kind, media_type, required)
        if kind == "content":
            return Body(ANY, kind, media_type, required)
        type = self.schemas.read(schema, pointer, parent, "body")
        if kind == "lines" and not isinstance(type, Listed):
            type = Listed(type)
        if kind == "urlencoded" and not isinstance(type, Model | Mapped):
            type = Mapped(ANY)
        return Body(type, kind, media_type, required)

    # What comes back -------------------------------------------------------------------------------------------------

    def _replies(self, operation: Node, parent: str) -> Iterator[Reply]:
        node = operation.find("responses")
        listed = [(code, one.follow()) for code, one in node.members()] if node is not None else []
        listed = [(code, one) for code, one in listed if not code.startswith("x-")]
        succeeds = any(code.startswith("2") for code, _ in listed)
        for code, response in sorted(listed, key=lambda one: _width(one[0])):
            first, last = _range(code, response)
            if code == "default" and not succeeds:
                # It stands for whatever the others do not: for the success too (OpenAPI 3.1 §4.8.16).
                succeeds = True
                yield self._reply(code, response, 200, 299, parent)
            yield self._reply(code, response, first, last, parent)
        if not succeeds:
            yield Reply(200, 299, "anything", ANY)

    def _reply(self, code: str, response: Node, first: int, last: int, parent: str) -> Reply:
        content = response.find("content")
        every = list(content.members()) if content is not None else []
        if not every:
            return Reply(first, last, "nothing", NONE)
        media_type, media = min(every, key=lambda one: _rank_of_answer(one[0]))
        schema = media.find("schema")
        value, pointer = (schema.value, schema.pointer) if schema is not None else (None, media.pointer)
        kind = self._kind_of_answer(media_type, value)
        type: Type = ANY
        if kind == "json":
            type = self.schemas.read(value, pointer, parent, f"response_{code}")
        headers = response.value_of("headers")
        has_links = isinstance(headers, dict) and any(name.lower() == "link" for name in headers)
        stream = self._stream(code, every, parent) if 200 <= first < 300 else None
        return Reply(first, last, kind, type, media_type, has_links, stream)

    def _stream(self, code: str, every: list[tuple[str, Node]], parent: str) -> Stream | None:
        """What comes piece by piece; lines before events, which have less to say."""
        for kinds in (LINES, {EVENTS}):
            for media_type, media in every:
                if plain(media_type) in kinds:
                    schema = media.find("itemSchema") or media.find("schema")
                    type = ANY
                    if schema is not None:
                        type = self.schemas.read(schema.value, schema.pointer, parent, f"response_{code}_item")
                    return Stream("events" if plain(media_type) == EVENTS else "lines", plain(media_type), type)
        return None

    def _kind_of_answer(self, media_type: str, schema: JSONValue) -> AnswerKind:
        kind = plain(media_type)
        behind = self._behind(schema)
        if _is_binary(behind):
            return "bytes"
        if _is_json(media_type):
            return "json"
        if kind.startswith("text/") or kind in STREAMS or kind.endswith(("/yaml", "+yaml", "/xml", "+xml")):
            return "text"
        is_object = behind.get("type") in {"object", "array"} or any(
            key in behind for key in ("properties", "allOf", "oneOf", "anyOf")
        )
        return "json" if kind == "*/*" and is_object else "bytes"

    def _behind(self, schema: JSONValue) -> JSONObject:
        node = Node(self.spec, "#", schema)
        try:
            value = node.follow().value
        except SpecError:
            return {}
        return value if isinstance(value, dict) else {}


_ORDER: Final = {place: index for index, place in enumerate(_STYLE_OF)}


def _mentioned(spec: Spec) -> tuple[set[str], set[str]]:
    """The components that are the body of a form, and those that are mentioned elsewhere."""
    forms: set[str] = set()
    others: set[str] = set()
    kind = f"/content/{escape_pointer(FORM)}/schema"
    for pointer, _, reference in mentions(spec.document):
        key = unescape_pointer(reference.rpartition("/")[2])
        (forms if pointer.endswith(kind) else others).add(key)
    return forms, others


def _unknown_methods(spec: Spec) -> Iterator[LeftOut]:
    """What only OpenAPI 3.2 has, and a path that leads nowhere."""
    for path, item in spec.root.at("paths").members():
        for name in ("query", "additionalOperations") if path.startswith("/") else ():
            if (node := item.find(name)) is not None:
                yield LeftOut(node.pointer, "only OpenAPI 3.2 has this, and the client knows 3.1")
        if (why := item.find(LEFT_OUT)) is not None:
            yield LeftOut(item.pointer, str(why.value))


def _steps(path: str) -> Iterator[str]:
    for part in path.split("{")[1:]:
        name, closed, _ = part.partition("}")
        if closed:
            yield name


def _least(parameter: Node) -> int | None:
    """The number that a parameter is when it is not given, or is at least."""
    schema = parameter.find("schema")
    for key in ("default", "minimum") if schema is not None else ():
        value = schema.value_of(key) if schema is not None else None
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _is_json(media_type: str) -> bool:
    kind = plain(media_type)
    return kind in {"application/json", "text/json"} or (kind.endswith("+json") and kind not in STREAMS)


def _is_binary(schema: JSONObject) -> bool:
    return schema.get("type") == "string" and schema.get("format") == "binary"


def chosen_media(content: Node) -> tuple[str, Node] | None:
    """Which of the media types of a body is sent: the first that has fields, else the first."""
    return min(content.members(), key=lambda one: _rank_of_body(one[0]), default=None)


def _rank_of_body(media_type: str) -> int:
    kind = plain(media_type)
    return 0 if kind in {FORM, URLENCODED} or _is_json(kind) else 2 if kind == "*/*" else 1


def _rank_of_answer(media_type: str) -> int:
    kind = plain(media_type)
    order = [_is_json(kind), kind == "*/*", kind.startswith("text/") and kind not in STREAMS]
    return order.index(True) if True in order else len(order)


def _kind_of_body(media_type: str, schema: JSONValue) -> BodyKind:
    kind = plain(media_type)
    if kind == FORM:
        return "form"
    if kind == URLENCODED:
        return "urlencoded"
    if _is_json(kind):
        return "json"
    if kind in LINES:
        return "lines"
    says_object = isinstance(schema, dict) and ("$ref" in schema or schema.get("type") == "object")
    if says_object and (kind in YAML or kind.endswith("+yaml")):
        return "yaml"  # All JSON is YAML (YAML 1.2 §1.3).
    return "json" if kind == "*/*" and says_object else "content"


def _range(code: str, response: Node) -> tuple[int, int]:
    if code == "default":
        return 100, 599
    if len(code) == 3 and code[0] in "12345" and code[1:].lower() == "xx":
        return int(code[0]) * 100, int(code[0]) * 100 + 99
    if len(code) == 3 and code.isdecimal():
        return int(code), int(code)
    raise response.error("expected a status code, a range such as 4XX, or default")


def _width(code: str) -> int:
    return 2 if code == "default" else 1 if code[1:].lower() == "xx" else 0
