"""Answers that come piece by piece, as async iterators, and bodies of JSON by the line and YAML: on a live server."""

import asyncio
import importlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

from cl_client.errors import NotFoundError, RequestTimeoutError, ResponseError
from cl_codegen.generate import PackageSources, generate
from tests.codegen_server.folders import ROOT, TEMPLATES
from tests.codegen_server.running import running_server

WORD = {"$ref": "#/components/schemas/Word"}
WORDS = [{"text": "größer", "at": "2026-01-02T03:04:05+00:00"}, {"text": "a\u2028b", "at": None}]


def answers(**content: dict) -> dict:
    return {"200": {"description": "", "content": {kind: {"schema": schema} for kind, schema in content.items()}}}


def operation(name: str, content: dict, body: dict | None = None, **other: object) -> dict:
    made = {"operationId": name, "tags": ["talk"], "responses": answers(**content), **other}
    return made | ({"requestBody": {"required": True, "content": body}} if body else {})


SPEC = {
    "openapi": "3.1.0",
    "info": {"title": "Talk", "version": "1.0.0"},
    "paths": {
        "/lines": {"get": operation("lines", {"application/x-ndjson": WORD})},
        "/listed": {"get": operation("listed", {"application/jsonl": {"type": "array", "items": WORD}})},
        "/events": {"get": operation("events", {"text/event-stream": WORD})},
        "/whole": {"get": operation("whole_events", {"text/event-stream": {"$ref": "#/components/schemas/Event"}})},
        "/texts": {"get": operation("texts", {"text/event-stream": {"type": "string"}})},
        "/endless": {"get": operation("endless", {"application/x-ndjson": WORD})},
        "/silent": {"get": operation("silent", {"application/x-ndjson": WORD})},
        "/chat": {
            "post": operation(
                "chat",
                {"application/json": {"type": "array", "items": WORD}, "text/event-stream": WORD},
                {"application/json": {"schema": {"$ref": "#/components/schemas/Chat"}}},
            )
        },
        "/put": {
            "post": operation("put_lines", {"application/json": {}}, {"application/x-ndjson": {"schema": WORD}}),
            "put": operation("put_yaml", {"application/json": {}}, {"application/yaml": {"schema": WORD}}),
        },
    },
    "components": {
        "schemas": {
            "Word": {
                "type": "object",
                "required": ["text"],
                "properties": {"text": {"type": "string"}, "at": {"type": ["string", "null"], "format": "date-time"}},
            },
            "Event": {"type": "object", "properties": {"event": {"type": "string"}, "data": WORD}},
            "Chat": {
                "type": "object",
                "required": ["question"],
                "properties": {"question": {"type": "string"}, "stream": {"type": "boolean", "default": False}},
            },
        }
    },
}


def create_app() -> FastAPI:
    app = FastAPI()
    app.state.left = asyncio.Event()

    def streamed(media_type: str, *pieces: bytes) -> StreamingResponse:
        async def sent() -> AsyncGenerator[bytes]:
            for piece in pieces:
                yield piece
                await asyncio.sleep(0)

        return StreamingResponse(sent(), media_type=media_type)

    lines = "\n\n".join(json.dumps(word, ensure_ascii=False) for word in WORDS).encode()

    @app.get("/lines")
    async def lines_() -> StreamingResponse:
        # Cut within a character, with an empty line, and without an end.
        return streamed("application/x-ndjson", lines[:13], lines[13:40], lines[40:])

    @app.get("/listed")
    async def listed() -> StreamingResponse:
        return streamed("application/jsonl", b"\x1e" + lines, b"\n")

    @app.get("/events")
    async def events(request: Request) -> StreamingResponse:
        assert request.headers["accept"] == "text/event-stream"
        first, second = (json.dumps(word) for word in WORDS)
        half = len(first) // 2
        text = f"\ufeff: hello\r\nid: 7\revent: word\rdata: {first}\r\n\r\ndata:{second}\n\n"
        text += "event: nothing\n\nretry: 1\n\ndata: [DONE]\n\ndata: no JSON\n\n"
        raw = text.encode()
        cut = raw.index(b"\r\n\r\n") + 1  # Between the two of a line end.
        return streamed("text/event-stream", raw[:half], raw[half:cut], raw[cut:])

    @app.get("/whole")
    async def whole() -> StreamingResponse:
        text = json.dumps(WORDS[0], indent=1).replace("\n", "\ndata: ")
        return streamed("text/event-stream", f"event: word\ndata: {text}\n\n".encode())

    @app.get("/texts")
    async def texts() -> StreamingResponse:
        return streamed("text/event-stream", b"data: one\ndata:  two\n\ndata\n\ndata: cut off")

    @app.get("/endless")
    async def endless(request: Request) -> StreamingResponse:
        async def sent() -> AsyncGenerator[bytes]:
            try:
                while True:
                    yield b'{"text": "again"}\n'
                    await asyncio.sleep(0.01)
            finally:
                app.state.left.set()

        return StreamingResponse(sent(), media_type="application/x-ndjson")

    @app.get("/silent")
    async def silent() -> StreamingResponse:
        async def sent() -> AsyncGenerator[bytes]:
            yield b'{"text": "last"}\n'
            await asyncio.Event().wait()

        return StreamingResponse(sent(), media_type="application/x-ndjson")

    @app.get("/left")
    async def left() -> bool:
        await asyncio.wait_for(app.state.left.wait(), 30)
        return True

    @app.post("/chat")
    async def chat(request: Request) -> object:
        body = await request.json()
        if body["question"] == "who?":
            return JSONResponse({"detail": "nobody"}, 404)
        if body["question"] == "odd":
            return streamed("text/event-stream", b'data: {"at": null}\n\n')
        if body.get("stream") and body["question"] != "deaf":
            return streamed("text/event-stream", b"".join(f"data: {json.dumps(one)}\n\n".encode() for one in WORDS))
        return JSONResponse(WORDS)

    @app.api_route("/put", methods=["POST", "PUT"])
    async def put(request: Request) -> JSONResponse:
        return JSONResponse([request.headers["content-type"], (await request.body()).decode()])

    return app


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("talk")
    (folder / "talk.json").write_text(json.dumps(SPEC))
    generate(PackageSources(folder / "talk.json", folder / "none.toml", TEMPLATES, "small_talk"), folder / "out")
    sys.path.insert(0, str(folder / "out" / "src"))
    yield folder / "out" / "src"
    sys.path.remove(str(folder / "out" / "src"))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_server(create_app()) as address:
        yield address


