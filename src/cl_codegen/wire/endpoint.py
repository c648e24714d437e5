"""One endpoint of the wire layer, as its template and the plugin layer see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen
from openapi_python_client.parser.bodies import BodyType
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.responses import Response

from cl_codegen.wire import property_code
from cl_codegen.wire.property_code import decode, encode, python_type


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
    """As of `wire_code.Field`."""


@frozen
class WireBody:
    """The body that an endpoint sends."""

    type: str
    kind: str
    """`json`, `form` (multipart), `urlencoded` or `content` (bytes)."""
    required: bool
    encoded: str
    fields: tuple[property_code.Field, ...]


@frozen
class Answer:
    """One documented answer."""

    test: str
    type: str
    value: str


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
    """(test of the status, class) for each documented error that has a model."""
    returns: str
    models: tuple[tuple[str, str], ...]
    """(module, class) of every model and enum that it mentions."""

    @property
    def keyword_arguments(self) -> tuple[Argument, ...]:
        """What is given by name: all that is not in the path."""
        return (*self.query, *self.headers, *self.cookies)

    @classmethod
    def of(cls, endpoint: Endpoint) -> WireEndpoint:
        body = endpoint.bodies[0] if endpoint.bodies else None
        successes = [response for response in endpoint.responses.patterns if _is_success(response)]
        failures = [response for response in endpoint.responses.patterns if not _is_success(response)]
        answers = tuple(Answer(_test(response), _returned(response), _value(response)) for response in successes)
        types = list(dict.fromkeys(answer.type for answer in answers)) or ["None"]
        mentioned = [parameter for _, parameter in endpoint.iter_all_parameters()]
        mentioned += [response.prop for response in (*successes, *failures)]
        mentioned += [body.prop] if body else []
        return cls(
            tag=str(endpoint.tags[0]),
            module=str(endpoint.name),
            method=endpoint.method.upper(),
            path=property_code.path_expression(endpoint.path.get_untrusted_value(), endpoint.path_parameters),
            spec_path=_spec_path(endpoint),
            summary=endpoint.summary.get_untrusted_value(),
            description=endpoint.description.get_untrusted_value(),
            path_arguments=_arguments(endpoint.path_parameters),
            query=_arguments(endpoint.query_parameters),
            headers=_arguments(endpoint.header_parameters),
            cookies=_arguments(endpoint.cookie_parameters),
            body=_body(body.prop, body.body_type) if body else None,
            answers=answers,
            problems=tuple(_problems(failures)),
            returns=" | ".join(sorted(types, key="None".__eq__)),
            models=tuple(sorted(set(property_code.classes(mentioned)))),
        )


def _spec_path(endpoint: Endpoint) -> str:
    path = endpoint.path.get_untrusted_value()
    for parameter in endpoint.path_parameters:
        path = path.replace(f"{{{parameter.python_name}}}", f"{{{parameter.name.get_untrusted_value()}}}")
    return path


def _arguments(properties: Sequence[PropertyProtocol]) -> tuple[Argument, ...]:
    return tuple(
        Argument(
            str(property.python_name),
            property.name.get_untrusted_value(),
            python_type(property),
            property.required,
            _sent(property),
            property.description.get_untrusted_value() if property.description else "",
            decode(property, "value") if property_code.is_converted(property) else None,
            tuple(sorted(set(property_code.classes([property])))),
        )
        for property in properties
    )


def _sent(property: PropertyProtocol) -> str:
    name = str(property.python_name)
    encoded = encode(property, name)
    return encoded if encoded == name or property.required else f"UNSET if {name} is UNSET else {encoded}"


_KINDS = {
    BodyType.JSON: "json",
    BodyType.CONTENT: "content",
    BodyType.FILES: "form",
    BodyType.DATA: "urlencoded",
}


def _body(property: PropertyProtocol, body_type: BodyType) -> WireBody:
    kind = _KINDS[body_type]
    fields = tuple(property_code.fields(property, request=True)) if isinstance(property, ModelProperty) else ()
    if kind == "content":
        return WireBody("bytes", kind, property.required, "body", fields)
    return WireBody(python_type(property), kind, property.required, encode(property, "body"), fields)


def _is_success(response: Response) -> bool:
    limits = response.status_code.range
    return limits is not None and 200 <= limits[0] < 300


def _problems(failures: list[Response]) -> Iterator[tuple[str, str]]:
    """(test of the status, class) for each model that errors are documented with."""
    codes: dict[str, list[int]] = {}
    for response in failures:
        limits = response.status_code.range
        if not isinstance(response.prop, ModelProperty) or property_code.is_map(response.prop) or limits is None:
            continue
        if limits[0] == limits[1]:
            codes.setdefault(response.prop.class_info.name, []).append(limits[0])
        else:
            yield _test(response), response.prop.class_info.name
    for name, listed in codes.items():
        yield (f"== {listed[0]}" if len(listed) == 1 else f"in {tuple(listed)}"), name


def _test(response: Response) -> str:
    first, last = response.status_code.range or (100, 599)
    return f"== {first}" if first == last else f"in range({first}, {last + 1})"


def _returned(response: Response) -> str:
    if isinstance(response.prop, FileProperty):
        return "bytes"
    return "None" if response.source["attribute"] == "None" else python_type(response.prop)


def _value(response: Response) -> str:
    match _returned(response):
        case "bytes":
            return "response.content"
        case "None":
            return "None"
        case "str" if response.source["attribute"] == "response.text":
            return "response.text"
        case _ if isinstance(response.prop, ModelProperty) and not property_code.is_map(response.prop):
            return f"errors.read_model(response, {response.prop.class_info.name}.from_dict)"
        case _:
            return decode(response.prop, "errors.read_json(response)")


__all__ = ["Answer", "Argument", "WireBody", "WireEndpoint"]
