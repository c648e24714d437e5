"""Faces that were found: a line for each, and a picture with all of them."""

from __future__ import annotations

import asyncio
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, cast

from attrs import frozen

from cl_client.cli.output.console import Console, Row
from cl_client.cli.views.viewer import Viewer
from cl_client.errors import ComputeClientError, InvalidParameterError
from cl_client.files.whole_file import whole_or_not_at_all
from cl_client.runtime.view import FacesView

if TYPE_CHECKING:
    from cl_client.jobs.handle import Job
    from cl_client.wire.types import JSONObject, JSONValue

Output = TypeVar("Output")
Point = tuple[float, float]

_COLOUR: Final = (0, 230, 118)
_QUALITY: Final = 90


@frozen
class Face:
    """A face, in parts of the image (0 to 1).

    Attributes:
        left, top, width, height: of the box.
        confidence: 0 to 1.
        landmarks: eyes, nose, corners of the mouth, where they were found.
    """

    left: float
    top: float
    width: float
    height: float
    confidence: float
    landmarks: tuple[Point, ...]

    @classmethod
    def parse(cls, said: JSONValue) -> Face:
        """A face of an output.

        Raises:
            ValueError: it is something else.
        """
        try:
            face = cast("dict[str, JSONValue]", said)
            box = cast("dict[str, float]", face["box"])
            marks = cast("dict[str, dict[str, float]] | None", face.get("landmarks")) or {}
            return cls(
                float(box["x"]),
                float(box["y"]),
                float(box["width"]),
                float(box["height"]),
                float(cast("float", face["confidence"])),
                tuple((float(mark["x"]), float(mark["y"])) for mark in marks.values()),
            )
        except (KeyError, TypeError, AttributeError) as missing:
            raise ValueError(f"not a face as this version knows them: {missing}") from None


class FacesViewer(Viewer):
    """The faces, counted and drawn."""

    def __init__(self, console: Console, view: FacesView) -> None:
        super().__init__(console)
        self._view = view

    def check(self, *, many: bool, kept: bool) -> None:
        """As `Viewer.check`."""
        if not self._view.preview:
            return
        if many and not kept:
            raise InvalidParameterError("--preview draws beside the results: give --output-dir for those of many files")
        if importlib.util.find_spec("PIL") is None:
            raise ComputeClientError("--preview needs Pillow", hint="pip install pillow")

    def rows(self, output: JSONObject) -> list[Row]:
        """As `Viewer.rows`."""
        try:
            faces = faces_of(output)
        except ValueError:
            return super().rows(output)
        if not self.console.seen:
            return super().rows(output)
        rest = {name: value for name, value in output.items() if name != "faces"}
        return [*super().rows(rest), *((f"face {number}", _told(face)) for number, face in enumerate(faces, 1))]

    async def draw(self, job: Job[Output], source: Path | None, stem: Path) -> list[Path]:
        """As `Viewer.draw`."""
        if not self._view.preview or source is None:
            return []
        target = stem.with_name(f"{stem.name}.faces.jpg")
        self.check_drawing(target)
        try:
            drawn = await asyncio.to_thread(draw_faces, source, faces_of(job.task_output or {}))
        except ValueError as error:
            raise ComputeClientError(
                f"the faces in {source} cannot be drawn: {error}", job_id=job.job_id, hint="leave out --preview"
            ) from error
        with whole_or_not_at_all(target) as file:
            file.write(drawn)
        return [target]


def faces_of(output: JSONObject) -> list[Face]:
    """The faces of an output.

    Raises:
        ValueError: it has none that this version knows.
    """
    faces = output.get("faces")
    if not isinstance(faces, list):
        raise ValueError("the output has no faces")
    return [Face.parse(face) for face in faces]


def draw_faces(photo: Path, faces: Sequence[Face]) -> bytes:
    """A JPEG of a photo, upright, with a box and a number for each face, and a dot for each landmark.

    Raises:
        ValueError: Pillow cannot read the photo.
    """
    from PIL import Image, ImageDraw, ImageFont, ImageOps

    try:
        with Image.open(photo) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error
    width, height = picture.size
    line = max(2, min(picture.size) // 200)
    font = ImageFont.load_default(size=max(12, min(picture.size) // 25))
    pen = ImageDraw.Draw(picture)
    for number, face in enumerate(faces, 1):
        left, top = face.left * width, face.top * height
        right, bottom = left + face.width * width, top + face.height * height
        pen.rectangle((left, top, max(left, right), max(top, bottom)), outline=_COLOUR, width=line)
        pen.text((left + 2 * line, top + line), str(number), fill=_COLOUR, font=font)
        for x, y in face.landmarks:
            pen.circle((x * width, y * height), 1.5 * line, fill=_COLOUR)
    out = io.BytesIO()
    # Thin lines need their colour in each pixel.
    picture.save(out, "JPEG", quality=_QUALITY, subsampling=0)
    return out.getvalue()


def _told(face: Face) -> str:
    box = f"{face.width:.1%} × {face.height:.1%} of the image at {face.left:.1%}, {face.top:.1%}"
    return f"{box}, confidence {face.confidence:.2f}" + (", with landmarks" if face.landmarks else "")
