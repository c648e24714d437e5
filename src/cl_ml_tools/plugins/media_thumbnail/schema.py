"""Parameters and output of the thumbnail task."""

from typing import Literal

from pydantic import BaseModel, Field

from cl_ml_tools.schemas import BaseJobParams


class MediaThumbnailParams(BaseJobParams):
    """Make a thumbnail of an image or a video, upright. By default, it fits into 256 × 256 pixels."""

    width: int | None = Field(
        default=None, ge=1, le=8192, description="Maximum width in pixels. By default, it follows from the height."
    )
    height: int | None = Field(
        default=None, ge=1, le=8192, description="Maximum height in pixels. By default, it follows from the width."
    )
    maintain_aspect_ratio: bool = Field(
        default=True, description="Fit into width × height without enlarging. Otherwise, stretch to exactly this size."
    )


class MediaThumbnailOutput(BaseModel):
    """The thumbnail: JPEG, or PNG if the image has transparency."""

    thumbnail_path: str = Field(description="Path of the file in the job.")
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    media_type: Literal["image", "video"] = Field(description="The type of the source.")
    preview: bool = Field(default=False, description="Whether it was made from the preview in a raw image.")
