"""What changed in what an operation is sent: its parameters and its body, whose fields are parameters to a user."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import evolve, frozen

from cl_codegen.diff import rules
from cl_codegen.diff.change import Change, Finding
from cl_codegen.diff.document import elements, first_of, members, same
from cl_codegen.diff.media import by_media_type, media_changes
from cl_codegen.diff.operation import Operation
from cl_codegen.diff.rules import Rule
from cl_codegen.diff.schemas import Comparison, place_of
from cl_codegen.diff.shape import Shape
from cl_codegen.spec.spec import JSONObject, JSONValue

_UNSAID = frozenset(["accept", "authorization", "content-type"])
"""Headers that are no parameters, whatever a document says (OpenAPI 3.1 §4.8.12.1)."""
_WRITTEN_AS = frozenset(["allowReserved", "contentType", "explode", "style"])
_OF_A_PARAMETER = {
    rules.FIELD_GONE.name: rules.PARAMETER_GONE,
    rules.FIELD_NEW.name: rules.PARAMETER_NEW,
    rules.FIELD_NEW_REQUIRED.name: rules.PARAMETER_NEW_REQUIRED,
}


@frozen
class Argument:
    """One parameter of an operation that is not in its body."""

    name: str
    place: str
    required: bool
    value: JSONObject

    @property
    def schema(self) -> JSONValue:
        content = members(self.value.get("content"))
        holder = first_of(content) if content else self.value
        return holder.get("schema", {})


def parameters(old: Operation, new: Operation, schemas: Comparison) -> Iterator[Change]:
    """The changes of what a user gives."""
    yield from _bodies(old, new, schemas)
    before, after = arguments(old), arguments(new)
    for key, argument in before.items():
        other = after.get(key) or _moved_to(argument, before, after)
        part = _part(argument, before, old)
        if other is None:
            yield _changed(old, rules.PARAMETER_GONE, "is gone", part, argument)
            continue
        for finding in _argument(argument, other, schemas):
            made = new.change(rules.REQUIRED, "parameter", finding.what, f"{part}{_below(finding.place)}")
            made = evolve(made, level=finding.level, rule=finding.rule)
            yield new.parameter_change(made, other.name, other.place)
        yield from _said_otherwise(old, new, argument, other)
    moved = {id(_moved_to(argument, before, after)) for key, argument in before.items() if key not in after}
    for key, argument in after.items():
        if key not in before and id(argument) not in moved:
            rule = rules.PARAMETER_NEW_REQUIRED if argument.required else rules.PARAMETER_NEW
            what = "is new, and required" if argument.required else "is new"
            yield _changed(new, rule, what, _part(argument, after, new), argument)


def _changed(operation: Operation, rule: Rule, what: str, part: str, argument: Argument) -> Change:
    made = operation.change(rule, "parameter", what, part)
    return operation.parameter_change(made, argument.name, argument.place)


def arguments(operation: Operation) -> dict[tuple[str, str], Argument]:
    """The parameters of an operation: those of its path, and its own, which win. By place and name; in the path, by
    position, and headers without case."""
    positions = re.findall(r"\{([^{}]*)\}", operation.path)
    found: dict[tuple[str, str], Argument] = {}
    for holder in (operation.item, operation.value):
        for said in elements(holder.get("parameters")):
            value = members(operation.document.follow(said))
            name, place = str(value.get("name")), str(value.get("in"))
            if place == "header" and name.lower() in _UNSAID:
                continue
            key = name.lower() if place == "header" else name
            if place == "path" and name in positions:
                key = str(positions.index(name))
            found[place, key] = Argument(name, place, value.get("required") is True or place == "path", value)
    return found


def _moved_to(
    argument: Argument, before: dict[tuple[str, str], Argument], after: dict[tuple[str, str], Argument]
) -> Argument | None:
    """The parameter of the same name, which is new in another place."""
    return next((one for key, one in after.items() if one.name == argument.name and key not in before), None)


def _part(argument: Argument, every: dict[tuple[str, str], Argument], operation: Operation) -> str:
    """What a parameter is called; with its place, where two have one name."""
    twice = sum(one.name == argument.name for one in every.values()) > 1 or argument.name in _fields(operation)
    return f"parameter {argument.name} (in the {argument.place})" if twice else f"parameter {argument.name}"


def _fields(operation: Operation) -> set[str]:
    content = members(_body(operation).get("content"))
    schema = members(operation.document.follow(first_of(content).get("schema")))
    return {*members(schema.get("properties"))}


def _argument(old: Argument, new: Argument, schemas: Comparison) -> Iterator[Finding]:
    if old.place != new.place:
        yield _finding(rules.PARAMETER_MOVED, f"goes in the {new.place} now, was in the {old.place}")
    if new.required and not old.required:
        yield _finding(rules.REQUIRED, "is required now")
    elif old.required and not new.required:
        yield _finding(rules.OPTIONAL, "is optional now")
    shapes = schemas.shapes_of(old.schema, new.schema)
    # Of a text that became a list, the type says enough.
    styles = [_style(one, (*shapes[0], *shapes[1])) for one in (old, new)]
    if old.place == new.place and styles[0] != styles[1]:
        yield _finding(rules.PARAMETER_STYLE, f"goes as {styles[1]} now, was {styles[0]}")
    yield from schemas.compare(old.schema, new.schema, "sent")
    if old.value.get("description") != new.value.get("description"):
        yield _finding(rules.WORDS, "the description is another")
    deprecated = old.value.get("deprecated") is True, new.value.get("deprecated") is True
    if deprecated[0] != deprecated[1]:
        rule = rules.DEPRECATED if deprecated[1] else rules.REACTIVATED
        yield _finding(rule, "is deprecated now" if deprecated[1] else "is not deprecated any more")
    if old.value.get("allowEmptyValue") is True and new.value.get("allowEmptyValue") is not True:
        yield _finding(rules.TYPE_NARROWED, "may not be empty any more")


def _finding(rule: Rule, what: str) -> Finding:
    return Finding(rule.sent, (), what, rule.name)


def _style(argument: Argument, shapes: tuple[Shape, ...]) -> str:
    """How a value is written (RFC 6570); what makes no difference to its type is left out."""
    content = members(argument.value.get("content"))
    if content:
        return next(iter(content))
    usual = "form" if argument.place in {"query", "cookie"} else "simple"
    style = str(argument.value.get("style", usual))
    explode = argument.value.get("explode", style == "form") is True
    kinds = {one.kind for one in shapes}
    if not kinds & {"array", "object", "any"}:
        return "form" if style in {"spaceDelimited", "pipeDelimited", "deepObject"} else style
    reserved = ", with reserved characters as they are" if argument.value.get("allowReserved") is True else ""
    return f"{style}{', exploded' if explode else ', not exploded'}{reserved}"


def _said_otherwise(old: Operation, new: Operation, argument: Argument, other: Argument) -> Iterator[Change]:
    """The names of a parameter that stays: the manifest may give it others."""
    part = f"parameter {other.name}"
    python = old.python_of(argument.name, argument.place), new.python_of(other.name, other.place)
    if old.python and new.python and python[0] != python[1]:
        what = f"is called {python[1]} in Python now, was {python[0]}"
        yield _changed(new, rules.PARAMETER_RENAMED, what, part, other)
    options = old.options_of(argument.name, argument.place), new.options_of(other.name, other.place)
    if old.plugin and new.plugin and not set(options[0]) <= set(options[1]):
        said = [", ".join(names) or "positional" for names in options]
        what = f"is {said[1]} on the command line now, was {said[0]}"
        yield _changed(new, rules.PARAMETER_RENAMED, what, part, other)


def _body(operation: Operation) -> JSONObject:
    return members(operation.document.follow(operation.value.get("requestBody")))


def _bodies(old: Operation, new: Operation, schemas: Comparison) -> Iterator[Change]:
    before, after = _body(old), _body(new)
    if not before and not after:
        return
    contents = by_media_type(members(before.get("content"))), by_media_type(members(after.get("content")))
    if before and after:
        if (before.get("required") is True) != (after.get("required") is True):
            rule = rules.REQUIRED if after.get("required") is True else rules.OPTIONAL
            what = "is required now" if after.get("required") is True else "is optional now"
            yield new.change(rule, "parameter", what, "body")
        for rule, what in media_changes([*contents[0]], [*contents[1]], "sent"):
            yield new.change(rule, "parameter", what)
        kinds = [(kind, kind) for kind in contents[0] if kind in contents[1]]
        if not kinds and contents[0] and contents[1]:
            kinds = [(next(iter(contents[0])), next(iter(contents[1])))]
        for one, other in kinds:
            yield from _body_of_kind(old, new, members(contents[0][one]), members(contents[1][other]), schemas)
        return
    operation, content, is_gone = (old, contents[0], True) if before else (new, contents[1], False)
    schema = first_of(content).get("schema", {})
    (shape, *more) = schemas.shapes_of(schema, schema)[0 if is_gone else 1] or (Shape("any"),)
    fields = members(shape.words.get("properties")) if not more else {}
    has_to_be = elements(shape.words.get("required")) if after.get("required") is True else []
    for name in fields or {"body": {}}:
        required = (name in has_to_be) if fields else after.get("required") is True
        rule = rules.PARAMETER_NEW_REQUIRED if required else rules.PARAMETER_NEW
        what = "is gone" if is_gone else "is new, and required" if required else "is new"
        made = operation.change(rules.PARAMETER_GONE if is_gone else rule, "parameter", what, f"parameter {name}")
        yield operation.parameter_change(made, name)


def _body_of_kind(
    old: Operation, new: Operation, before: JSONObject, after: JSONObject, schemas: Comparison
) -> Iterator[Change]:
    pair = before.get("schema", {}), after.get("schema", {})
    shapes = schemas.shapes_of(*pair)
    named = [len(one) == 1 and "properties" in one[0].words for one in shapes]
    if not all(named):
        for finding in schemas.compare(*pair, "sent"):
            made = new.change(rules.REQUIRED, "parameter", finding.what, f"parameter body{_below(finding.place)}")
            yield new.parameter_change(evolve(made, level=finding.level, rule=finding.rule), "body")
        return
    for finding in schemas.same_type(shapes[0][0], shapes[1][0], "sent"):
        rule = _OF_A_PARAMETER.get(finding.rule)
        operation = old if rule is rules.PARAMETER_GONE else new
        if not finding.place:
            made = operation.change(rules.REQUIRED, "parameter", finding.what, "body")
            yield evolve(made, level=finding.level, rule=finding.rule)
            continue
        name, *rest = finding.place
        is_field = name in members((shapes[0][0] if operation is old else shapes[1][0]).words.get("properties"))
        part = f"parameter {name}{_below(tuple(rest))}" if is_field else f"body{_below(finding.place)}"
        made = operation.change(rules.REQUIRED, "parameter", finding.what, part)
        made = evolve(made, level=finding.level, rule=rule.name if rule else finding.rule)
        yield operation.parameter_change(made, name) if is_field else made
    encodings = members(before.get("encoding")), members(after.get("encoding"))
    fields = [members(shape[0].words.get("properties")) for shape in shapes]
    for name, schema in fields[1].items():
        if name not in fields[0] or schemas.is_hidden(fields[0][name], schema, "sent"):
            continue
        argument = Argument(name, "body", False, {})
        if not same(*(_encoding(one.get(name)) for one in encodings)):
            yield _changed(new, rules.PARAMETER_STYLE, "is encoded otherwise", f"parameter {name}", argument)
        yield from _said_otherwise(old, new, argument, argument)


def _encoding(value: JSONValue) -> JSONObject:
    return {key: one for key, one in members(value).items() if key in _WRITTEN_AS}


def _below(place: tuple[str, ...]) -> str:
    text = place_of(place)
    return text if text.startswith(("[", "{")) or not text else f".{text}"
