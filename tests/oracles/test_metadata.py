"""EXIF, XMP and IPTC, field by field beside exiftool: what the exif plugin gives, and what conversions keep."""

from pathlib import Path

import pytest
from PIL import Image

from cl_ml_tools.plugins.exif.schema import ExifOutput, ExifParams
from cl_ml_tools.plugins.exif.task import ExifTask
from cl_ml_tools.plugins.image_conversion.schema import ImageConversionOutput, ImageConversionParams
from cl_ml_tools.plugins.image_conversion.task import ImageConversionTask
from tests.media.camera import camera
from tests.media.heic import heic
from tests.media.photo import corners
from tests.oracles.programs import exiftool, run

pytestmark = pytest.mark.oracle

FORMATS = ["jpg", "png", "webp", "tiff"]
# Written by exiftool into every kind of file, each with its group.
WRITTEN = {
    "XMP-dc:Title": "Fluß", "XMP-dc:Creator": "Ada", "XMP-photoshop:City": "Ushuaia", "XMP-xmp:Rating": "4",
    "XMP-dc:Subject": ["sea", "ice"], "XMP-iptcCore:Location": "harbour",
}  # fmt: skip
IPTC = {"IPTC:City": "Ushuaia", "IPTC:Keywords": ["sea", "ice"], "IPTC:Caption-Abstract": "Am Fluß"}
FIELDS = {
    "make": "IFD0:Make", "model": "IFD0:Model", "lens_model": "ExifIFD:LensModel", "iso": "ExifIFD:ISO",
    "exposure_time": "ExifIFD:ExposureTime", "f_number": "ExifIFD:FNumber", "focal_length": "ExifIFD:FocalLength",
    "gps_latitude": "Composite:GPSLatitude", "gps_longitude": "Composite:GPSLongitude",
    "gps_altitude": "Composite:GPSAltitude",
}  # fmt: skip


def told(path: Path, values: dict[str, str | list[str]]) -> None:
    """Let exiftool write these."""
    options = [
        f"-{name}={one}" for name, value in values.items() for one in ([value] if isinstance(value, str) else value)
    ]
    run("exiftool", "-overwrite_original", "-codedcharacterset=utf8", *options, path)


def picture(folder: Path, carrier: str) -> Path:
    """A picture of a camera, with what an agency writes."""
    path = folder / f"source.{carrier.lower()}"
    exif = camera()
    if carrier == "HEIC":
        path.write_bytes(heic(corners(), exif))
    else:
        corners().save(path, "JPEG" if carrier == "JPG" else carrier, exif=exif.tobytes())
    told(path, WRITTEN | (IPTC if carrier in {"JPG", "TIFF"} else {}))
    return path


def extract(path: Path) -> ExifOutput:
    return ExifTask().process(ExifParams(input_paths=[str(path)]), lambda _: None)


def convert(source: Path, format: str) -> tuple[ImageConversionOutput, Path]:
    target = source.with_name(f"made.{format}")
    params = {"format": format, "input_paths": [str(source)], "output_paths": [str(target)]}
    return ImageConversionTask().process(ImageConversionParams.model_validate(params), lambda _: None), target


def listed(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


@pytest.mark.parametrize("carrier", ["JPG", "PNG", "WEBP", "TIFF", "HEIC"])
def test_every_field_is_the_one_that_exiftool_reads(carrier: str, tmp_path: Path) -> None:
    path = picture(tmp_path, carrier)
    output, expected = extract(path), exiftool(path)
    for field, tag in FIELDS.items():
        assert getattr(output, field) == pytest.approx(expected[tag]), field
    for name in [*WRITTEN, *(IPTC if carrier in {"JPG", "TIFF"} else ())]:
        assert listed(output.metadata[name]) == listed(expected[name]), name


@pytest.mark.parametrize("carrier", ["JPG", "PNG", "WEBP", "TIFF", "HEIC"])
@pytest.mark.parametrize("format", FORMATS)
def test_a_conversion_keeps_what_exiftool_reads(carrier: str, format: str, tmp_path: Path) -> None:
    source = picture(tmp_path, carrier)
    output, target = convert(source, format)
    before, after = exiftool(source), exiftool(target)
    groups = ("IFD0:", "ExifIFD:", "GPS:", "XMP-") + (("IPTC:",) if format != "webp" else ())
    stored = {"IFD0:Orientation", *(f"IFD0:{name}" for name in STORAGE), "XMP-x:XMPToolkit"}
    for name, value in before.items():
        if name.startswith(groups) and name not in stored:
            assert after.get(name) == value, name
    assert output.notes == []


# How pixels are stored is a matter of each file.
STORAGE = (
    "ImageWidth", "ImageHeight", "BitsPerSample", "Compression", "PhotometricInterpretation", "StripOffsets",
    "SamplesPerPixel", "RowsPerStrip", "StripByteCounts", "PlanarConfiguration", "ExifOffset", "GPSInfo",
)  # fmt: skip


def test_exif_that_is_longer_than_a_jpeg_holds_is_shortened_and_said(tmp_path: Path) -> None:
    source = tmp_path / "source.png"
    exif = camera()
    exif.get_ifd(0x8769)[0x927C] = bytes(70_000)
    corners().save(source, "PNG", exif=exif.tobytes())
    output, target = convert(source, "jpg")
    assert output.notes == ["EXIF is longer than a JPEG holds; left out: thumbnail, maker notes"]
    found = exiftool(target)
    assert (found["IFD0:Make"], found["ExifIFD:FNumber"]) == ("Acme", 2.8)
    assert found["Composite:GPSLatitude"] == pytest.approx(-54.8083333)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_picture_that_was_turned_says_so_no_more(orientation: int, tmp_path: Path) -> None:
    source = tmp_path / "source.jpg"
    corners().save(source, "JPEG", exif=camera(orientation).tobytes())
    told(source, {"XMP-tiff:Orientation#": str(orientation)})
    for format in FORMATS:
        found = exiftool(convert(source, format)[1])
        assert found.get("IFD0:Orientation", 1) == 1
        assert found.get("XMP-tiff:Orientation", 1) == 1


def test_nothing_of_the_way_a_tiff_was_stored_is_carried_over(tmp_path: Path) -> None:
    source = tmp_path / "source.tif"
    corners(256, 256).save(source, "TIFF", compression="jpeg")
    found = exiftool(convert(source, "tiff")[1])
    assert found["IFD0:Compression"] == 1
    assert "IFD0:JPEGTables" not in found
    with Image.open(tmp_path / "made.tiff") as made, Image.open(source) as read:
        assert made.tobytes() == read.tobytes()
