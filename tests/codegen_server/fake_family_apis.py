"""Fakes of the three services of the family, with the routes and operation ids of its servers, and little else."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, File, Form, HTTPException, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel

TOKEN = "the-token-of-ada"
PICTURE = b"\xff\xd8 a picture"

JOBS = {
    "clip_embedding": "create_clip_embedding_job",
    "dino_embedding": "create_dino_embedding_job",
    "exif": "create_exif_extraction_job",
    "face_detection": "create_face_detection_job",
    "face_embedding": "create_face_embedding_job",
    "hash": "create_hash_job",
    "media_thumbnail": "create_thumbnail_job",
}


class JobCreated(BaseModel):
    job_id: str
    status: str
    task_type: str


class Job(BaseModel):
    job_id: str
    task_type: str
    status: str
    progress: int = 0
    params: dict[str, object] = {}
    task_output: dict[str, object] | None = None
    error_message: str | None = None


def compute() -> FastAPI:
    app = FastAPI(title="Fake compute")
    jobs: list[Job] = []

    def posted(task: str) -> JobCreated:
        job_id = f"{task}-{len(jobs)}"
        output: dict[str, object] = {"media_type": "image"}
        if task == "hls_streaming":
            output = {"master_playlist": f"/srv/jobs/{job_id}/output/adaptive.m3u8"}
        params: dict[str, object] = {"output_path": "output/result.bin"}
        jobs.append(
            Job(job_id=job_id, task_type=task, status="completed", progress=100, params=params, task_output=output)
        )
        return JobCreated(job_id=job_id, status="queued", task_type=task)

    for task, name in JOBS.items():
        _post(app, task, name, posted)

    @app.post("/jobs/image_conversion", operation_id="create_conversion_job_jobs_image_conversion_post")
    async def create_conversion_job(file: UploadFile, format: Annotated[str, Form()]) -> JobCreated:
        return posted("image_conversion")

    @app.post("/jobs/hls_streaming", operation_id="create_hls_job_jobs_hls_streaming_post")
    async def create_hls_job(
        file: Annotated[UploadFile | None, File()] = None, input_absolute_path: Annotated[str | None, Form()] = None
    ) -> JobCreated:
        if (file is None) == (input_absolute_path is None):
            raise HTTPException(422, "a file or a path")
        return posted("hls_streaming")

    @app.get("/jobs/{job_id}", operation_id="get_job")
    async def get_job(job_id: str) -> Job:
        found = next((job for job in jobs if job.job_id == job_id), None)
        if found is None:
            raise HTTPException(404)
        return found

    @app.get("/jobs/{job_id}/files/{file_path:path}", operation_id="get_job_file", response_class=FileResponse)
    async def get_job_file(job_id: str, file_path: str) -> Response:
        return Response(PICTURE)

    return app


def _post(app: FastAPI, task: str, name: str, posted: Callable[[str], JobCreated]) -> None:
    async def create(file: UploadFile) -> JobCreated:
        return posted(task)

    app.post(f"/jobs/{task}", operation_id=f"{name}_jobs_{task}_post")(create)


class Token(BaseModel):
    access_token: str = TOKEN
    token_type: str = "bearer"
    expires_in: int = 1800


class User(BaseModel):
    id: int = 1
    username: str = "ada"
    is_admin: bool = False
    is_active: bool = True
    permissions: list[str] = []


def auth() -> FastAPI:
    app = FastAPI(title="Fake auth")

    @app.get("/", operation_id="root_get")
    async def root() -> dict[str, str]:
        return {"status": "healthy"}

    @app.post("/auth/token")
    async def login_for_access_token(username: Annotated[str, Form()], password: Annotated[str, Form()]) -> Token:
        return Token()

    @app.get("/users/me")
    async def read_users_me(request: Request) -> User:
        _expect_ada(request)
        return User()

    return app


class Entity(BaseModel):
    id: int
    label: str
    is_collection: bool = False
    parent_id: int | None = None
    version: int = 1


class PageNumbers(BaseModel):
    page: int
    page_size: int
    total_items: int
    total_pages: int
    has_next: bool
    has_prev: bool


class Page(BaseModel):
    items: list[Entity]
    pagination: PageNumbers


class Version(BaseModel):
    version: int
    transaction_id: int | None = None


class Face(BaseModel):
    id: int
    bbox: list[float]
    confidence: float


def store() -> FastAPI:
    app = FastAPI(title="Fake store")
    history: dict[int, list[Entity]] = {}
    """The versions of each entity, the first one first."""

    @app.get("/", operation_id="root_get")
    async def root() -> dict[str, str]:
        return {"status": "healthy"}

    @app.get("/m_insight/status", operation_id="get_m_insight_status", tags=["admin"])
    async def status() -> dict[str, str]:
        return {}

    @app.post("/entities", operation_id="create_entity", tags=["entity"], status_code=201)
    async def create_entity(
        request: Request,
        response: Response,
        label: Annotated[str, Form()],
        is_collection: Annotated[bool, Form()] = False,
        parent_id: Annotated[int | None, Form()] = None,
        image: UploadFile | None = None,
    ) -> Entity:
        _expect_ada(request)
        for versions in history.values():
            if versions[-1].label == label:
                # There already, which the spec does not say: it documents 201 alone.
                response.status_code = 200
                return versions[-1]
        made = Entity(id=len(history) + 1, label=label, is_collection=is_collection, parent_id=parent_id)
        history[made.id] = [made]
        return made

    @app.get("/entities", operation_id="get_entities", tags=["entity"])
    async def get_entities(
        request: Request,
        page: Annotated[int, Query(ge=1)] = 1,
        page_size: Annotated[int, Query(ge=1, le=100)] = 20,
        is_collection: bool | None = None,
        parent_id: int | None = None,
        search_query: str | None = None,
    ) -> Page:
        _expect_ada(request)
        found = [versions[-1] for versions in history.values()]
        found = [each for each in found if is_collection in {None, each.is_collection}]
        found = [each for each in found if parent_id in {None, each.parent_id} and (search_query or "") in each.label]
        last = max(1, -(-len(found) // page_size))
        numbers = PageNumbers(
            page=page,
            page_size=page_size,
            total_items=len(found),
            total_pages=last,
            has_next=page < last,
            has_prev=page > 1,
        )
        return Page(items=found[(page - 1) * page_size : page * page_size], pagination=numbers)

    @app.get("/entities/{entity_id}", operation_id="get_entity", tags=["entity"])
    async def get_entity(entity_id: int, request: Request, version: int | None = None) -> Entity:
        _expect_ada(request)
        versions = history.get(entity_id, [])
        if not versions or (version is not None and not 0 < version <= len(versions)):
            raise HTTPException(404, "Entity not found")
        return versions[(version or len(versions)) - 1]

    @app.patch("/entities/{entity_id}", operation_id="patch_entity", tags=["entity"])
    async def patch_entity(entity_id: int, request: Request, label: Annotated[str, Form()]) -> Entity:
        _expect_ada(request)
        versions = history[entity_id]
        versions.append(versions[-1].model_copy(update={"label": label, "version": len(versions) + 1}))
        return versions[-1]

    @app.get("/entities/{entity_id}/versions", operation_id="get_entity_versions", tags=["entity"])
    async def get_entity_versions(entity_id: int, request: Request) -> list[Version]:
        _expect_ada(request)
        return [Version(version=each.version) for each in history[entity_id]]

    @app.get("/intelligence/entities/{entity_id}/faces", operation_id="get_entity_faces", tags=["intelligence"])
    async def get_entity_faces(entity_id: int, request: Request) -> list[Face]:
        _expect_ada(request)
        return [Face(id=entity_id, bbox=[0.1, 0.2, 0.3, 0.4], confidence=0.9)]

    @app.delete("/faces/{face_id}", operation_id="delete_face", tags=["face"], status_code=204)
    async def delete_face(face_id: int, request: Request) -> None:
        _expect_ada(request)

    @app.get("/entities/{entity_id}/media", operation_id="download_media", tags=["entity"], response_class=FileResponse)
    async def download_media(entity_id: int, request: Request) -> Response:
        _expect_ada(request)
        return Response(PICTURE)

    return app


def _expect_ada(request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        raise HTTPException(401)
