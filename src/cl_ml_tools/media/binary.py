"""Numbers in bytes, as files have them."""

import struct
from typing import cast


def unpack(layout: str, data: bytes, place: int = 0) -> tuple[int, ...]:
    """Whole numbers from a place on, as `struct` names their layout. Raises `struct.error` where they are not there."""
    return cast("tuple[int, ...]", struct.unpack_from(layout, data, place))
