"""What a server sends by itself: the bodies of its webhooks and callbacks (OpenAPI 3.1 §4.8.1, §4.8.18)."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from cl_codegen.spec.spec import METHODS, Node, SpecError
from cl_codegen.text import naming
from cl_codegen.text.escape import one_line
from cl_codegen.wire.decoding import decode
from cl_codegen.wire.operations import Operations
from cl_codegen.wire.python_type import classes, python_type
from cl_codegen.wire.types import Type


@frozen
class Webhook:
    """One of them.

    Attributes:
        name: of the function that reads it.
        called: what the spec calls it.
        type: of its body.
    """

    name: str
    called: str
    summary: str
    description: str
    type: Type

    @property
    def python(self) -> str:
        return python_type(self.type)

    @property
    def decoded(self) -> str:
        """The expression that makes it of a JSON `value`."""
        return decode(self.type, "value")

    @property
    def classes(self) -> tuple[tuple[str, str], ...]:
        """(module, class) of every model and enum in it."""
        return tuple(sorted(set(classes([self.type]))))


def read_webhooks(reader: Operations) -> Iterator[Webhook]:
    """Those that have a body, in the order of the document; of one that cannot be read, the reader says so."""
    names: set[str] = set(_TAKEN)
    for called, item in _items(reader):
        there = [(method, operation) for method in METHODS if (operation := item.find(method)) is not None]
        for method, operation in there:
            wanted = f"{called} {method}" if len(there) > 1 else called
            name = naming.unique(naming.attribute(wanted, fallback="webhook"), names)
            try:
                body = reader.body(operation, naming.class_name(wanted, fallback="Webhook"))
            except SpecError as unsayable:
                reader.leave_out(unsayable)
                continue
            if body is None or body.kind != "json":
                continue
            names.add(name)
            summary, description = operation.value_of("summary"), operation.value_of("description")
            yield Webhook(
                name,
                called,
                one_line(summary) if isinstance(summary, str) else "",
                description if isinstance(description, str) else "",
                body.type,
            )


_TAKEN = frozenset(["annotations", "cast", "datetime", "errors", "value", "body"])


def _items(reader: Operations) -> Iterator[tuple[str, Node]]:
    """(what it is called, path item) of all webhooks, then of the callbacks of each operation."""
    webhooks = reader.spec.root.find("webhooks")
    for called, item in webhooks.members() if webhooks is not None and isinstance(webhooks.value, dict) else ():
        if (found := _followed(item)) is not None:
            yield called, found
    for _, _, operation in reader.spec.operations():
        callbacks = operation.find("callbacks")
        is_there = callbacks is not None and isinstance(callbacks.value, dict)
        for called, callback in callbacks.members() if callbacks is not None and is_there else ():
            followed = _followed(callback)
            for expression, item in followed.members() if followed is not None else ():
                if not expression.startswith("x-") and (found := _followed(item)) is not None:
                    yield f"{operation.value_of('operationId')} {called}", found


def _followed(node: Node) -> Node | None:
    try:
        found = node.follow()
    except SpecError:
        return None
    return found if isinstance(found.value, dict) else None
