"""Commands that pages only show, or name in passing, exist."""

import re
import shlex
from pathlib import Path

import pytest

from cl_client.cli.app import assemble
from cl_client.cli.help.front_page import CL_CLIENT
from cl_server.__main__ import make_parser
from tests.workflows.pages import ROOT, Page, written

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
OTHERS = {"claude", "pip", "export", "git", ".venv/bin/python"}


def shown(page: Page) -> list[str]:
    """The commands of the blocks that show a terminal."""
    blocks = [block for block in page.blocks if block.language == "console"]
    return [line[2:] for block in blocks for line in block.code.splitlines() if line.startswith("$ ")]


@pytest.mark.parametrize("page", [page for page in written() if shown(page)], ids=lambda page: page.path)
def test_a_command_that_is_shown_exists(page: Page):
    app = assemble(CL_CLIENT)
    for line in shown(page):
        words = shlex.split(line, comments=True)
        # Variables for this command come first.
        program, *words = words[next(place for place, word in enumerate(words) if "=" not in word) :]
        if program == "make":
            assert all(f"\n{word}:" in MAKEFILE for word in words if "=" not in word), line
        elif program == "cl-client":
            assert app.parse_commands(words)[0], line
        elif program == "cl-server":
            make_parser().parse_args(words)
        else:
            assert program in OTHERS, line


@pytest.mark.parametrize("page", written(), ids=lambda page: page.path)
def test_a_target_of_make_that_is_named_exists(page: Page):
    for targets in re.findall(r"`make ([a-z -]+)", page.text):
        assert all(f"\n{target}:" in MAKEFILE for target in targets.split()), targets


def test_a_file_that_the_readme_links_to_is_there():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(((?!http)[^)#]+)\)", readme)
    assert links
    assert all(Path(ROOT, link).is_file() for link in links)
