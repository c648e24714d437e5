"""Values of other libraries as JSON has them: the numbers and arrays of NumPy and its like."""

from __future__ import annotations

import contextlib
import numbers
from collections.abc import Generator
from typing import Protocol, TypeVar, cast, runtime_checkable

from attrs import evolve, fields, has

from cl_client.errors import InvalidParameterError
from cl_client.wire.types import File

Body = TypeVar("Body")


@runtime_checkable
class _Listable(Protocol):
    """An array, or one number of it (NumPy, PyTorch, `array.array`)."""

    def tolist(self) -> object: ...


class _Field(Protocol):
    """The part of `attrs.Attribute` that is needed here, whose own types say `Any`."""

    name: str
    alias: str | None
    init: bool


def plain(value: object) -> object:
    """A value as Python itself has it; what JSON does not have stays as it is."""
    match value:
        case None | str() | int() | float() | File():
            return value
        case numbers.Integral():
            return int(value)
        case _Listable():
            return value.tolist()
        case numbers.Real():
            return float(value)
        case list() | tuple():
            return [plain(each) for each in cast("list[object]", value)]
        case dict():
            return {name: plain(each) for name, each in cast("dict[object, object]", value).items()}
        case _:
            return plain_body(value)


def plain_body(body: Body) -> Body:
    """A generated model, with all that it holds as Python itself has it."""
    if not has(type(body)):
        return body
    changed: dict[str, object] = {}
    for each in cast("tuple[_Field, ...]", fields(type(body))):
        before = cast("object", getattr(body, each.name))
        if each.init and (after := plain(before)) is not before:
            changed[each.alias or each.name] = after
    return evolve(body, **changed) if changed else body


@contextlib.contextmanager
def as_json(task_type: str) -> Generator[None]:
    """Turn what `json` says of a value that it does not know into our error; nothing was sent then."""
    try:
        yield
    except TypeError as error:
        if "is not JSON serializable" not in str(error):
            raise
        raise InvalidParameterError(f"a parameter of {task_type} cannot be sent: {error}") from None
