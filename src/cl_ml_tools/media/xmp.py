"""XMP of a picture (ISO 16684-1): where files keep it, and its properties as flat names."""

import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from PIL import Image

KEYS = ("xmp", "XML:com.adobe.xmp")
TIFF_TAG = 700
PNG_TEXT = "XML:com.adobe.xmp"
LONGEST = 1 << 20
DEEPEST = 8
MOST = 500
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
# The prefixes that exiftool's groups are named after, whatever prefix the file has for a namespace.
PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://ns.adobe.com/xap/1.0/bj/": "xmpBJ",
    "http://ns.adobe.com/xap/1.0/t/pg/": "xmpTPg",
    "http://ns.adobe.com/xmp/1.0/DynamicMedia/": "xmpDM",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/camera-raw-settings/1.0/": "crs",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://ns.adobe.com/pdf/1.3/": "pdf",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "iptcCore",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "iptcExt",
    "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
    "http://ns.google.com/photos/1.0/panorama/": "GPano",
    "http://ns.microsoft.com/photo/1.0/": "microsoft",
    "http://www.metadataworkinggroup.com/schemas/regions/": "mwg-rs",
}
# Of these, numbers are written as EXIF has them (XMP specification part 2, §1.2.7.4).
OF_EXIF = ("XMP-exif:", "XMP-exifEX:", "XMP-tiff:", "XMP-aux:")
FRACTION = re.compile(r"(-?\d{1,18})/(-?\d{1,18})")
ORIENTATION = re.compile(rb"""(tiff:Orientation\s*=\s*["']|<tiff:Orientation>)\s*[0-9]""")


def of(picture: "Image.Image") -> bytes:
    """The packet of a picture; empty where there is none, or one that is too long."""
    for key in KEYS:
        found: object = picture.info.get(key)
        if isinstance(found, str):
            found = found.encode()
        if isinstance(found, bytes) and found.strip(b"\0 \n\r\t"):
            return found if len(found) <= LONGEST else b""
    tags = cast("dict[int, object]", getattr(picture, "tag_v2", {}))
    value = tags.get(TIFF_TAG)
    return value if isinstance(value, bytes) and len(value) <= LONGEST else b""


def with_orientation_1(packet: bytes) -> bytes:
    """The packet with its orientation as 1."""
    return ORIENTATION.sub(rb"\g<1>1", packet)


def values(packet: bytes) -> dict[str, object]:
    """The properties by name (`XMP-dc:Creator`): texts, and lists of texts; structures are flattened.

    Empty where the packet is no XML, or has a document type, in which entities could grow without end. It is UTF-8 in
    all files that we read: NUL is of an encoding in which a document type would not be seen (or of none, XML 1.0 §2.2).
    """
    start, end = packet.find(b"<"), packet.rfind(b">")
    if start < 0 or b"\0" in packet[start : end + 1] or b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        return {}
    prefixes: dict[str, str] = {}
    rdfs: list[ElementTree.Element] = []
    try:
        # Without entities, and of bounded length.
        events = ElementTree.iterparse(io.BytesIO(packet[start : end + 1]), ("start-ns", "end"))  # noqa: S314
        for _, what in cast("Iterable[tuple[str, ElementTree.Element | tuple[str, str]]]", events):
            if isinstance(what, tuple):
                prefixes[what[1]] = what[0]
            elif what.tag == f"{RDF}RDF":
                rdfs.append(what)
    except (ElementTree.ParseError, ValueError, LookupError):
        return {}
    found: dict[str, object] = {}
    for rdf in rdfs:
        for description in rdf.iterfind(f"{RDF}Description"):
            for name, value in _properties(description):
                _put(found, _named(name, prefixes), value)
                if len(found) >= MOST:
                    return found
    return found


def _properties(description: ElementTree.Element) -> Iterator[tuple[str, str]]:
    """What one description says, by names with their namespaces; those within other properties are theirs."""
    for name, value in description.attrib.items():
        if _is_property(name):
            yield name, value
    for child in description:
        if _is_property(child.tag):
            yield from _value(child.tag, child, 0)


def _value(name: str, element: ElementTree.Element, depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST:
        return
    for attribute, value in element.attrib.items():
        if _is_property(attribute):
            yield name + _capital(_local(attribute)), value
    if len(element) == 0:
        text = element.text or element.attrib.get(f"{RDF}resource", "")
        if text.strip():
            yield name, text
        return
    for child in element:
        if child.tag in {f"{RDF}Bag", f"{RDF}Seq", f"{RDF}Alt"}:
            for item in child:
                language = item.attrib.get(LANGUAGE, "x-default")
                yield from _value(name if language == "x-default" else f"{name}-{language}", item, depth + 1)
        elif child.tag == f"{RDF}Description":
            yield from ((name + _capital(_local(inner)), value) for inner, value in _properties(child))
        elif _is_property(child.tag):
            yield from _value(name + _capital(_local(child.tag)), child, depth + 1)


def _put(found: dict[str, object], name: str, text: str) -> None:
    value = _number(text) if name.startswith(OF_EXIF) else text
    before = found.get(name)
    if before is None:
        found[name] = value
    elif isinstance(before, list):
        cast("list[object]", before).append(value)
    else:
        found[name] = [before, value]


def _number(text: str) -> object:
    """A fraction as a number; other texts as they are."""
    whole = FRACTION.fullmatch(text)
    if whole is None or int(whole[2]) == 0:
        return text
    return int(whole[1]) / int(whole[2])


def _is_property(name: str) -> bool:
    return name.startswith("{") and not name.startswith((RDF, "{http://www.w3.org/XML/", "{adobe:ns:meta/}"))


def _named(name: str, prefixes: Mapping[str, str]) -> str:
    """As exiftool calls it: a namespace that is not known by the prefix that the file has for it."""
    namespace, _, local = name[1:].partition("}")
    prefix = PREFIXES.get(namespace) or prefixes.get(namespace) or "other"
    return f"XMP-{prefix}:{_capital(local)}"


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
