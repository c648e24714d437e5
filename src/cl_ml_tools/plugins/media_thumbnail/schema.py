"""Parameters and output of the thumbnail task."""

from typing import Literal

from pydantic import BaseModel, Field

from cl_ml_tools.schemas import BaseJobParams


class MediaThumbnailParams(BaseJobParams):
    """Make a thumbnail of an image or a video, upright. Without width and height it fits into 256 × 256 pixels."""

    width: int | None = Field(default=None, ge=1, le=8192, description="Pixels; follows the height when left out.")
    height: int | None = Field(default=None, ge=1, le=8192, description="Pixels; follows the width when left out.")
    maintain_aspect_ratio: bool = Field(
        default=True, description="Fit into width × height, never enlarged; false stretches to exactly that."
    )


class MediaThumbnailOutput(BaseModel):
    """The thumbnail: JPEG, or PNG where the image is transparent."""

    thumbnail_path: str = Field(description="Path relative to the job, to be downloaded.")
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    media_type: Literal["image", "video"] = Field(description="What the thumbnail was made from.")
    preview: bool = Field(default=False, description="Whether it was made from the preview in a raw picture.")
