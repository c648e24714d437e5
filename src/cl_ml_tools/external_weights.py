"""Weights that a model keeps in files beside it, as exporters do with large ones (`model.onnx.data`)."""

import mmap
import re
from functools import lru_cache
from pathlib import Path

# An entry of `TensorProto.external_data` with the key `location`, as protobuf writes it (onnx.proto).
LOCATION = re.compile(rb"\x0a\x08location\x12(.)", re.DOTALL)


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
            length, begin = content[match.start(1)], match.end()
            name = content[begin : begin + length].decode("utf-8", "replace")
            # Longer names than 127 bytes take a second one for their length; no exporter writes such.
            if length < 128 and Path(name).name == name:
                names.add(name)
    return tuple(model.with_name(name) for name in sorted(names))
