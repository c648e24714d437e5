"""Pictures in terminals: which protocol, and what is sent by it."""

import base64
import io
import re
from pathlib import Path

import pytest
from PIL import Image

from cl_client.cli.views import terminal_picture
from cl_client.cli.views.terminal_picture import LARGEST, drawn, protocol, sixel


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"LC_TERMINAL": "iTerm2"}, "iterm2"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "xterm-sixel"}, "sixel"),
        ({"TERM": "screen-256color", "TMUX": "/x", "TERM_PROGRAM": "tmux", "KITTY_WINDOW_ID": "1"}, None),
    ],
)
def test_the_environment_tells_the_protocol(environment: dict[str, str], found: str | None):
    assert protocol(environment) == found


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Larger than what is shown, with four colours."""
    path = tmp_path / "photo.png"
    picture = Image.new("RGB", (1000, 900), "red")
    picture.paste("blue", (500, 0, 1000, 450))
    picture.paste("white", (0, 450, 500, 900))
    picture.paste("black", (500, 450, 1000, 900))
    picture.save(path)
    return path


def test_iterm2_gets_the_file_as_it_is(photo: Path):
    sent = re.fullmatch(r"\033]1337;File=inline=1;size=(\d+):(.*)\a", drawn(photo, "iterm2"))
    assert sent is not None
    assert base64.b64decode(sent[2]) == photo.read_bytes()
    assert int(sent[1]) == photo.stat().st_size


def test_kitty_gets_a_png_in_pieces(photo: Path):
    pieces = re.findall(r"\033_G([^;]*);([^\033]*)\033\\", drawn(photo, "kitty"))
    assert "".join(f"\033_G{keys};{piece}\033\\" for keys, piece in pieces) == drawn(photo, "kitty")
    assert pieces[0][0].startswith("a=T,f=100,m=")
    assert [keys[-1] for keys, _ in pieces] == ["1"] * (len(pieces) - 1) + ["0"]
    assert all(len(piece) <= 4096 for _, piece in pieces)
    with Image.open(io.BytesIO(base64.b64decode("".join(piece for _, piece in pieces)))) as shown:
        assert (shown.format, shown.size) == ("PNG", (667, 600))


def from_sixel(text: str) -> Image.Image:
    """As a terminal reads it."""
    head = re.match(r'\033Pq"1;1;(\d+);(\d+)', text)
    assert head is not None
    assert text.endswith("\033\\")
    picture = Image.new("RGB", (int(head[1]), int(head[2])))
    colours: dict[str, tuple[int, ...]] = {}
    colour, x, top = "", 0, 0
    for token in re.findall(r"#\d+(?:;\d+)*|!\d+.|\$|-|.", text[head.end() : -2]):
        if token[0] == "#":
            colour, *rgb = token[1:].split(";")
            if rgb:
                colours[colour] = tuple(round(int(part) * 2.55) for part in rgb[1:])
        elif token == "$":
            x = 0
        elif token == "-":
            x, top = 0, top + 6
        else:
            times = int(token[1:-1]) if token[0] == "!" else 1
            for row in range(6):
                if (ord(token[-1]) - 63) >> row & 1:
                    picture.paste(colours[colour], (x, top + row, x + times, top + row + 1))
            x += times
    return picture


def test_sixel_is_the_picture_in_bands_of_six_rows():
    picture = Image.new("RGB", (30, 20), "red")
    picture.paste("blue", (15, 0, 30, 7))
    assert from_sixel(sixel(picture)).tobytes() == picture.tobytes()


def test_what_is_too_large_is_shown_smaller(photo: Path):
    assert from_sixel(drawn(photo, "sixel")).size <= LARGEST


@pytest.mark.parametrize("protocol", ["kitty", "sixel"])
def test_what_is_no_picture_is_an_error(tmp_path: Path, protocol: terminal_picture.Protocol):
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    with pytest.raises(OSError):
        drawn(tmp_path / "x.jpg", protocol)
