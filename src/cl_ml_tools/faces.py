"""Finds faces with OpenCV: YuNet where its model file is there, else a Haar cascade. The only place that imports it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy
from numpy.typing import NDArray

from cl_ml_tools import models
from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.face import Box, Face, Landmarks, Point
from cl_ml_tools.media.appearance import opaque, resizable
from cl_ml_tools.models import ModelError
from cl_ml_tools.threads import threads

if TYPE_CHECKING:
    from PIL import Image

Bytes = NDArray[numpy.uint8]
# Faces are found at this size of the longer side, in pixels; larger pictures cost time, and find no more.
SIDE = 1280
SMALLEST = 24
# The cascade looks through windows of many sizes and places; this many next to each other have to agree.
LEAST = 3
# How many agree is what tells faces from others: of 220 pictures of dlib's examples, 4 and 5 where there was none, and
# 4 to 96, half of them 24 and more, where there was one. With this, 5 are 0.67, 6 are 0.71, and 24 are 0.91.
HALF = 2.5
PARTS = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")


class YuNet(Protocol):
    """What is used of `cv2.FaceDetectorYN`."""

    def setInputSize(self, input_size: tuple[int, int]) -> None: ...
    def setScoreThreshold(self, score_threshold: float) -> None: ...
    def setNMSThreshold(self, nms_threshold: float) -> None: ...
    def detect(self, image: Bytes) -> tuple[int, NDArray[numpy.float32] | None]: ...


class Haar(Protocol):
    """What is used of `cv2.CascadeClassifier`."""

    def detectMultiScale2(
        self, image: Bytes, scaleFactor: float, minNeighbors: int, flags: int, minSize: tuple[int, int]
    ) -> tuple[Sequence[Sequence[int]], Sequence[int]]: ...


class FaceFinder:
    """Finds faces; the model is loaded with the first picture, and anew when its file has changed."""

    def __init__(self) -> None:
        self._haar: Haar | None = None
        self._yunet: tuple[str, YuNet] | None = None

    @property
    def model_sha256(self) -> str | None:
        """Of the model file; `None` where faces are found without one."""
        path = models.path_of(models.YUNET)
        return models.sha256_of(path) if path.is_file() else None

    def find(self, picture: "Image.Image", confidence: float, overlap: float) -> list[Face]:
        """Faces of at least this confidence, the surest first; of two that overlap (IoU) by more, the surer one."""
        flat = resizable(picture)
        if max(flat.size) > SIDE:
            flat = flat.copy()
            flat.thumbnail((SIDE, SIDE))
        colours = opaque(flat).convert("RGB")
        digest = self.model_sha256
        found = self._with_haar(colours) if digest is None else self._with_yunet(colours, digest, confidence, overlap)
        sure = sorted((face for face in found if face.confidence >= confidence), key=lambda face: -face.confidence)
        return suppress(sure, overlap)

    def _with_haar(self, colours: "Image.Image") -> list[Face]:
        if self._haar is None:
            self._haar = _haar()
        grey = numpy.asarray(colours.convert("L"))
        boxes, counts = self._haar.detectMultiScale2(grey, 1.1, LEAST, 0, (SMALLEST, SMALLEST))
        width, height = colours.size
        return [
            Face(
                box=_box(*(float(value) for value in box), width=width, height=height),
                confidence=round(int(count) / (int(count) + HALF), 4),
            )
            for box, count in zip(boxes, counts, strict=True)
        ]

    def _with_yunet(self, colours: "Image.Image", digest: str, confidence: float, overlap: float) -> list[Face]:
        path = models.path_of(models.YUNET)
        try:
            if self._yunet is None or self._yunet[0] != digest:
                self._yunet = (digest, _yunet(path))
            return _yunet_faces(self._yunet[1], colours, confidence, overlap)
        except ModelError as error:
            raise TaskError(str(error)) from error


def suppress(faces: Iterable[Face], overlap: float) -> list[Face]:
    """Leave out faces that overlap with one before them by more than `overlap` (intersection over union)."""
    kept: list[Face] = []
    for face in faces:
        if all(intersection_over_union(face.box, other.box) <= overlap for other in kept):
            kept.append(face)
    return kept


def intersection_over_union(one: Box, two: Box) -> float:
    """How much two boxes have in common, 0 to 1."""
    across = min(one.x + one.width, two.x + two.width) - max(one.x, two.x)
    down = min(one.y + one.height, two.y + two.height) - max(one.y, two.y)
    common = max(across, 0) * max(down, 0)
    union = one.width * one.height + two.width * two.height - common
    return common / union if union > 0 else 0.0


def crop(picture: "Image.Image", box: Box, margin: float = 0.0) -> "Image.Image":
    """The part of a picture that a box names, at least a pixel of it; `margin` is a part of the box's own size."""
    left, top = box.x - box.width * margin, box.y - box.height * margin
    right, bottom = box.x + box.width * (1 + margin), box.y + box.height * (1 + margin)
    x = min(max(int(left * picture.width), 0), picture.width - 1)
    y = min(max(int(top * picture.height), 0), picture.height - 1)
    return picture.crop(
        (
            x,
            y,
            max(min(round(right * picture.width), picture.width), x + 1),
            max(min(round(bottom * picture.height), picture.height), y + 1),
        )
    )


