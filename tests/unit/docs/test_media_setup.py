"""tests/media/MEDIA_SETUP.md names what there is."""

import re
from pathlib import Path

from tests.media.__main__ import FILES

MEDIA = Path(__file__).parents[2] / "media"
PAGE = (MEDIA / "MEDIA_SETUP.md").read_text(encoding="utf-8")


def test_the_files_of_the_page_are_those_that_are_written():
    assert re.findall(r"^\| `((?:images|videos)/[^`]+)`", PAGE, re.MULTILINE) == list(FILES)


def test_the_modules_of_the_page_are_those_of_the_folder():
    modules = {module.name for module in MEDIA.glob("[a-z]*.py")}
    assert set(re.findall(r"^\| `(\w+\.py)`", PAGE, re.MULTILINE)) == modules
