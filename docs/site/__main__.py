"""`python -m docs.site`: build the site into build/site; what is not in order ends it with an error."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from cl_client.cli.help.front_page import CL_CLIENT
from docs.site.command_page import command_page
from docs.site.llms_text import llms_text, whole_text
from docs.site.notebook_page import notebook_page
from docs.site.plugin_pages import plugin_pages

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
BUILD: Final = ROOT / "build"
PATTERN: Final = re.compile(r'"([\w/]+)/\*\.md"')
"""What stands for all pages of a folder in the configuration."""


def assemble_pages(folder: Path) -> None:
    """Put all pages into a folder: those of docs/, and those that are made."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("site", "zensical.toml", "__pycache__"))
    made = {
        **dict(plugin_pages(ROOT / "openapi" / "compute.json")),
        "reference/cli.md": command_page(),
        "notebook.md": notebook_page(DOCS / "notebook.ipynb"),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("](docs/", "]("),
    }
    for path, text in made.items():
        page = folder / path
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, encoding="utf-8")


def configuration(folder: Path) -> str:
    """The configuration of the site whose pages are in a folder."""

    def pages(match: re.Match[str]) -> str:
        return ", ".join(f'"{match[1]}/{page.name}"' for page in sorted((folder / match[1]).glob("*.md")))

    return PATTERN.sub(pages, (DOCS / "zensical.toml").read_text(encoding="utf-8"))


def main() -> int:
    """Build the site. Returns the exit code."""
    # The lines of usage would say `python -m docs.site`.
    sys.argv[0] = CL_CLIENT.name
    pages, config = BUILD / "docs", BUILD / "zensical.toml"
    assemble_pages(pages)
    text = configuration(pages)
    config.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "--config-file", str(config)]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code == 0:
        (BUILD / "site" / "llms.txt").write_text(llms_text(pages, text), encoding="utf-8")
        (BUILD / "site" / "llms-full.txt").write_text(whole_text(pages, text), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
