"""A document as the comparison walks it: plain values, with each reference followed once."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from attrs import define, field

from cl_codegen.spec.spec import JSONObject, JSONValue, unescape_pointer

SCHEMAS: Final = "#/components/schemas/"


def members(value: JSONValue) -> JSONObject:
    """An object; an empty one for anything else, which a comparison takes for absent."""
    return value if isinstance(value, dict) else {}


def elements(value: JSONValue) -> list[JSONValue]:
    """A list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def first_of(content: JSONObject) -> JSONObject:
    """The media type that stands first in a body."""
    return members(next(iter(content.values()), None))


def same(old: JSONValue, new: JSONValue) -> bool:
    """Whether two values are the same JSON: 1 and 1.0 are, 1 and true are not."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(same(value, new[key]) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(same(*pair) for pair in zip(old, new, strict=True))
    return old == new


def component_of(schema: JSONValue) -> str | None:
    """The component schema that a schema is a reference to."""
    reference = schema.get("$ref") if isinstance(schema, dict) else None
    if not isinstance(reference, str) or not reference.startswith(SCHEMAS):
        return None
    step = reference.removeprefix(SCHEMAS)
    return None if "/" in step else unescape_pointer(unquote(step))


@define(eq=False)
class Document:
    """One of the two documents."""

    root: JSONObject
    _targets: dict[str, JSONValue] = field(factory=dict, init=False)

    def follow(self, value: JSONValue) -> JSONValue:
        """What stands here, behind any chain of `$ref`; members beside a reference (OpenAPI 3.1) win over its own.

        A reference that leads nowhere is an empty object: what is broken is for `generate` to say.
        """
        seen: set[str] = set()
        beside: JSONObject = {}
        while isinstance(value, dict) and isinstance(reference := value.get("$ref"), str):
            beside = {**{key: one for key, one in value.items() if key != "$ref"}, **beside}
            if reference in seen:
                return {}
            seen.add(reference)
            value = self.target(reference)
        return {**value, **beside} if beside and isinstance(value, dict) else value

    def target(self, reference: str) -> JSONValue:
        """What a local reference points at; an empty object where that is nothing."""
        if reference not in self._targets:
            self._targets[reference] = self._resolve(reference)
        return self._targets[reference]

    def _resolve(self, reference: str) -> JSONValue:
        value: JSONValue = self.root
        if not reference.startswith("#"):
            return {}
        for step in unquote(reference[1:]).split("/")[1:]:
            key = unescape_pointer(step)
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                return {}
        return value

    @property
    def schemas(self) -> JSONObject:
        return members(members(self.root.get("components")).get("schemas"))

    def reached(self) -> set[str]:
        """The component schemas that operations and webhooks mention, and all that these mention."""
        found: set[str] = set()
        followed: set[str] = set()
        waiting: list[JSONValue] = [self.root.get("paths"), self.root.get("webhooks")]
        while waiting:
            here = waiting.pop()
            if isinstance(here, list):
                waiting += here
            elif isinstance(here, dict):
                reference = here.get("$ref")
                if isinstance(reference, str) and reference not in followed:
                    followed.add(reference)
                    waiting.append(self.target(reference))
                    if (name := component_of(here)) is not None:
                        found.add(name)
                waiting += here.values()
        return found
