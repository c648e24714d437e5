"""What a picture carries beside its pixels (EXIF, XMP, IPTC), and how each format that is written holds it."""

import warnings
from typing import TYPE_CHECKING, NamedTuple

from cl_ml_tools.media import exif_block, iptc, xmp
from cl_ml_tools.media.targets import Target

if TYPE_CHECKING:
    from PIL import Image

# A JPEG segment has two bytes for its length, which count themselves (ITU-T T.81 §B.1.1.4).
SEGMENT = 65_533
XMP_MARKER = b"http://ns.adobe.com/xap/1.0/\0"


class Metadata(NamedTuple):
    """Of a picture that is upright: whatever said otherwise says so no more. Empty is none."""

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""


class Carried(NamedTuple):
    """The options for Pillow's writer, and what had to be left behind, each in one line."""

    options: dict[str, object]
    notes: list[str]


NOTHING = Metadata()


def read(picture: "Image.Image") -> Metadata:
    """What the picture carries, as far as it can be read."""
    with warnings.catch_warnings():
        # What Pillow has to say of damaged tags is nothing that the user can act upon.
        warnings.simplefilter("ignore", UserWarning)
        packet = xmp.of(picture)
        return Metadata(exif_block.of(picture), xmp.with_orientation_1(packet), iptc.of(picture))


def carried(metadata: Metadata, target: Target) -> Carried:
    """How this format holds it."""
    if target.pillow == "JPEG":
        return _in_jpeg(metadata)
    options: dict[str, object] = {}
    if target.pillow == "TIFF":
        return Carried(_in_tiff(metadata), [])
    if target.exif and metadata.exif:
        options["exif"] = metadata.exif
    if target.pillow == "PNG" and (metadata.xmp or metadata.iptc):
        options["pnginfo"] = _in_png(metadata)
    elif target.xmp and metadata.xmp:
        options["xmp"] = metadata.xmp
    return Carried(options, [])


def _in_jpeg(metadata: Metadata) -> Carried:
    options: dict[str, object] = {}
    notes: list[str] = []
    if metadata.exif:
        block, left_out = exif_block.shortened(metadata.exif, SEGMENT - len(exif_block.PREFIX))
        if block:
            options["exif"] = exif_block.PREFIX + block
        if left_out:
            notes.append(f"EXIF is longer than a JPEG holds; left out: {', '.join(left_out)}")
    if metadata.xmp:
        if len(metadata.xmp) <= SEGMENT - len(XMP_MARKER):
            options["xmp"] = metadata.xmp
        else:
            notes.append("XMP is longer than a JPEG holds, and was left out")
    if metadata.iptc:
        content = iptc.JPEG_MARKER + iptc.resources(metadata.iptc)
        if len(content) <= SEGMENT:
            options["extra"] = b"\xff\xed" + (len(content) + 2).to_bytes(2) + content
        else:
            notes.append("IPTC is longer than a JPEG holds, and was left out")
    return Carried(options, notes)


def _in_tiff(metadata: Metadata) -> dict[str, object]:
    from PIL import Image

    tags = Image.Exif()
    if metadata.exif:
        tags.load(exif_block.PREFIX + metadata.exif)
    for number in exif_block.STRUCTURE & set(tags):
        del tags[number]
    if metadata.xmp:
        tags[xmp.TIFF_TAG] = metadata.xmp
    if metadata.iptc:
        tags[iptc.TIFF_TAG] = metadata.iptc
    return {"exif": tags} if len(tags) else {}


def _in_png(metadata: Metadata) -> object:
    from PIL import PngImagePlugin

    chunks = PngImagePlugin.PngInfo()
    if metadata.xmp:
        chunks.add_itxt(xmp.PNG_TEXT, metadata.xmp.decode("utf-8", "replace"))
    if metadata.iptc:
        chunks.add_text(iptc.PNG_TEXT, iptc.raw_profile(metadata.iptc), zip=True)
    return chunks
