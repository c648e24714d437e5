"""Expressions that make a Python value of JSON.

The templates ask for one expression at a time (`{{ field.decoded }}`), so that they read like the code they make. Every
expression is built from names that the generator made and from `escape.literal`; no text of the spec goes in as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from cl_codegen.text.escape import literal
from cl_codegen.wire.python_type import is_converted, python_type
from cl_codegen.wire.types import (
    NONE,
    Const,
    Fixed,
    Listed,
    Mapped,
    Model,
    Plain,
    Type,
    Union,
    Words,
)


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
