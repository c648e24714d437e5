"""Job APIs whose answers only say where a job is: in a field, or in the header `Location`; and one that is asked with
the id in the query."""

from collections.abc import Callable
from typing import Literal

from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel

from tests.codegen_server.fake_jobs import FakeJob, FakeJobs


class Order(BaseModel):
    text: str


class State(BaseModel):
    status: Literal["queued", "running", "done", "failed", "canceled"]
    error: str | None = None
    cancel_url: str | None = None
    result_url: str | None = None


class Count(BaseModel):
    words: int


def _state(job: FakeJob) -> State:
    word = job.word("queued", "running", "done", "failed", "canceled")
    return State.model_validate({"status": word, "error": "too long" if word == "failed" else None})


def by_query() -> FastAPI:
    """`GET /status?request_id=…`, and so on, as small services have it."""
    app, jobs = FastAPI(title="Fake by query"), FakeJobs()

    class Accepted(BaseModel):
        request_id: str

    @app.post("/count", operation_id="count")
    async def count(order: Order) -> Accepted:
        return Accepted(request_id=jobs.post(fails=order.text == "fail").id)

    @app.get("/status", operation_id="status")
    async def status(request_id: str) -> State:
        return _state(jobs.ask(request_id))

    @app.get("/result", operation_id="result")
    async def result(request_id: str) -> Count:
        jobs.find(request_id)
        return Count(words=3)

    @app.post("/cancel", operation_id="cancel")
    async def cancel(request_id: str) -> State:
        return _state(jobs.stop(request_id))

    return app


def by_address() -> FastAPI:
    """The answer to a submit is an address: that of the route of the spec, another one, or one of another server."""
    app, jobs = FastAPI(title="Fake by address"), FakeJobs()

    class Accepted(BaseModel):
        status_url: str

    places: dict[str, Callable[[str], str]] = {
        "here": lambda job_id: f"/count/jobs/{job_id}",
        "there": lambda job_id: f"/anywhere/{job_id}?view=all",
        "elsewhere": lambda job_id: f"https://elsewhere.test/count/jobs/{job_id}",
    }

    @app.post("/count/jobs", operation_id="count", status_code=202)
    async def count(order: Order) -> Accepted:
        job = jobs.post(fails=order.text == "fail")
        return Accepted(status_url=places.get(order.text, places["here"])(job.id))

    @app.get("/count/jobs/{job}", operation_id="status")
    async def status(job: str) -> State:
        return _state(jobs.ask(job))

    @app.get("/count/jobs/{job}/result", operation_id="result")
    async def result(job: str) -> Count:
        jobs.find(job)
        return Count(words=3)

    @app.delete("/count/jobs/{job}", operation_id="cancel_job", summary="Cancel")
    async def cancel(job: str) -> None:
        jobs.stop(job)

    @app.get("/anywhere/{job}", include_in_schema=False)
    async def anywhere(job: str, view: str) -> State:
        if view != "all":
            raise HTTPException(404)
        state = _state(jobs.ask(job))
        state.cancel_url, state.result_url = f"/anywhere/{job}/cancel", f"/anywhere/{job}/count"
        return state

    @app.get("/anywhere/{job}/count", include_in_schema=False)
    async def counted(job: str) -> Count:
        return Count(words=9)

    @app.delete("/anywhere/{job}/cancel", include_in_schema=False)
    async def stop(job: str) -> None:
        jobs.stop(job)

    return app


def by_header() -> FastAPI:
    """202 with a `Location` and nothing else (RFC 9110 §15.3.3), as Azure has it."""
    app, jobs = FastAPI(title="Fake by header"), FakeJobs()
    header = {"Location": {"schema": {"type": "string"}}}

    @app.post("/counts", operation_id="count", status_code=202, responses={202: {"headers": header, "content": None}})
    async def count(order: Order) -> Response:
        job = jobs.post(fails=order.text == "fail")
        return Response(status_code=202, headers={"Location": f"/counts/{job.id}"})

    @app.get("/counts/{count_id}", operation_id="count_status")
    async def status(count_id: str) -> State:
        return _state(jobs.ask(count_id))

    return app
