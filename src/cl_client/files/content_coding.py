"""Undoing what a server did to a body on its way (RFC 9110 §8.4), although nothing of the kind was asked for."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

PIECE: Final = 1024 * 1024
"""Bytes that come out in one piece at most, however well they were compressed."""

_GZIP: Final = zlib.MAX_WBITS | 16
_PLAIN: Final = frozenset({"", "identity"})
_KNOWN: Final = frozenset({"gzip", "x-gzip", "deflate"})


class _Inflater(Protocol):
    """What `zlib.decompressobj` makes, which has no public name."""

    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class ContentCoding:
    """The codings of one body, undone as it arrives.

    Args:
        header: `Content-Encoding`, in the order in which the codings were applied.

    Raises:
        ValueError: one of them is not known here.
    """

    def __init__(self, header: str) -> None:
        names = [name.strip().lower() for name in header.split(",")]
        unknown = [name for name in names if name not in _PLAIN | _KNOWN]
        if unknown:
            raise ValueError(f"it is encoded as {', '.join(unknown)}, which was not asked for")
        self._layers = [_Compressed(gzip=name != "deflate") for name in reversed(names) if name in _KNOWN]

    @property
    def is_plain(self) -> bool:
        """Whether the body is sent as it is."""
        return not self._layers

    def decoded(self, piece: bytes) -> Iterator[bytes]:
        """What a piece of the body holds.

        Raises:
            ValueError: it is damaged.
        """
        return _through(self._layers, piece)

    def finish(self) -> None:
        """Hold the body to be whole.

        Raises:
            ValueError: it ends too soon.
        """
        for layer in self._layers:
            layer.finish()


def _through(layers: Sequence[_Compressed], piece: bytes) -> Iterator[bytes]:
    if not layers:
        yield piece
        return
    for inner in layers[0].decoded(piece):
        yield from _through(layers[1:], inner)


class _Compressed:
    """gzip (RFC 1952), or deflate with the zlib header that RFC 9110 §8.4.1.2 wants, or without, as some send it."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._stream: _Inflater | None = None
        self._ended = False

    def decoded(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            if self._stream is None:
                if self._ended and not piece.strip(b"\0"):
                    return  # a tape's padding, which gzip(1) ignores too
                self._stream = self._begun(piece)
            try:
                inner = self._stream.decompress(piece, PIECE)
            except zlib.error as error:
                raise ValueError(f"its compressed content is damaged ({error})") from None
            if inner:
                yield inner
            piece = self._stream.unconsumed_tail
            # The input may be used up, and still hold more than fits in one piece.
            while not piece and len(inner) == PIECE and (inner := self._stream.decompress(b"", PIECE)):
                yield inner
            if self._stream.eof:
                # gzip may have several members, one after the other (RFC 1952 §2.2).
                piece, self._stream, self._ended = self._stream.unused_data, None, True

    def finish(self) -> None:
        if self._stream is not None:
            raise ValueError("its compressed content ends too soon")

    def _begun(self, piece: bytes) -> _Inflater:
        if self._gzip:
            return zlib.decompressobj(_GZIP)
        return zlib.decompressobj(zlib.MAX_WBITS if piece[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS)
