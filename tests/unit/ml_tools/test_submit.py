import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, model_validator

from cl_ml_tools.file_names import display_name, safe_stem, safe_suffix
from cl_ml_tools.file_storage import FileStorage, InputKeeper
from cl_ml_tools.schemas import BaseJobParams, Job
from cl_ml_tools.submit import SubmitRoute
from cl_server.files.local import LocalFileStorage
from cl_server.http import errors


class PaintParams(BaseJobParams):
    """Paint a picture."""

    colour: Literal["red", "blue"] = Field(description="Which paint.")
    layers: int = Field(default=2, ge=1, le=4)
    thickness: float | None = Field(default=None, gt=0)
    tags: list[str] = Field(default_factory=lambda: ["new"])

    @model_validator(mode="after")
    def enough_paint(self) -> "PaintParams":
        if self.colour == "blue" and self.layers == 4:
            raise ValueError("there is not enough blue")
        return self


class PaintOutput(BaseModel):
    painted: bool


class Repository:
    """Keeps what it is given, or refuses."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Job, str | None, int | None]] = []
        self.refuses = False

    def add_job(self, job: Job, created_by: str | None = None, priority: int | None = None) -> str:
        if self.refuses:
            raise RuntimeError("the disk is full")
        self.jobs.append((job, created_by, priority))
        return job.job_id


class SlowRepository(Repository):
    """Takes a job when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.may = threading.Event()
        self.done = threading.Event()

    def add_job(self, job: Job, created_by: str | None = None, priority: int | None = None) -> str:
        self.asked.set()
        assert self.may.wait(30)
        job_id = super().add_job(job, created_by, priority)
        self.done.set()
        return job_id


class UsersStorage:
    """As users write one: what `FileStorage` asks for, and no more."""

    def __init__(self, folder: Path) -> None:
        self._local = LocalFileStorage(folder)
        self.create_job_directory = self._local.create_job_directory
        self.get_input_path = self._local.get_input_path
        self.get_output_path = self._local.get_output_path
        self.save_input_file = self._local.save_input_file
        self.cleanup_job = self._local.cleanup_job


class User:
    id = 42


@pytest.fixture
def repository() -> Repository:
    return Repository()


@pytest.fixture
def client(repository: Repository, tmp_path: Path) -> httpx.AsyncClient:
    return make(repository, tmp_path, lambda: None)


def make(
    repository: Repository,
    folder: Path,
    user: Callable[[], object],
    storage: Callable[[Path], FileStorage] = LocalFileStorage,
) -> httpx.AsyncClient:
    route = SubmitRoute(
        "paint",
        PaintParams,
        PaintOutput,
        summary="Paint",
        file="What to paint on.",
        output_name=lambda stem, params: f"{stem}-{params.colour}.png",
    )
    app = FastAPI()
    errors.install(app)
    app.include_router(route.router(repository, storage(folder), user))  # pyright: ignore[reportArgumentType]
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://paint")


