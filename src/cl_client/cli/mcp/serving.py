"""The MCP server: it lists the tools, runs them, and returns files of jobs."""

from __future__ import annotations

import contextlib
import fnmatch
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    ResourceTemplate,
    Tool,
    ToolAnnotations,
)

from cl_client.cli.mcp import tasks
from cl_client.cli.mcp.call import Call, Connection, Context
from cl_client.cli.mcp.command_tool import CommandTool, ItemsCall, JobCall, command_tools
from cl_client.cli.mcp.content import TEMPLATE, error_content, file_at, resource_content, value_content
from cl_client.cli.mcp.job_tools import JOB_TOOLS, JobTool
from cl_client.errors import ComputeClientError
from cl_client.wire.types import JSONObject, JSONValue, json_value

if TYPE_CHECKING:
    from cl_client.cli.running.run import Run
    from cl_client.jobs.handle import Job

_INSTRUCTIONS: Final = (
    "Each plugin is a tool that submits a job and waits for its result. If the result takes longer, the tool returns "
    "the id of the job: call wait with it. Pass files as paths on this machine, or as URLs. Results stay on the "
    "server: read their links, or save them with the parameter output or the tool download."
)


class McpServer:
    """The tools of a program, over MCP.

    Args:
        run: The run of the command line, with the program and the credentials.
        folders: The folders in which tools can read and write files. Empty: all folders.
        only: Patterns for the names of the tools. Empty: a tool for each plugin, and those for existing jobs.
    """

    def __init__(self, run: Run, *, folders: Sequence[Path] = (), only: Sequence[str] = ()) -> None:
        program = run.program
        self._connection = Connection(run)
        self._folders = tuple(folder.resolve() for folder in folders)
        plugins = list(command_tools(program.plugins))
        others = list(command_tools(program.operations)) if only or not plugins else []
        tools: list[CommandTool | JobTool] = [*plugins, *(JOB_TOOLS if plugins else ()), *others]
        self._tools = {
            tool.name: tool for tool in tools if not only or any(fnmatch.fnmatch(tool.name, each) for each in only)
        }
        self._run = run
        self.server: Server[None] = Server(
            program.name,
            version=program.version,
            instructions=_INSTRUCTIONS if plugins else None,
            lifespan=self._lifespan,
            on_list_tools=self._list_tools,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
        )
        # The constructor has no parameter for a handler that returns task handles.
        self.server.add_request_handler("tools/call", CallToolRequestParams, self._call_tool)
        if plugins:
            self.server.extensions[tasks.IDENTIFIER] = {}
            self.server.add_request_handler("tasks/get", tasks.TaskParams, self._get_task)
            self.server.add_request_handler("tasks/cancel", tasks.TaskParams, self._cancel_task)
            self.server.add_request_handler("tasks/update", tasks.TaskParams, self._update_task)

    async def serve(self) -> None:
        """Serve one client over stdin and stdout, until it disconnects."""
        async with stdio_server() as (reading, writing):
            await self.server.run(reading, writing, self.server.create_initialization_options())

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Server[None]) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self._connection.close()

    async def _list_tools(self, context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_described(tool) for tool in self._tools.values()])

    async def _call_tool(self, context: Context, params: CallToolRequestParams) -> CallToolResult | JSONObject:
        tool = self._tools.get(params.name)
        if tool is None:
            raise MCPError(code=INVALID_PARAMS, message=f"unknown tool: {params.name}")
        values = cast("Mapping[str, JSONValue]", params.arguments or {})
        call = Call(self._connection, context, self._folders)
        try:
            if isinstance(tool, JobTool):
                tool.check(values)
                return await tool.run(call, values)
            for place in tool.places(values):
                call.check_place(place)
            bound = tool.bind(values)
            if isinstance(bound, JobCall):
                return await call.submitted(bound)
            api = await self._connection.api()
            if isinstance(bound, ItemsCall):
                return value_content({"items": [json_value(item) async for item in _first(bound, bound.method(api))]})
            answer = await bound.method(api)
            return value_content({"saved": str(answer)} if isinstance(answer, Path) else json_value(answer))
        except ComputeClientError as error:
            return error_content(error)

    async def _list_templates(
        self, context: Context, params: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        template = ResourceTemplate(
            uri_template=TEMPLATE,
            name="A file of a job",
            description="The path is that of the file in the result.",
        )
        return ListResourceTemplatesResult(resource_templates=[template])

    async def _read_resource(self, context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        try:
            job_id, path = file_at(str(params.uri))
            job = await self._job(job_id)
            return ReadResourceResult(contents=[await resource_content(job, str(params.uri), path)])
        except ComputeClientError as error:
            raise MCPError(code=INVALID_PARAMS, message=error.message) from error

    async def _get_task(self, context: Context, params: tasks.TaskParams) -> JSONObject:
        try:
            return await tasks.state(await self._job(params.task_id))
        except ComputeClientError as error:
            raise MCPError(code=INVALID_PARAMS, message=error.message) from error

    async def _cancel_task(self, context: Context, params: tasks.TaskParams) -> JSONObject:
        try:
            job = await self._job(params.task_id)
            # A job that has ended meanwhile is not an error.
            if not job.done():
                await job.cancel()
        except ComputeClientError as error:
            raise MCPError(code=INVALID_PARAMS, message=error.message) from error
        return {}

    async def _update_task(self, context: Context, params: tasks.TaskParams) -> JSONObject:
        # The tasks of this server never ask for input.
        await self._get_task(context, params)
        return {}

    async def _job(self, job_id: str) -> Job[JSONObject]:
        return await (await self._connection.client()).jobs.get(job_id)


async def _first(call: ItemsCall, items: AsyncGenerator[object]) -> AsyncGenerator[object]:
    async with contextlib.aclosing(items):
        for _ in range(call.at_most):
            try:
                yield await anext(items)
            except StopAsyncIteration:
                return


def _described(tool: CommandTool | JobTool) -> Tool:
    if isinstance(tool, JobTool):
        hints = ToolAnnotations(read_only_hint=tool.reads, destructive_hint=tool.name == "cancel")
        return Tool(name=tool.name, description=tool.description, input_schema=tool.input_schema(), annotations=hints)
    return Tool(
        name=tool.name,
        description=tool.schema.description.partition("\n\nExample: ")[0],
        input_schema=tool.input_schema(),
        annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False),
    )
