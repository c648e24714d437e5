"""Pictures in a terminal, by the protocols that terminals have for them.

Only the environment shows which one a terminal has: to ask it would mean to read its answer from the keyboard.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import os
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from PIL.Image import Image

Protocol = Literal["kitty", "iterm2", "sixel"]

LARGEST: Final = (800, 600)
"""Pixels; what is larger is shown smaller."""
_COLOURS: Final = 128
# https://sw.kovidgoyal.net/kitty/graphics-protocol/#remote-client
_CHUNK: Final = 4096


def protocol(environment: Mapping[str, str] = os.environ) -> Protocol | None:
    """That of the terminal, as far as the environment tells."""
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "TMUX" in environment or "STY" in environment:
        return None  # they stand between, and let through what they know themselves
    if "KITTY_WINDOW_ID" in environment or term in ("xterm-kitty", "xterm-ghostty"):
        return "kitty"
    if program in ("iTerm.app", "WezTerm", "mintty") or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    if term in ("foot", "foot-extra", "mlterm", "contour") or "sixel" in term:
        return "sixel"
    return None


def can(protocol: Protocol) -> bool:
    """Whether we can: iTerm2 takes the file as it is, for the others it is drawn anew with Pillow."""
    return protocol == "iterm2" or importlib.util.find_spec("PIL") is not None


def drawn(file: Path, protocol: Protocol) -> str:
    """What the terminal is to be sent.

    Raises:
        OSError: the file cannot be read, or is no picture.
        ValueError: nor is it one that Pillow would open.
    """
    if protocol == "iterm2":
        return _iterm2(file.read_bytes())
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from error
    picture.thumbnail(LARGEST)
    return _kitty(picture) if protocol == "kitty" else sixel(picture)


def _iterm2(content: bytes) -> str:
    # https://iterm2.com/documentation-images.html
    return f"\033]1337;File=inline=1;size={len(content)}:{base64.b64encode(content).decode()}\a"


def _kitty(picture: Image) -> str:
    out = io.BytesIO()
    picture.save(out, "PNG")
    sent = base64.b64encode(out.getvalue()).decode()
    chunks = [sent[at : at + _CHUNK] for at in range(0, len(sent), _CHUNK)]
    last = len(chunks) - 1
    return "".join(
        f"\033_G{'a=T,f=100,' if number == 0 else ''}m={int(number < last)};{chunk}\033\\"
        for number, chunk in enumerate(chunks)
    )


def sixel(picture: Image) -> str:
    """A picture as DEC's terminals took it: bands of six rows, a line of each for every colour in it.

    https://vt100.net/docs/vt3xx-gp/chapter14.html
    """
    few = picture.quantize(_COLOURS)
    width, height = few.size
    palette, pixels = few.getpalette() or [], few.tobytes()
    colours = "".join(
        f"#{colour};2;" + ";".join(str(round(part / 2.55)) for part in palette[3 * colour : 3 * colour + 3])
        for colour in sorted(set(pixels))
    )
    rows = [pixels[top * width : (top + 1) * width] for top in range(height)]
    bands = ("$".join(_band(rows[top : top + 6])) for top in range(0, height, 6))
    return f'\033Pq"1;1;{width};{height}{colours}{"-".join(bands)}\033\\'


def _band(rows: list[bytes]) -> Iterator[str]:
    for colour in sorted(set(b"".join(rows))):
        bits = [sum(1 << row for row, line in enumerate(rows) if line[x] == colour) for x in range(len(rows[0]))]
        yield f"#{colour}" + "".join(_run(chr(63 + six), len(list(same))) for six, same in groupby(bits))


def _run(char: str, times: int) -> str:
    return f"!{times}{char}" if times > 3 else char * times
