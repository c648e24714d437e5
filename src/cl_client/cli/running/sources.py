"""What a user names on the command line: files, folders and patterns; and how their results are called."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cl_client.errors import InputFileError
from cl_client.files.local_names import folded
from cl_client.runtime.place import Place, local


def is_one(places: Sequence[Place]) -> bool:
    """Whether that is one file, and can be no more."""
    [first, *more] = places
    return not more and not (first.is_local and (first.is_dir() or _is_pattern(first)))


def expanded(
    places: Sequence[Place], include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
) -> list[Place]:
    """The files, in the order in which they were named: those of a folder and below it sorted, without hidden ones.

    Args:
        places: files, folders and patterns.
        include, exclude: patterns for the files of folders and patterns: of their names, or with a slash of their paths
            below the folder. Files that are named themselves are always there.

    Raises:
        InputFileError: a folder or a pattern has none.
    """
    files: dict[str, Place] = {}
    for place in places:
        if not place.is_local:
            found = [place]
        elif place.is_dir():
            found = [
                Place(file)
                for file in sorted(Path(place).rglob("*"))
                if file.is_file()
                and not _is_hidden(file, place)
                and _is_wanted(file.relative_to(place), include, exclude)
            ]
        elif _is_pattern(place):
            names = glob.glob(str(place), recursive=True)  # noqa: PTH207 (as a shell: absolute too, nothing hidden)
            found = [
                Place(name)
                for name in sorted(names)
                if Path(name).is_file() and _is_wanted(Path(name), include, exclude)
            ]
        else:
            found = [place]
        if not found:
            raise InputFileError(f"there are no files in {place}" if place.is_dir() else f"no file is like {place}")
        files |= {str(file) if file.is_local else file.text: file for file in found}
    return list(files.values())


def called(place: Path) -> str:
    """The name of a file, wherever it is: that of the last part of a URL, or `stdin`."""
    if isinstance(place, Place) and not place.is_local:
        from cl_client.http.file_source import content_of

        return "stdin" if place.is_standard else content_of(place.text)[1]
    return place.name


def named(place: Place | None) -> str:
    """A file as it was named, for a list of many; `job` where a job needs none."""
    from cl_client.http.file_source import name_of

    if place is None:
        return "job"
    return str(place) if place.is_local else name_of(place.text)


def result_names(files: Sequence[Path | None]) -> list[Path]:
    """How the results are called, without their suffix: as the files, below the folder that they have in common.

    Where two files would have the same (`a.jpg` and `a.png`), theirs is the whole name; a file that comes again has a
    number. What comes from a URL or stdin is at the top.
    """
    here = [local(file) for file in files]
    # Links stay, each with a name of its own.
    full = [Path(os.path.abspath(file)) if file is not None else None for file in here]  # noqa: PTH100
    parents = [file.parent for file in full if file is not None]
    common = Path(os.path.commonpath(parents)) if parents else Path()
    full = [
        common / called(named) if file is None and named is not None else file
        for file, named in zip(full, files, strict=True)
    ]
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


def _is_wanted(path: Path, include: Sequence[str] | None, exclude: Sequence[str] | None) -> bool:
    def is_like(pattern: str) -> bool:
        return fnmatch.fnmatch(str(path) if "/" in pattern else path.name, pattern)

    return (not include or any(map(is_like, include))) and not any(map(is_like, exclude or ()))


def _folded(path: Path) -> str:
    return folded(str(path))


def _is_pattern(path: Path) -> bool:
    return glob.has_magic(str(path)) and not path.exists()


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)
