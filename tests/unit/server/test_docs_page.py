"""The page of a server's operations: it loads nothing, and a browser would not let it."""

import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from cl_server.compute.app import create_app
from cl_server.files.local import LocalFileStorage
from cl_server.http.docs_page import page
from cl_server.messaging.capabilities import Capabilities
from cl_server.queue.guest_mode import GuestMode
from cl_server.queue.repository import SqlJobRepository


@pytest.fixture
def http(tmp_path: Path, engine: Engine) -> httpx.AsyncClient:
    app = create_app(
        SqlJobRepository(engine), LocalFileStorage(tmp_path), Capabilities(), GuestMode(tmp_path / "guest-mode")
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


async def test_the_page_of_the_operations_loads_nothing(http: httpx.AsyncClient) -> None:
    answer = await http.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(answer.text)
    assert not {"script", "link", "img", "iframe", "object", "embed"} & set(tags)
    assert re.findall(r"(?:src|href)=\"([^\"]*)\"|url\(", answer.text) == ["openapi.json"]
    assert "//" not in answer.text
    document = (await http.get("/openapi.json")).json()
    assert all(f"<code>{path}</code>" in answer.text or f"<code>{path}" in answer.text for path in document["paths"])
    assert answer.text.count("<tr>") == sum(len(item) for item in document["paths"].values())


async def test_there_are_no_pages_of_others(http: httpx.AsyncClient) -> None:
    for path in ("/redoc", "/docs/oauth2-redirect"):
        assert (await http.get(path)).status_code == 404


def test_what_stands_in_the_document_is_only_text() -> None:
    made = page(
        {
            "info": {"title": "<script>", "version": '"1"', "description": "<img src=x>"},
            "paths": {"/<b>": {"get": {"summary": "<script>x</script>"}}},
        }
    )
    assert "<script>" not in made
    assert "<img" not in made
    assert "<b>" not in made
