"""The fields of the generated models: the type, the default and the expressions of each."""

from __future__ import annotations

from attrs import frozen

from cl_codegen.text.escape import literal
from cl_codegen.wire.decoding import decode
from cl_codegen.wire.encoding import encode
from cl_codegen.wire.python_type import classes, is_converted, is_nullable, only_value, python_type
from cl_codegen.wire.types import (
    ANY,
    FILE,
    NONE,
    Listed,
    Model,
    Plain,
    Property,
    Type,
    Union,
    leaves,
)


@frozen
class Field:
    """One field of a generated model."""

    name: str
    wire_name: str
    type: str
    default: str
    """What stands behind the type: ` = None`, or nothing for a field that has to be given."""
    decoded: str
    encoded: str | None
    """Nothing, where the server alone says what it is."""
    local: str
    """A statement that has to run before `decoded`, or nothing."""
    sent_as: str
    """`form`, `file`, or `part` for what may be both, in a multipart body."""
    description: str
    value_type: str
    """The type of a value that is there."""
    read: str | None
    """An expression that makes it of a JSON `value`, where that is more than to believe it."""
    classes: tuple[tuple[str, str], ...]
    """(module, class) of the models and enums in the type."""


def fields(model: Model, *, request: bool, response: bool = True) -> list[Field]:
    """The fields of a model in the order of the spec.

    A request sends what was given: an optional field is `Unset` until then, whatever the default of the spec is. A
    response always has a value: an absent field is the default of the spec, or None. What only the server says
    (`readOnly`) is no field of what is only sent, and the other way round.

    Args:
        model: of which.
        request: whether it is sent.
        response: whether it is read, too.
    """
    return [
        _field(one, request=request, response=response)
        for one in model.properties
        if not (one.read_only and request and not response) and not (one.write_only and not request)
    ]


def _field(property: Property, *, request: bool, response: bool) -> Field:
    name, type = property.name, property.type
    type_, default, source = (_sent_field if request else _read_field)(property, literal(property.wire_name))
    is_never_read = property.write_only and request and response and default != " = UNSET"
    if is_never_read:
        type_ = f"{type_} | Unset"
    decoded, encoded, local = decode(type, source), encode(type, f"self.{name}"), ""
    is_union = isinstance(type, Union)
    may_be_absent = default == " = None" and not (is_union and is_nullable(type))
    if is_converted(type) and (may_be_absent or is_union):
        local, decoded = f"{name} = {source}", decode(type, name)
        if may_be_absent:
            decoded = f"None if {name} is None else {decoded}"
    elif may_be_absent and type != ANY:
        decoded = f'cast("{type_}", {source})'
    may_be_unset = default == " = UNSET" or is_never_read
    if may_be_unset:
        decoded = f"UNSET if {literal(property.wire_name)} not in data else {decoded}"
    for nothing in ("None",) if may_be_absent else ("UNSET",) if may_be_unset else ():
        encoded = encoded if encoded == f"self.{name}" else f"{nothing} if self.{name} is {nothing} else {encoded}"
    return Field(
        name=name,
        wire_name=property.wire_name,
        type=type_,
        default=default,
        decoded=decoded,
        encoded=None if request and property.read_only else encoded,
        local=local,
        sent_as=_sent_as(type),
        description=property.description,
        value_type=python_type(type),
        read=decode(type, "value") if is_converted(type) else None,
        classes=tuple(sorted(set(classes([type])))),
    )


def _sent_as(type: Type) -> str:
    if isinstance(type, Plain):
        return "file" if type is FILE else "form"
    plain = [leaf for leaf in leaves(type) if not isinstance(leaf, Union | Listed) and leaf != NONE]
    if FILE not in plain:
        return "form"
    return "file" if all(leaf == FILE for leaf in plain) else "part"


def _sent_field(property: Property, key: str) -> tuple[str, str, str]:
    """(type, default, source) of a field of a request: what was not given stays `UNSET`, whatever the spec says; what
    can be one value only has it."""
    type = property.type
    only = only_value(type)
    if (property.required or (only is not None and only == property.default)) and not property.read_only:
        source = f"data[{key}]"
        return python_type(type), f" = {literal(only)}" if only is not None else "", source
    source = f"data.get({key})" if isinstance(type, Union) else f"data[{key}]"
    return f"{python_type(type)} | Unset", " = UNSET", source


def _read_field(property: Property, key: str) -> tuple[str, str, str]:
    """(type, default, source) of a field of a response: an absent one is the default of the spec, or None."""
    type = property.type
    type_, default = python_type(type), property.default
    if default is not None and (not is_converted(type) or default == []):
        plain = literal(default)
        if not isinstance(default, dict | list):
            return type_, f" = {plain}", f"data.get({key}, {plain})"
        factory = f"lambda: {plain}" if default else default.__class__.__name__
        return type_, f" = field(factory={factory})", f"data.get({key}, {plain})"
    if is_nullable(type):
        return type_, " = None", f"data.get({key})"
    if not property.required:
        return f"{type_} | None", " = None", f"data.get({key})"
    return type_, "", f"data[{key}]"
