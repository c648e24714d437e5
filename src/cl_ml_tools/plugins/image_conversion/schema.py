"""Parameters and output of the image conversion task."""

from typing import Literal

from pydantic import BaseModel, Field

from cl_ml_tools.schemas import BaseJobParams


class ImageConversionParams(BaseJobParams):
    """Convert an image to another format, upright; transparency that the format cannot hold is flattened on white.

    An animation stays one as gif and webp, and a document of several pages as tiff; other formats get the first frame
    or page. Colours keep their profile where the format holds it, and become sRGB elsewhere. EXIF, XMP and IPTC are
    kept where the format holds them.
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
    frames: int = Field(default=1, description="Frames that were written; more than 1 for an animation.")
    pages: int = Field(default=1, description="Pages or pictures that the source has.")
    pages_written: int = Field(default=1, description="How many of them were written; the first where it is 1.")
    preview: bool = Field(default=False, description="Whether it was made from the preview in a raw picture.")
    notes: list[str] = Field(default_factory=list, description="What the format could not hold, each in one line.")
