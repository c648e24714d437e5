"""Fakes of the kinds of job APIs that there are, each as small as can be: how jobs are posted, asked for, stopped."""

# ruff: noqa: N803, N815 (names are spelled as these APIs spell them)

from typing import Annotated, Literal

from fastapi import FastAPI, Form, HTTPException, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from tests.codegen_server.fake_address_apis import by_address as by_address
from tests.codegen_server.fake_address_apis import by_header as by_header
from tests.codegen_server.fake_address_apis import by_query as by_query
from tests.codegen_server.fake_jobs import Failure, FakeJob, FakeJobs, Picture
from tests.codegen_server.fake_upload_apis import transcripts as transcripts


def predictions() -> FastAPI:
    """One route for jobs of any kind, the output in the state, a cancel below it: as Replicate."""
    app, jobs = FastAPI(title="Fake predictions"), FakeJobs()

    class Order(BaseModel):
        prompt: str

    class Prediction(BaseModel):
        id: str
        status: Literal["starting", "processing", "succeeded", "failed", "canceled"]
        output: Picture | None = None
        error: Failure | None = None

    def told(job: FakeJob) -> Prediction:
        word = job.word("starting", "processing", "succeeded", "failed", "canceled")
        return Prediction.model_validate(
            {
                "id": job.id,
                "status": word,
                "output": Picture(url="/a.png", width=7) if word == "succeeded" else None,
                "error": Failure(code=7, message="no GPU is free") if word == "failed" else None,
            }
        )

    @app.post("/v1/predictions", status_code=201, operation_id="predictions.create")
    async def create(order: Order) -> Prediction:
        return told(jobs.post(fails=order.prompt == "fail"))

    @app.get("/v1/predictions/{prediction_id}", operation_id="predictions.get")
    async def get(prediction_id: str) -> Prediction:
        return told(jobs.ask(prediction_id))

    @app.post("/v1/predictions/{prediction_id}/cancel", operation_id="predictions.cancel")
    async def cancel(prediction_id: str) -> Prediction:
        return told(jobs.stop(prediction_id))

    return app


def queue() -> FastAPI:
    """A route for the state, one for the output, a cancel by PUT, and answers that say where these are for a job: as
    fal, whose jobs of all models are at one place that no spec has."""
    app, jobs = FastAPI(title="Fake queue"), FakeJobs()

    class Order(BaseModel):
        prompt: str

    class QueueStatus(BaseModel):
        status: Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED"]
        request_id: str
        status_url: str = ""
        response_url: str = ""
        cancel_url: str = "https://elsewhere.test/cancel"

    class Result(BaseModel):
        images: list[Picture]

    def told(job: FakeJob) -> QueueStatus:
        word = job.word("IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED")
        at = f"/anywhere/{job.id}"
        urls = {"status_url": f"{at}/status", "response_url": at, "status": word, "request_id": job.id}
        return QueueStatus.model_validate(urls)

    @app.post("/queue/painter", operation_id="paint")
    async def paint(order: Order) -> QueueStatus:
        return told(jobs.post(fails=order.prompt == "fail"))

    @app.get("/queue/painter/requests/{request_id}/status", operation_id="paint_status")
    @app.get("/anywhere/{request_id}/status", include_in_schema=False)
    async def status(request_id: str, request: Request) -> QueueStatus:
        job = jobs.find(request_id)
        if job.asked and not request.url.path.startswith("/anywhere"):
            raise HTTPException(405)
        return told(jobs.ask(request_id))

    @app.get("/queue/painter/requests/{request_id}", operation_id="paint_result")
    async def result(request_id: str) -> Result:
        raise HTTPException(405)

    @app.get("/anywhere/{request_id}", include_in_schema=False)
    async def real_result(request_id: str) -> Result:
        return Result(images=[Picture(url=f"/{request_id}.png", width=9)])

    @app.put("/queue/painter/requests/{request_id}/cancel", operation_id="paint_cancel")
    async def cancel(request_id: str) -> dict[str, bool]:
        jobs.stop(request_id)
        return {"success": True}

    return app


