"""Parameters and output of the EXIF task."""

from pydantic import BaseModel, Field, JsonValue

from cl_ml_tools.schemas import BaseJobParams


class ExifParams(BaseJobParams):
    """Read the EXIF, XMP and IPTC of an image: JPEG, PNG, WebP, TIFF, HEIC or AVIF."""

    tags: str | None = Field(
        default=None,
        max_length=4000,
        description="Names of tags, separated by commas (`Make,XMP:Title`). By default, all tags.",
    )


class ExifOutput(BaseModel):
    """The tags by name, and the most common ones as typed fields. A missing tag is `null`."""

    metadata: dict[str, JsonValue] = Field(
        description="The requested tags that exist. EXIF and GPS tags have their plain names (`GPSLatitude`), "
        "others include their group (`XMP-dc:Creator`, `IPTC:Keywords`)."
    )
    width: int = Field(description="Pixels, after applying the orientation.")
    height: int = Field(description="Pixels, after applying the orientation.")
    orientation: int | None = Field(
        default=None, description="EXIF orientation of the stored pixels, 1 to 8 (CIPA DC-008 §4.6.4)."
    )
    make: str | None = None
    model: str | None = None
    lens_model: str | None = None
    software: str | None = None
    taken_at: str | None = Field(
        default=None, description="ISO 8601, with an offset from UTC only if the camera wrote one."
    )
    exposure_time: float | None = Field(default=None, description="Seconds.")
    f_number: float | None = None
    iso: int | None = None
    focal_length: float | None = Field(default=None, description="Millimeters.")
    gps_latitude: float | None = Field(default=None, description="Degrees, north is positive.")
    gps_longitude: float | None = Field(default=None, description="Degrees, east is positive.")
    gps_altitude: float | None = Field(default=None, description="Meters above sea level.")
