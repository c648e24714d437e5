"""`cl-client mcp`: the commands as tools, called by the client of the official SDK."""

import asyncio
import base64
import io
import json
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from jsonschema import Draft202012Validator
from mcp.client.client import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ImageContent, Request, RequestParams, ResourceLink, Result, TextContent
from PIL import Image

from cl_client import ComputeClient
from cl_client.cli.help.front_page import CL_CLIENT
from cl_client.cli.help.options import GlobalOptions
from cl_client.cli.mcp.serving import McpServer
from cl_client.cli.running.run import Run
from cl_server.embedded import LocalStack
from tests import own_package as own_package_
from tests.integration.cli.conftest import CL_CLIENT as PROGRAM
from tests.media.photo import corners, encoded

Agent = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(corners(200, 100)))
    return path


@pytest.fixture
def agent(addresses: None) -> Agent:
    """A client of the server, in this process."""

    @asynccontextmanager
    async def connect(program=CL_CLIENT, *extensions: ClientExtension, **settings: Any) -> AsyncGenerator[Client]:
        server = McpServer(Run(program, GlobalOptions()), **settings).server
        async with Client(server, extensions=extensions) as client:
            yield client

    return connect


@pytest.fixture(scope="session")
def own_package(tmp_path_factory: pytest.TempPathFactory) -> None:
    own_package_.importable(tmp_path_factory)


