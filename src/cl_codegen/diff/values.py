"""What is different between two shapes of one type: their words, their bounds, their formats."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from cl_codegen.diff import rules
from cl_codegen.diff.change import Finding
from cl_codegen.diff.document import same
from cl_codegen.diff.rules import Rule, Way
from cl_codegen.diff.shape import Shape
from cl_codegen.spec.spec import JSONValue

_NAMES: Final = {
    "minimum": "minimum",
    "exclusiveMinimum": "exclusive minimum",
    "minLength": "shortest length",
    "minItems": "least number of items",
    "minProperties": "least number of fields",
    "maximum": "maximum",
    "exclusiveMaximum": "exclusive maximum",
    "maxLength": "longest length",
    "maxItems": "largest number of items",
    "maxProperties": "largest number of fields",
}
_LOWER: Final = (("minimum", "exclusiveMinimum"), ("minLength",), ("minItems",), ("minProperties",))
_UPPER: Final = (("maximum", "exclusiveMaximum"), ("maxLength",), ("maxItems",), ("maxProperties",))
_WIDENING: Final = (("int8", "int16", "int32", "int64"), ("float", "double"))
_HINTS: Final = frozenset(["password"])
"""Formats that say how a value is shown, and nothing of what it may be."""


def found(rule: Rule, way: Way, what: str, *place: str) -> Finding:
    """A finding of a rule."""
    return Finding(rule.level(way), place, what, rule.name)


def enums(old: Shape, new: Shape, way: Way) -> Iterator[Finding]:
    before, after = old.enum, new.enum
    if before is None and after is None:
        return
    if after is None:
        yield found(rules.ENUM_UNSET, way, "takes any word now" if way == "sent" else "may be any word now")
    elif before is None:
        yield found(rules.ENUM_SET, way, f"has to be one of {_listed(after)} now")
    else:
        lost = [word for word in before if not any(same(word, one) for one in after)]
        won = [word for word in after if not any(same(word, one) for one in before)]
        if lost and won and len(lost) == len(before):
            yield found(rules.ENUM_OTHER, way, f"is {_listed(after, ' or ')} now, was {_listed(before, ' or ')}")
            return
        if lost:
            yield found(rules.ENUM_GONE, way, f"no longer knows {_listed(lost)}")
        if won:
            yield found(rules.ENUM_NEW, way, f"knows {_listed(won)} too")


def _listed(words: list[JSONValue], between: str = ", ") -> str:
    return between.join(shown(word) for word in words)


def bounds(old: Shape, new: Shape, way: Way) -> Iterator[Finding]:
    for groups, upper in ((_LOWER, False), (_UPPER, True)):
        for keys in groups:
            before, after = (_tightest(shape, keys, upper=upper) for shape in (old, new))
            if before[0] != after[0]:
                tighter = after[0] is not None and (
                    before[0] is None or (after[0] < before[0] if upper else after[0] > before[0])
                )
                rule = rules.BOUND_TIGHTER if tighter else rules.BOUND_LOOSER
                yield found(rule, way, _bound_now(old, new, before[1], after[1]))
    steps = old.words.get("multipleOf"), new.words.get("multipleOf")
    if not same(*steps):
        yield found(_of_step(*steps), way, now_is("step", *steps))
    patterns = old.words.get("pattern"), new.words.get("pattern")
    if not same(*patterns):
        rule = (
            rules.BOUND_TIGHTER
            if patterns[0] is None
            else rules.BOUND_LOOSER
            if patterns[1] is None
            else rules.PATTERN_CHANGED
        )
        yield found(rule, way, now_is("pattern", *patterns))
    unique = old.words.get("uniqueItems") is True, new.words.get("uniqueItems") is True
    if unique[0] != unique[1]:
        what = "no two items may be the same now" if unique[1] else "items may be the same now"
        yield found(rules.BOUND_TIGHTER if unique[1] else rules.BOUND_LOOSER, way, what)


def _tightest(shape: Shape, keys: tuple[str, ...], *, upper: bool) -> tuple[tuple[float, int] | None, str]:
    """The bound that holds, so that two of them compare, and its keyword; 1 and "more than 0" are one to an integer."""
    bounds: list[tuple[tuple[float, int], str]] = []
    for key in keys:
        value = shape.words.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not upper and value == 0 and key in {"minLength", "minItems", "minProperties"}:
            continue
        exclusive = key.startswith("exclusive")
        if shape.kind == "integer":
            bounds.append(((_whole(value, exclusive=exclusive, upper=upper), 0), key))
        else:
            bounds.append(((value, (-1 if upper else 1) if exclusive else 0), key))
    if not bounds:
        return None, ""
    return min(bounds) if upper else max(bounds)


def _whole(value: float, *, exclusive: bool, upper: bool) -> int:
    if upper:
        return int(-(-value // 1)) - 1 if exclusive else int(value // 1)
    return int(value // 1) + 1 if exclusive else int(-(-value // 1))


def _bound_now(old: Shape, new: Shape, before: str, after: str) -> str:
    values = old.words.get(before), new.words.get(after)
    if before and after and before != after:
        return f"the {_NAMES[after]} is {shown(values[1])} now, was the {_NAMES[before]} {shown(values[0])}"
    return now_is(_NAMES[after or before], values[0] if before else None, values[1] if after else None)


def _of_step(old: JSONValue, new: JSONValue) -> Rule:
    if not isinstance(old, int | float) or not old:
        return rules.BOUND_TIGHTER
    if not isinstance(new, int | float) or not new or old % new == 0:
        return rules.BOUND_LOOSER
    return rules.BOUND_TIGHTER if new % old == 0 else rules.PATTERN_CHANGED


def formats(old: Shape, new: Shape, way: Way) -> Iterator[Finding]:
    before, after = (None if shape.format in _HINTS else shape.format for shape in (old, new))
    if before == after or old.kind != new.kind:
        return
    order = next((line for line in _WIDENING if {before, after} <= {*line, None}), None)
    if order is None:
        rule = (
            rules.FORMAT_NARROWER if before is None else rules.FORMAT_WIDER if after is None else rules.PATTERN_CHANGED
        )
    else:
        width = [len(order) if one is None else order.index(one) for one in (before, after)]
        rule = rules.FORMAT_NARROWER if width[1] < width[0] else rules.FORMAT_WIDER
    yield found(rule, way, now_is("format", before, after))


def now_is(name: str, before: JSONValue, after: JSONValue) -> str:
    if after is None:
        return f"the {name} {shown(before)} is gone"
    return f"the {name} is {shown(after)} now" + (f", was {shown(before)}" if before is not None else "")


def shown(value: JSONValue) -> str:
    """A value of a spec in a sentence."""
    match value:
        case float():
            return f"{value:g}"
        case str() | int():
            return json.dumps(value) if isinstance(value, bool) else str(value)
        case _:
            return json.dumps(value, ensure_ascii=False)
