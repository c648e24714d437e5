"""Reads what images carry (EXIF, XMP, IPTC), with Pillow: no other program is started, so a tag can only be a name."""

from pathlib import Path

from cl_ml_tools.compute_module import BlockingModule, ProgressCallback, Submit
from cl_ml_tools.media import heif, intake, raw
from cl_ml_tools.media.appearance import is_turned
from cl_ml_tools.media.picture import open_picture, warm
from cl_ml_tools.plugins.exif.schema import ExifOutput, ExifParams
from cl_ml_tools.plugins.exif.tags import (
    altitude,
    choose,
    degrees,
    number_of,
    read_descriptions,
    read_tags,
    taken_at,
    text_of,
)


class ExifTask(BlockingModule[ExifParams]):
    """The tags of an image; its pixels are not read."""

    task_type = "exif"
    schema = ExifParams
    output_schema = ExifOutput
    submit = Submit("Read the EXIF of an image", file="The image to read.", check=intake.picture_with_tags)

    def setup(self) -> None:
        warm()

    def process(self, params: ExifParams, progress: ProgressCallback) -> ExifOutput:
        with open_picture(Path(params.input_paths[0]), params.name_of(), decoded=False) as picture:
            tags = read_tags(picture)
            turned_by_reader = heif.stored_orientation(picture.info)
            if turned_by_reader is not None:
                tags["Orientation"] = turned_by_reader
            width, height = raw.raw_size(picture) or picture.size
            if is_turned(picture):
                width, height = height, width
            descriptions = read_descriptions(picture)
        orientation = number_of(tags, "Orientation")
        iso = number_of(tags, "ISOSpeedRatings")
        return ExifOutput(
            metadata=choose(tags | descriptions, params.tags),
            width=width,
            height=height,
            orientation=int(orientation) if orientation is not None and 1 <= orientation <= 8 else None,
            make=text_of(tags, "Make"),
            model=text_of(tags, "Model"),
            lens_model=text_of(tags, "LensModel"),
            software=text_of(tags, "Software"),
            taken_at=taken_at(tags),
            exposure_time=number_of(tags, "ExposureTime"),
            f_number=number_of(tags, "FNumber"),
            iso=int(iso) if iso is not None else None,
            focal_length=number_of(tags, "FocalLength"),
            gps_latitude=degrees(tags, "GPSLatitude", ("N", "S")),
            gps_longitude=degrees(tags, "GPSLongitude", ("E", "W")),
            gps_altitude=altitude(tags),
        )
