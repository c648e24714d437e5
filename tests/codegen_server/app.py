"""A small job server that shows the generated client every difficulty on purpose.

It speaks the same contract as the compute server. What a job is asked to be (`job_id`) decides how the server answers:
`unknown-status`, `newer`, `html`, `odd-status`, `forbidden`, … each stand for one way in which real servers behave.
"""

import hashlib
from enum import StrEnum
from typing import Annotated

from fastapi import FastAPI, File, Form, HTTPException, Query, Response, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, Field


class JobStatus(StrEnum):
    queued = "queued"
    processing = "processing"
    completed = "completed"
    failed = "failed"
    cancelled = "cancelled"


class ErrorResponse(BaseModel):
    """What every error of the server looks like."""

    detail: str | list[dict[str, object]]


class JobCreatedResponse(BaseModel):
    job_id: str
    status: JobStatus
    task_type: str


class JobResponse(BaseModel):
    """A job as the server knows it."""

    job_id: str
    task_type: str
    status: JobStatus
    progress: int = Field(0, ge=0, le=100, description="Percent done, 0 to 100.")
    params: dict[str, object]
    task_output: dict[str, object] | None = None
    error_message: str | None = None
    priority: int = 5
    tags: list[str] = ["first"]
    created_at: int | None = None


class JobFile(BaseModel):
    path: str
    size: int


class JobFilesResponse(BaseModel):
    files: list[JobFile]


class HashOutput(BaseModel):
    """The digests of one file."""

    md5: str | None = Field(None, description="MD5 of the bytes, hex.")
    sha256: str | None = None


class ResizeOutput(BaseModel):
    output_path: str
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")


class WorkerCapabilitiesResponse(BaseModel):
    num_workers: int
    capabilities: dict[str, int]


class Node(BaseModel):
    """A tree, to show models that hold themselves."""

    name: str
    children: list["Node"] = []
    parent: "Node | None" = None


ERRORS: dict[int | str, dict[str, object]] = {code: {"model": ErrorResponse} for code in (401, 403, 404, 409, 422)}


def task_routes(task_type: str, output: str) -> dict[str, object]:
    return {"x-task-type": task_type, "x-task-output": {"$ref": f"#/components/schemas/{output}"}}


