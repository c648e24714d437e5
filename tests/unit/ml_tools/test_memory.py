"""What a picture or a film takes in memory is reckoned from its head, and refused before anything is decoded."""

import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image

from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.discovery import discover_tasks
from cl_ml_tools.media import limits
from cl_ml_tools.media.picture import open_picture
from cl_ml_tools.media.video import open_video
from cl_ml_tools.schemas import Job
from tests.media.film import film

SIDE = 400
TASKS: dict[str, dict[str, object]] = {
    "image_conversion": {"format": "png"},
    "media_thumbnail": {"width": 64},
    "face_detection": {},
    "hash": {"algorithm": "phash"},
}


def picture(format: str, mode: str = "RGB") -> bytes:
    content = io.BytesIO()
    Image.new(mode, (SIDE, SIDE)).save(content, format)
    return content.getvalue()


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may have 100 kB more."""
    monkeypatch.setattr(limits, "room", lambda: 100_000)


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_a_picture_that_has_no_room_is_refused_with_what_it_takes(tmp_path: Path, format: str) -> None:
    path = tmp_path / "picture"
    path.write_bytes(picture(format))
    with pytest.raises(TaskError, match=r"^small is too large: it takes 1 MB of memory when it is decoded, and a job"):
        with open_picture(path, "small") as opened:
            opened.load()


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("task", TASKS)
def test_every_task_says_so_in_one_line(tmp_path: Path, task: str) -> None:
    path = tmp_path / "source.png"
    path.write_bytes(picture("PNG"))
    outputs = [str(tmp_path / "out.png")]
    params = {"input_paths": [str(path)], "input_names": ["a.png"], "output_paths": outputs, **TASKS[task]}
    module = discover_tasks()[task]
    result = asyncio.run(module.run(Job(job_id="one", task_type=task, params=params), lambda percent: None))
    assert result["status"] == "error"
    assert result["error"].startswith("a.png is too large: it takes 1 MB of memory")
    assert len(result["error"].splitlines()) == 1


@pytest.mark.usefixtures("little")
def test_a_jpeg_that_is_read_smaller_takes_less(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(picture("JPEG"))
    with open_picture(path, "small") as opened:
        opened.draft("RGB", (50, 50))
        opened.load()
        assert opened.size == (50, 50)


@pytest.mark.usefixtures("little")
def test_tags_need_no_room(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(picture("PNG"))
    with open_picture(path, "small", decoded=False) as opened:
        assert opened.size == (SIDE, SIDE)


@pytest.mark.usefixtures("little")
def test_a_film_that_has_no_room_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(film(1, (640, 480)))
    with pytest.raises(TaskError, match=r"^film is too large: it takes 2 MB of memory"):
        with open_video(path, "film"):
            pass


def test_a_process_without_a_limit_has_all_the_room_there_is() -> None:
    assert limits.room() is None
