"""What a playlist of an HTTP live stream names (RFC 8216): other playlists, and the segments."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

_ATTRIBUTE = re.compile(r'[:,]URI="([^"]*)"')
"""Of a tag, such as `#EXT-X-MAP`: another file of the stream (RFC 8216 §4.2)."""


def is_playlist(path: str) -> bool:
    """Whether a file is a playlist, by its name (RFC 8216 §4)."""
    return path.lower().endswith((".m3u8", ".m3u"))


def named_in(path: str, content: bytes) -> Sequence[str]:
    """The paths of the files that a playlist names, in its order; without those that are on a server of their own.

    Args:
        path: of the playlist: what it names is beside it (RFC 3986 §5).
        content: UTF-8.
    """
    lines = content.decode("utf-8-sig", "replace").splitlines()
    named = [one for line in lines for one in (_ATTRIBUTE.findall(line) if line.startswith("#") else [line.strip()])]
    parts = [urlsplit(one) for one in named]
    beside = [unquote(one.path) for one in parts if not one.scheme and not one.netloc and not one.path.startswith("/")]
    return [posixpath.normpath(posixpath.join(posixpath.dirname(path), one)) for one in beside if one]
