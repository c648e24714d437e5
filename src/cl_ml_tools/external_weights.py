"""Weights that a model keeps in files beside it, as exporters do with large ones (`model.onnx.data`)."""

import mmap
import re
from functools import lru_cache
from pathlib import Path

# An entry of `TensorProto.external_data` with the key `location`, as protobuf writes it (onnx.proto).
# The length of the name is a varint: of up to 127 bytes in one byte, of more in two.
LOCATION = re.compile(rb"\x0a\x08location\x12([\x00-\x7f]|[\x80-\xff][\x00-\x7f])", re.DOTALL)


def external_weights(model: Path) -> tuple[Path, ...]:
    """The files that a model takes its weights from, whether they are there or not; none for most models.

    Names that lead out of the model's folder are left out: onnxruntime reads none of them.
    """
    found = model.stat()
    return _external_weights(model, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=32)
def _external_weights(model: Path, changed: int, size: int) -> tuple[Path, ...]:
    del changed
    if size == 0:
        return ()
    names: set[str] = set()
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for match in LOCATION.finditer(content):
            length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(match[1]))
            name = Path(content[match.end() : match.end() + length].decode("utf-8", "replace"))
            if name.parts and not name.is_absolute() and ".." not in name.parts:
                names.add(str(name))
    return tuple(model.parent / name for name in sorted(names))
