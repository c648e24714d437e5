"""What a property of openapi-python-client is in Python: its type, how JSON becomes it, and how it becomes JSON.

The templates ask for one expression at a time (`{{ property | decode("data[…]") }}`), so that they read like the code
they make. Every expression is built from names that the generator made and from `escape.literal`; no text of the spec
goes in as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from attrs import frozen
from openapi_python_client.parser.properties import AnyProperty, LiteralEnumProperty, ModelProperty
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty
from openapi_python_client.schema import Reference
from openapi_python_client.schema.untrusted_string import UntrustedString

from cl_codegen.spec.spec import JSONValue
from cl_codegen.text.escape import in_f_string, literal

_PLAIN: Mapping[type[PropertyProtocol], str] = {
    AnyProperty: "JSONValue",
    BooleanProperty: "bool",
    FloatProperty: "float",
    IntProperty: "int",
    NoneProperty: "None",
    StringProperty: "str",
    DateProperty: "datetime.date",
    DateTimeProperty: "datetime.datetime",
    FileProperty: "File",
    UuidProperty: "UUID",
}
_CONVERTED = (DateProperty, DateTimeProperty, UuidProperty)


def is_map(property: PropertyProtocol) -> bool:
    """Whether an object of the spec has no fields of its own: a plain `dict` says all of it."""
    return (
        isinstance(property, ModelProperty)
        and not property.required_properties
        and not property.optional_properties
        and property.additional_properties is not None
        and not property.is_multipart_body
    )


def python_type(property: PropertyProtocol) -> str:
    """The type of a value that is there."""
    match property:
        case ConstProperty():
            return f"Literal[{literal(cast('JSONValue', property.value.raw_value))}]"
        case LiteralEnumProperty():
            return property.class_info.name
        case ListProperty():
            return f"list[{python_type(property.inner_property)}]"
        case ModelProperty() if is_map(property):
            inner = python_type(_values(property))
            return "JSONObject" if inner == "JSONValue" else f"dict[str, {inner}]"
        case ModelProperty():
            return property.class_info.name
        case UnionProperty():
            types = list(dict.fromkeys(python_type(member) for member in property.inner_properties))
            if "JSONValue" in types:
                return "JSONValue"
            return " | ".join(sorted(types, key="None".__eq__))
        case _:
            return _PLAIN[type(property)]


def _values(property: ModelProperty) -> PropertyProtocol:
    return cast("PropertyProtocol", property.additional_properties)


def is_nullable(property: PropertyProtocol) -> bool:
    return "None" in python_type(property).split(" | ") or python_type(property) == "JSONValue"


def leaves(property: PropertyProtocol) -> Iterator[PropertyProtocol]:
    """The property and all that it is made of, up to the fields of models."""
    yield property
    match property:
        case ListProperty():
            yield from leaves(property.inner_property)
        case ModelProperty() if is_map(property):
            yield from leaves(_values(property))
        case UnionProperty():
            for member in property.inner_properties:
                yield from leaves(member)
        case _:
            pass


def is_converted(property: PropertyProtocol) -> bool:
    """Whether the Python value is another than the JSON value."""
    return any(isinstance(leaf, _CONVERTED) or _is_class(leaf) for leaf in leaves(property))


def _is_class(property: PropertyProtocol) -> bool:
    return isinstance(property, ModelProperty) and not is_map(property)


# From JSON ------------------------------------------------------------------------------------------------------------


def decode(property: PropertyProtocol, source: str) -> str:
    """An expression of the property's type from `source`, a JSONValue; for a union, `source` has to be a name."""
    if not is_converted(property):
        wanted = python_type(property)
        return source if wanted == "JSONValue" else f'cast("{wanted}", {source})'
    match property:
        case UnionProperty():
            return _decode_union(property, source)
        case ListProperty():
            return _decode_known(property, f'cast("list[JSONValue]", {source})')
        case ModelProperty():
            return _decode_known(property, f'cast("JSONObject", {source})')
        case _:
            return _decode_known(property, f'cast("str", {source})')


def _decode_known(property: PropertyProtocol, source: str) -> str:
    """The same, where the type checker knows already that `source` is the kind of JSON that it should be."""
    match property:
        case DateProperty():
            return f"datetime.date.fromisoformat({source})"
        case DateTimeProperty():
            return f"datetime.datetime.fromisoformat({source})"
        case UuidProperty():
            return f"UUID({source})"
        case ListProperty():
            return f"[{decode(property.inner_property, 'item')} for item in {source}]"
        case ModelProperty() if is_map(property):
            return f"{{key: {decode(_values(property), 'item')} for key, item in {source}.items()}}"
        case ModelProperty():
            return f"{property.class_info.name}.from_dict({source})"
        case _:
            raise TypeError(f"no way from JSON for {property}")


