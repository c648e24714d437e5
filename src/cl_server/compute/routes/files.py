"""`/jobs/{id}/files/{path}`: download inputs and results of a job."""

import base64
import re
from mimetypes import guess_type
from typing import Annotated, cast
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, HTTPException
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from cl_ml_tools.job_repository import JobRepository
from cl_ml_tools.schemas import ErrorResponse
from cl_server.compute.routes.jobs import CurrentUser, job_of
from cl_server.files.protocol import JobStorage, StoredFile
from cl_server.http import bearer
from cl_server.http.access import REFUSALS

# What users uploaded is never shown by a browser as a page of ours.
SAFE = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
}


class Download(FileResponse):
    """A file with ranges (RFC 9110 §14) and validators (§13); read in pieces that keep up with the network."""

    chunk_size = 1 << 20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused: Message | None = None
        headers = cast("list[tuple[bytes, bytes]]", scope["headers"])
        kept = [(name, value) for name, value in headers if name != b"range" or _in_bytes(value.decode("latin-1"))]
        scope = {**scope, "headers": kept}

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
    request_id = cast("dict[str, str]", scope.get("state", {})).get("request_id")
    response = JSONResponse(
        ErrorResponse(detail=detail, request_id=request_id).model_dump(mode="json"), status, headers
    )
    await response(scope, receive, send)


def create_router(repository: JobRepository, storage: JobStorage) -> APIRouter:
    """The download route."""
    router = APIRouter(tags=["jobs"], dependencies=[Depends(bearer.scheme)])

    @router.head("/jobs/{job_id}/files/{file_path:path}", include_in_schema=False)
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
        range: Annotated[str | None, Header(include_in_schema=False)] = None,
        if_range: Annotated[str | None, Header(include_in_schema=False)] = None,
        want_repr_digest: Annotated[str, Header(include_in_schema=False)] = "",
    ) -> Response:
        job_of(repository, job_id, user)
        file = storage.find(job_id, file_path)
        if file is None:
            raise HTTPException(404, f"job {job_id} has no file {file_path[:200]}")
        if if_none_match is not None and matches(if_none_match, file.etag):
            return Response(status_code=304, headers={"etag": file.etag})
        headers = {"etag": file.etag, **SAFE}
        if re.search(r"\bsha-256=[1-9]", want_repr_digest):
            # RFC 9530: of the whole file, also where a range of it is sent.
            digest = base64.b64encode(bytes.fromhex(storage.sha256(file))).decode()
            headers["repr-digest"] = f"sha-256=:{digest}:"
        if file.local is not None:
            return Download(file.local, stat_result=file.local.stat(), headers=headers, filename=file.name)
        return passed_on(storage, file, range, if_range, headers)

    del download_job_file
    return router


def passed_on(
    storage: JobStorage, file: StoredFile, asked: str | None, if_range: str | None, headers: dict[str, str]
) -> Response:
    """A file in a remote storage, or one range of it. Several ranges get the whole file (RFC 9110 §14.2)."""
    wanted = None if asked is None or if_range not in {None, file.etag} else byte_range(asked, file.size)
    start, stop = wanted or (0, file.size)
    headers |= {
        "accept-ranges": "bytes",
        "content-length": str(stop - start),
        "content-disposition": f"attachment; filename*=utf-8''{quote(file.name)}",
    }
    if wanted is not None:
        headers["content-range"] = f"bytes {start}-{stop - 1}/{file.size}"
    media_type = guess_type(file.name)[0] or "application/octet-stream"
    return StreamingResponse(
        storage.read(file, start, stop), 200 if wanted is None else 206, headers, media_type=media_type
    )


def _in_bytes(asked: str) -> bool:
    """Whether a range is in the unit that we know; one in another is ignored (RFC 9110 §14.2)."""
    return "=" not in asked or asked.partition("=")[0].strip().lower() == "bytes"


def byte_range(asked: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one behind the last; `None` for several ranges. Raises 400 and 416."""
    if "," in asked or not _in_bytes(asked):
        return None
    found = re.fullmatch(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", asked, re.IGNORECASE | re.ASCII)
    if found is None or not any(found.groups()):
        raise HTTPException(400, "the Range header cannot be read")
    first, last = found.groups()
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= size:
        raise HTTPException(
            416, f"the range lies outside the file of {size} bytes", {"content-range": f"bytes */{size}"}
        )
    if start >= stop:
        raise HTTPException(400, "the Range header cannot be read")
    return start, stop


def matches(if_none_match: str, etag: str) -> bool:
    """`If-None-Match` (RFC 9110 §13.1.2), which compares weakly."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
