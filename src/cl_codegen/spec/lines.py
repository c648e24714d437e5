"""Where a place of a document stands in its file: the line of a JSON pointer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol, cast

from cl_codegen.spec.spec import escape_pointer

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


class _Mark(Protocol):
    line: int


class _Node(Protocol):
    """A node of PyYAML, which has no types for it."""

    value: object
    start_mark: _Mark


def lines_of(source: Path, pointers: Iterable[str]) -> dict[str, int]:
    """The line of each pointer, or of the nearest place above it that the file has; 1 where the file is gone."""
    wanted = list(pointers)
    try:
        text = source.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return dict.fromkeys(wanted, 1)
    known = _yaml_lines(text) if source.suffix.lower() in {".yaml", ".yml"} else _json_lines(text)
    return {pointer: _nearest(pointer, known) for pointer in wanted}


def _nearest(pointer: str, known: dict[str, int]) -> int:
    while pointer not in known and "/" in pointer:
        pointer = pointer.rpartition("/")[0]
    return known.get(pointer, 1)


def _json_lines(text: str) -> dict[str, int]:
    """The line of every value of a JSON text that is one."""
    found = {"#": 1}
    inside: list[tuple[str, int | None]] = []  # The pointer of each open value; the place in it, if that is an array.
    step, line, at = "", 1, 0
    for token in _TOKEN.finditer(text):
        line, at, word = line + text.count("\n", at, token.start()), token.start(), token[0]
        expects_key = bool(inside) and inside[-1][1] is None and step == ""
        if word == ",":
            step = ""
            if inside and (place := inside[-1][1]) is not None:
                inside[-1] = (inside[-1][0], place + 1)
        elif word in "]}" and inside:
            inside.pop()
        elif expects_key and word.startswith('"'):
            step = f"/{escape_pointer(cast('str', json.loads(word)))}"
            found[inside[-1][0] + step] = line
        elif word != ":":
            pointer = "#"
            if inside:
                above, place = inside[-1]
                pointer = above + (step if place is None else f"/{place}")
            found.setdefault(pointer, line)
            if word in "[{":
                inside.append((pointer, 0 if word == "[" else None))
                step = ""
    return found


def _yaml_lines(text: str) -> dict[str, int]:
    """The line of every value of a YAML text that is one."""
    # PyYAML takes 20 ms to import, and most specs are JSON.
    import yaml

    from cl_codegen.spec.yaml_document import compose_yaml

    found = {"#": 1}
    root = cast("_Node | None", compose_yaml(text))
    waiting: list[tuple[str, _Node]] = [("#", root)] if root is not None else []
    while waiting:
        pointer, node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            for name, value in cast("list[tuple[_Node, _Node]]", node.value):
                below = f"{pointer}/{escape_pointer(str(name.value))}"
                if below not in found:
                    found[below] = name.start_mark.line + 1
                    waiting.append((below, value))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(cast("list[_Node]", node.value)):
                below = f"{pointer}/{index}"
                found[below] = value.start_mark.line + 1
                waiting.append((below, value))
    return found