def _decode_union(property: UnionProperty, source: str) -> str:
    """By the kind of JSON that came; among several models the first that fits wins (see `first_that_fits`)."""
    plain = [member for member in property.inner_properties if not is_converted(member)]
    converted = [member for member in property.inner_properties if is_converted(member)]
    if len(converted) == 1 and [python_type(member) for member in plain] == ["None"]:
        return f"None if {source} is None else {decode(converted[0], source)}"
    models = [member for member in converted if isinstance(member, ModelProperty) and not is_map(member)]
    branches = [
        f"{_decode_known(member, source)} if isinstance({source}, {_json_kind(member)})"
        for member in converted
        if member not in models[1:]
    ]
    if len(models) > 1:
        branches[converted.index(models[0])] = f"{_first_that_fits(models, source)} if isinstance({source}, dict)"
    rest = " | ".join(dict.fromkeys(python_type(member) for member in plain))
    last = f'cast("{rest}", {source})' if plain else f"unexpected({source})"
    return " else ".join([*branches, last])


def _first_that_fits(models: Sequence[ModelProperty], source: str) -> str:
    """Two at a time: of more, a type checker would know only that it is some object."""
    first, *others = models
    rest = (
        f"{others[0].class_info.name}.from_dict"
        if len(others) == 1
        else f"lambda value: {_first_that_fits(others, 'value')}"
    )
    return f"first_that_fits({source}, {first.class_info.name}.from_dict, {rest})"


def _json_kind(property: PropertyProtocol) -> str:
    match property:
        case ListProperty():
            return "list"
        case ModelProperty():
            return "dict"
        case _:
            return "str"


# To JSON --------------------------------------------------------------------------------------------------------------


def encode(property: PropertyProtocol, source: str) -> str:
    """An expression of type JSONValue from a value of the property's type."""
    match property:
        case DateProperty() | DateTimeProperty():
            return f"{source}.isoformat()"
        case UuidProperty():
            return f"str({source})"
        case ListProperty():
            inner = encode(property.inner_property, "item")
            return f"list({source})" if inner == "item" else f"[{inner} for item in {source}]"
        case ModelProperty() if is_map(property):
            inner = encode(_values(property), "item")
            if python_type(property) == "JSONObject":
                return source
            return f"dict({source})" if inner == "item" else f"{{key: {inner} for key, item in {source}.items()}}"
        case ModelProperty():
            return f"{source}.to_dict()"
        case UnionProperty() if python_type(property) != "JSONValue":
            return _encode_union(property, source)
        case _:
            return source


def _encode_union(property: UnionProperty, source: str) -> str:
    tests: list[str] = []
    untouched = False
    seen: set[str] = set()
    for member in property.inner_properties:
        encoded, wanted = encode(member, source), python_type(member)
        if encoded == source:
            untouched = True
        elif (runtime := wanted.partition("[")[0]) not in seen:
            seen.add(runtime)
            tests.append(f"{encoded} if isinstance({source}, {'dict' if runtime == 'JSONObject' else runtime})")
    if not untouched and tests:
        return " else ".join([*tests[:-1], tests[-1].rpartition(" if isinstance(")[0]])
    return " else ".join([*tests, source])


# A field of a model ---------------------------------------------------------------------------------------------------


@frozen
class Field:
    """One field of a generated model."""

    name: str
    wire_name: str
    type: str
    default: str
    """What stands behind the type: ` = None`, or nothing for a field that has to be given."""
    decoded: str
    encoded: str
    local: str
    """A statement that has to run before `decoded`, or nothing."""
    sent_as: str
    """`form` or `file`, for a field of a multipart body."""
    description: str
    value_type: str
    """The type of a value that is there."""
    read: str | None
    """An expression that makes it of a JSON `value`, where that is more than to believe it."""
    classes: tuple[tuple[str, str], ...]
    """(module, class) of the models and enums in the type."""


def fields(model: ModelProperty, *, request: bool) -> list[Field]:
    """The fields of a model in the order of the spec.

    A request sends what was given: an optional field is `Unset` until then, whatever the default of the spec is. A
    response always has a value: an absent field is the default of the spec, or None.
    """
    by_name = {
        property.name.get_untrusted_value(): property
        for property in [*(model.required_properties or []), *(model.optional_properties or [])]
    }
    order = [name.get_untrusted_value() for name in model.data.properties or {}]
    names = [*(name for name in order if name in by_name), *(name for name in by_name if name not in order)]
    return [_field(by_name[name], model, request=request) for name in names]


