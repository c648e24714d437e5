"""The tags of an image as plain values: what JSON can hold, and no more of it than is of use."""

import logging
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, SupportsFloat, cast

from pydantic import JsonValue

from cl_ml_tools.media import iptc, xmp
from cl_ml_tools.media.picture import UNREADABLE

if TYPE_CHECKING:
    from PIL import Image

LONGEST_TEXT = 2000
LONGEST_LIST = 64
# Directories within the main one: Exif, GPS, interoperability (CIPA DC-008 §4.6.3).
DIRECTORIES = (0x8769, 0x8825, 0xA005)
GPS = 0x8825
# What TIFF keeps in its main directory, and is read in its own way: XMP, IPTC, Photoshop's resources.
ELSEWHERE = frozenset({*DIRECTORIES, xmp.TIFF_TAG, iptc.TIFF_TAG, iptc.PHOTOSHOP_TAG})
# Groups of exiftool for the tags that are called by their own names.
OWN_GROUPS = frozenset({"", "exif", "gps", "ifd0", "exififd", "interopifd", "image", "time", "camera", "location"})
WRITTEN = re.compile(r"(\d{4})[:\-/.](\d{2})[:\-/.](\d{2})[ T](\d{2}):(\d{2}):(\d{2})")
OFFSET = re.compile(r"Z|[+-](0\d|1[0-5]):?[0-5]\d")
# Microsoft's own tags hold UTF-16, whatever their type says.
WIDE = frozenset({"XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"})
# UserComment begins with the name of its character code (CIPA DC-008 §4.6.5).
CODES = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", b"\0" * 8: "utf-8"}

Tags = dict[str, JsonValue]

log = logging.getLogger(__name__)


def read_tags(picture: "Image.Image") -> Tags:
    """Every tag of a picture by its name; one that has none is called by its number (`0x9999`)."""
    with warnings.catch_warnings():
        # What Pillow has to say of damaged tags is nothing that the user can act upon.
        warnings.simplefilter("ignore")
        try:
            exif = picture.getexif()
        except UNREADABLE:
            log.info("a picture is read as one without EXIF: its end, where that may be, is missing", exc_info=True)
            return {}
        found: Tags = dict(_named(exif, gps=False))
        for directory in DIRECTORIES:
            try:
                inside = cast("Mapping[int, object]", exif.get_ifd(directory))
                found.update(_named(inside, gps=directory == GPS))
            except Exception:
                # Its offset may point anywhere; the rest of the tags are none the worse.
                log.info("directory %#x of the EXIF cannot be read and is left out", directory, exc_info=True)
    return found


def _named(tags: Mapping[int, object], *, gps: bool) -> Iterator[tuple[str, JsonValue]]:
    from PIL.ExifTags import GPSTAGS, TAGS

    names = GPSTAGS if gps else TAGS
    for number, value in tags.items():
        if not gps and number in ELSEWHERE:
            continue
        name = names.get(number, f"{number:#06x}")
        yield name, plain(value, wide=name in WIDE)


def read_descriptions(picture: "Image.Image") -> Tags:
    """XMP and IPTC of a picture, each by the name that exiftool has for it with its group (`IPTC:City`)."""
    found = {f"IPTC:{name}": plain(value) for name, value in iptc.values(iptc.of(picture)).items()}
    return found | {name: plain(value) for name, value in xmp.values(xmp.of(picture)).items()}


def plain(value: object, *, wide: bool = False) -> JsonValue:
    """A value as JSON: text without its padding, fractions as numbers, binary data as its size."""
    match value:
        case str():
            return _text(value)
        case bytes():
            return _bytes(value, wide=wide)
        case bool() | int():
            return int(value)
        case tuple() | list():
            items = cast("tuple[object, ...] | list[object]", value)
            if len(items) > LONGEST_LIST:
                return f"({len(items)} values)"
            return [plain(item) for item in items]
        case _:
            return number(value)


def number(value: object) -> float | None:
    """A number, or `None` for what is none: EXIF writes 0/0 where it does not know."""
    try:
        # Pillow's fractions are numbers too.
        found = float(cast("SupportsFloat", value))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _text(value: str) -> str:
    # What is no Unicode (a lone surrogate) cannot be sent as JSON either.
    clean = _in_utf8(value).encode("utf-8", "replace").decode().split("\0", 1)[0].strip()
    return clean[:LONGEST_TEXT]


