"""`python -m tests.media FOLDER`: media as files, for trying things by hand. MEDIA_SETUP.md says what they are."""

import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.media.camera import camera
from tests.media.face import group
from tests.media.film import film
from tests.media.photo import corners, encoded, write


def taken() -> bytes:
    """A photo as it comes from a camera."""
    out = io.BytesIO()
    corners(1600, 1200).save(out, "JPEG", exif=camera())
    return out.getvalue()


FILES: Final[Mapping[str, Callable[[], bytes]]] = {
    "images/test_image_1920x1080.jpg": lambda: encoded(corners(1920, 1080)),
    "images/test_image_800x600.png": lambda: encoded(corners(800, 600), "PNG"),
    "images/test_face_single.jpg": lambda: encoded(group([(240, 160)])),
    "images/test_face_multiple.jpg": lambda: encoded(group([(40, 40), (300, 60), (160, 280)])),
    "images/test_exif_rich.jpg": taken,
    "videos/test_video_1080p_10s.mp4": lambda: film(10, (1920, 1080), sound=True),
    "videos/test_video_720p_5s.mp4": lambda: film(5, (1280, 720)),
}


def main(folder: Path) -> None:
    """Write all of them."""
    for name, make in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, make())
        print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
