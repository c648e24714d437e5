"""What is different between two schemas, for who sends values of them and for who reads them.

The two are mirror images: a sender is hurt when less is accepted, a reader when more may come.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from cl_codegen.diff.change import Finding, Level
from cl_codegen.spec.schema_types import properties, required_of
from cl_codegen.spec.spec import JSONValue, Node

Way = Literal["sent", "read"]

_LOWER: Final = {
    "minimum": "minimum",
    "exclusiveMinimum": "exclusive minimum",
    "minLength": "shortest length",
    "minItems": "least number of items",
}
_UPPER: Final = {
    "maximum": "maximum",
    "exclusiveMaximum": "exclusive maximum",
    "maxLength": "longest length",
    "maxItems": "largest number of items",
}
_EXACT: Final = {"pattern": "pattern", "multipleOf": "step"}
_WORDS_FOR_PEOPLE: Final = ("description", "title", "example", "examples")


def compare(old: Node, new: Node, way: Way, place: str = "") -> Iterator[Finding]:
    """The findings below two schemas. Components that are objects or enums are compared once, by their own name."""
    names = component_of(old), component_of(new)
    if names[0] is not None and names[1] is not None:
        if names[0] != names[1]:
            yield Finding(Level.BREAKING, place, f"the schema is {names[1]} now, was {names[0]}")
    else:
        yield from compare_here(old, new, way, place)
    yield from _around(old, new, place)


def compare_here(old: Node, new: Node, way: Way, place: str = "") -> Iterator[Finding]:
    """As `compare`, for two schemas that are the same component."""
    before, after = alternatives(old), alternatives(new)
    lost = [label for label in before if not _covers(after, label)]
    won = [label for label in after if not _covers(before, label)]
    if lost or won:
        hurts = bool(lost) if way == "sent" else bool(won)
        yield Finding(Level.BREAKING if hurts else Level.COMPATIBLE, place, _types(before, after, lost, won))
    for label in before:
        # A component has a comparison of its own, and may hold itself.
        if label in after and component_of(before[label]) is None:
            yield from _same_type(before[label].follow(), after[label].follow(), way, place)


def component_of(schema: Node) -> str | None:
    """The component that a schema refers to, where it is one with a class of its own: an object, or an enum."""
    reference = schema.find("$ref")
    if reference is None:
        return None
    target = schema.follow()
    is_class = target.find("properties") is not None or target.find("enum") is not None
    return target.pointer.rpartition("/")[2] if is_class else None


def alternatives(schema: Node) -> dict[str, Node]:
    """The types that a value may have, by what they are called."""
    name = component_of(schema)
    target = schema.follow()
    if name is not None:
        return {name: schema}
    members = target.find("anyOf") or target.find("oneOf")
    if members is not None:
        return {label: node for member in members.elements() for label, node in alternatives(member).items()}
    kind = target.find("type")
    if kind is not None and isinstance(kind.value, list):
        return {str(one): target for one in kind.value}
    return {_label(target, kind.value if kind else None): target}


def _label(schema: Node, kind: JSONValue) -> str:
    shape = schema.find("format")
    if kind == "string" and shape is not None:
        return "file" if shape.value == "binary" else f"string ({shape.value})"
    if kind is None:
        return "object" if schema.find("properties") or schema.find("allOf") else "string" if _words(schema) else "any"
    return "list" if kind == "array" else str(kind)


def _covers(types: dict[str, Node], label: str) -> bool:
    return label in types or "any" in types or (label == "integer" and "number" in types)


def _types(before: dict[str, Node], after: dict[str, Node], lost: list[str], won: list[str]) -> str:
    if won == ["null"] and not lost:
        return "may be null now"
    if lost == ["null"] and not won:
        return "may not be null any more"
    return f"the type is {' or '.join(after)} now, was {' or '.join(before)}"


def _same_type(old: Node, new: Node, way: Way, place: str) -> Iterator[Finding]:
    yield from _enums(old, new, way, place)
    yield from _bounds(old, new, way, place)
    items = old.find("items"), new.find("items")
    if items[0] is not None and items[1] is not None:
        yield from compare(items[0], items[1], way, f"{place}[]")
    values = old.find("additionalProperties"), new.find("additionalProperties")
    if values[0] and values[1] and isinstance(values[0].value, dict) and isinstance(values[1].value, dict):
        yield from compare(values[0], values[1], way, f"{place}{{}}")
    if way == "sent" and _is_closed(new) and not _is_closed(old):
        yield Finding(Level.BREAKING, place, "fields that it does not name are refused now")
    yield from compare_fields(old, new, way, f"{place}." if place else "")


def _is_closed(schema: Node) -> bool:
    others = schema.find("additionalProperties")
    return others is not None and others.value is False


def compare_fields(old: Node, new: Node, way: Way, prefix: str = "") -> Iterator[Finding]:
    """The findings below the properties of two objects."""
    before, after = dict(properties(old)), dict(properties(new))
    needed, needs = required_of(old), required_of(new)
    for name in before:
        if name not in after:
            yield Finding(Level.BREAKING, f"{prefix}{name}", "is gone")
    for name, schema in after.items():
        place = f"{prefix}{name}"
        if name not in before:
            hurts = way == "sent" and name in needs
            what = "is new, and required" if hurts else "is new"
            yield Finding(Level.BREAKING if hurts else Level.COMPATIBLE, place, what)
            continue
        if name in needs and name not in needed:
            yield Finding(Level.BREAKING if way == "sent" else Level.COMPATIBLE, place, "is required now")
        elif name in needed and name not in needs:
            what = "is optional now" if way == "sent" else "may be missing now"
            yield Finding(Level.COMPATIBLE if way == "sent" else Level.BREAKING, place, what)
        yield from compare(before[name], schema, way, place)


def _enums(old: Node, new: Node, way: Way, place: str) -> Iterator[Finding]:
    before, after = _words(old), _words(new)
    if before and not after:
        yield Finding(Level.COMPATIBLE, place, "takes any word now" if way == "sent" else "may be any word now")
    elif after and not before:
        listed = ", ".join(after)
        yield Finding(Level.BREAKING if way == "sent" else Level.COMPATIBLE, place, f"has to be one of {listed} now")
    else:
        lost = [word for word in before if word not in after]
        won = [word for word in after if word not in before]
        if lost:
            # The client keeps words that it does not know, and code that waits for one that never comes still runs.
            level = Level.BREAKING if way == "sent" else Level.COMPATIBLE
            yield Finding(level, place, f"no longer knows {', '.join(lost)}")
        if won:
            yield Finding(Level.COMPATIBLE, place, f"knows {', '.join(won)} too")


def _words(schema: Node) -> list[str]:
    listed = schema.find("enum")
    only = schema.find("const")
    return [str(word.value) for word in listed.elements()] if listed else [str(only.value)] if only else []


def _bounds(old: Node, new: Node, way: Way, place: str) -> Iterator[Finding]:
    for keys, upper in ((_LOWER, False), (_UPPER, True)):
        for key, name in keys.items():
            before, after = _number(old, key), _number(new, key)
            if before != after:
                tighter = after is not None and (before is None or (after < before if upper else after > before))
                yield Finding(_of_bound(tighter, way), place, _now(name, before, after))
    for key, name in _EXACT.items():
        before, after = _value(old, key), _value(new, key)
        if before != after:
            yield Finding(_of_bound(after is not None, way), place, _now(name, before, after))


def _of_bound(tighter: bool, way: Way) -> Level:
    if way == "read":
        return Level.COSMETIC
    return Level.BREAKING if tighter else Level.COMPATIBLE


def _number(schema: Node, key: str) -> float | None:
    value = _value(schema, key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _value(schema: Node, key: str) -> JSONValue:
    found = schema.find(key)
    return found.value if found else None


def _now(name: str, before: JSONValue, after: JSONValue) -> str:
    if after is None:
        return f"the {name} {_shown(before)} is gone"
    return f"the {name} is {_shown(after)} now" + (f", was {_shown(before)}" if before is not None else "")


def _shown(value: JSONValue) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _around(old: Node, new: Node, place: str) -> Iterator[Finding]:
    """What stands beside a type: the default, which the server alone applies, and words for people."""
    before, after = _value(old, "default"), _value(new, "default")
    if before != after:
        yield Finding(Level.COMPATIBLE, place, _now("default", before, after))
    for key in _WORDS_FOR_PEOPLE:
        if _value(old, key) != _value(new, key):
            yield Finding(Level.COSMETIC, place, f"the {key} is another")
