"""The command line of a program that has several servers: each is a program of its own, below its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from cl_client.cli.help.options import service_options, taking_values

if TYPE_CHECKING:
    from cl_client.cli.program import Program


def for_service(program: Program, tokens: Sequence[str]) -> tuple[Program, list[str]] | None:
    """The part of a program that a command line is for, and the command line of that; nothing, where there is none."""
    if not program.services or program.within:
        return None
    given, words = _without_addresses(program, tokens)
    valued = taking_values()
    skip = False
    asks_for_help = False
    for place, word in enumerate(words):
        if skip or word.startswith("-"):
            skip = not skip and word in valued
            continue
        if word == "help" and not asks_for_help:
            asks_for_help = True
            continue
        service = next((each for each in program.services if each.command == word), None)
        if service is None:
            return None
        part = service.program(evolve(program, given=given))
        rest = [*words[:place], *words[place + 1 :]]
        # The page of a part is asked for by naming nothing of it.
        return part, rest if rest != ["help"] else ["--help"]
    return None


def _without_addresses(program: Program, tokens: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """What a command line says of the addresses, by setting, and the rest of it."""
    options = {option: key for key, option in service_options(program).items()}
    given: dict[str, str] = {}
    rest: list[str] = []
    words = iter(tokens)
    for word in words:
        option, found, value = word.partition("=")
        if word == "--":
            return given, [*rest, word, *words]
        if option in options and (found or (value := next(words, ""))):
            given[options[option]] = value
        else:
            rest.append(word)
    return given, rest
