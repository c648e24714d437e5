"""What the README and the pages of docs/ say works as it is written there."""

import asyncio
import contextlib
import io
import os
import re
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from cl_server.embedded import LocalStack
from docs.site.notebook_page import read_cells
from docs.site.plugin_pages import plugin_pages
from tests.accounts import USER, Accounts
from tests.media import tiny_models
from tests.media.film import film
from tests.media.photo import corners, encoded
from tests.workflows.pages import ROOT, Block, Page, run_python, run_shell, written

PLUGINS = [Page(path, text) for path, text in plugin_pages(ROOT / "openapi" / "compute.json")]


# What a page is about is there afterwards.
LEFT = {
    "README.md": ("photo.webp", "thumbnail.jpg", "thumbnails/photo.jpg", "batch.jsonl"),
    "docs/quick-start.md": ("thumbnail.jpg",),
    "docs/tutorial.md": ("thumbnail.jpg", "small.jpg", "thumbnails/one.jpg"),
    "docs/guides/batches.md": ("thumbnails/one.jpg", "small-one.jpg"),
    "docs/guides/downloads.md": ("photo.webp", "again.jpg", "copy.jpg"),
}


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    """A server that takes guests too, with a model for each plugin that needs one; the environment tells of it."""
    tiny_models.all_but_yunet(tmp_path / "models")
    monkeypatch.setenv("CL_MODELS", str(tmp_path / "models"))
    with LocalStack(workers=2, auth=True, guest_mode=True) as stack:
        # Commands of the pages keep profiles, sessions and completions: not in the home of whoever runs this.
        homes = dict.fromkeys(("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"), str(tmp_path))
        for name, value in {**stack.environment(), **homes}.items():
            monkeypatch.setenv(name, value)
        yield Accounts.made_on(stack)


@pytest.fixture(autouse=True)
def lent(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would start a server of its own is lent the one that stands; the demo is where a start is tested."""

    @contextlib.asynccontextmanager
    async def local_stack(data: str | os.PathLike[str] | None = None) -> AsyncGenerator[LocalStack]:
        yield accounts.stack

    monkeypatch.setattr("cl_client.embedded.local_stack", local_stack)


def furnish(folder: Path, password: str) -> Path:
    """Where a reader is: in a folder with files to send."""
    (folder / "photos").mkdir(parents=True)
    for name in ("photo.jpg", "photos/one.jpg", "photos/two.jpg"):
        (folder / name).write_bytes(encoded(corners(), orientation=6))
    (folder / "photo.png").write_bytes(encoded(corners(), "PNG"))
    (folder / "film.mp4").write_bytes(film(0.5))
    (folder / "notes.txt").write_text("no image")
    (folder / "password.txt").write_text(password)
    return folder


def try_block(block: Block, password: str) -> None:
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as printed:
        if block.needs_login:
            patch.setenv("CL_USERNAME", USER)
            patch.setenv("CL_PASSWORD", password)
        block.run()
    for said in re.findall(r"print\(error\)  # (.+)$", block.code, re.MULTILINE):
        pattern = ".*".join(re.escape(part.strip()) for part in said.split("…"))
        assert re.search(pattern, printed.getvalue()), printed.getvalue()


def try_plugin(page: Page) -> None:
    in_python, in_shell = page.blocks
    assert run_python(in_python.code, {})["job"].done()
    run_shell(in_shell.code)


async def try_notebook(path: Path) -> None:
    """As in a kernel, a loop runs already."""
    names: dict[str, object] = {}
    try:
        for cell in read_cells(path):
            if cell["cell_type"] == "code":
                with contextlib.redirect_stdout(io.StringIO()) as printed:
                    exec(compile("".join(cell["source"]), "a cell", "exec"), names)
                assert printed.getvalue() == "".join(line for output in cell["outputs"] for line in output["text"])
    finally:
        # What the last cell closes, also where another one was the last that ran.
        if isinstance(opened := names.get("opened"), contextlib.ExitStack):
            opened.close()


# One test, so that it is one server, however many processes share the suite.
@pytest.mark.timeout(300)
def test_the_code_of_every_page_works(
    tmp_path: Path, accounts: Accounts, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
):
    password = accounts.passwords[USER]
    for page in written():
        monkeypatch.chdir(furnish(tmp_path / page.path, password))
        for number, block in enumerate(page.blocks, 1):
            with subtests.test(f"{page.path}, block {number}"):
                try_block(block, password)
        for name in LEFT.get(page.path, ()):
            with subtests.test(f"{page.path} leaves {name}"):
                assert Path(name).stat().st_size > 0
    monkeypatch.chdir(furnish(tmp_path / "plugins", password))
    for page in PLUGINS:
        with subtests.test(page.path):
            try_plugin(page)
    with subtests.test("docs/notebook.ipynb"):
        asyncio.run(try_notebook(ROOT / "docs" / "notebook.ipynb"))
