"""`python -m docs.site`: build the site into build/site. A broken link or reference is an error."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from cl_client.cli.help.front_page import CL_CLIENT
from cl_client.version import __version__
from docs.site.command_page import command_page
from docs.site.llms_text import llms_text, whole_text
from docs.site.notebook_page import notebook_page
from docs.site.plugin_pages import plugin_pages

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
BUILD: Final = ROOT / "build"
PATTERN: Final = re.compile(r'"([\w/]+)/\*\.md"')
"""All pages of a folder, as the configuration names them."""


def assemble_pages(folder: Path) -> None:
    """Write all pages into a folder: those of docs/ and those that are generated."""
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

    text = PATTERN.sub(pages, (DOCS / "zensical.toml").read_text(encoding="utf-8")).replace("{version}", __version__)
    url = web_address(origin())
    return text.replace("[project]\n", f'[project]\nrepo_url = "{url}"\n', 1) if url else text


def origin() -> str:
    """Where this clone comes from; nothing without git, or outside a clone."""
    git = shutil.which("git")
    if git is None:
        return ""
    ran = subprocess.run([git, "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.stdout.strip()


def web_address(remote: str) -> str | None:
    """The page of a repository on the web, for the address that git uses; `None` for a folder.

    The name and the password that an address can contain are left out.
    """
    over_http = re.fullmatch(r"https?://(?:[^@/]*@)?([\w.:-]+/[\w./~-]+?)(?:\.git)?/?", remote)
    over_ssh = re.fullmatch(r"(?:ssh://)?git@([\w.-]+)[:/]([\w./~-]+?)(?:\.git)?/?", remote)
    if over_http:
        return f"https://{over_http[1]}"
    return f"https://{over_ssh[1]}/{over_ssh[2]}" if over_ssh else None


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
