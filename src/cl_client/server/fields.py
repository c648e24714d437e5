"""What a server calls the fields of what it sends, read with our names. A dotted name is in an object: `data.id`."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Final

from cl_client.wire.types import JSONObject, JSONValue

Fields = Mapping[str, tuple[str, ...]]
"""By our names, what a server calls its fields; of several names, the first that is there."""


WHOLE: Final = "."
"""The name of a field that is all that the server says."""


def renamed(said: Mapping[str, JSONValue], fields: Fields) -> JSONObject:
    """An object of a server with our names. What it has beside them is kept."""
    if not fields:
        return dict(said)
    named: dict[str, JSONValue] = {}
    taken: set[str] = set()
    for name, words in fields.items():
        for word in words:
            is_there, value = found(said, word)
            if is_there:
                named[name] = value
                taken.add(word)
                break
    # A field that only happens to be called as one of ours is another thing.
    beside = said.keys() - fields.keys() - taken
    rest = {name: value for name, value in said.items() if name in beside}
    return rest | named


def found(said: Mapping[str, JSONValue], word: str) -> tuple[bool, JSONValue]:
    """Whether a field is there, and what it is; a dot leads into an object, where no field is called so, and alone it
    is all of it."""
    if word == WHOLE:
        return True, dict(said)
    if word in said:
        return True, said[word]
    first, dot, rest = word.partition(".")
    inner = said.get(first) if dot else None
    return found(inner, rest) if isinstance(inner, dict) else (False, None)


def items(said: JSONValue, name: str | None) -> list[JSONObject]:
    """The objects of a list, or of the list in a field.

    Raises:
        KeyError, TypeError: there is none.
    """
    listed = said
    if name is not None:
        is_there, listed = found(said, name) if isinstance(said, dict) else (False, None)
        if not is_there:
            raise KeyError(name)
    if not isinstance(listed, list):
        raise TypeError("expected a list")
    return [_object(item) for item in listed]


def a_word(value: JSONValue, what: str) -> str:
    """A word, or a number as one.

    Raises:
        ValueError: it is neither; `what` says what it should be.
    """
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError(f"expected {what} as a word or a number, not {json.dumps(value)[:100]}")
    return str(value)


def sentence(value: JSONValue) -> str:
    """Why something failed, as a line; of an object, what it says of itself (RFC 9457 §3.1)."""
    if isinstance(value, dict):
        told = (value.get(name) for name in ("message", "detail", "title", "reason", "error", "code"))
        value = next((one for one in told if isinstance(one, str) and one), value)
    return value if isinstance(value, str) else json.dumps(value)


def milliseconds(value: JSONValue) -> JSONValue:
    """UTC milliseconds of a time as ISO 8601 says it, which counts as UTC where it names no zone."""
    if not isinstance(value, str):
        return round(value) if isinstance(value, float) else value
    try:
        time = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    return round((time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).timestamp() * 1000)


def _object(value: JSONValue) -> JSONObject:
    if not isinstance(value, dict):
        raise TypeError("expected an object")
    return value
