"""What an answer about a job calls its id, its state and its output. A dotted name is in an object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from cl_codegen.model.vocabulary import FIELDS, meaning
from cl_codegen.spec.schema_types import choices_of
from cl_codegen.spec.spec import Node

ENVELOPES: Final = ("data", "job", "task", "run", "result", "response", "payload", "item")
"""What an answer calls the object that is the job, where it is not the job itself."""

_INNER: Final = ("type", "state", "status", "phase", "value", "name", "code")
"""Where a state that is an object has its word."""

_DEEPEST: Final = 8
_NO_LETTERS: Final = re.compile(r"[^a-z0-9]")
_IS_ID: Final = re.compile(r"(_id|Id|ID)$")
_WORD: Final = re.compile(r"[A-Za-z_]+")
_IS_STATE: Final = re.compile(r"(?i)(status|state)$")

Places = dict[str, list[Node]]
"""By name, every schema that an object may have there."""


def places_of(schema: Node, depth: int = 0) -> Places:
    """The fields of an object, of what it is made of, and of what it may be one of."""
    schema = schema.follow()
    found: Places = {}
    if depth > _DEEPEST:
        return found
    for key in ("allOf", "anyOf", "oneOf"):
        parts = schema.find(key)
        for part in parts.elements() if parts is not None and isinstance(parts.value, list) else ():
            for name, places in places_of(part, depth + 1).items():
                found.setdefault(name, []).extend(places)
    named = schema.find("properties")
    for name, node in named.members() if named is not None and isinstance(named.value, dict) else ():
        found.setdefault(name, []).append(node)
    return found


def at(schema: Node, name: str) -> list[Node]:
    """What is in a field, which may be a dotted one; nothing, where there is no such field."""
    places = places_of(schema)
    if name in places:
        return places[name]
    first, dot, rest = name.partition(".")
    return [deeper for place in places.get(first, ()) for deeper in at(place, rest)] if dot else []


def words_of(place: Node, depth: int = 0) -> list[str]:
    """The words of an enum, however it is written."""
    schema = place.follow()
    words = [str(word) for word in choices_of(schema)]
    if isinstance(constant := schema.value_of("const"), str):
        words.append(constant)
    for key in ("anyOf", "oneOf", "allOf"):
        parts = schema.find(key) if depth <= _DEEPEST else None
        for part in parts.elements() if parts is not None and isinstance(parts.value, list) else ():
            words += words_of(part, depth + 1)
    return words


def is_life(words: list[str]) -> bool:
    """Whether some words are states of something that begins and is done in the end."""
    meant = {meaning(word) for word in words}
    return "completed" in meant and bool(meant & {"queued", "processing"})


def status_of(schema: Node) -> str | None:
    """Where an answer says how a job is: the first field with the words of a job, else the first of that name."""
    every = list(dict.fromkeys(_states(schema)))
    living = (name for name in every if _is_life_in(schema, name))
    named = (name for name in every if name.rpartition(".")[2] in (*FIELDS["status"], *_INNER))
    return next(living, None) or next(named, None)


def lives(schema: Node) -> bool:
    """Whether an answer says how a job is, beyond doubt."""
    name = status_of(schema)
    return name is not None and _is_life_in(schema, name)


def _is_life_in(schema: Node, name: str) -> bool:
    """Whether the words of a field are those of a job; where there is no enum, those that its description names."""
    places = at(schema, name)
    words = [word for place in places for word in words_of(place)]
    if not words:
        said = [place.value_of("description") for place in places]
        words = [found.group() for text in said if isinstance(text, str) for found in _WORD.finditer(text)]
    return is_life(words)


def has_any_id(schema: Node) -> bool:
    """Whether an answer has the id of anything."""
    return id_of(schema) is not None or any(_IS_ID.search(name) for _, places in _levels(schema) for name in places)


Words = list[tuple[str, set[str]]]
"""What of an answer may be an id, by its level: the prefix of its fields, and their names."""


def words_in(schema: Node) -> Words:
    """The fields of an answer that are words or numbers."""
    return [
        (before, {name for name, listed in places.items() if any(map(_is_word, listed))})
        for before, places in _levels(schema)
    ]


def id_of(schema: Node, parameter: str | None = None) -> str | None:
    """As `id_among`, of an answer."""
    return id_among(words_in(schema), parameter)


def id_among(levels: Words, parameter: str | None = None) -> str | None:
    """Where an answer has the id of a job: by the parameter of the route that takes it, else by the usual names."""
    if parameter is not None:
        wanted = {same(parameter), f"{same(parameter)}id"}
        for before, names in levels:
            if (found := next((name for name in sorted(names) if same(name) in wanted), None)) is not None:
                return before + found
        for before, names in levels:
            if "id" in names and same(parameter).endswith("id"):
                return f"{before}id"
    for before, names in levels:
        if (found := next((word for word in FIELDS["job_id"] if word in names), None)) is not None:
            return before + found
    return None


def called_in(name: str, schema: Node, status: str | None = None) -> str | None:
    """What an answer calls a field of a job, beside the field that says how it is where that is known."""
    before = "" if status is None else status.rpartition(".")[0]
    before = f"{before}." if before in ENVELOPES else ""
    for prefix in dict.fromkeys((before, "")):
        inner = at(schema, prefix.rstrip(".")) if prefix else [schema]
        names = {word for one in inner for word, listed in places_of(one).items() if _may_be(name, word, listed)}
        if (found := next((word for word in FIELDS[name] if word in names), None)) is not None:
            return prefix + found
    return None


def _may_be(name: str, word: str, places: list[Node]) -> bool:
    """Whether what is called so is such a field: `completed` may be a time or a number of pages, `error` a yes."""
    if word in {"completed", "finished", "started", "created", "updated"}:
        return any(_is_kind(place, {"string", None}, 0) for place in places)
    if name == "error_message":
        return any(not _is_kind(place, {"boolean"}, 0) for place in places)
    return True


def same(name: str) -> str:
    """A name without its spelling: `jobID`, `job_id` and `JobId` are one."""
    return _NO_LETTERS.sub("", name.lower())


def _levels(schema: Node) -> Iterator[tuple[str, Places]]:
    """The fields of an answer, then those of the object in it that is the job."""
    outer = places_of(schema)
    yield "", outer
    for name in ENVELOPES:
        for place in outer.get(name, ()):
            if inner := places_of(place):
                yield f"{name}.", inner


def _states(schema: Node) -> Iterator[str]:
    for before, places in _levels(schema):
        names = [word for word in FIELDS["status"] if word in places]
        names += [name for name in places if name not in names and _IS_STATE.search(name)]
        for name in names:
            if any(map(_is_text, places[name])):
                yield before + name
            for place in places[name]:
                inner = places_of(place)
                yield from (f"{before}{name}.{word}" for word in _INNER if any(map(_is_text, inner.get(word, ()))))


def _is_text(place: Node, depth: int = 0) -> bool:
    return _is_kind(place, {"string", None}, depth)


def _is_word(place: Node) -> bool:
    return _is_kind(place, {"string", "integer", "number", None}, 0)


def _is_kind(place: Node, kinds: set[str | None], depth: int) -> bool:
    """Whether a schema may be of one of these types; one that says nothing may be any."""
    schema = place.follow()
    for key in ("anyOf", "oneOf", "allOf"):
        parts = schema.find(key) if depth <= _DEEPEST else None
        if parts is not None and isinstance(parts.value, list):
            return any(_is_kind(part, kinds, depth + 1) for part in parts.elements() if part.value != {"type": "null"})
    kind = schema.value_of("type")
    if isinstance(kind, list):
        return any(one in kinds for one in kind)
    return (
        (kind is None or isinstance(kind, str))
        and kind in kinds
        and (kind is not None or schema.find("properties") is None)
    )
