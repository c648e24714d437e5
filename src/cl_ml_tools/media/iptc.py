"""IPTC of press pictures (IIM 4.2): where files keep it, and what is in it."""

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from PIL import Image

# Photoshop's image resource 0x0404 holds it; TIFF has a tag too.
RESOURCE = 0x0404
TIFF_TAG, PHOTOSHOP_TAG = 33723, 34377
SIGNATURE = b"8BIM"
JPEG_MARKER = b"Photoshop 3.0\0"
PNG_TEXT = "Raw profile type iptc"
LONGEST = 1 << 20
MOST = 1_000
RECORD = 2
START = b"\x1c"
UTF8 = b"\x1b%G"
# The datasets of record 2 by the names that exiftool gives them (IIM 4.2 §6).
NAMES = {
    0: "ApplicationRecordVersion", 3: "ObjectTypeReference", 4: "ObjectAttributeReference", 5: "ObjectName",
    7: "EditStatus", 8: "EditorialUpdate", 10: "Urgency", 12: "SubjectReference", 15: "Category",
    20: "SupplementalCategories", 22: "FixtureIdentifier", 25: "Keywords", 26: "ContentLocationCode",
    27: "ContentLocationName", 30: "ReleaseDate", 35: "ReleaseTime", 37: "ExpirationDate", 38: "ExpirationTime",
    40: "SpecialInstructions", 42: "ActionAdvised", 45: "ReferenceService", 47: "ReferenceDate",
    50: "ReferenceNumber", 55: "DateCreated", 60: "TimeCreated", 62: "DigitalCreationDate",
    63: "DigitalCreationTime", 65: "OriginatingProgram", 70: "ProgramVersion", 75: "ObjectCycle", 80: "By-line",
    85: "By-lineTitle", 90: "City", 92: "Sub-location", 95: "Province-State", 100: "Country-PrimaryLocationCode",
    101: "Country-PrimaryLocationName", 103: "OriginalTransmissionReference", 105: "Headline", 110: "Credit",
    115: "Source", 116: "CopyrightNotice", 118: "Contact", 120: "Caption-Abstract", 121: "LocalCaption",
    122: "Writer-Editor", 130: "ImageType", 131: "ImageOrientation", 135: "LanguageIdentifier",
    184: "JobID", 185: "MasterDocumentID", 186: "ShortDocumentID", 187: "UniqueDocumentID", 188: "OwnerID",
    221: "Prefs", 225: "ClassifyState", 228: "SimilarityIndex", 230: "DocumentNotes", 231: "DocumentHistory",
    232: "ExifCameraInfo", 255: "CatalogSets",
}  # fmt: skip
LISTS = frozenset({4, 12, 20, 25, 26, 27, 45, 47, 50, 80, 85, 118, 122})
DATES, TIMES = frozenset({30, 37, 47, 55, 62}), frozenset({35, 38, 60, 63})
NUMBERS = frozenset({0})


def of(picture: "Image.Image") -> bytes:
    """The datasets of a picture as bytes; empty where there are none."""
    resources = picture.info.get("photoshop")
    if isinstance(resources, Mapping):
        found: object = cast("Mapping[int, object]", resources).get(RESOURCE)
        if isinstance(found, bytes):
            return _whole(found)
    tags = cast("Mapping[int, object]", getattr(picture, "tag_v2", {}))
    if TIFF_TAG in tags:
        return _whole(_stored(tags))
    photoshop = tags.get(PHOTOSHOP_TAG)
    if isinstance(photoshop, bytes):
        return _whole(in_resources(photoshop))
    text: object = picture.info.get(PNG_TEXT)
    return _whole(_raw_profile(text)) if isinstance(text, str) else b""


