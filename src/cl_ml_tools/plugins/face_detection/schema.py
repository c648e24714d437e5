"""Parameters and output of the face detection task."""

from typing import Literal

from pydantic import BaseModel, Field

from cl_ml_tools.face import Face
from cl_ml_tools.schemas import BaseJobParams


class FaceDetectionParams(BaseJobParams):
    """Find the faces in an image, and cut them out. With the YuNet model file on the server, with landmarks."""

    confidence_threshold: float = Field(default=0.7, ge=0, le=1, description="Leave out faces with a lower confidence.")
    nms_threshold: float = Field(
        default=0.4, ge=0, le=1, description="Of two faces that overlap by more (intersection over union), keep one."
    )


class DetectedFace(Face):
    """A face, and the file that it was cut into."""

    crop_path: str = Field(description="JPEG of the face; path relative to the job, to be downloaded.")


class FaceDetectionOutput(BaseModel):
    """The faces of an image, the surest first. Places are parts of the image, 0 to 1, as it is seen."""

    faces: list[DetectedFace]
    num_faces: int
    image_width: int = Field(description="Pixels, as the image is seen.")
    image_height: int = Field(description="Pixels, as the image is seen.")
    detector: Literal["yunet", "haar"] = Field(description="What found them.")
    model_sha256: str | None = Field(default=None, description="Of the model file, where there is one.")
