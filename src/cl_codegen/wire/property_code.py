"""What a type of the wire layer is in Python: what it is called, how JSON becomes it, and how it becomes JSON.

The templates ask for one expression at a time (`{{ field.decoded }}`), so that they read like the code they make. Every
expression is built from names that the generator made and from `escape.literal`; no text of the spec goes in as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen

from cl_codegen.text.escape import literal
from cl_codegen.wire.types import (
    ANY,
    FILE,
    NONE,
    Const,
    Fixed,
    Listed,
    Mapped,
    Model,
    Plain,
    Property,
    Type,
    Union,
    Words,
    leaves,
)


def python_type(type: Type) -> str:
    """What the type is called."""
    match type:
        case Plain():
            return type.python
        case Const():
            return f"Literal[{literal(type.value)}]"
        case Words() | Model():
            return type.name
        case Listed():
            return f"list[{python_type(type.inner)}]"
        case Fixed():
            return f"tuple[{', '.join(map(python_type, type.places))}]"
        case Mapped():
            inner = python_type(type.inner)
            return "JSONObject" if inner == "JSONValue" else f"dict[str, {inner}]"
        case Union():
            types = dict.fromkeys(python_type(member) for member in type.members)
            return " | ".join(sorted(types, key="None".__eq__))


def is_nullable(type: Type) -> bool:
    return type in {NONE, ANY} or (isinstance(type, Union) and NONE in type.members)


def is_converted(type: Type) -> bool:
    """Whether the Python value is another than the JSON value."""
    if isinstance(type, Plain):  # Most are.
        return type.is_converted
    return any(
        isinstance(leaf, Model | Fixed) or (isinstance(leaf, Plain) and leaf.is_converted) for leaf in leaves(type)
    )


# From JSON ------------------------------------------------------------------------------------------------------------


def decode(type: Type, source: str) -> str:
    """An expression of the type from `source`, a JSONValue; for a union, `source` has to be a name."""
    if not is_converted(type):
        wanted = python_type(type)
        return source if wanted == "JSONValue" else f'cast("{wanted}", {source})'
    match type:
        case Union():
            return _decode_union(type, source)
        case Listed() | Fixed():
            return _decode_known(type, f'cast("list[JSONValue]", {source})')
        case Mapped() | Model():
            return _decode_known(type, f'cast("JSONObject", {source})')
        case _:
            return _decode_known(type, f'cast("str", {source})')


def _decode_known(type: Type, source: str) -> str:
    """The same, where the type checker knows already that `source` is the kind of JSON that it should be."""
    match type:
        case Plain() if type.is_converted:
            return f"{_READERS[type.python]}({source})"
        case Listed():
            return f"[{decode(type.inner, 'item')} for item in {source}]"
        case Fixed():
            whole = f"of_length({source}, {len(type.places)})"
            places = [decode(place, f"item[{index}]") for index, place in enumerate(type.places)]
            return f"[({', '.join(places)},) for item in [{whole}]][0]"
        case Mapped():
            return f"{{key: {decode(type.inner, 'item')} for key, item in {source}.items()}}"
        case Model():
            return f"{type.name}.from_dict({source})"
        case Plain(python="str") | Words():
            return source
        case _:
            return f'cast("{python_type(type)}", {source})'


_READERS = {
    "datetime.date": "datetime.date.fromisoformat",
    "datetime.datetime": "datetime.datetime.fromisoformat",
    "UUID": "UUID",
}


def _decode_union(union: Union, source: str) -> str:
    """By the kind of JSON that came; among several of one kind the one that fits (see `closest_of`)."""
    converted = [member for member in union.members if is_converted(member)]
    plain = [member for member in union.members if member not in converted]
    if len(converted) == 1 and plain == [NONE]:
        return f"None if {source} is None else {decode(converted[0], source)}"
    branches: list[str] = []
    for kind in dict.fromkeys(map(_json_kind, converted)):
        members = [member for member in union.members if _json_kind(member) == kind]
        alike = sorted(members, key=lambda member: not is_converted(member))
        branches.append(f"{_decode_alike(union, alike, source)} if isinstance({source}, {kind})")
    rest = " | ".join(dict.fromkeys(python_type(member) for member in plain))
    last = f'cast("{rest}", {source})' if plain else f"unexpected({source})"
    return " else ".join([*branches, last])


def _decode_alike(union: Union, members: Sequence[Type], source: str) -> str:
    """Among members of one kind of JSON: by the word of the tag, else by what fits."""
    models = [member for member in members if isinstance(member, Model)]
    tag, tagged = tags(union, models)
    choices = [
        f"{model.name}.from_dict({source}) if {source}.get({literal(tag)}) {_one_of(words)}"
        for model, words in tagged.items()
    ]
    rest = _closest_of(members, source)
    # In parentheses, for a word is only asked for where the value is known to be an object.
    return f"({' else '.join([*choices, rest])})" if choices else rest


def _one_of(words: Sequence[str]) -> str:
    return f"== {literal(words[0])}" if len(words) == 1 else f"in ({', '.join(map(literal, words))})"


def tags(union: Union, models: Sequence[Model]) -> tuple[str, dict[Model, list[str]]]:
    """The member of JSON that tells which model an object is, and the words of each; none, where no member does."""
    if len(models) < 2:
        return "", {}
    for name in [union.tag] if union.tag else _names_of_all(models):
        words = {model: _words_of(model, name) for model in models}
        for word, model in union.tagged:
            if model in words and not words[model]:
                words[model] = [mapped for mapped, other in union.tagged if other is model and mapped != word] or [word]
        every = [word for said in words.values() for word in said]
        if every and len(set(every)) == len(every) and (union.tag or all(words.values())):
            return name, {model: said for model, said in words.items() if said}
    return "", {}


def _names_of_all(models: Sequence[Model]) -> list[str]:
    first, *others = models
    return [
        one.wire_name
        for one in first.properties
        if all(any(other.wire_name == one.wire_name for other in model.properties) for model in others)
    ]


def _words_of(model: Model, name: str) -> list[str]:
    for property in model.properties:
        if property.wire_name == name:
            match property.type:
                case Const(value=str(word)):
                    return [word]
                case Words(values=values) if all(isinstance(value, str) for value in values):
                    return [str(value) for value in values]
                case _:
                    return []
    return []


def _closest_of(members: Sequence[Type], source: str) -> str:
    """The call is annotated with its type, because a type checker that infers it from the readers of twenty models
    doesn't finish."""
    first, *others = members
    if not others:
        return _decode_known(first, source)
    readers = ", ".join(map(_reader, members))
    return f'cast("{python_type(Union(tuple(members)))}", closest_of({source}, {readers}))'


