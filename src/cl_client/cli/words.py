"""What people type, in the words of the commands: `ls` for `list`, `help hash` for `hash --help`, `hash photo.jpg`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cl_client.runtime.place import STANDARD

_READ_STDIN: Final = frozenset({"--password", "--new-password"})
"""Options whose value can be `-`."""
_LIST: Final = ["jobs", "list"]
_MAGIC: Final = frozenset("*?[")
"""What makes a pattern of a path, as `glob` has it."""


def in_full(tokens: Sequence[str], groups: Sequence[str], commands_of: Callable[[str], Sequence[str]]) -> list[str]:
    """Expand the short forms of a command line.

    Args:
        tokens: The words of the command line.
        groups: The commands of the program. They take precedence over short forms.
        commands_of: Returns the commands of a group, and nothing for a command that isn't a group.
    """
    place = next((at for at, token in enumerate(tokens) if not token.startswith("-")), None)
    if place is None:
        return list(tokens)
    before, word, after = list(tokens[:place]), tokens[place], list(tokens[place + 1 :])
    if word not in groups:
        match word:
            case "version" if not after:
                return [*before, "--version"]
            case "help":
                return [*before, *after, "--help"]
            case "ls" if "jobs" in groups:
                return [*before, *_LIST, *after]
            case _:
                return list(tokens)
    if after[:1] == ["ls"] and "list" in (known := commands_of(word)) and "ls" not in known:
        return [*before, word, "list", *after[1:]]
    words = list(itertools.takewhile(lambda each: each != "--", after))
    if any(_is_file(each) for each in words):
        known = commands_of(word)
        if len(known) == 1 and known[0] not in words and not _is_misspelt(words[0], known[0]):
            return [*before, word, known[0], *after]
    return list(tokens)


def own_password(tokens: list[str]) -> list[str]:
    """After `user create` and `user update`, `--password` is the one of that user; before it, whose command it is."""
    for at, command in enumerate(itertools.pairwise(tokens), 2):
        if command in (("user", "create"), ("user", "update")):
            return tokens[:at] + [re.sub("^--password(?==|$)", "--new-password", token) for token in tokens[at:]]
    return tokens


def with_streams(tokens: Sequence[str]) -> list[str]:
    """Replace each `-` that means stdin or stdout, because cyclopts would take it for an option."""
    pairs = itertools.pairwise(["", *tokens])
    before = len(list(itertools.takewhile(lambda word: word != "--", tokens)))
    return [
        STANDARD if word == "-" and place < before and option not in _READ_STDIN else word
        for place, (option, word) in enumerate(pairs)
    ]


def _is_misspelt(word: str, command: str) -> bool:
    import difflib

    return bool(difflib.get_close_matches(word, [command], 1, 0.7))


def _is_file(word: str) -> bool:
    """Whether that is rather a file than the name of a command, misspelt perhaps."""
    if word.startswith("-"):
        return word == "-"
    return "." in word or "/" in word or word.startswith("data:") or not _MAGIC.isdisjoint(word) or Path(word).exists()
