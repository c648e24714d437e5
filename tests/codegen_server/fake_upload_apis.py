"""Fakes of an API of jobs whose files are stored first, and of the storage that takes them."""

# ruff: noqa: N815 (names are spelled as these APIs spell them)

from typing import Literal

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from tests.codegen_server.fake_jobs import FakeJob, FakeJobs


def storage() -> FastAPI:
    """Where files are put that an address was given for. It knows nobody, and wants the signature of the address."""
    app, kept = FastAPI(title="Fake storage"), dict[str, tuple[bytes, str]]()
    app.state.kept = kept

    @app.put("/bucket/{key}")
    async def put(key: str, signature: str, request: Request) -> Response:
        headers = request.headers
        is_right = signature == f"s-{key}" and headers["x-kept-for"] == "an hour" and "content-length" in headers
        if not is_right or "authorization" in headers:
            return JSONResponse({"detail": "the signature is wrong"}, 403)
        kept[key] = await request.body(), headers["content-type"]
        return Response()

    return app


def transcripts() -> FastAPI:
    """A file is put at an address of a storage first, and a job takes its id: as many that take films."""
    app, jobs = FastAPI(title="Fake transcripts"), FakeJobs()
    app.state.storage = ""

    class Wanted(BaseModel):
        filename: str
        contentType: str
        fileSize: int | None = None

    class Given(BaseModel):
        file_id: str
        upload_url: str
        headers: dict[str, str]
        expires_at: str = "2026-01-01T00:00:00Z"

    class Order(BaseModel):
        file_id: str
        language: str = "en"

    class Transcript(BaseModel):
        id: str
        status: Literal["queued", "processing", "completed", "error"]
        text: str | None = None

    files: dict[str, Wanted] = {}

    def told(job: FakeJob, text: str | None = None) -> Transcript:
        word = job.word("queued", "processing", "completed", "error", "error")
        return Transcript.model_validate({"id": job.id, "status": word, "text": text})

    @app.post("/v1/files/presign", operation_id="presign_file")
    async def presign(wanted: Wanted) -> Given:
        key = f"f{len(files)}"
        files[key] = wanted
        url = f"{app.state.storage}/bucket/{key}?signature=s-{key}"
        return Given(file_id=key, upload_url=url, headers={"X-Kept-For": "an hour", "Authorization": "never"})

    orders: dict[str, str] = {}

    @app.post("/v1/transcripts", operation_id="create_transcript")
    async def create(order: Order) -> Transcript:
        job = jobs.post(fails=order.file_id not in files)
        orders[job.id] = order.file_id
        return told(job)

    @app.get("/v1/transcripts/{transcript_id}", operation_id="get_transcript")
    async def get(transcript_id: str) -> Transcript:
        wanted = files.get(orders[transcript_id])
        return told(jobs.ask(transcript_id), f"of {wanted.filename}, {wanted.fileSize}" if wanted else None)

    return app
