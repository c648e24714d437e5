"""Model files: which ones plugins use, and where they are put. They come from whoever runs the server."""

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cl_ml_tools.external_weights import external_weights


class ModelFile(NamedTuple):
    """A file that a task looks for in the models folder. `shape` is what it takes, `gives` the length of its vector."""

    task_type: str
    name: str
    about: str
    shape: tuple[int, ...] | None = None
    optional: bool = False
    # Names of later versions that do as well, the best one first; and where the file is to be had.
    later_names: tuple[str, ...] = ()
    source: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that the file may have, the best one first."""
        return (*self.later_names, self.name)


CLIP = ModelFile("clip_embedding", "mobileclip_blt_vision_model.onnx", "MobileCLIP, image encoder", (1, 3, 224, 224))
DINO = ModelFile("dino_embedding", "dinov2_vits14.onnx", "DINOv2 ViT-S/14", (1, 3, 224, 224))
ARCFACE = ModelFile("face_embedding", "arcface_face_embedding.onnx", "ArcFace", (1, 112, 112, 3))
YUNET = ModelFile(
    "face_detection", "face_detection_yunet_2023mar.onnx", "YuNet; without it faces are found, but no landmarks",
    optional=True, later_names=("face_detection_yunet_2026may.onnx",),
    source="https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet (230 kB, MIT)",
)  # fmt: skip
KNOWN = (CLIP, DINO, YUNET, ARCFACE)


class ModelError(Exception):
    """A model file cannot be used; one line that says why."""


def folder() -> Path:
    """`CL_MODELS`, or `models` where servers keep what is theirs (XDG Base Directory Specification)."""
    named = os.environ.get("CL_MODELS")
    if named:
        return Path(named).absolute()
    home = os.environ.get("XDG_DATA_HOME")
    base = Path(home) if home and Path(home).is_absolute() else Path.home() / ".local" / "share"
    return base / "cl-client" / "models"


def path_of(model: ModelFile) -> Path:
    """Where the file of a model is, under whichever of its names; where it belongs when there is none."""
    paths = [folder() / name for name in model.names]
    return next((path for path in paths if path.is_file()), folder() / model.name)


def missing_model(model: ModelFile) -> str | None:
    """Why a task cannot run: its model is not there; `None` when it is."""
    if path_of(model).is_file():
        return None
    # The folder is the server's own, and whoever reads this may not be: only its name is told.
    return (
        f"{model.task_type} needs the model file {model.name} in the server's models folder (CL_MODELS); "
        f"add it with: cl-client server models add {model.name}"
    )


def sha256_of(path: Path) -> str:
    """SHA-256 of a model file, read again only when it has changed.

    Of one with weights in files beside it, SHA-256 of the digests of all of them, its own first.
    """
    weights = [each for each in external_weights(path) if each.is_file()]
    if not weights:
        return digest_of(path).hex()
    return hashlib.sha256(b"".join(map(digest_of, (path, *weights)))).hexdigest()


def digest_of(path: Path) -> bytes:
    """SHA-256 of one file, read again only when it has changed."""
    found = path.stat()
    return _sha256(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=32)
def _sha256(path: Path, changed: int, size: int) -> bytes:
    del changed, size
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def model_for(name: str) -> ModelFile:
    """A model by its file name or by its task. Raises `ModelError` when there is none."""
    for model in KNOWN:
        if name in {*model.names, model.task_type}:
            return model
    known = ", ".join(name for model in KNOWN for name in model.names)
    raise ModelError(f"{name} is no model that a plugin uses; those are {known}")