def in_resources(resources: bytes) -> bytes:
    """The datasets within Photoshop's image resources."""
    place = 0
    for _ in range(MOST):
        if resources[place : place + 4] != SIGNATURE:
            break
        number = int.from_bytes(resources[place + 4 : place + 6])
        # A name with its length before it, and then a size; both end on even bytes.
        start = place + 6 + (resources[place + 6] // 2 + 1) * 2 if place + 6 < len(resources) else len(resources)
        size = int.from_bytes(resources[start : start + 4])
        if number == RESOURCE:
            return resources[start + 4 : start + 4 + size]
        place = start + 4 + size + size % 2
    return b""


def resources(datasets: bytes) -> bytes:
    """The datasets as an image resource of Photoshop."""
    padding = b"\0" * (len(datasets) % 2)
    return SIGNATURE + RESOURCE.to_bytes(2) + b"\0\0" + len(datasets).to_bytes(4) + datasets + padding


def raw_profile(datasets: bytes) -> str:
    """The datasets as the text that ImageMagick began to keep them in, in PNG."""
    content = resources(datasets)
    lines = [content[start : start + 36].hex() for start in range(0, len(content), 36)]
    return "\niptc\n" + f"{len(content):8}\n" + "\n".join(lines) + "\n"


def values(datasets: bytes) -> dict[str, object]:
    """The datasets of record 2 by name: texts, numbers, and lists of texts where more than one may be there."""
    encoding = "cp1252"
    found: dict[str, object] = {}
    for record, number, value in _datasets(datasets):
        if record == 1 and number == 90:
            encoding = "utf-8" if value.startswith(UTF8) else encoding
        if record != RECORD or number not in NAMES:
            continue
        name = NAMES[number]
        read = _read(number, value, encoding)
        if number in LISTS and name in found:
            before = found[name]
            found[name] = [*cast("list[object]", before), read] if isinstance(before, list) else [before, read]
        else:
            found.setdefault(name, read)
    return found


def _read(number: int, value: bytes, encoding: str) -> object:
    if number in NUMBERS:
        return int.from_bytes(value[:4])
    try:
        text = value.decode(encoding).rstrip("\0")
    except UnicodeDecodeError:
        # Written without saying so, or said wrongly; the other of the two is tried.
        text = value.decode("utf-8" if encoding == "cp1252" else "latin-1", "replace").rstrip("\0")
    if number in DATES and len(text) == 8 and text.isdigit():
        return f"{text[:4]}:{text[4:6]}:{text[6:]}"
    if number in TIMES and len(text) in {6, 11} and text[:6].isdigit():
        offset = f"{text[6:9]}:{text[9:]}" if len(text) == 11 else ""
        return f"{text[:2]}:{text[2:4]}:{text[4:6]}{offset}"
    return text


def _datasets(datasets: bytes) -> Generator[tuple[int, int, bytes]]:
    place = 0
    for _ in range(MOST):
        if place + 5 > len(datasets) or datasets[place : place + 1] != START:
            return
        record, number = datasets[place + 1], datasets[place + 2]
        size, start = int.from_bytes(datasets[place + 3 : place + 5]), place + 5
        if size & 0x8000:
            wide = min(size & 0x7FFF, 4)
            size, start = int.from_bytes(datasets[start : start + wide]), start + wide
        yield record, number, datasets[start : start + size]
        place = start + size


def _stored(tags: Mapping[int, object]) -> bytes:
    """The tag as it is stored: many writers say that it is made of numbers of 32 bits, of which Pillow keeps one."""
    found = cast("Mapping[int, object]", getattr(tags, "_tagdata", {})).get(TIFF_TAG)
    if not isinstance(found, bytes):
        return b""
    if found.startswith(START):
        return found
    # Some of those turned the bytes of each number.
    turned = b"".join(found[place : place + 4][::-1] for place in range(0, len(found), 4))
    return turned if turned.startswith(START) else b""


def _raw_profile(text: str) -> bytes:
    lines = text.strip().splitlines()
    try:
        content = bytes.fromhex("".join(lines[2:]))
    except ValueError:
        return b""
    return in_resources(content) if content.startswith(SIGNATURE) else content


def _whole(datasets: bytes) -> bytes:
    return datasets if len(datasets) <= LONGEST else b""