def _field(property: PropertyProtocol, model: ModelProperty, *, request: bool) -> Field:
    name, wire_name = str(property.python_name), property.name.get_untrusted_value()
    of_kind = _sent_field if request else _read_field
    type_, default, source = of_kind(property, literal(wire_name), _default(model, wire_name))
    decoded, encoded, local = decode(property, source), encode(property, f"self.{name}"), ""
    is_union = isinstance(property, UnionProperty)
    may_be_absent = default == " = None" and not (is_union and is_nullable(property))
    if is_converted(property) and (may_be_absent or is_union):
        local, decoded = f"{name} = {source}", decode(property, name)
        if may_be_absent:
            decoded = f"None if {name} is None else {decoded}"
    elif may_be_absent and python_type(property) != "JSONValue":
        decoded = f'cast("{type_}", {source})'
    if default == " = UNSET":
        decoded = f"UNSET if {literal(wire_name)} not in data else {decoded}"
    for nothing in ("None",) if may_be_absent else ("UNSET",) if default == " = UNSET" else ():
        encoded = encoded if encoded == f"self.{name}" else f"{nothing} if self.{name} is {nothing} else {encoded}"
    is_file = any(isinstance(leaf, FileProperty) for leaf in leaves(property))
    return Field(
        name=name,
        wire_name=wire_name,
        type=type_,
        default=default,
        decoded=decoded,
        encoded=encoded,
        local=local,
        sent_as="file" if is_file else "form",
        description=property.description.get_untrusted_value() if property.description else "",
        value_type=python_type(property),
        read=decode(property, "value") if is_converted(property) else None,
        classes=tuple(sorted(set(classes([property])))),
    )


def classes(properties: Iterable[PropertyProtocol]) -> Iterator[tuple[str, str]]:
    """(module, class) of every model and enum that properties are typed with."""
    for property in properties:
        for leaf in leaves(property):
            if isinstance(leaf, LiteralEnumProperty) or (isinstance(leaf, ModelProperty) and not is_map(leaf)):
                yield str(leaf.class_info.module_name), str(leaf.class_info.name)


def _sent_field(property: PropertyProtocol, key: str, _: JSONValue) -> tuple[str, str, str]:
    """(type, default, source) of a field of a request: what was not given stays `UNSET`, whatever the spec says."""
    if property.required:
        return python_type(property), "", f"data[{key}]"
    source = f"data.get({key})" if isinstance(property, UnionProperty) else f"data[{key}]"
    return f"{python_type(property)} | Unset", " = UNSET", source


def _read_field(property: PropertyProtocol, key: str, default: JSONValue) -> tuple[str, str, str]:
    """(type, default, source) of a field of a response: an absent one is the default of the spec, or None."""
    type_ = python_type(property)
    if default is not None and (not is_converted(property) or default == []):
        plain = literal(default)
        if not isinstance(default, dict | list):
            return type_, f" = {plain}", f"data.get({key}, {plain})"
        factory = f"lambda: {plain}" if default else type(default).__name__
        return type_, f" = field(factory={factory})", f"data.get({key}, {plain})"
    if is_nullable(property):
        return type_, " = None", f"data.get({key})"
    if not property.required:
        return f"{type_} | None", " = None", f"data.get({key})"
    return type_, "", f"data[{key}]"


def _default(model: ModelProperty, name: str) -> JSONValue:
    for key, schema in (model.data.properties or {}).items():
        if key.get_untrusted_value() == name and not isinstance(schema, Reference):
            return cast("JSONValue", _untrusted(schema.default))
    return None


def _untrusted(value: object) -> object:
    reveal = getattr(value, "get_untrusted_value", None)
    return reveal() if callable(reveal) else value


# An endpoint ----------------------------------------------------------------------------------------------------------


def path_expression(path: str, parameters: Sequence[PropertyProtocol]) -> str:
    """The path of an endpoint as source: a plain literal, or an f-string that quotes each parameter."""
    if not parameters:
        return literal(path)
    source = in_f_string(path)
    for parameter in parameters:
        name = str(parameter.python_name)
        source = source.replace(f"{{{{{name}}}}}", f"{{path_segment({name})}}")
    return f'f"{source}"'


def text_of(value: object) -> str:
    """The text of a description, which the library wraps so that nobody writes it unescaped."""
    return value.get_untrusted_value() if isinstance(value, UntrustedString) else ""
