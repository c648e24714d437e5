"""The files of a job in a folder of ours, which they never leave, whatever the server calls them.

What climbs out of the folder is refused. What only some system cannot have as a name (Windows: `CON`, `a:b`, `a.`; and
`A.txt` beside `a.txt`) gets a similar one on all of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from cl_client.errors import DownloadError

LONGEST_NAME: Final = 200
"""Bytes; file systems end at 255, and a file on its way is called longer than the file."""

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')


def local_names(file_paths: Iterable[str]) -> dict[str, PurePosixPath]:
    """How the files of a job are called in a folder: as in the job's `output`, no two the same on any system.

    Raises:
        DownloadError: one of them points outside.
    """
    names: dict[str, PurePosixPath] = {}
    taken: set[str] = set()
    for file_path in file_paths:
        name = _local_name(file_path)
        number, unique = 1, name
        while (name_there := folded(str(unique))) in taken:
            number += 1
            unique = name.with_name(f"{name.stem} ({number}){name.suffix}")
        taken.add(name_there)
        names[file_path] = unique
    return names


def folded(name: str) -> str:
    """The same for all names that are one file on some system: those of macOS and Windows compare them so."""
    return unicodedata.normalize("NFC", name).casefold()


def place_in(folder: Path, name: PurePosixPath) -> Path:
    """Where a file goes; the folders up to there are made.

    Raises:
        DownloadError: a link stands in the way, which may lead anywhere; or a folder cannot be made.
    """
    place = folder
    for part in name.parts:
        place = place / part
        if place.is_symlink():
            raise DownloadError(f"cannot write {folder / name}: {place} is a link", hint="give another folder")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"cannot write {place}: {error.strerror or error}", hint="give another folder") from error
    return place


def _local_name(file_path: str) -> PurePosixPath:
    parts = re.split(r"[/\\]", file_path)
    if "\0" in file_path or any(part in {"", ".", ".."} for part in parts):
        raise DownloadError(f"the server calls a file {file_path[:200]!r}, which points outside of the job")
    if parts[0] == "output" and len(parts) > 1:
        parts = parts[1:]
    return PurePosixPath(*map(_portable, parts))


def _portable(part: str) -> str:
    """A similar name that every system can have."""
    name = _FORBIDDEN.sub("_", part)
    name = re.sub(r"[. ]+$", lambda dots: "_" * len(dots[0]), name)
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix[:20]
    room = LONGEST_NAME - len(suffix.encode("utf-8", "replace"))
    if len(name.encode("utf-8", "replace")) > LONGEST_NAME:
        name = stem.encode("utf-8", "replace")[:room].decode("utf-8", "ignore") + suffix
    return name.encode("utf-8", "replace").decode()
