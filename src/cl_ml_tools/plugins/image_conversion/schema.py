"""Parameters and output of the image conversion task."""

from typing import Literal

from pydantic import BaseModel, Field

from cl_ml_tools.schemas import BaseJobParams


class ImageConversionParams(BaseJobParams):
    """Convert an image to another format, upright; what the format cannot hold is flattened on white.

    An animation stays one as gif and webp; the other formats get its first frame.
    """

    format: Literal["png", "jpg", "jpeg", "webp", "gif", "bmp", "tiff"] = Field(description="The format to write.")
    quality: int = Field(
        default=85, ge=1, le=100, description="1 (small) to 100 (good), for jpg, jpeg and webp; others ignore it."
    )


class ImageConversionOutput(BaseModel):
    """The converted image."""

    output_path: str = Field(description="Path relative to the job, to be downloaded.")
    format: str
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    size: int = Field(description="Bytes.")
    frames: int = Field(default=1, description="More than 1 for an animation.")