def create_app() -> FastAPI:
    app = FastAPI(title="codegen test server", version="1.0")
    seen: dict[str, dict[str, object]] = {}
    outputs = {"hash": {"md5": "abc"}, "resize": {"output_path": "output/small.png", "width": 8, "height": 8}}

    @app.post("/jobs/hash", tags=["jobs"], responses=ERRORS, openapi_extra=task_routes("hash", "HashOutput"))
    async def create_hash_job(
        file: Annotated[UploadFile, File(description="Any file.")],
        algorithm: Annotated[
            str, Form(description="Which digest to make.", json_schema_extra={"enum": ["all", "md5", "sha256"]})
        ] = "all",
        salt: Annotated[str | None, Form(description="Mixed in before the bytes.")] = None,
        deep: Annotated[bool, Form()] = True,
        priority: Annotated[int, Form(ge=0, le=10, description="0 is last, 10 is first.")] = 5,
    ) -> JobCreatedResponse:
        content = await file.read()
        seen["hash"] = {
            "algorithm": algorithm,
            "salt": salt,
            "deep": deep,
            "priority": priority,
            "file_name": file.filename,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        return JobCreatedResponse(job_id="hash", status=JobStatus.queued, task_type="hash")

    @app.post("/jobs/resize", tags=["jobs"], responses=ERRORS, openapi_extra=task_routes("resize", "ResizeOutput"))
    async def create_resize_job(
        file: Annotated[UploadFile, File()],
        format: Annotated[str, Form(json_schema_extra={"enum": ["png", "jpg"]})],
        width: Annotated[int | None, Form(ge=1, le=8192, description="Pixels.")] = None,
        factor: Annotated[float | None, Form(gt=0, description="1 keeps the size.")] = None,
        name: Annotated[str | None, Form(pattern="^[a-z]+$", min_length=2, max_length=8)] = None,
        priority: Annotated[int, Form(ge=0, le=10)] = 5,
    ) -> JobCreatedResponse:
        seen["resize"] = {
            "format": format,
            "width": width,
            "factor": factor,
            "name": name,
            "size": len(await file.read()),
        }
        return JobCreatedResponse(job_id="resize", status=JobStatus.queued, task_type="resize")

    @app.post("/jobs/refused", tags=["jobs"], responses=ERRORS)
    async def create_refused_job(file: Annotated[UploadFile, File()]) -> JobCreatedResponse:
        raise HTTPException(422, "this file is not an image")

    @app.get("/jobs/{job_id}", tags=["jobs"], responses=ERRORS)
    async def get_job(job_id: str) -> JobResponse:
        answer: dict[str, object] = {"job_id": job_id, "task_type": "hash", "status": "completed", "params": {}}
        match job_id:
            case "unknown-status":
                answer["status"] = "hibernating"
            case "newer":
                answer |= {"shard": 3, "trace": {"hops": [1, 2]}, "progress": 42}
            case "output":
                answer |= {"task_output": {"md5": "abc", "nested": {"list": [1, None]}}, "params": {"algorithm": "md5"}}
            case "html":
                return HTMLResponse("<h1>Bad gateway</h1>", 502)  # pyright: ignore[reportReturnType]
            case "html-ok":
                return HTMLResponse("<h1>Please log in</h1>")  # pyright: ignore[reportReturnType]
            case "odd-status":
                return Response("what is this", 599)  # pyright: ignore[reportReturnType]
            case "list-ok":
                return JSONResponse([1, 2])  # pyright: ignore[reportReturnType]
            case "incomplete":
                return JSONResponse({"job_id": job_id})  # pyright: ignore[reportReturnType]
            case "forbidden":
                raise HTTPException(403, "not yours")
            case "unauthorized":
                raise HTTPException(401, "who are you")
            case "missing":
                raise HTTPException(404, "no such job")
            case "broken-detail":
                return JSONResponse({"detail": {"unexpected": "shape"}, "hint": "?"}, 404)  # pyright: ignore[reportReturnType]
            case _ if job_id in seen:
                answer |= {"task_type": job_id, "params": seen[job_id], "task_output": outputs.get(job_id)}
            case _:
                pass
        return JSONResponse(answer)  # pyright: ignore[reportReturnType]

    @app.delete("/jobs/{job_id}", tags=["jobs"], status_code=204, responses=ERRORS)
    async def delete_job(job_id: str) -> None:
        if job_id == "missing":
            raise HTTPException(404, "no such job")

    @app.post("/jobs/{job_id}/cancel", tags=["jobs"], responses=ERRORS)
    async def cancel_job(job_id: str) -> JobResponse:
        return JobResponse(job_id=job_id, task_type="hash", status=JobStatus.cancelled, params={})

    @app.post("/jobs/{job_id}/retry", tags=["jobs"], responses=ERRORS)
    async def retry_job(job_id: str) -> JobCreatedResponse:
        return JobCreatedResponse(job_id=f"{job_id}-again", status=JobStatus.queued, task_type="hash")

    @app.get("/jobs/{job_id}/files", tags=["jobs"], responses=ERRORS)
    async def list_job_files(job_id: str) -> JobFilesResponse:
        return JobFilesResponse(files=[JobFile(path=f"output/{job_id}", size=1)])

    @app.get(
        "/jobs/{job_id}/files/{file_path:path}",
        tags=["jobs"],
        responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
        response_class=Response,
    )
    async def download_job_file(job_id: str, file_path: str) -> Response:
        return Response(f"{job_id}:{file_path}".encode(), media_type="application/octet-stream")

    @app.get("/jobs", tags=["jobs"])
    async def list_jobs(
        status: JobStatus | None = None,
        ids: Annotated[list[str] | None, Query()] = None,
        newest: bool = True,
        limit: int = 20,
    ) -> dict[str, object]:
        return {"status": status, "ids": ids, "newest": newest, "limit": limit}

    @app.get("/capabilities", tags=["server"])
    async def get_capabilities() -> WorkerCapabilitiesResponse:
        return WorkerCapabilitiesResponse(num_workers=2, capabilities={"hash": 1})

    @app.post("/tree", tags=["server"])
    async def turn_tree(node: Node) -> Node:
        return Node(name=node.name[::-1], children=[Node(name=child.name, parent=None) for child in node.children])

    def openapi() -> dict[str, object]:
        """The document of FastAPI, with the outputs of the tasks, which no route returns."""
        document = FastAPI.openapi(app)
        for model in (HashOutput, ResizeOutput):
            document["components"]["schemas"][model.__name__] = model.model_json_schema()
        return document

    app.openapi = openapi
    return app
