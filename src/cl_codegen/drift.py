"""Whether `generated/` is what the generator makes today."""

from __future__ import annotations

import difflib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from cl_codegen.generate import Sources

_SHOWN = 20


@frozen
class Difference:
    """A file that is not what it should be."""

    path: str
    what: str
    """`changed`, `missing` or `unexpected`."""
    diff: tuple[str, ...] = ()

    def describe(self) -> str:
        return "\n".join([f"{self.what}: {self.path}", *(f"    {line}" for line in self.diff)])


def compare(sources: Sources, out: Path) -> tuple[Difference, ...]:
    """Generate into a temporary folder, and hold `out` against it. Raises what `generate` raises."""
    with tempfile.TemporaryDirectory(prefix="cl_codegen-") as name:
        fresh = Path(name)
        sources.write(fresh)
        return tuple(_differences(fresh, out))


def _differences(fresh: Path, out: Path) -> Iterator[Difference]:
    wanted, there = _files(fresh), _files(out)
    for path in sorted(wanted | there):
        if path not in there:
            yield Difference(path, "missing")
        elif path not in wanted:
            yield Difference(path, "unexpected")
        elif (old := (out / path).read_bytes()) != (new := (fresh / path).read_bytes()):
            yield Difference(path, "changed", tuple(_diff(old, new)))


def _files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder).as_posix())
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _diff(old: bytes, new: bytes) -> Iterator[str]:
    """The first lines of a unified diff: from the present text to the expected one."""
    lines = difflib.unified_diff(
        old.decode("utf-8", "replace").splitlines(),
        new.decode("utf-8", "replace").splitlines(),
        "is",
        "should be",
        "",
        "",
        1,
    )
    yield from (line.rstrip() for line in itertools.islice(lines, _SHOWN))
