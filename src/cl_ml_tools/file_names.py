"""What the user calls an upload, and what of that is fit for a message or for the name of a file."""

import re
from pathlib import PurePath


def display_name(filename: str | None) -> str:
    """A name that is fit for a message: the last part, printable, at most 120 characters."""
    name = re.split(r"[/\\]", filename or "")[-1]
    return "".join(c for c in name if c.isprintable())[:120] or "the upload"


def safe_stem(filename: str | None) -> str:
    """The stem of the upload's name as a file name: letters, digits, `-`, `_`; at most 64 characters."""
    stem = PurePath(display_name(filename)).stem if filename else ""
    return re.sub(r"[^\w-]+", "_", stem, flags=re.ASCII).strip("_")[:64] or "output"


def safe_suffix(filename: str | None) -> str:
    """The suffix of the upload's name if it is a plain one, else nothing."""
    suffix = PurePath(display_name(filename)).suffix.lower() if filename else ""
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""
