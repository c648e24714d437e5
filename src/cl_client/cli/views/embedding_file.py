"""Embeddings in a file: `.npy` as plugins write it, or a result as `--json` prints it; read without numpy.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import json
import math
import re
import struct
import sys
from typing import Final, cast

from attrs import frozen

from cl_client.errors import InputFileError, InputNotFoundError
from cl_client.runtime.place import Place

_MAGIC: Final = b"\x93NUMPY"
_LARGEST: Final = 100_000_000
"""Bytes; embeddings are a few thousand."""
_LONGEST_HEADER: Final = 10_000
"""Bytes, as numpy has it (`max_header_size`)."""
_HEADER: Final = re.compile(
    r"""^\s*\{\s*'descr':\s*'(?P<kind>[^']{1,8})',\s*'fortran_order':\s*(?P<fortran>True|False),\s*"""
    r"""'shape':\s*\((?P<shape>(?:\d{1,12},?\s?){0,3})\),?\s*\}\s*$"""
)
"""A Python literal by its definition, with keys in the order of the program that wrote it. It is not evaluated."""
_CODES: Final = {"f2": "e", "f4": "f", "f8": "d"}


@frozen
class Embedding:
    """A vector.

    Attributes:
        name: of the file, with a number where it has several.
        model: SHA-256 of the model that made it, where that is known.
    """

    name: str
    vector: tuple[float, ...]
    model: str | None = None


def read_embeddings(place: Place) -> list[Embedding]:
    """The vectors in a file, or in what comes on stdin.

    Raises:
        InputNotFoundError: there is none.
        InputFileError: it holds no vectors.
    """
    path = "stdin" if place.is_standard else place
    try:
        with sys.stdin.buffer if place.is_standard else place.open("rb") as file:
            content = file.read(_LARGEST)
    except FileNotFoundError:
        raise InputNotFoundError(f"{path} does not exist") from None
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        vectors, model = (_npy(content), None) if content.startswith(_MAGIC) else _result(content)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, struct.error) as wrong:
        raise InputFileError(f"{path} holds no embeddings, neither as .npy nor as JSON: {wrong}") from None
    several = len(vectors) > 1
    return [
        Embedding(f"{path}#{number}" if several else str(path), vector, model)
        for number, vector in enumerate(vectors, 1)
    ]


def _npy(content: bytes) -> list[tuple[float, ...]]:
    wide = content[6] > 1
    (length,) = cast("tuple[int]", struct.unpack_from("<I" if wide else "<H", content, 8))
    begin = (12 if wide else 10) + length
    if length > _LONGEST_HEADER or begin > len(content):
        raise ValueError(f"a header of {length} bytes")
    header = content[begin - length : begin].decode("latin-1")
    if (found := _HEADER.search(header)) is None:
        raise ValueError("a header that says no shape")
    kind, shape = found["kind"], tuple(int(number) for number in found["shape"].split(",") if number.strip())
    if kind[:1] not in "<>" or kind[1:] not in _CODES or not 1 <= len(shape) <= 2 or found["fortran"] == "True":
        raise ValueError(f"numbers of the kind {kind}, in the shape {shape}")
    count = math.prod(shape)
    if count > len(content):
        raise ValueError(f"the shape {shape}, for {len(content)} bytes")
    numbers = cast("tuple[float, ...]", struct.unpack_from(f"{kind[0]}{count}{_CODES[kind[1:]]}", content, begin))
    size = shape[-1]
    return _checked([numbers[at : at + size] for at in range(0, count, max(size, 1))])


def _result(content: bytes) -> tuple[list[tuple[float, ...]], str | None]:
    """The output of a job, or the line that a command prints with `--json`."""
    said = cast("dict[str, object]", json.loads(content))
    output = cast("dict[str, object]", said.get("output", said))
    faces = cast("list[dict[str, list[float]]]", output.get("faces") or [])
    found = [face["embedding"] for face in faces] or [cast("list[float]", output["embedding"])]
    model = output.get("model_sha256")
    return _checked([tuple(map(float, vector)) for vector in found]), model if isinstance(model, str) else None


def _checked(vectors: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    if not vectors or not all(vectors) or not all(math.isfinite(number) for vector in vectors for number in vector):
        raise ValueError("no vectors of numbers")
    return vectors
