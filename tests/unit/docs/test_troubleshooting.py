"""docs/troubleshooting.md quotes what the code says."""

import re
from pathlib import Path

import pytest

from tests.unit.docs.code_messages import messages

PAGE = (Path(__file__).parents[3] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
HEADING = re.compile(r"^### (`+) ?(.+?) ?\1$\n\n(.*)", re.MULTILINE)
QUOTED = [match[2] for match in HEADING.finditer(PAGE)]


@pytest.fixture(scope="module")
def known() -> set[str]:
    return messages()


@pytest.mark.parametrize("message", QUOTED)
def test_a_quoted_message_is_one_that_the_code_gives(message: str, known: set[str]):
    assert any(message in text for text in known)


def test_each_message_is_quoted_once_and_explained():
    assert len(QUOTED) == len(set(QUOTED)) == PAGE.count("\n### ")
    assert all(match[3] and not match[3].startswith("#") for match in HEADING.finditer(PAGE))
