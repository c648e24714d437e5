"""YAML as OpenAPI means it (3.1 §4.3): the part of YAML 1.2 that says the same as JSON.

PyYAML reads YAML 1.1, in which `no` is false, `12:30` a number and `2024-01-01` a date. An enum `[on, off]` or an
example of a date would become something else, so the plain words are read here as the JSON schema of YAML 1.2 has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, cast

import yaml
from typing_extensions import override

from cl_codegen.spec.json_value import JSONValue, SpecError, escape_pointer
from cl_codegen.text.escape import one_line

LARGEST: Final = 1_000_000
"""Values that a document may have, aliases counted as often as they are used."""


DEEPEST: Final = 150
"""Levels that libyaml is given: it reads each on the stack of the process, and a stack that is full ends it."""


class _Loader(yaml.SafeLoader):
    """Safe: it makes no objects. Its plain words are those of YAML 1.2 (§10.3, core schema)."""


if TYPE_CHECKING:
    _Base = yaml.SafeLoader
else:
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML can be built without libyaml.


class _QuickLoader(_Base):
    """Reads the same by libyaml, about seven times as fast.

    PyYAML has its own resolvers by path where depth is counted here; no document is read with any.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    @override
    def descend_resolver(self, current_node: yaml.Node | None, current_index: object) -> None:
        """Called for each value before those in it."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise RecursionError(f"nested deeper than {DEEPEST} levels")

    @override
    def ascend_resolver(self) -> None:
        """Called for each value after those in it."""
        self._depth -= 1


_PLAIN: Final = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    # YAML 1.2 has left it to applications, and people write it: `<<: *base` is what `base` has.
    ("merge", r"<<", ["<"]),
)
_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
for _tag, _pattern, _first in _PLAIN:
    for _character in _first:
        _resolvers.setdefault(_character, []).append((f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$")))


def _integer(_: object, node: yaml.ScalarNode) -> int:
    return int(cast("str", node.value))  # YAML 1.1 reads 010 as 8.


for _each in (_Loader, _QuickLoader):
    _each.yaml_implicit_resolvers = _resolvers
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_QuickLoader.add_constructor("tag:yaml.org,2002:int", _integer)

_T = TypeVar("_T")


def _quickly(read: Callable[[type[yaml.SafeLoader]], _T]) -> _T:
    """What `read` makes of a text, by the quick loader where it can.

    What it cannot read, PyYAML's own loader reads, or names with the place: its words are the same everywhere.
    """
    try:
        return read(_QuickLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return read(_Loader)


def compose_yaml(text: str) -> yaml.Node | None:
    """The nodes of a YAML text, which know their lines.

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    compose = cast("Callable[..., yaml.Node | None]", getattr(yaml, "compose"))  # noqa: B009 (it has no types)
    return _quickly(lambda loader: compose(text, Loader=loader))


def read_yaml(source: Path | str, text: str) -> JSONValue:
    """The value of a YAML text.

    Raises:
        SpecError: it is not YAML (the place is the line), or says what JSON cannot.
    """
    try:
        value = _quickly(lambda loader: cast("object", yaml.load(text, Loader=loader)))  # noqa: S506 (it is a SafeLoader)
        return _Reader(source).json(value, "#", ())
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "line 1"
        raise SpecError(source, place, f"not YAML: {one_line(broken.problem or str(broken))}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as unreadable:
        raise SpecError(source, "#", f"cannot be read: {one_line(str(unreadable))}") from None


class _Reader:
    """Makes JSON of what YAML says: no shared parts, no keys but strings."""

    def __init__(self, source: Path | str) -> None:
        self._source = source
        self._values = 0

    def json(self, value: object, pointer: str, above: tuple[int, ...]) -> JSONValue:
        self._values += 1
        if self._values > LARGEST:
            raise SpecError(self._source, "#", f"has more than {LARGEST} values, aliases counted")
        inside = (*above, id(value))
        if id(value) in above and isinstance(value, dict | list):
            raise SpecError(self._source, pointer, "an alias that holds itself: refer to it by $ref")
        if isinstance(value, dict):
            members = cast("dict[object, object]", value)
            return {
                (name := self._key(key, pointer)): self.json(member, f"{pointer}/{escape_pointer(name)}", inside)
                for key, member in members.items()
            }
        if isinstance(value, list):
            listed = cast("list[object]", value)
            return [self.json(element, f"{pointer}/{index}", inside) for index, element in enumerate(listed)]
        if value is None or isinstance(value, str | int | float | bool):
            return value
        raise SpecError(self._source, pointer, f"expected a value that JSON has too, not a {type(value).__name__}")

    def _key(self, key: object, pointer: str) -> str:
        """A key as text: `200:` is how people write a status."""
        if isinstance(key, str):
            return key
        if isinstance(key, int) and not isinstance(key, bool):
            return str(key)
        raise SpecError(self._source, pointer, f"expected a string as a key, not {key!r}")
