"""A fake of the family's compute server of February 2026: outputs without paths, files at `params.output_path`, no list
of files, which Starlette redirects to the route of a file."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

JSON = dict[str, object]


class FakeFamilyServer:
    """An ASGI app, whose jobs have completed when they are asked for.

    Attributes:
        output: of every job, with `{job_id}` for its id.
        output_path: where the file of a job is said to be, with `{job_id}` for its id; nothing is said without one.
        files: what is in every job, by path.
        answers_json: whether a file is answered with an error as JSON, and with 200.
        publishes: whether there is an OpenAPI document, which says of the submit alone that it is there.
    """

    def __init__(self, output: JSON | None = None, output_path: str | None = "output/photo.webp") -> None:
        self.output = output or {}
        self.output_path = output_path
        self.files = dict.fromkeys(("output/photo.webp", "output/result.json"), b"the bytes")
        self.answers_json = False
        self.publishes = False
        self._count = 0
        self.app = Starlette(
            routes=[
                Route("/openapi.json", self._document),
                Route("/jobs/{task_type}", self._submit, methods=["POST"]),
                Route("/jobs/{job_id}", self._job),
                Route("/jobs/{job_id}/files/{path:path}", self._file),
            ]
        )

    async def _document(self, request: Request) -> Response:
        del request
        if not self.publishes:
            return JSONResponse({"detail": "Not Found"}, 404)
        return JSONResponse({"openapi": "3.1.0", "paths": {"/jobs/image_conversion": {"post": {"responses": {}}}}})

    async def _submit(self, request: Request) -> Response:
        async with request.form():
            pass  # Read, and its files closed.
        self._count += 1
        task = request.path_params["task_type"]
        return JSONResponse({"job_id": f"{task}-{self._count}", "status": "queued", "task_type": task})

    async def _job(self, request: Request) -> Response:
        job_id = request.path_params["job_id"]
        where = {} if self.output_path is None else {"output_path": self.output_path.format(job_id=job_id)}
        return JSONResponse(
            {
                "job_id": job_id,
                "task_type": job_id.rpartition("-")[0],
                "status": "completed",
                "progress": 100,
                "params": where,
                "task_output": {
                    name: value.format(job_id=job_id) if isinstance(value, str) else value
                    for name, value in self.output.items()
                },
            }
        )

    async def _file(self, request: Request) -> Response:
        content = self.files.get(request.path_params["path"])
        if content is None:
            return JSONResponse({"detail": "no such file"}, 404)
        if self.answers_json:
            return JSONResponse({"detail": "the disk is away"})
        return Response(content, media_type="application/octet-stream")