@pytest.fixture
async def client(package: Path, url: str) -> AsyncGenerator:
    async with importlib.import_module("small_talk").SmallTalkClient(url) as client:
        yield client


def words() -> list[object]:
    model = importlib.import_module("small_talk.api.models").Word
    return [model.from_dict(word) for word in WORDS]


async def test_json_by_the_line_is_typed_wherever_the_pieces_are_cut(client):
    assert [word async for word in client.talk.lines()] == words()
    assert [word async for word in client.talk.listed()] == words()


async def test_events_are_read_as_the_standard_of_html_has_them(client):
    events = [event async for event in client.talk.events()]
    assert [(event.event, event.id, event.data) for event in events] == [
        ("word", "7", words()[0]),
        ("message", "7", words()[1]),
    ]
    whole = [event async for event in client.talk.whole_events()]
    assert [(event.event, event.data) for event in whole] == [("word", words()[0])]
    assert [event.data async for event in client.talk.texts()] == ["one\n two", ""]


async def test_a_server_that_streams_when_it_is_asked_to_has_both(client):
    chat = importlib.import_module("small_talk.api.models").Chat
    assert await client.talk.chat(body=chat(question="how?")) == words()
    assert [event.data async for event in client.talk.chat_stream(body=chat(question="how?"))] == words()
    for question, error, problem in (
        ("who?", NotFoundError, "nobody"),
        ("odd", ResponseError, "'text' is missing"),
        ("deaf", ResponseError, "JSON in place of a stream"),
    ):
        with pytest.raises(error, match=problem):
            [event async for event in client.talk.chat_stream(body=chat(question=question))]


async def test_whoever_has_enough_ends_the_answer(client, url):
    stream = client.talk.endless()
    assert (await anext(stream)).text == "again"
    await stream.aclose()
    async with asyncio.timeout(30):
        assert (await client.api.get_async_httpx_client().get("/left")).json() is True


async def test_a_server_that_falls_silent_is_a_timeout(package, url):
    async with importlib.import_module("small_talk").SmallTalkClient(url, timeout=0.2) as client:
        stream = client.talk.silent()
        assert (await anext(stream)).text == "last"
        with pytest.raises(RequestTimeoutError):
            await anext(stream)


async def test_being_cancelled_ends_the_answer(client):
    got = asyncio.Event()

    async def listen() -> None:
        async for _ in client.talk.endless():
            got.set()

    task = asyncio.create_task(listen())
    await got.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [word async for word in client.talk.lines()] == words()


async def test_bodies_are_json_by_the_line_and_yaml(client):
    kind, text = await client.talk.put_lines(body=words())
    assert (kind, [json.loads(line) for line in text.split("\n")[:-1]]) == ("application/x-ndjson", WORDS)
    kind, text = await client.talk.put_yaml(body=words()[0])
    assert (kind, json.loads(text)) == ("application/yaml", WORDS[0])


def test_without_async_it_is_a_generator(package, url):
    with importlib.import_module("small_talk.sync").SmallTalkClient(url) as client:
        assert list(client.talk.lines()) == words()
        endless = client.talk.endless()
        assert next(endless).text == "again"
        endless.close()


def run(package: Path, url: str, *arguments: str) -> list[object]:
    ran = subprocess.run(
        [sys.executable, "-m", "small_talk", "talk", *arguments],
        env={**os.environ, "PYTHONPATH": str(package), "COMPUTE_URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_the_command_prints_one_json_a_line(package, url):
    assert [line["text"] for line in run(package, url, "lines")] == [word["text"] for word in WORDS]
    events = run(package, url, "chat", "--body", '{"question": "how?"}', "--stream")
    assert [event["data"]["text"] for event in events] == [word["text"] for word in WORDS]