def _in_utf8(value: str) -> str:
    """A text of EXIF, which Pillow reads as Latin-1, and most writers write as UTF-8 (EXIF 3.0 §4.6.2)."""
    try:
        return value if value.isascii() else value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _bytes(value: bytes, *, wide: bool) -> str | int:
    if len(value) == 1 and not value.isalnum():
        return value[0]
    encoding = "utf-16-le" if wide else CODES.get(value[:8])
    content = value[8:] if encoding is not None and not wide else value
    if encoding == "utf-16" and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        # Without a mark the byte order is the file's, and few files are of the other one.
        encoding = "utf-16-le"
    try:
        text = _text(content.decode(encoding or "utf-8"))
    except UnicodeDecodeError:
        text = ""
    if text and (text.isprintable() or "\n" in text):
        return text
    return f"({len(value)} bytes)"


def choose(tags: Tags, wanted: str | None) -> Tags:
    """Those that a comma list names, whatever their case: `City` in any group, `XMP:City` in one."""
    if wanted is None:
        return tags
    names = {name.strip().casefold() for name in wanted.split(",")} - {""}
    return {name: value for name, value in tags.items() if names & _called(name.casefold())}


def _called(name: str) -> set[str]:
    group, _, own = name.rpartition(":")
    groups = OWN_GROUPS if not group else {"", group, group.partition("-")[0]}
    return {f"{each}:{own}".removeprefix(":") for each in groups}


def text_of(tags: Tags, name: str) -> str | None:
    """A tag that is a text."""
    value = tags.get(name)
    return value if isinstance(value, str) and value else None


def number_of(tags: Tags, name: str) -> float | None:
    """A tag that is a number, or the first of several."""
    value = tags.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    return float(value) if isinstance(value, (int, float)) else None


def taken_at(tags: Tags) -> str | None:
    """When the picture was taken: the original time, the time of digitising, else that of the last change."""
    for name, offset in (
        ("DateTimeOriginal", "OffsetTimeOriginal"),
        ("DateTimeDigitized", "OffsetTimeDigitized"),
        ("DateTime", "OffsetTime"),
    ):
        written = WRITTEN.match(text_of(tags, name) or "")
        if written is None:
            continue
        try:
            year, month, day, hour, minute, second = (int(part) for part in written.groups())
            moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the offset is a tag of its own
        except ValueError:
            continue
        zone = text_of(tags, offset) or ""
        return datetime.fromisoformat(f"{moment.isoformat()}{zone if OFFSET.fullmatch(zone) else ''}").isoformat()
    return None


def degrees(tags: Tags, name: str, directions: tuple[str, str]) -> float | None:
    """A latitude or longitude, of degrees, minutes and seconds and a letter (CIPA DC-008 §4.6.6).

    `directions` are the letters for positive and negative. Without one of them, or with minutes that are none, there is
    no place: a wrong one is worse.
    """
    parts = tags.get(name)
    direction = (text_of(tags, f"{name}Ref") or " ")[0].upper()
    if not isinstance(parts, list) or not 1 <= len(parts) <= 3 or direction not in directions:
        return None
    total = 0.0
    for part, scale, most in zip(parts, (1, 60, 3600), (180, 60, 60), strict=False):
        if not isinstance(part, (int, float)) or not 0 <= part <= most:
            return None
        total += part / scale
    limit = 90 if name == "GPSLatitude" else 180
    if total > limit:
        return None
    return round(-total if direction == directions[1] else total, 7)


def altitude(tags: Tags) -> float | None:
    """Metres above sea level, or above the ellipsoid; the references 1 and 3 mean below it (EXIF 3.0 §4.6.6.1.6)."""
    value = number_of(tags, "GPSAltitude")
    reference = tags.get("GPSAltitudeRef")
    if isinstance(reference, list):
        reference = reference[0] if reference else None
    below = reference in {1, 3} if isinstance(reference, int) else reference in {"1", "3"}
    return -value if value is not None and below else value