def said(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


async def test_a_thumbnail_by_path_tells_its_progress_and_comes_back_as_a_picture(addresses: None, photo: Path):
    seen: list[float] = []

    async def progress(value: float, total: float | None, message: str | None) -> None:
        assert total == 100
        seen.append(value)

    parameters = StdioServerParameters(command=PROGRAM, args=["mcp"], env={**os.environ}, cwd=photo.parent)
    async with Client(stdio_client(parameters)) as client:
        result = await client.call_tool(
            "media_thumbnail", {"media": "photo.jpg", "width": 50}, progress_callback=progress
        )
        (link,) = [block for block in result.content if isinstance(block, ResourceLink)]
        (picture,) = [block for block in result.content if isinstance(block, ImageContent)]
        (file,) = (await client.read_resource(link.uri)).contents
    assert seen == sorted(seen)
    assert Image.open(io.BytesIO(base64.b64decode(picture.data))).size == (50, 25)
    assert (link.mime_type, file.blob) == ("image/jpeg", picture.data)
    assert result.structured_content["output"]["width"] == 50


async def test_every_plugin_is_a_tool_with_the_bounds_of_the_spec(agent: Agent):
    async with agent() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert tools.keys() == {
        "clip_embedding", "dino_embedding", "exif", "face_detection", "face_embedding", "hash", "hls_streaming",
        "image_conversion", "media_thumbnail", "wait", "find_jobs", "retry", "cancel", "download",
    }  # fmt: skip
    for tool in tools.values():
        Draft202012Validator.check_schema(tool.input_schema)
    width = tools["media_thumbnail"].input_schema["properties"]["width"]
    assert (width["type"], width["minimum"], width["maximum"]) == ("integer", 1, 8192)
    assert "enum" in tools["hash"].input_schema["properties"]["algorithm"]
    assert "--" not in json.dumps([tool.model_dump() for tool in tools.values()])


async def test_a_result_is_saved_where_the_call_says_and_the_original_is_never_replaced(agent: Agent, photo: Path):
    before = photo.read_bytes()
    async with agent() as client:
        result = await client.call_tool(
            "image_conversion", {"image": str(photo), "output": str(photo.with_suffix(".webp"))}
        )
        refused = await client.call_tool(
            "image_conversion", {"image": str(photo), "output_format": "jpg", "output": str(photo)}
        )
    assert result.structured_content["saved"] == [str(photo.with_suffix(".webp"))]
    with Image.open(photo.with_suffix(".webp")) as picture:
        assert picture.format == "WEBP"
    assert refused.is_error
    assert photo.read_bytes() == before


@pytest.mark.parametrize(
    ("tool", "arguments", "error"),
    [
        ("hash", {"image": "nowhere.jpg"}, "nowhere.jpg does not exist"),
        ("hash", {}, "hash requires the parameter image"),
        ("hash", {"image": "-"}, "belong to the protocol"),
        ("hash", {"image": "photo.jpg", "output": "-"}, "belong to the protocol"),
        ("media_thumbnail", {"media": "photo.jpg", "width": 9000}, "at most 8192"),
        ("media_thumbnail", {"media": "photo.jpg", "size": 3}, "media_thumbnail has no parameter size"),
        ("wait", {"job_id": "nothing"}, "no job nothing"),
        ("wait", {}, "wait requires the parameter job_id"),
        ("find_jobs", {"limit": "many"}, "has to be an integer"),
    ],
)
async def test_what_is_wrong_is_a_result_that_says_so_in_a_line(
    agent: Agent, photo: Path, monkeypatch: pytest.MonkeyPatch, tool: str, arguments: dict[str, Any], error: str
):
    monkeypatch.chdir(photo.parent)
    async with agent() as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert error in said(result)


async def test_a_job_that_takes_longer_gives_its_id_and_is_waited_for(agent: Agent, photo: Path):
    async with agent() as client:
        first = await client.call_tool("hash", {"image": str(photo), "timeout": 0.001, "label": ["from=agent"]})
        job_id = first.structured_content["job_id"]
        result = await client.call_tool("wait", {"job_id": job_id})
        found = await client.call_tool("find_jobs", {"task": "hash", "status": "completed", "label": ["from=agent"]})
    assert "wait" in first.structured_content.get("next", "") or first.structured_content["status"] == "completed"
    assert (result.structured_content["status"], result.structured_content["job_id"]) == ("completed", job_id)
    assert job_id in [job["job_id"] for job in found.structured_content["jobs"]]


async def test_a_call_that_is_cancelled_cancels_its_job(agent: Agent, local_stack: LocalStack, film_of_a_minute: Path):
    async with (
        agent() as client,
        ComputeClient(
            local_stack.compute_url, mqtt_broker=local_stack.mqtt_host, mqtt_port=local_stack.mqtt_port
        ) as ours,
    ):
        async with anyio.create_task_group() as calls:
            calls.start_soon(client.call_tool, "hls_streaming", {"video": str(film_of_a_minute)})
            job = await _running(ours)
            calls.cancel_scope.cancel()
        async with asyncio.timeout(30):
            async for state in job.events():
                last = state.status
    assert last == "cancelled"


async def _running(client: ComputeClient) -> Any:
    async with asyncio.timeout(30):
        while True:
            async for job in client.jobs.list(task_type="hls_streaming", limit=1):
                if not job.done():
                    return job
            await asyncio.sleep(0.05)


@pytest.fixture
def film_of_a_minute(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copy(made_once, tmp_path / "film.mp4")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "film.mp4"
    subprocess.run(
        [
            "ffmpeg",
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=640x360:rate=30",
            "-t",
            "60",
            "-c:v",
            "mpeg4",
            path,
        ],
        check=True,
    )
    return path


async def test_a_job_that_was_cancelled_says_so_and_can_be_retried(agent: Agent, film_of_a_minute: Path):
    async with agent() as client:
        running = await client.call_tool("hls_streaming", {"video": str(film_of_a_minute), "timeout": 0.001})
        job_id = running.structured_content["job_id"]
        await client.call_tool("cancel", {"job_id": job_id})
        cancelled = await client.call_tool("wait", {"job_id": job_id})
        again = await client.call_tool("retry", {"job_id": job_id})
        await client.call_tool("cancel", {"job_id": again.structured_content["job_id"]})
    assert cancelled.is_error
    assert cancelled.structured_content["status"] == "cancelled"
    assert again.structured_content["job_id"] != job_id


async def test_files_outside_of_the_folders_that_the_user_allows_are_neither_read_nor_written(
    agent: Agent, photo: Path, tmp_path_factory: pytest.TempPathFactory
):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.txt").write_text("secret")
    (photo.parent / "link.txt").symlink_to(outside / "secret.txt")
    async with agent(folders=[photo.parent]) as client:
        inside = await client.call_tool("hash", {"image": str(photo)})
        results = [
            await client.call_tool("hash", {"image": str(outside / "secret.txt")}),
            await client.call_tool("hash", {"image": str(photo.parent / "link.txt")}),
            await client.call_tool("hash", {"image": str(photo), "output": str(outside / "hash.json")}),
            await client.call_tool("download", {"job_id": inside.structured_content["job_id"], "folder": str(outside)}),
        ]
    assert not inside.is_error
    assert [result.is_error for result in results] == [True] * 4
    assert all("--folder" in said(result) for result in results)
    assert [path.name for path in outside.iterdir()] == ["secret.txt"]


class TaskParams(RequestParams):
    task_id: str


class TaskResult(Result):
    task_id: str = ""
    status: str = ""
    result: dict[str, Any] | None = None


class TaskHandle(TaskResult):
    result_type: Literal["task"] = "task"


class Tasks(ClientExtension):
    """The Tasks extension as a client has it: it asks until the task has ended."""

    identifier = "io.modelcontextprotocol/tasks"

    def __init__(self) -> None:
        self.handles: list[str] = []

    def claims(self) -> list[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=TaskHandle, resolve=self.resolve)]

    async def resolve(self, handle: TaskHandle, context: ClaimContext) -> CallToolResult:
        self.handles.append(handle.task_id)
        async with asyncio.timeout(30):
            while (task := await asked(context.session, "tasks/get", handle.task_id)).status == "working":
                await asyncio.sleep(0.05)
        return CallToolResult.model_validate(task.result)


async def asked(session: Any, method: str, task_id: str) -> TaskResult:
    request = Request[TaskParams, str](method=method, params=TaskParams(task_id=task_id))
    return await session.send_request(request, TaskResult)


async def test_a_client_that_knows_tasks_gets_a_handle_that_outlives_the_server(agent: Agent, photo: Path):
    known = Tasks()
    async with agent(CL_CLIENT, known) as client:
        result = await client.call_tool("hash", {"image": str(photo)})
        await asked(client.session, "tasks/cancel", known.handles[0])
        with pytest.raises(MCPError, match="no job nothing"):
            await asked(client.session, "tasks/cancel", "nothing")
    assert result.structured_content["job_id"] == known.handles[0]
    async with agent() as another:
        assert (await asked(another.session, "tasks/get", known.handles[0])).status == "completed"


async def test_a_package_that_was_generated_from_a_spec_has_the_same_tools(
    agent: Agent, own_package: None, photo: Path
):
    async with agent(own_package_.module("cli").program()) as client, agent() as ours:
        tools = [(tool.name, tool.input_schema) for tool in (await client.list_tools()).tools]
        assert tools == [(tool.name, tool.input_schema) for tool in (await ours.list_tools()).tools]
        result = await client.call_tool("media_thumbnail", {"media": str(photo), "width": 20})
    assert [type(block).__name__ for block in result.content] == ["TextContent", "ResourceLink", "ImageContent"]


async def test_operations_are_tools_where_the_user_names_them(agent: Agent):
    async with agent(only=["server_api", "admin_*"]) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        info = await client.call_tool("server_api", {})
    assert "admin_get_storage_size" in names
    assert "hash" not in names
    assert info.structured_content["version"]


async def test_a_server_that_is_away_is_told_by_the_call(nothing_there: int, tmp_path: Path):
    parameters = StdioServerParameters(
        command=PROGRAM, args=["mcp", "--compute-url", f"http://127.0.0.1:{nothing_there}"], env={"HOME": str(tmp_path)}
    )
    async with Client(stdio_client(parameters)) as client:
        result = await client.call_tool("find_jobs", {})
    assert result.is_error
    assert "is the server running?" in said(result)
