"""Lists that come page by page, as async iterators: each way of servers, against a live one."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import Body, FastAPI, Query, Request, Response
from pydantic import BaseModel

from cl_client.errors import ResponseError
from cl_codegen.generate import PackageSources, generate
from cl_codegen.spec.spec import SpecError
from tests.codegen_server.folders import ROOT, TEMPLATES
from tests.codegen_server.running import running_server

EVERY = list(range(7))
"""What there is; pages have three of them."""


class Item(BaseModel):
    id: int


class ByCursor(BaseModel):
    data: list[Item]
    next_cursor: str | None = None


class About(BaseModel):
    has_next: bool
    total_pages: int


class Numbered(BaseModel):
    items: list[Item]
    pagination: About


class Counted(BaseModel):
    entries: list[Item]
    total_entries: int


class ById(BaseModel):
    data: list[Item]
    has_more: bool


class Addressed(BaseModel):
    results: list[Item]
    next: str | None = None


class Search(BaseModel):
    word: str
    limit: int = 3
    offset: int = 0


def page(begin: int) -> list[Item]:
    return [Item(id=each) for each in EVERY[begin : begin + 3]]


def create_app() -> FastAPI:
    app = FastAPI(title="Shelf", version="1.0.0")
    app.state.asked = []

    @app.get("/cursor", tags=["shelf"])
    async def by_cursor(request: Request, cursor: str | None = None, word: str = "") -> ByCursor:
        app.state.asked.append(str(request.url.query))
        begin = int((cursor or "at/0").removeprefix("at/"))
        return ByCursor(data=page(begin), next_cursor=f"at/{begin + 3}" if begin + 3 < len(EVERY) else None)

    @app.get("/pages", tags=["shelf"])
    async def by_page(
        request: Request, page_number: int = 1, tags: Annotated[list[str] | None, Query()] = None
    ) -> Numbered:
        app.state.asked.append(str(request.url.query))
        begin = 3 * (page_number - 1)
        return Numbered(items=page(begin), pagination=About(has_next=begin + 3 < len(EVERY), total_pages=3))

    @app.get("/offsets", tags=["shelf"])
    async def by_offset(request: Request, offset: int = 0, limit: int = 50) -> Counted:
        app.state.asked.append(str(request.url.query))
        return Counted(entries=page(offset), total_entries=len(EVERY))

    @app.get("/plain", tags=["shelf"])
    async def by_offset_alone(offset: int = 0) -> list[Item]:
        return page(offset)

    @app.get("/after", tags=["shelf"])
    async def after_the_last(starting_after: str | None = None) -> ById:
        begin = int(starting_after or -1) + 1
        return ById(data=page(begin), has_more=begin + 3 < len(EVERY))

    @app.get("/next", tags=["shelf"])
    async def by_address(request: Request, limit: int = 3, at: int = 0) -> Addressed:
        beyond = f"http://{request.url.hostname}:1/next?at={at + 3}"  # Its port as it is behind the proxy.
        return Addressed(results=page(at), next=beyond if at + 3 < len(EVERY) else None)

    @app.get("/links", tags=["shelf"], responses={200: {"headers": {"Link": {"schema": {"type": "string"}}}}})
    async def by_link(response: Response, at: int = 0) -> list[Item]:
        links = ['</links?at=0&x=a,b>; rel="first"']
        links += [f'<?at={at + 3}>; title="so, it; goes on"; rel="prefetch NEXT"'] if at + 3 < len(EVERY) else []
        response.headers["Link"] = ", ".join(links)
        return page(at)

    @app.post("/search", tags=["shelf"])
    async def search(asked: Search) -> list[Item]:
        return page(asked.offset) if asked.word == "all" else []

    @app.post("/create", tags=["shelf"])
    async def create_several(items: Annotated[list[Item], Body(embed=True)], limit: int = 1) -> list[Item]:
        return items

    @app.get("/stuck", tags=["shelf"])
    async def stuck(page: int = 1) -> list[Item]:
        return [Item(id=1)]

    @app.get("/elsewhere", tags=["shelf"])
    async def elsewhere(limit: int = 1) -> Addressed:
        return Addressed(results=page(0), next="http://elsewhere.example/next")

    @app.get("/odd", tags=["shelf"])
    async def odd(p: int = 1) -> Numbered:
        begin = 3 * (p - 1)
        return Numbered(items=page(begin), pagination=About(has_next=begin + 3 < len(EVERY), total_pages=3))

    @app.get("/none", tags=["shelf"])
    async def no_pages(page: int = 1) -> list[Item]:
        return [Item(id=page)]

    return app


MANIFEST = """
[pages]
odd = { page = "p", more = "pagination.has_next" }
no_pages = false
"""
WAYS = ("by_cursor", "by_page", "by_offset", "by_offset_alone", "after_the_last", "by_address", "by_link", "odd")


def spec() -> dict:
    made = create_app().openapi()
    # A parameter with a style of its own: then the whole query is written by the client.
    made["paths"]["/pages"]["get"]["parameters"][1] |= {"explode": False}
    return made


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "shelf.json").write_text(json.dumps(named(spec())))
    (folder / "shelf.toml").write_text(MANIFEST)
    generate(PackageSources(folder / "shelf.json", folder / "shelf.toml", TEMPLATES, "book_shelf"), folder / "out")
    sys.path.insert(0, str(folder / "out" / "src"))
    yield folder / "out" / "src"
    sys.path.remove(str(folder / "out" / "src"))


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[FastAPI, str]]:
    app = create_app()
    with running_server(app) as address:
        yield app, address


def named(document: dict) -> dict:
    """Operations are called as their functions are, without the path and method that FastAPI adds."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            end = f"{path.replace('/', '_').replace('{', '_').replace('}', '_')}_{method}"
            operation["operationId"] = operation["operationId"].removesuffix(end)
    return document


