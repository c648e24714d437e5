"""What kind of file it is, by its first bytes."""

from codecs import getincrementaldecoder
from pathlib import Path


def media_type(path: Path) -> str:
    """The media type of a file by its first bytes."""
    with path.open("rb") as file:
        return media_type_of(file.read(4096))


def media_type_of(head: bytes) -> str:
    """The media type of a file that begins like this."""
    import filetype

    guess: object = filetype.guess_mime(head)  # pyright: ignore[reportUnknownMemberType] (it says no types)
    if isinstance(guess, str):
        return guess
    try:
        # A character may be cut at the end of the piece, which an incremental decoder forgives.
        text = getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/plain" if all(c.isprintable() or c.isspace() for c in text) else "application/octet-stream"
