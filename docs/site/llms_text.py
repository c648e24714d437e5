"""`llms.txt` (https://llmstxt.org): the pages of the site for programs that read, with what each is about."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import cast


def llms_text(folder: Path, configuration: str) -> str:
    """The list of pages.

    Args:
        folder: of the pages.
        configuration: of the site, with its navigation.
    """
    project = cast("dict[str, object]", tomllib.loads(configuration)["project"])
    lines = [f"# {project['site_name']}", "", f"> {project['site_description']}"]
    section: str | None = ""
    for title, page in _pages(cast("list[object]", project["nav"])):
        if title != section:
            section = title
            lines += ["", f"## {title}", ""]
        text = (folder / page).read_text(encoding="utf-8")
        heading, first = _about(text)
        lines.append(
            f"- [{heading or Path(page).stem}]({Path(page).with_suffix('.html')}){f': {first}' if first else ''}"
        )
    return "\n".join(lines) + "\n"


def whole_text(folder: Path, configuration: str) -> str:
    """All pages in one text, in the order of the site: `llms-full.txt`."""
    project = cast("dict[str, object]", tomllib.loads(configuration)["project"])
    pages = [page for _, page in _pages(cast("list[object]", project["nav"]))]
    return "\n\n".join((folder / page).read_text(encoding="utf-8").strip() for page in pages) + "\n"


def _pages(nav: list[object], title: str = "Start") -> Iterator[tuple[str, str]]:
    """Each page, with the title of its section."""
    for entry in nav:
        if isinstance(entry, str):
            yield title, entry
        else:
            for section, pages in cast("dict[str, list[object] | str]", entry).items():
                yield from _pages([pages] if isinstance(pages, str) else pages, section)


def _about(text: str) -> tuple[str, str]:
    """The heading of a page, and its first sentence."""
    heading = re.search(r"^# (.+)$", text, re.MULTILINE)
    after = text[heading.end() :] if heading else text
    paragraph = next((block for block in re.split(r"\n\s*\n", after) if re.match(r"[A-Za-z`\[]", block.strip())), "")
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
    sentence = re.match(r".+?[.:](?= |$)", plain)
    return heading[1].strip() if heading else "", (sentence[0] if sentence else plain).rstrip(":")
