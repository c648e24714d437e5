"""What changed in the components of a server: the schemas that it takes, those that it gives, and its events."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from cl_codegen.diff.change import Change, Finding, Level
from cl_codegen.diff.operations import body_schema, operations_by_id
from cl_codegen.diff.schemas import Way, compare_fields, compare_here
from cl_codegen.model.read import Reading
from cl_codegen.spec.schema_types import properties
from cl_codegen.spec.spec import JSONValue, Node, Spec, unescape_pointer

_SCHEMAS = "#/components/schemas/"


@frozen
class _Use:
    """Which components a server sends, which it takes, and which are bodies and compared with their operation."""

    bodies: set[str]
    sent: set[str]
    read: set[str]

    @classmethod
    def of(cls, reading: Reading) -> _Use:
        bodies, sent, read_ = set[str](), set[str](), set[str]()
        for operation in operations_by_id(reading).values():
            schema = body_schema(operation)
            name = _name(schema.value) if schema else None
            below = schema.follow() if schema else None
            if name is not None and below is not None and next(properties(below), None) is not None:
                bodies.add(name)
            sent |= _reached(reading.spec, below.value if below else None)
            sent |= _reached(reading.spec, operation.node.value_of("parameters"))
            read_ |= _reached(reading.spec, operation.node.at("responses").value)
            read_ |= _reached(reading.spec, operation.node.value_of("x-task-output"))
        return cls(bodies, sent, read_)


def _name(schema: JSONValue) -> str | None:
    reference = schema.get("$ref") if isinstance(schema, dict) else None
    is_component = isinstance(reference, str) and reference.startswith(_SCHEMAS)
    return unescape_pointer(reference.removeprefix(_SCHEMAS)) if is_component and isinstance(reference, str) else None


def _reached(spec: Spec, value: JSONValue) -> set[str]:
    """The components that a value refers to, and all that these refer to."""
    found, waiting = set[str](), [value]
    while waiting:
        here = waiting.pop()
        name = _name(here)
        if name is not None and name not in found:
            found.add(name)
            target = spec.resolve(f"{_SCHEMAS}{name.replace('~', '~0').replace('/', '~1')}")
            waiting.append(target.value if target else None)
        if isinstance(here, dict):
            waiting += [child for key, child in here.items() if key != "$ref"]
        elif isinstance(here, list):
            waiting += here
    return found


def components(old: Reading, new: Reading) -> Iterator[Change]:
    """The changes of schemas, and of events, which no operation mentions."""
    before, after = _schemas(old), _schemas(new)
    uses = _Use.of(old), _Use.of(new)
    for name in [*before, *(name for name in after if name not in before)]:
        reading, use = (new, uses[1]) if name in after else (old, uses[0])
        is_event = name not in use.sent | use.read | use.bodies
        kind, where = ("event", f"event {name}") if is_event else ("schema", f"schema {name}")
        only_body = name in use.bodies and name not in use.sent | use.read
        change = Change(Level.BREAKING, kind, where, "is gone", reading.wire.class_of(name) or "")
        if only_body:
            continue
        if name not in after:
            yield change
        elif name not in before:
            yield evolve(change, level=Level.COMPATIBLE, what="is new")
        else:
            for way in _ways(name, use):
                for found in _component(before[name], after[name], way):
                    yield evolve(
                        change,
                        level=found.level,
                        where=f"{where}, field {found.place}" if found.place else where,
                        what=found.what,
                        python=f"{change.python}.{found.place}" if found.place and change.python else change.python,
                    )


def _ways(name: str, use: _Use) -> Iterator[Way]:
    """Whether a component is sent, or read, or both; one that no operation mentions comes with an event."""
    if name in use.sent:
        yield "sent"
    if name not in use.sent or name in use.read:
        yield "read"


def _component(old: Node, new: Node, way: Way) -> Iterator[Finding]:
    if old.find("properties") and new.find("properties"):
        yield from compare_fields(old, new, way)
    else:
        yield from compare_here(old, new, way)
    if old.value_of("description") != new.value_of("description"):
        yield Finding(Level.COSMETIC, "", "the description is another")


def _schemas(reading: Reading) -> dict[str, Node]:
    components = reading.spec.root.find("components")
    listed = components.find("schemas") if components else None
    return dict(listed.members()) if listed else {}