async def test_the_fields_of_the_schema_are_the_fields_of_the_form(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operation = document["paths"]["/jobs/paint"]["post"]
    assert operation["operationId"] == "create_paint_job"
    assert operation["x-task-type"] == "paint"
    assert operation["x-task-output"] == {"$ref": "#/components/schemas/PaintOutput"}
    fields = document["components"]["schemas"]["Body_create_paint_job"]
    assert fields["required"] == ["file", "colour"]
    assert fields["properties"]["colour"]["enum"] == ["red", "blue"]
    assert fields["properties"]["colour"]["description"] == "Which paint."
    assert (fields["properties"]["layers"]["minimum"], fields["properties"]["layers"]["maximum"]) == (1, 4)
    assert fields["properties"]["layers"]["default"] == 2
    assert set(fields["properties"]) == {"file", "colour", "layers", "thickness", "tags", "priority"}


async def test_what_is_not_sent_takes_its_default(
    client: httpx.AsyncClient, repository: Repository, tmp_path: Path
) -> None:
    answer = await client.post("/jobs/paint", files={"file": ("My Wall.jpg", b"wall")}, data={"colour": "red"})
    assert answer.status_code == 200, answer.text
    job, created_by, priority = repository.jobs[0]
    place = tmp_path / "jobs" / job.job_id
    assert answer.json() == {"job_id": job.job_id, "status": "queued", "task_type": "paint"}
    assert job.params == {
        "colour": "red",
        "layers": 2,
        "thickness": None,
        "tags": ["new"],
        "input_paths": [str(place / "input" / "source.jpg")],
        "input_names": ["My Wall.jpg"],
        "output_paths": [str(place / "output" / "My_Wall-red.png")],
    }
    assert (created_by, priority) == (None, 5)


async def test_what_is_sent_is_taken(client: httpx.AsyncClient, repository: Repository) -> None:
    data = {"colour": "red", "layers": "4", "thickness": "0.5", "tags": ["a", "b"], "priority": "9"}
    assert (await client.post("/jobs/paint", files={"file": ("a", b"wall")}, data=data)).status_code == 200
    job, _, priority = repository.jobs[0]
    assert (job.params["layers"], job.params["thickness"], job.params["tags"]) == (4, 0.5, ["a", "b"])
    assert priority == 9


async def test_parameters_that_only_together_are_wrong_are_refused_at_once(
    client: httpx.AsyncClient, repository: Repository
) -> None:
    data = {"colour": "blue", "layers": "4"}
    answer = await client.post("/jobs/paint", files={"file": ("a", b"wall")}, data=data)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["msg"] == "Value error, there is not enough blue"
    assert repository.jobs == []


@pytest.mark.parametrize("name", ["color", "Colour", "x" * 500, "file_"])
async def test_a_field_that_nobody_reads_is_refused_by_name(
    client: httpx.AsyncClient, repository: Repository, name: str
) -> None:
    data = {"colour": "red", name: "blue"}
    answer = await client.post("/jobs/paint", files={"file": ("a", b"wall")}, data=data)
    assert answer.status_code == 422
    [issue] = answer.json()["detail"]
    assert issue["loc"] == ["body", name[:64]]
    assert issue["msg"] == "there is no such field; there are colour, file, layers, priority, tags, thickness"
    assert repository.jobs == []


async def test_the_owner_is_whoever_is_logged_in(repository: Repository, tmp_path: Path) -> None:
    client = make(repository, tmp_path, User)
    await client.post("/jobs/paint", files={"file": ("a", b"wall")}, data={"colour": "red"})
    assert repository.jobs[0][1] == "42"


@pytest.mark.parametrize("storage", [LocalFileStorage, UsersStorage])
async def test_a_job_that_cannot_be_kept_leaves_no_files(
    repository: Repository, tmp_path: Path, storage: Callable[[Path], FileStorage]
) -> None:
    repository.refuses = True
    client = make(repository, tmp_path, lambda: None, storage)
    answer = await client.post("/jobs/paint", files={"file": ("a", b"wall")}, data={"colour": "red"})
    assert answer.status_code == 500
    assert list((tmp_path / "jobs").iterdir()) == []


async def test_a_storage_needs_to_know_no_more_than_the_protocol(repository: Repository, tmp_path: Path) -> None:
    assert not isinstance(UsersStorage(tmp_path), InputKeeper)
    client = make(repository, tmp_path, lambda: None, UsersStorage)
    answer = await client.post("/jobs/paint", files={"file": ("a", b"wall")}, data={"colour": "red"})
    assert answer.status_code == 200
    assert (tmp_path / "jobs" / answer.json()["job_id"] / "input" / "source").read_bytes() == b"wall"


async def test_a_request_that_is_given_up_leaves_no_job_without_files(tmp_path: Path) -> None:
    repository = SlowRepository()
    client = make(repository, tmp_path, lambda: None)
    sent = client.post("/jobs/paint", files={"file": ("a", b"wall")}, data={"colour": "red"})
    request = asyncio.create_task(sent)
    assert await asyncio.to_thread(repository.asked.wait, 30)
    request.cancel()
    await asyncio.wait([request])
    repository.may.set()
    assert await asyncio.to_thread(repository.done.wait, 30)
    [(job, _, _)] = repository.jobs
    assert (tmp_path / "jobs" / job.job_id / "input" / "source").read_bytes() == b"wall"


@pytest.mark.parametrize("number", ["inf", "nan", "1e999"])
async def test_a_number_that_json_does_not_have_is_refused(client: httpx.AsyncClient, number: str) -> None:
    data = {"colour": "red", "thickness": number}
    answer = await client.post("/jobs/paint", files={"file": ("a", b"wall")}, data=data)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "thickness"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({f"field{n}": (None, "x") for n in range(200)}, "Too many fields"),
        ({"file": ("a", b"wall"), "another": ("b", b"wall")}, "Too many files"),
        ({"file": ("a", b"wall"), "colour": (None, "x" * 70_000)}, "Part exceeded maximum size"),
    ],
)
async def test_a_form_that_would_fill_the_memory_is_refused(
    client: httpx.AsyncClient, repository: Repository, content: dict[str, tuple[str | None, bytes | str]], said: str
) -> None:
    answer = await client.post("/jobs/paint", files=content)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(said)
    assert repository.jobs == []


@given(st.text(max_size=400) | st.none())
def test_whatever_a_file_is_called_its_names_are_safe(name: str | None) -> None:
    stem, suffix = safe_stem(name), safe_suffix(name)
    assert 0 < len(stem) <= 64
    assert stem.isascii()
    assert not set(stem) & set("/\\\0. ")
    assert suffix == "" or (suffix[0] == "." and suffix[1:].isalnum() and len(suffix) <= 9)
    shown = display_name(name)
    assert 0 < len(shown) <= 120
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("name", "stem", "suffix"),
    [
        ("photo.JPG", "photo", ".jpg"),
        ("C:\\Users\\me\\Ferien 2024.tar.gz", "Ferien_2024_tar", ".gz"),
        ("../../etc/passwd", "passwd", ""),
        (".hidden", "hidden", ""),
        ("żółw.png", "w", ".png"),
        ("写真.png", "output", ".png"),
        (None, "output", ""),
    ],
)
def test_names(name: str | None, stem: str, suffix: str) -> None:
    assert (safe_stem(name), safe_suffix(name)) == (stem, suffix)