def _reader(type: Type) -> str:
    match type:
        case Model():
            return f"{type.name}.from_dict"
        case Plain() if type.is_converted:
            return _READERS[type.python]
        case _:
            return f"lambda value: {_decode_known(type, 'value')}"


def _json_kind(type: Type) -> str:
    match type:
        case Listed() | Fixed():
            return "list"
        case Mapped() | Model():
            return "dict"
        case Plain(python="bool" | "int" | "float" | "None"):
            return type.python
        case Const() if not isinstance(type.value, str):
            return type.value.__class__.__name__
        case Words() if "str" not in type.kinds:
            return "int"
        case _:
            return "str"


# To JSON --------------------------------------------------------------------------------------------------------------


def encode(type: Type, source: str) -> str:
    """An expression of type JSONValue from a value of the type."""
    match type:
        case Plain(python="datetime.datetime"):
            return f"rfc3339({source})"
        case Plain(python="datetime.date"):
            return f"{source}.isoformat()"
        case Plain(python="UUID"):
            return f"str({source})"
        case Listed():
            inner = encode(type.inner, "item")
            return f"list({source})" if inner == "item" else f"[{inner} for item in {source}]"
        case Fixed():
            return f"[{', '.join(encode(place, f'{source}[{index}]') for index, place in enumerate(type.places))}]"
        case Mapped():
            inner = encode(type.inner, "item")
            if python_type(type) == "JSONObject":
                return source
            return f"dict({source})" if inner == "item" else f"{{key: {inner} for key, item in {source}.items()}}"
        case Model():
            return f"{source}.to_dict()"
        case Union():
            return _encode_union(type, source)
        case _:
            return source


def _encode_union(union: Union, source: str) -> str:
    tests: dict[str, str] = {}
    untouched = False
    for member in union.members:
        encoded, runtime = encode(member, source), _runtime_kind(member)
        if encoded == source:
            untouched = True
        elif tests.setdefault(runtime, encoded) != encoded:
            return f"json_value({source})"  # Two kinds of list: what is in it decides.
    listed = [f"{encoded} if isinstance({source}, {runtime})" for runtime, encoded in tests.items()]
    if not untouched and listed:
        return " else ".join([*listed[:-1], list(tests.values())[-1]])
    if any(runtime in {"list", "dict"} and _plain_too(union, runtime) for runtime in tests):
        return f"json_value({source})"
    return " else ".join([*listed, source])


def _runtime_kind(type: Type) -> str:
    match type:
        case Listed():
            return "list"
        case Fixed():
            return "tuple"
        case Mapped():
            return "dict"
        case _:
            return python_type(type)


def _plain_too(union: Union, runtime: str) -> bool:
    return any(
        _runtime_kind(member) == runtime and not is_converted(member) and encode(member, "x") == "x"
        for member in union.members
    )


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


def classes(types: Iterable[Type]) -> Iterator[tuple[str, str]]:
    """(module, class) of every model and enum in some types."""
    for type in types:
        for leaf in () if isinstance(type, Plain) else leaves(type):
            if isinstance(leaf, (Words, Model)):
                yield leaf.module, leaf.name


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


def only_value(type: Type) -> str | int | bool | None:
    """The value, where there is just one."""
    match type:
        case Const():
            return type.value
        case Words(values=(value,)):
            return value
        case _:
            return None


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
