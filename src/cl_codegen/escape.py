"""Text of a spec on its way into Python source. Nothing of a spec reaches a file but through one of these.

A spec comes from a server, and a server may be hostile or careless: a description can hold `\"\"\"`, a backslash at its
end, a line break, template braces, or characters that reorder what a reader sees.
"""

import math
import re
import textwrap
import unicodedata
from typing import cast

WIDTH = 108
"""Room for a line of a docstring, indented twice and with some escapes, within the 120 of the formatter."""


def visible(text: str) -> str:
    """Without control characters, lone surrogates, and marks that reorder text for the eye (Trojan Source)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(character for character in text if character == "\n" or _is_harmless(character))


def _is_harmless(character: str) -> bool:
    category = unicodedata.category(character)
    return not category.startswith("C") and category not in {"Zl", "Zp"}


def one_line(text: str) -> str:
    """The text on one line, for a heading or a help text."""
    return " ".join(visible(text).split())


def docstring(text: str) -> str:
    """A whole docstring, quotes included: wrapped, and with nothing in it that could end it or be an escape.

    Blank lines part paragraphs; lines that begin with a space, or end with a colon, are kept as they are.
    """
    lines: list[str] = []
    for line in visible(text).strip().split("\n"):
        stripped = line.rstrip()
        margin = stripped[: len(stripped) - len(stripped.lstrip())]
        hanging = margin + "    " if margin else ""
        lines += textwrap.wrap(
            stripped, WIDTH, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
        ) or [""]
    content = "\n".join(lines).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if content.endswith('"'):
        content = content[:-1] + '\\"'
    return f'"""{content}\n"""' if "\n" in content else f'"""{content}"""'


def literal(value: object) -> str:
    """A Python literal for a JSON value. `repr` of these types is always source that evaluates to the value."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"JSON has no {value}")
    if isinstance(value, dict | list | str | int | float | bool | None):
        return repr(cast("object", value))
    raise TypeError(f"not a JSON value: {value!r}")


def in_f_string(text: str) -> str:
    """Text for between the double quotes of an f-string."""
    escaped = text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return escaped.replace("{", "{{").replace("}", "}}")


def comment(text: str) -> str:
    """Text for behind a `#`."""
    return re.sub(r"\s+", " ", visible(text)).strip()