def try_yunet(path: Path) -> str:
    """Load a YuNet file and look for faces in a grey picture. Raises `ModelError` where that does not work."""
    from PIL import Image

    _yunet_faces(_yunet(path), Image.new("RGB", (320, 320), "grey"), 0.9, 0.3)
    return "faces with landmarks"


def _haar() -> Haar:
    import cv2

    cv2.setNumThreads(threads())
    cascade = Path(cv2.__file__).with_name("data") / "haarcascade_frontalface_alt2.xml"
    return cast("Haar", cast("object", cv2.CascadeClassifier(str(cascade))))


def _yunet(path: Path) -> YuNet:
    import cv2

    cv2.setNumThreads(threads())
    create = cast("object", cv2.FaceDetectorYN.create)
    try:
        made: object = create(str(path), "", (320, 320)) if callable(create) else None
    except cv2.error as error:
        raise ModelError(f"{path.name} is no model that OpenCV can load") from error
    return cast("YuNet", made)


def _yunet_faces(yunet: YuNet, colours: "Image.Image", confidence: float, overlap: float) -> list[Face]:
    import cv2

    # OpenCV has blue first.
    pixels: Bytes = numpy.ascontiguousarray(numpy.asarray(colours)[:, :, ::-1])
    width, height = colours.size
    try:
        yunet.setInputSize((width, height))
        yunet.setScoreThreshold(confidence)
        yunet.setNMSThreshold(overlap)
        _, rows = yunet.detect(pixels)
    except cv2.error as error:
        raise ModelError(f"{models.path_of(models.YUNET).name} is no YuNet model: it does not find faces") from error
    faces: list[Face] = []
    for values in [] if rows is None else cast("list[list[float]]", rows.tolist()):
        points = [Point(x=_part(values[at], width), y=_part(values[at + 1], height)) for at in range(4, 14, 2)]
        faces.append(
            Face(
                box=_box(*values[:4], width=width, height=height),
                confidence=round(min(max(values[14], 0), 1), 4),
                landmarks=Landmarks(**dict(zip(PARTS, points, strict=True))),
            )
        )
    return faces


def _box(x: float, y: float, across: float, down: float, *, width: int, height: int) -> Box:
    left, top = _part(x, width), _part(y, height)
    right, bottom = _part(x + across, width), _part(y + down, height)
    return Box(x=left, y=top, width=round(right - left, 6), height=round(bottom - top, 6))


def _part(value: float, side: int) -> float:
    return round(min(max(value / side, 0.0), 1.0), 6)
