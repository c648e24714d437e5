"""What a user names on the command line: files, folders and patterns; and how their results are called."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cl_client.errors import InputFileError


def is_one(paths: Sequence[Path]) -> bool:
    """Whether that is one file, and can be no more."""
    return len(paths) == 1 and not paths[0].is_dir() and not _is_pattern(paths[0])


def expanded(paths: Sequence[Path]) -> list[Path]:
    """The files, in the order in which they were named: those of a folder and below it sorted, without hidden ones.

    Raises:
        InputFileError: a folder or a pattern has none.
    """
    files: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found = [file for file in sorted(path.rglob("*")) if file.is_file() and not _is_hidden(file, path)]
        elif _is_pattern(path):
            names = glob.glob(str(path), recursive=True)  # noqa: PTH207 (as a shell: absolute too, nothing hidden)
            found = [Path(name) for name in sorted(names) if Path(name).is_file()]
        else:
            found = [path]
        if not found:
            raise InputFileError(f"there are no files in {path}" if path.is_dir() else f"no file is like {path}")
        files |= dict.fromkeys(found)
    return list(files)


def result_names(files: Sequence[Path | None]) -> list[Path]:
    """How the results are called, without their suffix: as the files, below the folder that they have in common.

    Where two files would have the same (`a.jpg` and `a.png`), theirs is the whole name; a file that comes again has a
    number.
    """
    full = [Path(os.path.abspath(file)) if file is not None else None for file in files]  # noqa: PTH100 (links stay)
    parents = [file.parent for file in full if file is not None]
    common = Path(os.path.commonpath(parents)) if parents else Path()
    different = {file for file in full if file is not None}
    stems = Counter(_folded(file.with_suffix("")) for file in different)
    times: Counter[str] = Counter()
    names: list[Path] = []
    for file in full:
        if file is None:
            name = Path("job")
        else:
            name = (file if stems[_folded(file.with_suffix(""))] > 1 else file.with_suffix("")).relative_to(common)
        times[_folded(name)] += 1
        number = times[_folded(name)]
        names.append(name if number == 1 else name.with_name(f"{name.name}-{number}"))
    return names


def _folded(path: Path) -> str:
    return str(path).casefold()


def _is_pattern(path: Path) -> bool:
    return glob.has_magic(str(path)) and not path.exists()


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)
