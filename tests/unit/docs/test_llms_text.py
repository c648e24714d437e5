"""The list of pages for programs that read names every page of the site, with what it is about."""

from pathlib import Path

import pytest

from cl_client.version import __version__
from docs.site.__main__ import assemble_pages, configuration
from docs.site.llms_text import llms_text, whole_text


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "docs"
    assemble_pages(folder)
    return folder


def test_every_page_is_named_with_its_heading_and_first_sentence(pages: Path):
    lines = llms_text(pages, configuration(pages)).splitlines()
    assert lines[0] == f"# cl-client {__version__}"
    assert lines[2].startswith("> Python SDK")
    named = [line.partition("](")[2].partition(")")[0] for line in lines if line.startswith("- [")]
    assert len(named) == len(set(named))
    assert all((pages / name).with_suffix(".md").is_file() for name in named)
    assert {"quick-start.html", "guides/downloads.html", "plugins/hash.html", "reference/cli.html"} <= set(named)
    assert "## How-to guides" in lines
    [downloads] = [line for line in lines if "guides/downloads.html" in line]
    assert downloads == (
        "- [Inputs and downloads](guides/downloads.html): "
        "If a plugin makes a file, its output contains the path of the file, relative to the job."
    )


def test_the_whole_text_has_every_page_once(pages: Path):
    text = whole_text(pages, configuration(pages))
    assert text.count("# Inputs and downloads\n") == 1
    assert "# Process many files\n" in text
