"""Signs of a sentence to rewrite stay out of what people read: the pages, the spec, the help and the messages.

The same holds for the comments of the generator and the servers."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.site.command_page import command_page
from tests.unit.docs.code_messages import messages

ROOT = Path(__file__).parents[3]
SIGNS = re.compile(
    r"\b(whoever|so many|nobody|somebody|goes on|also when|(is|are) (told|over|said)|tells of|what is there"
    r"|did not go well|begin anew|told late|(log|it) says more|needed any more|is away)\b",
    re.IGNORECASE,
)
PAGES = [
    "[!C]*.md",
    "CONTRIBUTING.md",
    "docs/**/*.md",
    "openapi/*.json",
    "src/cl_codegen/**/*.py",
    "src/cl_server/**/*.py",
]


def lines() -> Iterator[str]:
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                yield f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
    yield from command_page().splitlines()
    yield from messages()


def test_what_people_read_is_in_plain_english() -> None:
    assert [line for line in lines() if SIGNS.search(line)] == []


@pytest.mark.parametrize("sentence", ["Whoever runs it", "the job goes on", "so many at once", "when it is told"])
def test_a_sign_is_found_in_a_sentence(sentence: str) -> None:
    assert SIGNS.search(sentence)
