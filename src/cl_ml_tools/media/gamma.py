"""The gamma of a PNG without a colour space (PNG §11.3.2.2) as an ICC profile, which is what all else here knows."""

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from PIL import Image

# 1 / 2.2, as sRGB nearly has it, and how far from it another one is still taken for it.
USUAL, NEAR = 1 / 2.2, 0.02
# Beyond them, it is nothing that a picture was made with.
LEAST, MOST = 0.1, 10.0
# ICC.1 §7.2, §10.6: D50, and red, green and blue of sRGB in XYZ of it; all in 65,536ths.
WHITE = (0x0000F6D6, 0x00010000, 0x0000D32D)
PRIMARIES = {
    b"r": (0x00006FA2, 0x000038F5, 0x00000390),
    b"g": (0x00006299, 0x0000B785, 0x000018DA),
    b"b": (0x000024A0, 0x00000F84, 0x0000B6CF),
}
HEAD = 128


def understood(picture: "Image.Image", *, grey: bool) -> None:
    """Give a PNG with a gamma of its own the profile that says so. sRGB and a profile count before it."""
    found = cast("object", picture.info.get("gamma"))
    if "srgb" in picture.info or "icc_profile" in picture.info or not isinstance(found, float):
        return
    if LEAST <= found <= MOST and abs(found - USUAL) > NEAR:
        picture.info["icc_profile"] = profile(1 / found, grey=grey)


def profile(exponent: float, *, grey: bool) -> bytes:
    """A profile (ICC.1, version 2.4) of light that is a power of the numbers: grey, or the colours of sRGB."""
    curve = b"curv" + bytes(4) + (1).to_bytes(4) + round(exponent * 256).to_bytes(2)
    tags = {
        b"desc": b"desc" + bytes(4) + (6).to_bytes(4) + b"gamma\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"CC0\0",
        b"wtpt": _xyz(WHITE),
    }
    if grey:
        tags[b"kTRC"] = curve
    else:
        tags |= {name + b"XYZ": _xyz(place) for name, place in PRIMARIES.items()}
        tags |= {name + b"TRC": curve for name in PRIMARIES}
    table, data = len(tags).to_bytes(4), b""
    start = HEAD + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + (start + len(data)).to_bytes(4) + len(content).to_bytes(4)
        data += content + bytes(-len(content) % 4)
    space = b"GRAY" if grey else b"RGB "
    head = (start + len(data)).to_bytes(4) + bytes(4) + b"\2\x40\0\0mntr" + space + b"XYZ " + bytes(12) + b"acsp"
    return (head + bytes(28) + b"".join(part.to_bytes(4) for part in WHITE)).ljust(HEAD, b"\0") + table + data


def _xyz(place: tuple[int, int, int]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(part.to_bytes(4) for part in place)
