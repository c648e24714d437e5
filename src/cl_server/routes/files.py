"""`/jobs/{id}/files/{path}`: download what a job was given and what it made."""

import hashlib
import os
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, HTTPException
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.schemas import ErrorResponse
from cl_server import bearer
from cl_server.access import REFUSALS
from cl_server.routes.jobs import CurrentUser, job_of
from cl_server.storage import LocalFileStorage

# What users uploaded is never shown by a browser as a page of ours.
SAFE = {"x-content-type-options": "nosniff"}


class Download(FileResponse):
    """A file with ranges (RFC 9110 §14) and validators (§13); read in pieces that keep up with the network."""

    chunk_size = 1 << 20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused: Message | None = None

        async def send_in_shape(message: Message) -> None:
            # The base class refuses a range in plain text; every error of ours is an ErrorResponse.
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] >= 400:
                refused = message
            elif refused is None:
                await send(message)
            else:
                await refuse(refused, scope, receive, send)

        await super().__call__(scope, receive, send_in_shape)


async def refuse(start: Message, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a range that cannot be served."""
    status = cast("int", start["status"])
    sent = cast("list[tuple[bytes, bytes]]", start["headers"])
    headers = {name.decode(): value.decode() for name, value in sent if name == b"content-range"}
    size = headers.get("content-range", "").rpartition("/")[2]
    detail = f"the range lies outside the file of {size} bytes" if size else "the Range header cannot be read"
    response = JSONResponse(ErrorResponse(detail=detail).model_dump(mode="json"), status, headers)
    await response(scope, receive, send)


def create_router(repository: JobRepository, storage: LocalFileStorage) -> APIRouter:
    """The download route."""
    router = APIRouter(tags=["jobs"], dependencies=[Depends(bearer.scheme)])

    @router.get(
        "/jobs/{job_id}/files/{file_path:path}",
        operation_id="download_job_file",
        summary="Download a file of a job",
        description="`file_path` is relative to the job, as outputs name it. Ranges and conditions are honoured.",
        response_class=Download,
        responses={
            200: {
                "description": "The file",
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            },
            206: {
                "description": "The range that was asked for",
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            },
            304: {"description": "The file is still what `If-None-Match` names"},
            **REFUSALS,
            404: {"model": ErrorResponse, "description": "There is no such job, or it has no such file"},
            416: {"model": ErrorResponse, "description": "The range lies outside the file"},
        },
    )
    def download_job_file(
        job_id: str,
        file_path: str,
        user: CurrentUser,
        if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
    ) -> Response:
        job_of(repository, job_id, user)
        path = storage.find(job_id, file_path)
        if path is None:
            raise HTTPException(404, f"job {job_id} has no file {file_path[:200]}")
        found = path.stat()
        etag = entity_tag(found)
        if if_none_match is not None and matches(if_none_match, etag):
            return Response(status_code=304, headers={"etag": etag})
        return Download(path, stat_result=found, headers={"etag": etag, **SAFE}, filename=path.name)

    del download_job_file
    return router


def entity_tag(found: os.stat_result) -> str:
    """A strong validator: outputs appear whole, by a rename, so inode, size and time name one content."""
    seed = f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}"
    return f'"{hashlib.blake2b(seed.encode(), digest_size=12).hexdigest()}"'


def matches(if_none_match: str, etag: str) -> bool:
    """`If-None-Match` (RFC 9110 §13.1.2), which compares weakly."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