@pytest.mark.parametrize("way", WAYS)
async def test_every_item_comes_however_a_server_hands_out_its_pages(package, server, way):
    shelf = importlib.import_module("book_shelf")
    async with shelf.BookShelfClient(server[1]) as client:
        assert [item.id async for item in getattr(client.shelf, f"{way}_all")()] == EVERY


async def test_a_search_goes_on_in_its_body(package, server):
    shelf = importlib.import_module("book_shelf")
    models = importlib.import_module("book_shelf.api.models")
    async with shelf.BookShelfClient(server[1]) as client:
        found = client.shelf.search_all(body=models.Search(word="all", limit=3))
        assert [item.id async for item in found] == EVERY
        assert not hasattr(client.shelf, "create_several_all")


async def test_the_walk_begins_where_it_is_told_and_keeps_the_other_parameters(package, server):
    shelf = importlib.import_module("book_shelf")
    app, url = server
    app.state.asked.clear()
    async with shelf.BookShelfClient(url) as client:
        assert [item.id async for item in client.shelf.by_page_all(page_number=2, tags=["a,b", "c"])] == EVERY[3:]
        assert [item.id async for item in client.shelf.by_cursor_all(cursor="at/3", word="a&b")] == EVERY[3:]
    # What was written in a style of its own stays as it was.
    assert app.state.asked == [
        "page_number=2&tags=a%2Cb,c",
        "tags=a%2Cb,c&page_number=3",
        "cursor=at%2F3&word=a%26b",
        "cursor=at%2F6&word=a%26b",
    ]


async def test_no_page_is_asked_for_before_it_is_wanted(package, server):
    shelf = importlib.import_module("book_shelf")
    app, url = server
    app.state.asked.clear()
    async with shelf.BookShelfClient(url) as client:
        items = client.shelf.by_offset_all(limit=3)
        assert (await anext(items)).id == 0
        await items.aclose()
    assert app.state.asked == ["offset=0&limit=3"] or app.state.asked == ["limit=3"]


async def test_a_server_that_has_no_other_page_is_an_error_and_no_endless_walk(package, server):
    shelf = importlib.import_module("book_shelf")
    async with shelf.BookShelfClient(server[1]) as client:
        with pytest.raises(ResponseError, match="same page again"):
            [item async for item in client.shelf.stuck_all()]
        with pytest.raises(ResponseError, match="another server"):
            [item async for item in client.shelf.elsewhere_all()]
        assert not hasattr(client.shelf, "no_pages_all")


def test_without_async_it_is_a_generator(package, server):
    shelf = importlib.import_module("book_shelf.sync")
    with shelf.BookShelfClient(server[1]) as client:
        assert [item.id for item in client.shelf.by_cursor_all()] == EVERY


def run(package: Path, url: str, *arguments: str) -> list[dict]:
    ran = subprocess.run(
        [sys.executable, "-m", "book_shelf", *arguments],
        env={**os.environ, "PYTHONPATH": str(package), "COMPUTE_URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_the_command_prints_an_item_a_line(package, server):
    assert run(package, server[1], "shelf", "by-link", "--all") == [{"id": each} for each in EVERY]
    assert run(package, server[1], "shelf", "by-page", "--at-most", "4") == [{"id": each} for each in EVERY[:4]]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('odd = { page = "q" }', "there is no 'q' in its query"),
        ('od = { page = "p" }', "no operation 'od'; odd?"),
        ('odd = { page = "p", items = "things" }', "say which are its items"),
        ('odd = { page = "p", cursor = "p" }', "one way"),
        ("odd = {}", "say how there is a next page"),
    ],
)
def test_what_the_manifest_says_wrongly_is_named_with_its_line(tmp_path, line, problem):
    (tmp_path / "shelf.json").write_text(json.dumps(named(spec())))
    (tmp_path / "shelf.toml").write_text(f"[pages]\n{line}\n")
    with pytest.raises(SpecError, match=problem) as refused:
        generate(PackageSources(tmp_path / "shelf.json", tmp_path / "shelf.toml", TEMPLATES, "shelf"), tmp_path / "out")
    assert refused.value.place == "line 2"
