"""Parameters and output of the EXIF task."""

from pydantic import BaseModel, Field, JsonValue

from cl_ml_tools.schemas import BaseJobParams


class ExifParams(BaseJobParams):
    """Read the EXIF, XMP and IPTC of an image: JPEG, PNG, WebP, TIFF, HEIC or AVIF."""

    tags: str | None = Field(
        default=None,
        max_length=4000,
        description="Names of tags, with commas between them (`Make,XMP:Title`); all of them when left out.",
    )


class ExifOutput(BaseModel):
    """The tags by name, and the best known of them with a type; `null` where the image does not say."""

    metadata: dict[str, JsonValue] = Field(
        description="Every tag that was asked for and is there: EXIF and GPS by their own names (`GPSLatitude`), "
        "others with their group (`XMP-dc:Creator`, `IPTC:Keywords`)."
    )
    width: int = Field(description="Pixels, as the image is seen.")
    height: int = Field(description="Pixels, as the image is seen.")
    orientation: int | None = Field(default=None, description="How the pixels are stored, 1 to 8 (CIPA DC-008 §4.6.4).")
    make: str | None = None
    model: str | None = None
    lens_model: str | None = None
    software: str | None = None
    taken_at: str | None = Field(
        default=None, description="ISO 8601; with an offset from UTC only where the camera wrote one."
    )
    exposure_time: float | None = Field(default=None, description="Seconds.")
    f_number: float | None = None
    iso: int | None = None
    focal_length: float | None = Field(default=None, description="Millimetres.")
    gps_latitude: float | None = Field(default=None, description="Degrees, north is positive.")
    gps_longitude: float | None = Field(default=None, description="Degrees, east is positive.")
    gps_altitude: float | None = Field(default=None, description="Metres above sea level.")
