"""HEIC files, made box by box (ISO/IEC 14496-12, 23008-12): a picture coded with HEVC, and its EXIF."""

import re
import struct
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext
from PIL import Image

# How the decoder turns a picture (23008-12 §6.5.10, quarters anticlockwise) that EXIF says is stored like this.
QUARTERS = {3: 2, 6: 3, 8: 1}


def heic(picture: Image.Image, exif: Image.Exif | None = None) -> bytes:
    """A HEIC file of a picture with even sides. As in those of telephones, its own property turns it, as EXIF says."""
    configuration, sample = _hevc(picture)
    # The EXIF of HEIF is preceded by the offset of its TIFF header (23008-12 Annex A.2.1).
    metadata = b"" if exif is None else struct.pack(">I", 6) + b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
    head = _box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")
    turn = QUARTERS.get(1 if exif is None else exif.get(0x0112, 1), 0)
    properties = _box(b"hvcC", configuration) + _size(picture) + _box(b"irot", bytes([turn]))
    start = len(head) + len(_meta(properties, (0, len(sample)), (0, len(metadata)))) + 8
    meta = _meta(properties, (start, len(sample)), (start + len(sample), len(metadata)))
    return head + meta + _box(b"mdat", sample + metadata)


def collection(pictures: list[Image.Image], primary: int) -> bytes:
    """A HEIC file of several pictures with even sides, of which the one at this place is the one to show."""
    coded = [_hevc(picture) for picture in pictures]
    properties = b"".join(
        _box(b"hvcC", configuration) + _size(picture)
        for (configuration, _), picture in zip(coded, pictures, strict=True)
    )
    numbers = range(1, len(pictures) + 1)
    infos = b"".join(_full(b"infe", 2, struct.pack(">HH", number, 0) + b"hvc1\0") for number in numbers)
    belongs = b"".join(struct.pack(">HBBB", number, 2, 0x80 | 2 * number - 1, 2 * number) for number in numbers)
    head = _box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")

    def meta(start: int) -> bytes:
        places = b""
        for number, (_, sample) in zip(numbers, coded, strict=True):
            places += struct.pack(">HHHII", number, 0, 1, start, len(sample))
            start += len(sample)
        return _full(
            b"meta",
            0,
            _full(b"hdlr", 0, bytes(4) + b"pict" + bytes(13))
            + _full(b"pitm", 0, struct.pack(">H", primary + 1))
            + _full(b"iloc", 0, struct.pack(">BBH", 0x44, 0, len(coded)) + places)
            + _full(b"iinf", 0, struct.pack(">H", len(coded)) + infos)
            + _box(b"iprp", _box(b"ipco", properties) + _full(b"ipma", 0, struct.pack(">I", len(coded)) + belongs)),
        )

    samples = b"".join(sample for _, sample in coded)
    return head + meta(len(head) + len(meta(0)) + 8) + _box(b"mdat", samples)


def _hevc(picture: Image.Image) -> tuple[bytes, bytes]:
    """The decoder's configuration (14496-15 §8.3.3) and the picture itself, of a stream of one frame."""
    encoder = av.CodecContext.create("libx265", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, "yuv420p"
    encoder.time_base = Fraction(1)
    encoder.options = {"x265-params": "log-level=none:pools=none"}
    frame = av.VideoFrame.from_image(picture.convert("RGB"))
    stream = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    units = [unit.rstrip(b"\0") for unit in re.split(b"\0\0\1", stream)[1:]]
    kinds = {unit: unit[0] >> 1 & 63 for unit in units}
    parameters = [unit for unit in units if kinds[unit] in {32, 33, 34}]
    profile = parameters[1].replace(b"\0\0\3", b"\0\0")[3:15]
    configuration = b"\1" + profile + b"\xf0\0\xfc\xfd\xf8\xf8\0\0\x0f" + bytes([len(parameters)])
    for unit in parameters:
        configuration += struct.pack(">BHH", 0x80 | kinds[unit], 1, len(unit)) + unit
    sample = b"".join(struct.pack(">I", len(unit)) + unit for unit in units if kinds[unit] < 32)
    return configuration, sample


def _meta(properties: bytes, image: tuple[int, int], exif: tuple[int, int]) -> bytes:
    items = [(1, b"hvc1", image), (2, b"Exif", exif)][: 2 if exif[1] else 1]
    infos = b"".join(_full(b"infe", 2, struct.pack(">HH", number, 0) + kind + b"\0") for number, kind, _ in items)
    places = b"".join(struct.pack(">HHHII", number, 0, 1, *place) for number, _, place in items)
    refers = _full(b"iref", 0, _box(b"cdsc", struct.pack(">HHH", 2, 1, 1))) if exif[1] else b""
    belongs = _full(b"ipma", 0, struct.pack(">IHBBBB", 1, 1, 3, 0x81, 0x02, 0x83))
    return _full(
        b"meta",
        0,
        _full(b"hdlr", 0, bytes(4) + b"pict" + bytes(13))
        + _full(b"pitm", 0, struct.pack(">H", 1))
        + _full(b"iloc", 0, struct.pack(">BBH", 0x44, 0, len(items)) + places)
        + _full(b"iinf", 0, struct.pack(">H", len(items)) + infos)
        + refers
        + _box(b"iprp", _box(b"ipco", properties) + belongs),
    )


def _size(picture: Image.Image) -> bytes:
    return _full(b"ispe", 0, struct.pack(">II", picture.width, picture.height))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _full(kind: bytes, version: int, content: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24) + content)