def documents() -> FastAPI:
    """Files in, a poll and a result that stand beside each other, the result as JSON or as a file: as docling-serve."""
    app, jobs = FastAPI(title="Fake documents"), FakeJobs()

    class Task(BaseModel):
        task_id: str
        task_status: Literal["pending", "started", "success", "failure", "revoked"]
        error_message: str | None = None

    class Document(BaseModel):
        text: str

    class Converted(BaseModel):
        document: Document
        status: str

    def told(job: FakeJob) -> Task:
        word = job.word("pending", "started", "success", "failure", "revoked")
        return Task.model_validate(
            {"task_id": job.id, "task_status": word, "error_message": "no text" if word == "failure" else None}
        )

    @app.post("/v1/convert/file/async", operation_id="process_file_async")
    async def process(files: list[UploadFile], fails: Annotated[bool, Form()] = False) -> Task:
        return told(jobs.post(fails=fails))

    @app.get("/v1/status/poll/{task_id}", operation_id="task_status_poll")
    async def poll(task_id: str) -> Task:
        return told(jobs.ask(task_id))

    @app.get(
        "/v1/result/{task_id}",
        operation_id="task_result",
        response_model=Converted,
        responses={200: {"content": {"application/zip": {}}}},
    )
    async def result(task_id: str, request: Request) -> Response:
        if "json" in request.headers["accept"]:
            return JSONResponse({"document": {"text": f"of {task_id}"}, "status": "success"})
        return Response(b"PK", media_type="application/zip")

    return app


def endpoints() -> FastAPI:
    """Routes with an endpoint in them, and verbs beside each other: as RunPod."""
    app, jobs = FastAPI(title="Fake endpoints"), FakeJobs()

    class Order(BaseModel):
        seconds: int

    class Slept(BaseModel):
        seconds: int

    class Run(BaseModel):
        id: str
        status: Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"]
        output: Slept | None = None
        error: str | None = None

    def told(job: FakeJob) -> Run:
        word = job.word("IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED")
        output = Slept(seconds=3) if word == "COMPLETED" else None
        return Run.model_validate(
            {"id": job.id, "status": word, "output": output, "error": "tired" if job.fails else None}
        )

    @app.post("/v2/{endpoint_id}/run", operation_id="run")
    async def run(endpoint_id: str, order: Order) -> Run:
        return told(jobs.post(fails=order.seconds < 0))

    @app.get("/v2/{endpoint_id}/status/{id}", operation_id="status")
    async def status(endpoint_id: str, id: str) -> Run:
        if endpoint_id != "sleeper":
            raise HTTPException(404)
        return told(jobs.ask(id))

    @app.post("/v2/{endpoint_id}/cancel/{id}", operation_id="cancel")
    async def cancel(endpoint_id: str, id: str) -> Run:
        return told(jobs.stop(id))

    return app


def processes() -> FastAPI:
    """An execution below a process, a job elsewhere, results below it, a DELETE that dismisses: as OGC."""
    app, jobs = FastAPI(title="Fake processes"), FakeJobs()

    class Inputs(BaseModel):
        bands: list[str]

    class StatusInfo(BaseModel):
        processID: str = "ndvi"
        jobID: str
        status: Literal["accepted", "running", "successful", "failed", "dismissed"]
        message: str | None = None

    class Results(BaseModel):
        ndvi: str

    def told(job: FakeJob) -> StatusInfo:
        word = job.word("accepted", "running", "successful", "failed", "dismissed")
        return StatusInfo.model_validate({"jobID": job.id, "status": word})

    @app.post("/processes/{processID}/execution", status_code=201, operation_id="execute")
    async def execute(processID: str, inputs: Inputs) -> StatusInfo:
        return told(jobs.post(fails=inputs.bands == []))

    @app.get("/jobs/{jobId}", operation_id="getStatus")
    async def get(jobId: str) -> StatusInfo:
        return told(jobs.ask(jobId))

    @app.delete("/jobs/{jobId}", operation_id="dismiss")
    async def dismiss(jobId: str) -> StatusInfo:
        return told(jobs.stop(jobId))

    @app.get("/jobs/{jobId}/results", operation_id="getResult")
    async def results(jobId: str) -> Results:
        return Results(ndvi=f"/{jobId}.tif")

    return app


