"""The tags of an image as plain values: what JSON can hold, and no more of it than is of use."""

import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, SupportsFloat, cast

from pydantic import JsonValue

if TYPE_CHECKING:
    from PIL import Image

LONGEST_TEXT = 2000
LONGEST_LIST = 64
# Directories within the main one: Exif, GPS, interoperability (CIPA DC-008 §4.6.3).
DIRECTORIES = (0x8769, 0x8825, 0xA005)
GPS = 0x8825
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
        exif = picture.getexif()
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
        if not gps and number in DIRECTORIES:
            continue
        name = names.get(number, f"{number:#06x}")
        yield name, plain(value, wide=name in WIDE)


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
    clean = value.encode("utf-8", "replace").decode().split("\0", 1)[0].strip()
    return clean[:LONGEST_TEXT]


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
    """Those that a comma list names, whatever their case; a group before a name (`GPS:GPSLatitude`) is ignored."""
    if wanted is None:
        return tags
    names = {name.strip().rpartition(":")[2].casefold() for name in wanted.split(",")} - {""}
    return {name: value for name, value in tags.items() if name.casefold() in names}


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
        written = text_of(tags, name)
        if written is None:
            continue
        try:
            moment = datetime.strptime(written[:19], "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - the offset is a tag of its own
        except ValueError:
            continue
        try:
            return datetime.fromisoformat(f"{moment.isoformat()}{text_of(tags, offset) or ''}").isoformat()
        except ValueError:
            return moment.isoformat()
    return None


def degrees(tags: Tags, name: str, negative: str) -> float | None:
    """A latitude or longitude, of degrees, minutes and seconds and a letter (CIPA DC-008 §4.6.6)."""
    parts = tags.get(name)
    if not isinstance(parts, list) or not 1 <= len(parts) <= 3:
        return None
    total = 0.0
    for part, scale in zip(parts, (1, 60, 3600), strict=False):
        if not isinstance(part, (int, float)):
            return None
        total += part / scale
    limit = 90 if name == "GPSLatitude" else 180
    if not 0 <= total <= limit:
        return None
    return round(-total if text_of(tags, f"{name}Ref") == negative else total, 7)


def altitude(tags: Tags) -> float | None:
    """Metres above sea level; the reference 1 means below it."""
    value = number_of(tags, "GPSAltitude")
    below = tags.get("GPSAltitudeRef") == 1
    return -value if value is not None and below else value
