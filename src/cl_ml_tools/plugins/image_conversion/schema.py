"""Parameters and output of the image conversion task."""

from typing import Literal

from pydantic import BaseModel, Field

from cl_ml_tools.schemas import BaseJobParams


class ImageConversionParams(BaseJobParams):
    """Convert an image to another format, upright. If the format has no transparency, the background becomes white.

    Animations are kept in gif and webp, and pages in tiff. Other formats get the first frame or page. A color profile
    is kept if the format supports it; otherwise, colors become sRGB. EXIF, XMP and IPTC tags are kept if the format
    supports them.
    """

    format: Literal["png", "jpg", "jpeg", "webp", "gif", "bmp", "tiff"] = Field(description="The format to write.")
    quality: int = Field(
        default=85,
        ge=1,
        le=100,
        description="1 (smallest file) to 100 (best quality), for jpg, jpeg and webp. Other formats ignore it. "
        "A webp is lossless at 100, and from 85 if it has up to 256 colors.",
    )


class ImageConversionOutput(BaseModel):
    """The converted image."""

    output_path: str = Field(description="Path of the file in the job.")
    format: str
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    size: int = Field(description="Bytes.")
    frames: int = Field(default=1, description="The number of frames that were written. More than 1 for an animation.")
    pages: int = Field(default=1, description="The number of pages or images in the source.")
    pages_written: int = Field(default=1, description="The number of pages that were written.")
    preview: bool = Field(default=False, description="Whether it was made from the preview in a raw image.")
    notes: list[str] = Field(default_factory=list, description="What the format does not support, one line for each.")
