"""Names: from the words of a spec to the words of Python and of a command line.

Whatever comes in, an identifier comes out: it is ASCII, is no keyword, and shadows no builtin.
"""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Container
from functools import cache

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_RESERVED = frozenset(dir(builtins)) | frozenset(keyword.kwlist) | {"self", "cls", "match", "case", "type"}
_ALLOWED_BUILTINS = {"id"}


def words(text: str) -> list[str]:
    """The words of a name in any spelling, in lower case; look-alike letters become the ASCII ones they stand for."""
    return [word.lower() for word in _as_spelled(text)]


@cache
def _as_spelled(text: str) -> tuple[str, ...]:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return tuple(word for part in re.split(r"[^A-Za-z0-9]+", ascii_text) for word in _split(part))


def _split(part: str) -> list[str]:
    # Digits stay with the letters before them: sha256 is one word, as the wire says it.
    merged: list[str] = []
    for found in _WORD.finditer(part):
        word = found[0]
        if merged and word.isdecimal():
            merged[-1] += word
        else:
            merged.append(word)
    return merged


def snake(text: str, *, fallback: str = "value") -> str:
    """An identifier for a parameter: `outputFormat` → `output_format`."""
    name = "_".join(words(text)) or fallback
    if not name.isidentifier():
        name = f"{fallback}_{name}"
    return f"{name}_" if name in _RESERVED and name not in _ALLOWED_BUILTINS else name


def attribute(text: str, *, fallback: str = "value") -> str:
    """An identifier for behind a dot (`client.hash`), where a builtin's name does no harm and only keywords do."""
    name = "_".join(words(text)) or fallback
    if not name.isidentifier():
        name = f"{fallback}_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def pascal(text: str, *, fallback: str = "Value") -> str:
    """An identifier for a class: `image_conversion` → `ImageConversion`."""
    name = "".join(word[:1].upper() + word[1:] for word in words(text)) or fallback
    if not name.isidentifier():
        name = f"{fallback}{name}"
    return f"{name}_" if name in _RESERVED else name


def class_name(text: str, *, fallback: str = "Value") -> str:
    """An identifier for the class of a schema, which keeps its capitals: `HTTPValidationError` is one already."""
    name = "".join(word if word.isupper() else word.capitalize() for word in _as_spelled(text)) or fallback
    if not name.isidentifier():
        name = f"{fallback}{name}"
    return f"{name}_" if name in _RESERVED else name


def kebab(text: str, *, fallback: str = "value") -> str:
    """A word of a command line: `image_conversion` → `image-conversion`."""
    return "-".join(words(text)) or fallback


def unique(name: str, taken: Container[str]) -> str:
    """The name, or the first of `name_2`, `name_3`, … that is free."""
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
