"""What a fork server is asked, and how: both ends of its socket know it."""

import struct
from typing import Final, TypedDict

LENGTH: Final = struct.Struct("!I")
"""What stands before each request: how many bytes it has."""

ROOM: Final = 4096
"""Bytes of the fork server's own command line, over which a part writes its own."""


class Request(TypedDict):
    """The part to start: `python -m cl_server` with `argv`. Lists of processes show `command_line`.

    The files that are sent with it become the descriptors `numbers` of the part. It has no others.
    """

    argv: list[str]
    command_line: list[str]
    environment: dict[str, str]
    folder: str
    numbers: list[int]