def envelopes() -> FastAPI:
    """Every answer in an envelope: as CloudConvert."""
    app, jobs = FastAPI(title="Fake envelopes"), FakeJobs()

    class Order(BaseModel):
        tag: str

    class Job(BaseModel):
        id: str
        status: Literal["waiting", "processing", "finished", "error"]
        message: str | None = None
        links: list[str] = []

    class Envelope(BaseModel):
        data: Job

    def told(job: FakeJob) -> Envelope:
        word = job.word("waiting", "processing", "finished", "error", "error")
        return Envelope.model_validate({"data": {"id": job.id, "status": word, "links": ["/a.pdf"]}})

    @app.post("/v2/jobs", status_code=201, operation_id="jobs_create")
    async def create(order: Order) -> Envelope:
        return told(jobs.post(fails=order.tag == "fail"))

    @app.get("/v2/jobs/{id}", operation_id="jobs_show")
    async def show(id: str) -> Envelope:
        return told(jobs.ask(id))

    @app.delete("/v2/jobs/{id}", status_code=204, operation_id="jobs_delete")
    async def delete(id: str) -> None:
        jobs.find(id)
        del jobs[id]

    return app


def crawls() -> FastAPI:
    """Two kinds of jobs at routes of different forms, states that only a description tells: as Firecrawl."""
    app, jobs = FastAPI(title="Fake crawls"), FakeJobs()

    class Order(BaseModel):
        url: str

    class Accepted(BaseModel):
        success: bool = True
        id: str

    async def crawl(order: Order) -> Accepted:
        return Accepted(id=jobs.post(fails=order.url == "fail").id)

    async def get(id: str) -> dict[str, object]:
        job = jobs.ask(id)
        return {
            "status": job.word("scraping", "scraping", "completed", "failed", "cancelled"),
            "completed": 3,
            "data": ["a"],
        }

    async def cancel(id: str) -> dict[str, str]:
        if id not in jobs:
            raise HTTPException(404)
        del jobs[id]
        return {"status": "cancelled"}

    said = "How it stands: `scraping`, `completed`, `failed` or `cancelled`."
    state = {
        "type": "object",
        "properties": {
            "status": {"type": "string", "description": said},
            "completed": {"type": "integer", "description": "Pages so far."},
            "data": {"type": "array", "items": {"type": "string"}},
        },
    }
    answer = {200: {"description": "ok", "content": {"application/json": {"schema": state}}}}
    for path, name in (("/crawl", "crawlUrls"), ("/batch/scrape", "scrapeUrls")):
        app.post(path, operation_id=name)(crawl)
        app.get(f"{path}/{{id}}", operation_id=f"{name}Status", responses=answer, response_model=None)(get)
        app.delete(f"{path}/{{id}}", operation_id=f"{name}Cancel")(cancel)
    return app


def batches() -> FastAPI:
    """Many requests in one job, which says where their answers are, a line for each: as batches of language models."""
    app, jobs = FastAPI(title="Fake batches"), FakeJobs()

    class Order(BaseModel):
        requests: list[str]

    class Batch(BaseModel):
        id: str
        processing_status: Literal["in_progress", "canceling", "ended"]
        results_url: str | None = None

    def told(job: FakeJob) -> Batch:
        word = job.word("in_progress", "in_progress", "ended", "ended", "ended")
        url = f"/v1/batches/{job.id}/lines" if word == "ended" else None
        return Batch.model_validate({"id": job.id, "processing_status": word, "results_url": url})

    @app.post("/v1/batches", operation_id="create_batch")
    async def create(order: Order) -> Batch:
        return told(jobs.post(fails=not order.requests))

    @app.get("/v1/batches/{batch_id}", operation_id="get_batch")
    async def get(batch_id: str) -> Batch:
        return told(jobs.ask(batch_id))

    @app.post("/v1/batches/{batch_id}/cancel", operation_id="cancel_batch")
    async def cancel(batch_id: str) -> Batch:
        return told(jobs.stop(batch_id))

    @app.get("/v1/batches/{batch_id}/lines", include_in_schema=False)
    async def lines(batch_id: str) -> Response:
        return Response(b'{"of": "a"}\n{"of": "b"}\n', media_type="application/x-jsonl")

    return app
