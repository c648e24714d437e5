"""Vectors of pictures: how a picture is prepared for a model (a profile), and what is made of what it gives."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy
from numpy.typing import NDArray

from cl_extras.whole_file import publishing
from cl_ml_tools import models
from cl_ml_tools.artifact import job_path
from cl_ml_tools.compute_module import TaskError
from cl_ml_tools.media.appearance import opaque
from cl_ml_tools.models import ModelError, ModelFile
from cl_ml_tools.onnx_model import OnnxModel

if TYPE_CHECKING:
    from PIL import Image

Floats = NDArray[numpy.float32]
Triple = tuple[float, float, float]


class Profile(NamedTuple):
    """How a picture becomes numbers. `crop` takes the middle of it at the shorter side `resize`; `squash` all of it."""

    name: str
    side: int
    how: Literal["crop", "squash"]
    bicubic: bool
    resize: int = 0
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    channels_last: bool = False


# MobileCLIP was trained without normalisation (its own transform: shorter side, bilinear, centre crop).
MOBILECLIP = Profile("mobileclip", 224, "crop", bicubic=False, resize=224)
CLIP = Profile(
    "clip", 224, "squash", bicubic=True,
    mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711),
)  # fmt: skip
DINOV2 = Profile("dinov2", 224, "crop", bicubic=True, resize=256, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
ARCFACE = Profile("arcface", 112, "squash", bicubic=False, channels_last=True)
PROFILES = {profile.name: profile for profile in (MOBILECLIP, CLIP, DINOV2, ARCFACE)}


def prepare(picture: "Image.Image", profile: Profile) -> Floats:
    """A picture (upright) as a model takes it: one of 1 × 3 × side × side, or channels last."""
    from PIL import Image

    resample = Image.Resampling.BICUBIC if profile.bicubic else Image.Resampling.BILINEAR
    flat = opaque(picture)
    box: tuple[float, float, float, float] = (0, 0, flat.width, flat.height)
    if profile.how == "crop":
        # The part of the picture that the crop keeps is resized, and only that.
        kept = min(flat.size) * profile.side / profile.resize
        left, top = (flat.width - kept) / 2, (flat.height - kept) / 2
        box = (left, top, left + kept, top + kept)
    small = flat.convert("RGB").resize((profile.side, profile.side), resample, box)
    pixels = numpy.asarray(small, dtype=numpy.float32) / numpy.float32(255)
    mean, std = (numpy.array(triple, dtype=numpy.float32) for triple in (profile.mean, profile.std))
    normal = ((pixels - mean) / std).astype(numpy.float32)
    ordered = normal if profile.channels_last else normal.transpose(2, 0, 1)
    return numpy.ascontiguousarray(ordered[numpy.newaxis])


def normalise(vector: Floats) -> Floats:
    """The vector with the length 1; nothing but zeros stays so."""
    length = float(numpy.linalg.norm(vector))
    return (vector / numpy.float32(length)).astype(numpy.float32) if length > 0 else vector


def write_npy(path: Path, vectors: Floats) -> str:
    """Write a `.npy` file, whole or not at all; its path relative to the job."""
    with publishing(path) as part, part.open("wb") as file:
        numpy.save(file, vectors, allow_pickle=False)
    return job_path(path)


class Loader:
    """Holds the model of a task, and loads it anew when its file has changed."""

    def __init__(self, model: ModelFile) -> None:
        self._model = model
        self._loaded: tuple[int, OnnxModel] | None = None

    def get(self) -> OnnxModel:
        """The model; raises `TaskError` where it cannot be loaded."""
        lack = models.missing_model(self._model)
        if lack is not None:
            raise TaskError(lack)
        path = models.path_of(self._model)
        changed = path.stat().st_mtime_ns
        if self._loaded is None or self._loaded[0] != changed:
            try:
                self._loaded = (changed, OnnxModel(path))
            except ModelError as error:
                raise TaskError(str(error)) from error
        return self._loaded[1]

    def vector(self, picture: "Image.Image", profile: Profile, *, normalize: bool) -> Floats:
        """The vector of a picture."""
        try:
            vector = self.get().vector(prepare(picture, profile))
        except ModelError as error:
            raise TaskError(str(error)) from error
        return normalise(vector) if normalize else vector
