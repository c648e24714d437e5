"""Results that people would rather look at: the views that the manifest names."""

import importlib.util
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.integration.cli.conftest import Cli
from tests.integration.cli.terminal import typed
from tests.media.face import group
from tests.media.photo import corners, encoded, photo, write

GREEN = (0, 230, 118)


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A photo that is stored sideways, with a face in it."""
    return write(tmp_path / "group.jpg", encoded(group([(40, 60)]), orientation=6))


def is_green(pixel: object) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(part - wanted) < 60 for part, wanted in zip(pixel, GREEN, strict=True))


def expect_boxes(picture: Path, faces: list[dict[str, dict[str, float]]]) -> None:
    with Image.open(picture) as drawn:
        for face in faces:
            box = face["box"]
            left, middle = box["x"] * drawn.width, (box["y"] + box["height"] / 2) * drawn.height
            near = [drawn.getpixel((round(left) + step, round(middle))) for step in range(-1, 3)]
            assert any(map(is_green, near)), near


@pytest.mark.parametrize(
    ("output", "preview"),
    [([], "group.faces.jpg"), (["-o", "x/found.json"], "x/found.faces.jpg"), (["-o", "."], "./group.faces.jpg")],
)
def test_faces_are_drawn_beside_the_result(cli: Cli, faces: Path, tmp_path: Path, output: list[str], preview: str):
    ran = cli("face-detection", "detect", "group.jpg", "--preview", "--json", *output)
    record = json.loads(ran.out)
    assert Path(record["files"][-1]) == Path(preview)
    assert record["output"]["num_faces"] == 1
    with Image.open(tmp_path / preview) as drawn:
        assert drawn.size == (record["output"]["image_width"], record["output"]["image_height"])
    expect_boxes(tmp_path / preview, record["output"]["faces"])


def test_of_many_files_the_previews_are_in_the_folder_of_the_results(cli: Cli, faces: Path, tmp_path: Path):
    ran = cli("face-detection", "detect", "group.jpg", "--preview", "--output-dir", "out", "-q")
    assert ran.code == 0, ran.err
    assert (tmp_path / "out" / "group.faces.jpg").is_file()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("face-detection detect group.jpg group.jpg --preview", "give --output-dir"),
        ("face-detection detect group.jpg --preview --no-wait", "doesn't wait for a result"),
        ("media-thumbnail generate group.jpg group.jpg --show kitty", "of one file"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_before_anything_is_sent(cli: Cli, faces: Path, command: str, said: str):
    ran = cli(*command.split())
    assert ran.code == 2
    assert said in ran.err


def test_without_pillow_it_says_what_to_install(cli: Cli, faces: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    ran = cli("face-detection", "detect", "group.jpg", "--preview")
    assert (ran.code, ran.lines) == (1, ["error: --preview needs Pillow", "hint: pip install pillow"])


def test_a_photo_that_pillow_cannot_read_fails_by_name(cli: Cli, faces: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    ran = cli("face-detection", "detect", "group.jpg", "--preview")
    assert ran.code == 1
    assert "the faces in group.jpg cannot be drawn" in ran.lines[0]
    assert ran.lines[-1] == "hint: leave out --preview"


def test_on_a_terminal_each_tag_is_a_row_and_no_longer_than_the_line(cli: Cli, tmp_path: Path):
    write(tmp_path / "photo.jpg", encoded(corners(64, 48), orientation=6))
    piped = cli("exif", "extract", "photo.jpg").out
    assert "metadata: {" in " ".join(piped.split())
    seen = typed(["exif", "extract", "photo.jpg"], [], tmp_path).screen.splitlines()
    assert "metadata:" in seen
    assert any(line.startswith("  Orientation: ") for line in seen), seen
    assert all(len(line) <= 80 for line in seen)


def test_on_a_terminal_a_face_is_a_row(cli: Cli, faces: Path, tmp_path: Path):
    seen = typed(["face-detection", "detect", "group.jpg"], [], tmp_path).screen
    assert "face 1:" in seen
    assert "confidence" in seen


@pytest.mark.parametrize(("options", "shown"), [([], True), (["--show", "never"], False)])
def test_a_thumbnail_is_shown_where_the_terminal_can(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], shown: bool
):
    monkeypatch.setenv("TERM_PROGRAM", "iTerm.app")
    write(tmp_path / "photo.jpg", photo(40, 30))
    seen = typed(["media-thumbnail", "generate", "photo.jpg", *options], [], tmp_path)
    assert seen.code == 0
    assert ("\033]1337;File=" in seen.screen) == shown


def test_a_picture_is_never_written_where_nobody_looks(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm-kitty")
    write(tmp_path / "photo.jpg", photo(40, 30))
    assert "\033" not in cli("media-thumbnail", "generate", "photo.jpg").out
    forced = cli("media-thumbnail", "generate", "photo.jpg", "--show", "kitty")
    assert "\033" not in forced.out
    assert forced.lines[0] == "warning: the picture is not shown: stdout is not a terminal"
