"""Parameters and output of the face detection task."""

from typing import Literal

from pydantic import BaseModel, Field

from cl_ml_tools.face import Face
from cl_ml_tools.schemas import BaseJobParams


class FaceDetectionParams(BaseJobParams):
    """Find the faces in an image, and crop them. If the server has the YuNet model file, add landmarks."""

    confidence_threshold: float = Field(default=0.7, ge=0, le=1, description="Leave out faces with a lower confidence.")
    nms_threshold: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description="If two faces overlap by more than this (intersection over union), keep only one.",
    )


class DetectedFace(Face):
    """A face, and the file with its crop."""

    crop_path: str = Field(description="Path in the job of the cropped face (JPEG).")


class FaceDetectionOutput(BaseModel):
    """The faces of an image, with the highest confidence first. Coordinates are fractions of the upright image."""

    faces: list[DetectedFace]
    num_faces: int
    image_width: int = Field(description="Pixels, after applying the orientation.")
    image_height: int = Field(description="Pixels, after applying the orientation.")
    detector: Literal["yunet", "haar"] = Field(description="The detector that found the faces.")
    model_sha256: str | None = Field(default=None, description="SHA-256 of the model file, if there is one.")
