"""The site has a page for everything, and everything on a page."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from cyclopts import App

import cl_client
from cl_client import errors
from cl_client.cli.app import assemble
from cl_client.cli.help.front_page import CL_CLIENT
from cl_client.cli.words import in_full
from cl_client.config.settings import SETTINGS, Setting
from docs.site.__main__ import DOCS, assemble_pages, configuration, web_address
from docs.site.command_page import command_page

REFERENCE = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    assemble_pages(folder)
    return folder


def entries(nav: object) -> Iterator[str]:
    """The pages that a navigation names."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, list):
        for entry in cast("list[object]", nav):
            yield from entries(entry)
    elif isinstance(nav, dict):
        yield from entries(list(cast("dict[str, object]", nav).values()))


def commands(app: App, name: str) -> Iterator[str]:
    """Every command below an app that its help shows, as it is typed."""
    for word in app:
        if not word.startswith("-") and app[word].show:
            yield f"{name} {word}"
            yield from commands(app[word], f"{name} {word}")


def test_every_page_is_in_the_navigation_and_the_other_way_round(pages: Path):
    named = list(entries(tomllib.loads(configuration(pages))["project"]["nav"]))
    assert sorted(named) == sorted(str(page.relative_to(pages)) for page in pages.rglob("*.md"))
    assert sum(page.startswith("plugins/") for page in named) == len(CL_CLIENT.plugins)


def test_the_page_of_the_command_line_has_every_command_with_its_options():
    page = command_page()
    headings = set(re.findall(r"^#+ (.+)$", page, re.MULTILINE))
    assert set(commands(assemble(CL_CLIENT), CL_CLIENT.name)) <= headings
    assert page.count("--compute-url") == 1
    assert "* `--width, -w 1-8192`: Maximum width in pixels. By default, it follows from the height." in page


@pytest.mark.parametrize("name", [name for name in cl_client.__all__ if not name.startswith("_")])
def test_every_public_name_is_in_the_reference(name: str):
    home = "cl_client.errors" if hasattr(errors, name) else f"cl_client.{name}"
    assert f"::: {home}\n" in REFERENCE


def test_a_page_of_a_plugin_has_its_parameters_under_their_three_names(pages: Path):
    page = (pages / "plugins" / "image_conversion.md").read_text(encoding="utf-8")
    assert "| `output_format` | `--format, -f` | `format` | " in page
    assert "| `image` | `IMAGE` | `file` | " in page
    assert "::: cl_plugins.image_conversion.ImageConversionClient.convert\n" in page
    assert "::: cl_api.compute.models.ImageConversionOutput\n" in page


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_setting_is_in_the_reference_of_the_configuration(setting: Setting):
    page = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    [row] = [line for line in page.splitlines() if f"| `{setting.key}` |" in line]
    assert all(f"`{name}`" in row for name in setting.variables)


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("https://ada:secret@example.org/ada/cl-client.git", "https://example.org/ada/cl-client"),
        ("git@example.org:ada/cl-client.git", "https://example.org/ada/cl-client"),
        ("/home/ada/cl-client", None),
        ("", None),
    ],
)
def test_the_site_links_to_a_repository_on_the_web(remote: str, page: str | None):
    assert web_address(remote) == page


def rows_of(page: str) -> list[list[str]]:
    """The code in the rows of its tables, after the first cell of each."""
    rows = [line.split("|")[2:-1] for line in page.splitlines() if line.startswith("| ") and "`" in line]
    return [[cell.strip().strip("`") for cell in row if "`" in cell] for row in rows]


def test_no_task_takes_more_words_than_with_another_tool():
    app = assemble(CL_CLIENT)
    rows = rows_of((DOCS / "coming-from.md").read_text(encoding="utf-8"))
    assert len(rows) == 20
    for *others, ours in rows:
        program, *words = ours.split()
        if program != CL_CLIENT.name:  # Python, where what is typed has no words
            assert len(ours) <= min(map(len, others))
            continue
        assert len(ours.split()) <= min(len(other.split()) for other in others)
        full = in_full(words, list(app), lambda group: [word for word in app[group] if not word.startswith("-")])
        assert app.parse_commands(full)[0], ours
