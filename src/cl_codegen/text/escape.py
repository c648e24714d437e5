"""Text of a spec on its way into Python source. Nothing of a spec reaches a file but through one of these.

A spec comes from a server, and a server may be hostile or careless: a description can hold `\"\"\"`, a backslash at its
end, a line break, template braces, or characters that reorder what a reader sees.
"""

import json
import math
import re
import textwrap
import unicodedata
from typing import NoReturn, cast

from typing_extensions import override

LINE = 116
"""Room for a line of a docstring, with some for escapes, within the 120 of the formatter."""


_PLAIN = re.compile(r"[\n -~]*")


def visible(text: str) -> str:
    """Without control characters, lone surrogates, and marks that reorder text for the eye (Trojan Source)."""
    if _PLAIN.fullmatch(text):
        return text  # Nearly all of it, and fifty times as fast.
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(character for character in text if character == "\n" or _is_harmless(character))


def _is_harmless(character: str) -> bool:
    category = unicodedata.category(character)
    return not category.startswith("C") and category not in {"Zl", "Zp"}


def one_line(text: str) -> str:
    """The text on one line, for a heading or a help text."""
    return " ".join(visible(text).split())


class SpecText:
    """Text of a spec in the hands of a template. It has no `str`: a template that forgets to escape it fails."""

    __slots__ = ("raw",)

    def __init__(self, raw: str) -> None:
        self.raw: str = raw

    @override
    def __str__(self) -> NoReturn:
        raise TypeError("text of a spec goes through a filter: literal, prose, docstring or comment")

    __repr__ = __str__

    def __bool__(self) -> bool:
        return bool(self.raw.strip())

    @override
    def __eq__(self, other: object) -> bool:
        return self.raw == (other.raw if isinstance(other, SpecText) else other)

    @override
    def __hash__(self) -> int:
        return hash(self.raw)


def _raw(text: str | SpecText) -> str:
    return text.raw if isinstance(text, SpecText) else text


def prose(text: str | SpecText, indent: int = 4, hanging: int = 0) -> str:
    """Text for inside a docstring that stands `indent` deep: wrapped, and with nothing in it that could end it.

    Blank lines part paragraphs, and lines that begin with a space keep their margin. Lines after the first of each
    paragraph go `hanging` deeper.
    """
    lines: list[str] = []
    for line in visible(_raw(text)).strip().split("\n"):
        if len(line) <= LINE - indent - hanging and line.isprintable():
            lines.append(line.rstrip())
            continue
        margin = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line,
            LINE - indent - hanging,
            subsequent_indent=margin + " " * hanging,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    escaped = _unbroken("\n".join(lines))
    return ("\n" + " " * indent).join(escaped.split("\n")).replace("\n" + " " * indent + "\n", "\n\n")


def code(text: str | SpecText, indent: int = 4) -> str:
    """Source for inside a docstring that stands `indent` deep, line by line."""
    lines = [line.rstrip() for line in visible(_raw(text)).strip("\n").split("\n")]
    return ("\n" + " " * indent).join(_unbroken("\n".join(lines)).split("\n"))


def _unbroken(text: str) -> str:
    """Text between triple quotes: it holds no three of them, and none at its end."""
    head = text.rstrip('"')
    escaped = head.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return escaped + '\\"' * (len(text) - len(head))


def docstring(text: str | SpecText, indent: int = 4) -> str:
    """A whole docstring, quotes included."""
    content = prose(text, indent)
    return f'"""{content}\n{" " * indent}"""' if "\n" in content else f'"""{content}"""'


def literal(value: object) -> str:
    """A Python literal for a JSON value. `repr` of these types is always source that evaluates to the value."""
    if isinstance(value, SpecText):
        return repr(value.raw)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"JSON has no {value}")
    if isinstance(value, dict | list | str | int | float | bool | None):
        return repr(cast("object", value))
    raise TypeError(f"not a JSON value: {value!r}")


def in_f_string(text: str) -> str:
    """Text for between the double quotes of an f-string."""
    escaped = text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return escaped.replace("{", "{{").replace("}", "}}")


def comment(text: str | SpecText) -> str:
    """Text for behind a `#`."""
    return one_line(_raw(text))


def toml(text: str | SpecText) -> str:
    """A basic string of TOML, whose escapes are those of JSON (TOML 1.0, String); what an eye cannot see is escaped."""
    quoted = json.dumps(_raw(text), ensure_ascii=False)
    return "".join(one if visible(one) == one else f"\\U{ord(one):08x}" for one in quoted)


def markdown(text: str | SpecText) -> str:
    """Text that Markdown shows as it is: a server does not write our headings, links or tags."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|!~&" else letter for letter in one_line(_raw(text)))


def fenced(text: str | SpecText, indent: int = 0) -> str:
    """Lines for between the fences of a block of Markdown, which they cannot end."""
    lines = visible(_raw(text)).replace("```", "'''").strip("\n").split("\n")
    return ("\n" + " " * indent).join(line.rstrip() for line in lines)
